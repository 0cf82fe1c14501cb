#pragma once

/*
 * How many are at something at once, over all gateways: each gateway counts
 * those it has let in, in a table of its own that only it writes, and whoever
 * wants to know adds them up.  A gateway that was killed left its table behind;
 * the one that takes its number starts with an empty one, so that nothing is
 * lost for ever.
 */

#include "base/util.h"

enum { PLACE_SETS = 1024, PLACE_WAYS = 8 };

/* Of one gateway, in shared memory, zeroed at birth. */
struct place_table {
	_Alignas(128) uint64_t used; /* whether anything was ever written */
	uint64_t left_out;           /* not counted: no cell was free */
	_Alignas(128) struct place_set {
		struct place_cell {
			uint64_t key; /* 0: free */
			int64_t count;
		} cell[PLACE_WAYS];
	} set[PLACE_SETS];
};

/* At the start of a gateway. */
void place_clear(struct place_table *mine);
/* One more of `key` (not 0; a keyed hash) when no more than `top` are then
 * there, tables[0 … tables_count-1] together.  Never more than `top`; when two
 * gateways ask for the last place at the same moment both may be refused. */
bool place_take(struct place_table *mine, uint64_t key, int64_t top,
	const struct place_table *tables, unsigned tables_count);
/* What place_take gave. */
void place_put(struct place_table *mine, uint64_t key);
/* How many there are now. */
int64_t place_count(
	const struct place_table *tables, unsigned tables_count, uint64_t key);
