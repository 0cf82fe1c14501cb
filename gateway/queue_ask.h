#pragma once

/*
 * A call that nobody waits for, as clients and functions ask for it: what they
 * may say of it and how far it may go.
 */

#include "base/arena.h"
#include "gateway/gateway.h"
#include "trigger/queue.h"

struct caller;

/* runAt: milliseconds since 1970, or RFC 3339 with a zone. */
int queue_ask_time(
	struct slice text, int64_t *ret, struct fault *why) _must_check_;
/* delay: "10s", "5m" or seconds, from now. */
int queue_ask_delay(
	struct slice text, int64_t *ret, struct fault *why) _must_check_;

/* function, event, run_at, retries (-1) and key ("") of `put` are there: checks
 * them for this caller, and fills the rest.  The request id of the call to come
 * is a new one. */
int queue_ask(struct queue_put *put, const struct gateway *g,
	const struct caller *who, struct arena *arena,
	struct fault *why) _must_check_;
