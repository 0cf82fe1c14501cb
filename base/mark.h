#pragma once

/*
 * Marks of what is being changed, so that a process may keep what it read.  A
 * table of many cells lies in memory that processes share; a name's cell is
 * found by its hash, and names that share one count as one.
 *
 * Who changes something says mark_begin before the database is asked, and
 * mark_end when it has said what became of it, before anybody else is told.
 * Who reads takes a stamp before he asks (mark_stamp): none is given while a
 * change is under way.  What he read holds as long as no change has begun or
 * ended since (mark_holds): then the database would say the same again.
 *
 * A change that never ends (its process died, or nobody knows what became of
 * it) keeps stamps from being given for MARK_LOST_MS, which costs speed alone.
 */

#include "base/slice.h"
#include "base/util.h"

enum { MARK_CELLS = 1 << 15, MARK_LOST_MS = 60000 };

struct mark {
	_Atomic uint64_t steps; /* begins and ends, as they come */
	_Atomic int64_t under_way;
	_Atomic int64_t at; /* when the last began, ns of clock_mono */
};

struct mark_table {
	uint64_t key[2];
	struct mark all; /* of a change whose names nobody lists */
	struct mark cell[MARK_CELLS];
};

/* Before others share it; `t` is zeroed. */
void mark_table_init(struct mark_table *t);
/* A name's hash, of any use beside. */
uint64_t mark_hash(const struct mark_table *t, struct slice name);
struct mark *mark_of(struct mark_table *t, uint64_t hash) _returns_value_;

void mark_begin(struct mark *m, int64_t now);
void mark_end(struct mark *m);
/* The same, of a name; t NULL: nobody keeps anything. */
void mark_name_begin(struct mark_table *t, struct slice name, int64_t now);
void mark_name_end(struct mark_table *t, struct slice name);
/* A change that was made: what was read before does not hold. */
void mark_bump(struct mark *m);

/* False: a change is under way; keep nothing of what is read now. */
bool mark_stamp(const struct mark *m, int64_t now, uint64_t *ret) _must_check_;
bool mark_holds(const struct mark *m, uint64_t stamp) _must_check_;
