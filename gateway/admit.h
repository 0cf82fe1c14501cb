#pragma once

/*
 * Rate limits: GCRA for each address and each user, in memory that all
 * gateways share.  Workers (cloud) and the operator (ops) are exempt.
 *
 * Headers as in the IETF draft "RateLimit header fields for HTTP":
 * RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset (seconds), of the
 * rule that is nearer to its end; with 429 also Retry-After (RFC 9110).  When
 * that rule was declared (limit.h), also RateLimit and RateLimit-Policy of the
 * draft's later versions (draft-ietf-httpapi-ratelimit-headers-10).
 */

#include "base/gcra.h"

struct exchange;
struct caller;

enum { ADMIT_NAME = 64 };

struct admit {
	struct gcra_verdict verdict;
	int64_t limit;  /* of the rule; 0: none was asked yet */
	int64_t now_ns; /* clock_now; one reading for both rules */
	/* Of a declared rule, for the later drafts' two headers: its name and
	 * policy (RFC 9651 items); NULL: none. */
	const char *name, *policy;
};

/* 0 or ERR_LIMITED.  `ip` as exchange_peer writes it. */
int admit_ip(struct admit *a, struct gcra_table *cells, struct gcra_rule rule,
	const char *ip) _must_check_;
/* The same; `key` keeps what was reckoned of this address, 0 at first. */
int admit_ip_kept(struct admit *a, struct gcra_table *cells,
	struct gcra_rule rule, const char *ip, uint64_t *key) _must_check_;
int admit_user(struct admit *a, struct gcra_table *cells, struct gcra_rule rule,
	const struct caller *caller) _must_check_;
/* For caller->rate_key, of one who asks again and again. */
uint64_t admit_user_key(
	const struct gcra_table *cells, const struct caller *caller);
/* A verdict of somebody else's: true when it is now the one that is told. */
bool admit_note(struct admit *a, struct gcra_verdict v, int64_t limit);
/* clock_now, read once a request. */
int64_t admit_now(struct admit *a);
/* The headers of the answer. */
void admit_say(const struct admit *a, struct exchange *x);

enum { ADMIT_KEY = 64 };
/* What stands for an address: IPv4 as text, also when mapped into IPv6; the
 * first 64 bits of IPv6, since a subscriber has at least a /64. */
size_t admit_ip_key(const char *ip, char ret[ADMIT_KEY]);
