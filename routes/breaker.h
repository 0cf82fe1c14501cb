#pragma once

/*
 * Circuit breakers: when most calls of a function, or of a program behind us,
 * end in time-outs or break down, the next ones are refused at once for a
 * while; then one is let through, and what becomes of it decides.
 *
 * What counts as an error is that nothing answered (gateway/guard.c); what
 * code of the author's answers, be it that something went wrong, does not.
 * That a function's process crashes again and again is seen by functions/ and
 * has a back-off of its own.  Each gateway sees for itself: it hears of errors
 * sooner than anybody could tell it.  Pure: the clock is passed in.
 */

#include "base/err.h"

#include <jansson.h>

struct breaker_rule {
	unsigned errors; /* percent of calls; 0: no breaker */
	unsigned calls;  /* so many at the least, within window_ns */
	int64_t window_ns;
	int64_t open_ns; /* refused so long */
};

/* {"errors": 50, "calls": 20, "within": "10s", "open": "5s"}, `preset` for what
 * is not said; false: none.  ERR_CONFIG. */
int breaker_rule_parse(struct breaker_rule *ret, const json_t *spec,
	struct breaker_rule preset, struct fault *why) _must_check_;

/* What holds when nothing is said: for upstreams half of 20 calls within ten
 * seconds, refused for five; for functions none. */
struct breaker_rule breaker_preset(bool is_upstream);

enum breaker_state { BREAKER_CLOSED, BREAKER_OPEN, BREAKER_HALF_OPEN };

struct breaker;
struct breakers; /* of one gateway, by name */

struct breakers *breakers_new(void) _returns_value_;
struct breakers *breakers_free(struct breakers *all);
/* That of a function or an upstream, made when absent; stays until
 * breakers_free.  NULL: there are too many. */
struct breaker *breaker_of(struct breakers *all, char kind, const char *name);
/* The same; NULL when it was never made. */
struct breaker *breaker_find(struct breakers *all, char kind, const char *name);
/* All of them, for metrics. */
size_t breakers_count(const struct breakers *all);
const struct breaker *breakers_at(const struct breakers *all, size_t i);
/* 0, or ERR_CIRCUIT_OPEN: try again in *retry_ms.  Who is let in must say how
 * it ended. */
int breaker_ask(struct breaker *b, const struct breaker_rule *rule, int64_t now,
	uint32_t *retry_ms) _must_check_;
enum breaker_end { BREAKER_FINE, BREAKER_ERROR, BREAKER_UNKNOWN };
void breaker_tell(struct breaker *b, const struct breaker_rule *rule,
	int64_t now, enum breaker_end end);
enum breaker_state breaker_state(const struct breaker *b);
const char *breaker_name(const struct breaker *b); /* "fn:pay" */
/* An answer's err and status to what it says of the callee. */
enum breaker_end breaker_end_of(int err, int status, bool is_upstream);
