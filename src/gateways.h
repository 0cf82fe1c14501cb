#pragma once

/*
 * The gateway processes: as many as server.gateways says, each with a control
 * channel, all listening sockets and the shared memory.
 */

#include "functions/release.h"
#include "functions/settings.h"
#include "src/child.h"

struct supervisor;

enum gateway_conf {
	GATEWAY_CONF_SETTLED, /* nothing is asked */
	GATEWAY_CONF_ASKED,   /* by the reload that runs */
	GATEWAY_CONF_TOOK,
	GATEWAY_CONF_REFUSED,
};

struct gateway {
	struct child child;
	struct supervisor *sup;
	unsigned index;
	enum gateway_conf conf;
	unsigned serial;  /* of the text it was sent last */
	uint32_t ping;    /* number of the last one */
	int64_t asked_at; /* ns; a ping that is not answered; 0: none */
	char error[512];  /* why it does not run */
};

struct gateways {
	struct gateway *all;
	unsigned count;
};

void gateways_start(struct supervisor *s);
void gateways_done(struct supervisor *s);
bool gateways_are_ready(const struct supervisor *s);
bool gateways_are_gone(const struct supervisor *s);
/* "accept nothing new, finish, end" */
void gateways_drain(struct supervisor *s, uint64_t ms);
json_t *gateways_status(const struct supervisor *s) _returns_value_;

/* Send `text` to those that are ready; how many were asked. */
unsigned gateways_ask_conf(struct supervisor *s, const char *text);
/* After the answers: `taken`, or the old text again to those that took it. */
void gateways_settle_conf(struct supervisor *s, bool taken);

/* Takes the channel's descriptor. */
void gateway_add(struct gateway *g, const json_t *settings, int channel_fd);
/* Which versions of a function answer; after they were added. */
void gateway_release(struct gateway *g, const struct fn_release *release);
void gateways_release(struct supervisor *s, const struct fn_release *release);
/* The function is gone. */
void gateways_forget(struct supervisor *s, const char *name);
