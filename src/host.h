#pragma once

/* One function host as a child. */

#include "src/hosts.h"

/* What a host of these settings is told.  May give the function its user id. */
int host_plan(struct supervisor *s, const struct fn_settings *settings,
	struct host_setup *ret, struct fault *why) _must_check_;
/* Takes the setup.  Not started yet. */
struct host *host_new(struct supervisor *s, struct function *f,
	enum host_role role, struct host_setup *setup) _returns_value_;
/* At once, with its processes; not from inside one of its own callbacks. */
void host_free(struct host *h);
/* Free it at the end of this turn. */
void host_bury(struct host *h);
/* Finish what runs, for `ms` at the most, and end; its function has it no
 * more. */
void host_leave(struct host *h, uint64_t ms);
/* A channel to every ready gateway. */
void host_meet_all(struct host *h);
/* One channel, its two ends to the host and to the gateway, which gets no
 * variables: it has no use for them, and secrets may be among them. */
void host_meet(struct host *h, struct gateway *g);
unsigned host_version(const struct host *h);

/* hosts.c: what a host's news mean for its function. */
void hosts_on_ready(struct host *h);
void hosts_on_end(struct host *h);
