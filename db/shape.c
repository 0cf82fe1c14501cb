/*
 * A score for each shape: a slow run adds more than a fast one takes away, so
 * one hiccup is forgotten after two fast runs, and what is slow now and then
 * counts as slow.
 */
#include "db/shape.h"

enum { SLOW_AT = 2, ADDED = 2, TOP = 8 };

static uint32_t
name_of(uint64_t hash)
{
	return (uint32_t)(hash >> 32);
}

bool
shape_is_slow(const struct shapes *all, uint64_t hash)
{
	return all->cell[hash % SHAPES].score >= SLOW_AT &&
	       all->cell[hash % SHAPES].name == name_of(hash);
}

void
shape_note(struct shapes *all, uint64_t hash, bool slow)
{
	uint32_t name = name_of(hash);
	uint8_t *score = &all->cell[hash % SHAPES].score;

	if (all->cell[hash % SHAPES].name != name) {
		if (!slow)
			return;
		all->cell[hash % SHAPES].name = name;
		*score = 0;
	}
	if (slow)
		*score = (uint8_t)min(*score + ADDED, (int)TOP);
	else if (*score)
		--*score;
}
