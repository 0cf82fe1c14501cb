#pragma once

/*
 * Timers embedded in their owners, many on one uv_timer.  Unlike a libuv
 * handle a timer needs no closing turn: timer_clear and the owner may be freed.
 */

#include "base/util.h"

struct loop;
struct timer;
typedef void timer_fn(struct timer *timer);

struct timer {
	timer_fn *fn;
	struct loop *loop;
	uint64_t at;  /* loop milliseconds */
	size_t place; /* in the heap, from 1; 0: not set */
};

/* In a loop's heap: the time beside it, so that finding a timer's place touches
 * none of the others. */
struct timer_place {
	uint64_t at;
	struct timer *timer;
};

/* Call `fn` once, `ms` from now.  A timer that is set already moves. */
void timer_set(struct timer *t, struct loop *loop, uint64_t ms, timer_fn *fn);
void timer_clear(struct timer *t);

static inline bool
timer_is_set(const struct timer *t)
{
	return t->place != 0;
}
