#pragma once

/*
 * Rate limits: the generic cell rate algorithm (ITU-T I.371) on one 64-bit
 * word a key, in memory that processes share.  Pure arithmetic; the clock is
 * passed in.
 */

#include "base/util.h"

struct gcra_rule {
	int64_t interval_ns; /* between requests at the steady rate */
	int64_t burst;       /* requests at once */
};

struct gcra_verdict {
	bool allowed;
	int64_t retry_ns;  /* until one more is allowed; 0 when allowed */
	int64_t reset_ns;  /* until the full burst is there again */
	int64_t remaining; /* requests allowed at once from now */
};

/* What one request takes of a rule; 1 for most. */
struct gcra_take {
	struct gcra_rule rule;
	int64_t cost; /* 1 … rule.burst */
};

/* rate per minute 0 → interval 0: everything is allowed. */
struct gcra_rule gcra_per_minute(int64_t rate, int64_t burst);

/* A table of cells in shared memory, lock-free; `size` bytes at `memory`,
 * zeroed at birth.  When it is full the oldest of a bucket gives way, which
 * forgives rather than punishes. */
struct gcra_table;
struct gcra_table *gcra_table_at(void *memory, size_t size) _returns_value_;
struct gcra_verdict gcra_ask(struct gcra_table *table, uint64_t key,
	struct gcra_rule rule, int64_t now_ns);
/* The same for what costs more than one. */
struct gcra_verdict gcra_ask_cost(struct gcra_table *table, uint64_t key,
	struct gcra_take take, int64_t now_ns);
/* What was allowed did not happen after all (another rule refused). */
void gcra_give_back(
	struct gcra_table *table, uint64_t key, struct gcra_take take);
/* A keyed hash (SipHash-2-4 under a key of the table) so that nobody can aim
 * at another's cell. */
uint64_t gcra_key(
	const struct gcra_table *table, char kind, const void *p, size_t len);
