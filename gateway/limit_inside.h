#pragma once

/* What limit*.c share. */

#include "base/arena.h"
#include "base/slice.h"
#include "gateway/admit.h"
#include "gateway/limit.h"
#include "routes/limit_rule.h"

/* One rule that holds for this request, and whose cell it is. */
struct limit_ask {
	const struct limit_rule *rule;
	struct slice value;
};

struct limit_asks {
	struct limit_ask one[2 * LIMIT_RULES];
	size_t count;
};

/* What is held until the request's end. */
struct limit_hold {
	struct limit_hold *next;
	uint64_t key;               /* base/place.h's */
	struct valkey_lease *lease; /* or this */
};

/* The verdict for `a`, with the rule's words copied to the arena. */
void limit_note(struct request *r, const struct limit_rule *rule,
	struct gcra_verdict v);
/* Fills r->why and r->retry_ms. */
int limit_refuse(struct request *r, const struct limit_rule *rule);
/* Against this machine's memory.  0 or ERR_LIMITED. */
int limit_local(struct request *r, const struct limit_asks *asks) _must_check_;
/* limit_remote.c: STEP_WAIT; or limit_local's answer when Valkey is not to be
 * had. */
int limit_remote(struct request *r, struct limit_asks *asks) _must_check_;
