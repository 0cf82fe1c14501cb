#pragma once

/*
 * A process's loop: libuv's, with our timers on it and a list of things to do
 * once at the end of the turn (one write per socket, one flush per connection).
 */

#include "base/list.h"
#include "base/util.h"

#include <uv.h>

struct timer;
struct defer;
typedef void defer_fn(struct defer *defer);

/* Embedded in its owner; see loop_defer. */
struct defer {
	struct list on;
	defer_fn *fn;
};

/* How long the turn that ends had to do, without its sleep; in whole ms. */
typedef void loop_busy_fn(void *owner, int64_t busy_ns);

struct loop {
	uv_loop_t uv;
	uv_check_t woken;
	uint64_t woken_ms; /* when the last turn began */
	loop_busy_fn *busy;
	void *busy_owner;
	uv_timer_t tick;
	uv_prepare_t turn;
	struct list deferred;
	struct timer_place *heap; /* from place 1 */
	size_t heap_len, heap_room;
	uint64_t tick_at; /* when `tick` will fire, 0: not set */
};

int loop_init(struct loop *loop) _must_check_;
/* Closes what is left on it. */
void loop_done(struct loop *loop);

/* Call defer->fn once before the loop next sleeps.  Asked again before that,
 * it still runs once. */
void loop_defer(struct loop *loop, struct defer *defer);
void defer_init(struct defer *defer, defer_fn *fn);
void defer_clear(struct defer *defer);

/* Calls `fn` at the end of each turn; NULL: no more.  A loop that is not
 * measured pays nothing. */
void loop_measure(struct loop *loop, loop_busy_fn *fn, void *owner);

/* Until nothing is left to wait for, or loop_stop. */
void loop_run(struct loop *loop);
/* One turn; `wait` lets it sleep until something happens. */
void loop_turn(struct loop *loop, bool wait);
void loop_stop(struct loop *loop);
