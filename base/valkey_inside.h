#pragma once

/* What valkey*.c share. */

#include "base/fdpoll.h"
#include "base/list.h"
#include "base/resolve.h"
#include "base/timer.h"
#include "base/valkey.h"

#include <hiredis/async.h>

enum valkey_state {
	VALKEY_DOWN,      /* `timer` opens it */
	VALKEY_RESOLVING, /* the name; `timer` is its deadline */
	VALKEY_GREETING,  /* connecting, AUTH, SELECT, scripts; the same */
	VALKEY_UP,
};

/* The bridge from hiredis' hooks to our loop.  It is its context's, which may
 * outlive the struct valkey. */
struct valkey_wire {
	struct fdpoll poll;
	redisAsyncContext *context;
	int events; /* that hiredis has asked for */
};

struct valkey {
	struct loop *loop;
	enum valkey_state state;
	redisAsyncContext *context;
	struct timer timer, renew;
	uint64_t backoff_ms;
	bool told;     /* that it is down */
	unsigned late; /* in a row */
	bool lost;     /* to be opened anew at the next turn */
	struct resolve resolve;
	/* where */
	char *host, *path, *user, *password, *prefix;
	char ip[64];
	int port, db;
	uint64_t timeout_ms, lease_ms;
	/* who we are, among all that hold leases */
	char id[17];
	uint64_t serial;
	struct list leases;
	char take_sha[41], renew_sha[41];
	struct valkey_count count;
};

struct valkey_lease {
	struct list on; /* valkey.leases */
	char name[48];
	size_t count;
	char keys[][VALKEY_KEY];
};

/* valkey_open.c: the address, and the connection's life. */
int valkey_address(
	struct valkey *v, const char *url, struct fault *why) _must_check_;
void valkey_open(struct valkey *v);
/* Closes it, and opens it again after a while. */
void valkey_lose(struct valkey *v, const char *why);
/* The same from where hiredis must not be touched: at the next turn. */
void valkey_lose_soon(struct valkey *v);
/* For good. */
void valkey_shut(struct valkey *v);
/* The connection stands: leases are renewed, and so on. */
void valkey_on_up(struct valkey *v);
