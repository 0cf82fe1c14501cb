/*
 * The generic cell rate algorithm: one number a key, the theoretical arrival
 * time (TAT) at which the key's bucket is full again.  A request moves it one
 * interval on and is allowed while it is no more than `burst` intervals ahead.
 *
 * The table is buckets of four cells, one cache line each.  A cell's words are
 * changed by compare-and-swap only; whatever two processes do at once, the
 * worst is that a key is forgiven what it owed.
 */
#include "base/gcra.h"

#include "base/crypto.h"
#include "base/sip.h"

#include <assert.h>
#include <stdatomic.h>

enum { CELLS = 4 };

struct cell {
	_Atomic uint64_t key; /* 0: never used */
	_Atomic int64_t tat;
};

struct bucket {
	_Alignas(64) struct cell cells[CELLS];
};

struct gcra_table {
	_Alignas(64) _Atomic uint64_t secret[2];
	_Atomic uint64_t buckets;
	struct bucket bucket[];
};

static_assert(sizeof(struct bucket) == 64, "one cache line");

struct gcra_rule
gcra_per_minute(int64_t rate, int64_t burst)
{
	return (struct gcra_rule){
		rate > 0 ? 60000000000LL / rate : 0, max(burst, (int64_t)1)};
}

/* Whoever comes first decides; a process that dies here leaves nothing that
 * the next could not complete. */
static uint64_t
settle(_Atomic uint64_t *word, uint64_t value)
{
	uint64_t old = 0;

	if (atomic_compare_exchange_strong(word, &old, value))
		return value;
	return old;
}

struct gcra_table *
gcra_table_at(void *memory, size_t size)
{
	struct gcra_table *table = memory;
	uint64_t secret[2];

	assert((uintptr_t)memory % 64 == 0);
	assert(size >= sizeof(*table) + sizeof(struct bucket));
	crypto_random(secret, sizeof(secret));
	(void)settle(&table->secret[0], secret[0] | 1);
	(void)settle(&table->secret[1], secret[1] | 1);
	(void)settle(&table->buckets,
		(size - sizeof(*table)) / sizeof(struct bucket));
	return table;
}

uint64_t
gcra_key(const struct gcra_table *table, char kind, const void *p, size_t len)
{
	/* A secret of its own for each kind, so that one hash is enough. */
	uint64_t secret[2] = {
		atomic_load_explicit(&table->secret[0], memory_order_relaxed) ^
			(unsigned char)kind,
		atomic_load_explicit(&table->secret[1], memory_order_relaxed)};
	uint64_t key = sip_hash(secret, p, len);

	return key ? key : 1;
}

static struct cell *
cell_find(struct bucket *b, uint64_t key)
{
	for (int i = 0; i < CELLS; i++)
		if (atomic_load_explicit(
			    &b->cells[i].key, memory_order_acquire) == key)
			return &b->cells[i];
	return NULL;
}

/* The cell that loses least: a new one has TAT 0, an old one the smallest. */
static struct cell *
cell_claim(struct bucket *b, uint64_t key)
{
	struct cell *best = &b->cells[0];
	uint64_t old;

	for (int i = 1; i < CELLS; i++)
		if (atomic_load_explicit(
			    &b->cells[i].tat, memory_order_relaxed) <
			atomic_load_explicit(&best->tat, memory_order_relaxed))
			best = &b->cells[i];
	old = atomic_load_explicit(&best->key, memory_order_relaxed);
	/* First the debt, then the name: nobody inherits another's debt. */
	atomic_store_explicit(&best->tat, 0, memory_order_relaxed);
	return atomic_compare_exchange_strong(&best->key, &old, key) ? best
								     : NULL;
}

static struct cell *
cell_get(struct bucket *b, uint64_t key)
{
	/* Losing the race for a cell a few times in a row is possible; then
	 * the request is counted nowhere rather than waiting. */
	for (int i = 0; i < 4; i++) {
		struct cell *c = cell_find(b, key);

		if (!c)
			c = cell_claim(b, key);
		if (c)
			return c;
	}
	return NULL;
}

static struct gcra_verdict
verdict_of(struct gcra_take take, int64_t tat, int64_t now, bool allowed)
{
	struct gcra_rule rule = take.rule;
	int64_t full = rule.interval_ns * rule.burst;
	int64_t ahead = max(tat - now, (int64_t)0);

	return (struct gcra_verdict){.allowed = allowed,
		.retry_ns =
			allowed ? 0
				: ahead + rule.interval_ns * take.cost - full,
		.reset_ns = ahead,
		.remaining =
			max((full - ahead) / rule.interval_ns, (int64_t)0)};
}

static struct bucket *
bucket_at(struct gcra_table *table, uint64_t key)
{
	uint64_t n =
		atomic_load_explicit(&table->buckets, memory_order_relaxed);

	return &table->bucket[(unsigned __int128)key * n >> 64];
}

struct gcra_verdict
gcra_ask_cost(struct gcra_table *table, uint64_t key, struct gcra_take take,
	int64_t now)
{
	struct gcra_rule rule = take.rule;
	int64_t full = rule.interval_ns * rule.burst, tat;
	int64_t step = rule.interval_ns * take.cost;
	struct cell *c;

	if (rule.interval_ns <= 0)
		return (struct gcra_verdict){
			.allowed = true, .remaining = rule.burst};
	c = cell_get(bucket_at(table, key), key);
	if (!c)
		return verdict_of(take, now + step, now, true);
	tat = atomic_load_explicit(&c->tat, memory_order_relaxed);
	for (;;) {
		/* No further ahead than this rule's own burst: what a wider
		 * rule left behind must not shut the key out. */
		int64_t from = min(max(tat, now), now + full);
		int64_t next = from + step;

		if (next - now > full)
			return verdict_of(take, from, now, false);
		if (atomic_compare_exchange_weak(&c->tat, &tat, next))
			return verdict_of(take, next, now, true);
	}
}

struct gcra_verdict
gcra_ask(struct gcra_table *table, uint64_t key, struct gcra_rule rule,
	int64_t now)
{
	return gcra_ask_cost(
		table, key, (struct gcra_take){.rule = rule, .cost = 1}, now);
}

void
gcra_give_back(struct gcra_table *table, uint64_t key, struct gcra_take take)
{
	struct cell *c;

	if (take.rule.interval_ns <= 0)
		return;
	/* Its cell may have become another's: then there is nothing to give. */
	c = cell_find(bucket_at(table, key), key);
	if (c)
		(void)atomic_fetch_sub(
			&c->tat, take.rule.interval_ns * take.cost);
}
