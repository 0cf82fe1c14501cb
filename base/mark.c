/*
 * Marks.  The one idea: a stamp is the number of begins and ends so far, so
 * that whatever ended after it was taken shows, and what is kept costs one load
 * to look at.  That holds for each change that ends, also when the count of
 * those under way is wrong because one was lost: the count is for those of
 * which nobody has told yet.
 */
#include "base/mark.h"

#include "base/clock.h"
#include "base/crypto.h"
#include "base/sip.h"

#include <stdatomic.h>

void
mark_table_init(struct mark_table *t)
{
	crypto_random(t->key, sizeof(t->key));
}

uint64_t
mark_hash(const struct mark_table *t, struct slice name)
{
	return sip_hash(t->key, name.ptr, name.len);
}

struct mark *
mark_of(struct mark_table *t, uint64_t hash)
{
	return &t->cell[hash % MARK_CELLS];
}

static bool
is_lost(const struct mark *m, int64_t now)
{
	return now - atomic_load(&m->at) > MARK_LOST_MS * CLOCK_MS;
}

/* Who was lost is not waited for any more, else this cell would wait anew with
 * every change. */
void
mark_begin(struct mark *m, int64_t now)
{
	int64_t others = atomic_load(&m->under_way);

	if (others > 0 && is_lost(m, now))
		(void)atomic_compare_exchange_strong(&m->under_way, &others, 0);
	atomic_store(&m->at, now);
	(void)atomic_fetch_add(&m->under_way, 1);
	(void)atomic_fetch_add(&m->steps, 1);
}

/* The step first: who sees that nothing is under way any more sees it, too. */
void
mark_end(struct mark *m)
{
	int64_t n = atomic_load(&m->under_way);

	(void)atomic_fetch_add(&m->steps, 1);
	/* one that was given up as lost may end all the same */
	while (n > 0 && !atomic_compare_exchange_weak(&m->under_way, &n, n - 1))
		;
}

void
mark_name_begin(struct mark_table *t, struct slice name, int64_t now)
{
	if (t)
		mark_begin(mark_of(t, mark_hash(t, name)), now);
}

void
mark_name_end(struct mark_table *t, struct slice name)
{
	if (t)
		mark_end(mark_of(t, mark_hash(t, name)));
}

void
mark_bump(struct mark *m)
{
	(void)atomic_fetch_add(&m->steps, 1);
}

bool
mark_stamp(const struct mark *m, int64_t now, uint64_t *ret)
{
	*ret = atomic_load(&m->steps);
	return atomic_load(&m->under_way) == 0 || is_lost(m, now);
}

bool
mark_holds(const struct mark *m, uint64_t stamp)
{
	return atomic_load(&m->steps) == stamp;
}
