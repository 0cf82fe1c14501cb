/*
 * Places of those who are at something at once.
 *
 * A key's cell lies in one of two sets of eight.  The writer is one process and
 * one thread, so it only has to see to it that readers never find a count under
 * a name it does not belong to: the count goes up after the name was written
 * and is 0 before the name is taken away.
 *
 * place_take counts first and looks at the others afterwards.  Of two gateways
 * that do so at once at least one sees the other, hence never one too many.
 */
#include "base/place.h"

#include <string.h>

static uint64_t
key_of(const struct place_cell *c)
{
	return __atomic_load_n(&c->key, __ATOMIC_ACQUIRE);
}

static int64_t
count_of(const struct place_cell *c)
{
	return __atomic_load_n(&c->count, __ATOMIC_SEQ_CST);
}

static size_t
set_of(uint64_t key, int which)
{
	return (size_t)(key >> (which ? 40 : 8)) % PLACE_SETS;
}

static const struct place_cell *
cell_find(const struct place_table *t, uint64_t key)
{
	for (int which = 0; which < 2; which++) {
		const struct place_set *set = &t->set[set_of(key, which)];

		for (int i = 0; i < PLACE_WAYS; i++)
			if (key_of(&set->cell[i]) == key)
				return &set->cell[i];
	}
	return NULL;
}

static struct place_cell *
cell_claim(struct place_table *t, uint64_t key)
{
	for (int which = 0; which < 2; which++) {
		struct place_set *set = &t->set[set_of(key, which)];

		for (int i = 0; i < PLACE_WAYS; i++) {
			struct place_cell *c = &set->cell[i];

			if (c->key)
				continue;
			__atomic_store_n(&c->key, key, __ATOMIC_SEQ_CST);
			return c;
		}
	}
	return NULL;
}

static struct place_cell *
cell_mine(struct place_table *t, uint64_t key)
{
	return (struct place_cell *)(uintptr_t)cell_find(t, key);
}

void
place_clear(struct place_table *mine)
{
	/* Pages that nobody touched stay untouched. */
	if (!mine->used)
		return;
	memset(mine->set, 0, sizeof(mine->set));
	mine->used = 0;
	mine->left_out = 0;
}

int64_t
place_count(const struct place_table *tables, unsigned count, uint64_t key)
{
	int64_t sum = 0;

	for (unsigned i = 0; i < count; i++) {
		const struct place_table *t = &tables[i];
		const struct place_cell *c;

		if (!__atomic_load_n(&t->used, __ATOMIC_SEQ_CST))
			continue;
		c = cell_find(t, key);
		if (c) {
			int64_t n = count_of(c);

			/* unless it has become another's meanwhile */
			sum += key_of(c) == key ? n : 0;
		}
	}
	return sum;
}

bool
place_take(struct place_table *mine, uint64_t key, int64_t top,
	const struct place_table *tables, unsigned count)
{
	struct place_cell *c = cell_mine(mine, key);

	if (!mine->used)
		__atomic_store_n(&mine->used, 1, __ATOMIC_SEQ_CST);
	if (!c)
		c = cell_claim(mine, key);
	if (!c) {
		/* Thousands of others are at it: it forgives. */
		mine->left_out++;
		return true;
	}
	(void)__atomic_add_fetch(&c->count, 1, __ATOMIC_SEQ_CST);
	if (place_count(tables, count, key) <= top)
		return true;
	place_put(mine, key);
	return false;
}

void
place_put(struct place_table *mine, uint64_t key)
{
	struct place_cell *c = cell_mine(mine, key);

	if (!c || c->count <= 0)
		return;
	if (__atomic_sub_fetch(&c->count, 1, __ATOMIC_SEQ_CST) == 0)
		__atomic_store_n(&c->key, 0, __ATOMIC_SEQ_CST);
}
