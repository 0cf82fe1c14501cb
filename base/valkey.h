#pragma once

/*
 * Limits that several machines keep together, in Valkey (or Redis, 5 or later):
 * rates by GCRA with cost, and places "at once" as leases.  One connection of a
 * gateway, commands pipelined, opened again with back-off.  The only user of
 * hiredis.
 *
 * Nothing here is durable and nothing is waited for long: when no answer comes
 * in time, or none can, the asker counts on its own machine instead.
 *
 * Time is the server's (TIME in the script), so that machines whose clocks
 * differ agree.  A process whose time a test owns says its own instead.
 */

#include "base/err.h"
#include "base/gcra.h"
#include "base/job.h"
#include "base/slice.h"

struct valkey;
struct valkey_lease;

struct valkey_conf {
	/* redis://[USER@]HOST[:PORT][/DB], valkey://…, unix:///PATH; without
	 * TLS: hiredis 0.14 has none */
	const char *url;
	const char *password; /* NULL: none */
	const char *prefix;   /* of all keys */
	uint64_t timeout_ms;  /* of an answer, and of connecting */
	uint64_t lease_ms;    /* 0: VALKEY_LEASE_MS */
};

enum {
	VALKEY_LEASE_MS = 60000,
	VALKEY_TAKES = 64,
	VALKEY_KEY = 128,
};

/* Whether an address is of that form; ERR_CONFIG. */
int valkey_check(const char *url, struct fault *why) _must_check_;
/* ERR_CONFIG when the address is not of that form.  Connecting goes on in the
 * background. */
int valkey_new(struct valkey **ret, struct loop *loop,
	const struct valkey_conf *conf, struct fault *why) _must_check_;
struct valkey *valkey_free(struct valkey *v);
DEFINE_CLEANUP(struct valkey *, valkey_free)
/* Whether it is worth asking. */
bool valkey_is_up(const struct valkey *v);
/* Of this process, for metrics. */
struct valkey_count {
	uint64_t asked, late, lost; /* answered in time or not; no connection */
};
struct valkey_count valkey_count(const struct valkey *v);

/* One rule of an ask. */
struct valkey_take {
	char key[VALKEY_KEY];
	struct gcra_take take;       /* interval 0: no rate */
	int64_t concurrent;          /* 0: no places */
	struct gcra_verdict verdict; /* answer; of a rule with a rate */
};

/* All of them or nothing: what one rule refuses takes nothing of the others.
 * Embedded in its owner; job_init(&ask->job, …) first.  job.err: ERR_LIMITED,
 * then `refused` is the rule and `by_place` whether by its places; ERR_TIMEOUT
 * or ERR_GONE: count it yourself. */
struct valkey_ask {
	struct job job;
	struct valkey_take *takes; /* yours; lives until done */
	size_t count;              /* 1 … VALKEY_TAKES */
	/* answer */
	size_t refused;
	bool by_place;
	struct valkey_lease *lease; /* places; yours to release.  NULL: none */
	void *flight;
};
void valkey_take(struct valkey *v, struct valkey_ask *ask);
/* Gives the places back; a gateway that dies gives them back by not renewing
 * them. */
void valkey_release(struct valkey *v, struct valkey_lease *lease);
