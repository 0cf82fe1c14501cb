#pragma once

/* What limit*.c share. */

#include "base/arena.h"
#include "base/slice.h"
#include "gateway/admit.h"
#include "gateway/limit.h"

enum limit_by {
	/* asked with the head */
	LIMIT_IP,
	LIMIT_HEADER,
	/* asked when the caller is known */
	LIMIT_USER,
	LIMIT_OPENID,
	LIMIT_APIKEY,
	/* what all share, asked last: whom his own limit refuses takes nothing
	 * of it */
	LIMIT_ROUTE,
	LIMIT_FUNCTION,
	LIMIT_BYS_
};

enum { LIMIT_RULES = 32, LIMIT_VALUE = 256 };

struct limit_rule {
	uint64_t id; /* the same on all machines */
	enum limit_by by;
	char *header;             /* LIMIT_HEADER: its name */
	char *name, *policy;      /* for the headers; policy NULL: no rate */
	bool named;               /* its name was chosen by somebody */
	struct gcra_take take;    /* interval 0: no rate */
	int64_t concurrent;       /* 0: as many as like */
	bool fine;                /* finer than the coarse clock ticks */
	char *path;               /* a prefix, or NULL */
	const char *const *class; /* the same, several; or NULL */
	bool declared;            /* class "declared": routes.json's alone */
};

struct limit_rules {
	size_t count;
	struct limit_rule rule[];
};

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
