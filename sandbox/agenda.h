#pragma once

/*
 * What is to happen later, by base/clock: a test that moves the clock by three
 * hours sees what would happen in three hours, at once.
 */

#include "base/list.h"
#include "base/timer.h"

struct entry;
typedef void entry_fn(struct entry *entry);

/* Embedded in its owner; entry_init first. */
struct entry {
	struct list on;
	struct agenda *agenda; /* where it waits, or NULL */
	int64_t at_ms;         /* clock_now_ms */
	entry_fn *fn;
};

struct agenda {
	struct list entries;
	struct loop *loop;
	struct timer timer;
	int64_t first_ms; /* no entry is before */
	unsigned count;
};

void agenda_init(struct agenda *a, struct loop *loop);
void agenda_done(struct agenda *a);
void entry_init(struct entry *e);
/* Call `fn` once, `ms` from now.  An entry that waits already moves. */
void agenda_put(struct agenda *a, struct entry *e, int64_t ms, entry_fn *fn);
void entry_clear(struct entry *e);
bool entry_waits(const struct entry *e);
