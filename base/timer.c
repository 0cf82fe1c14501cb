/*
 * A binary heap of timers over one uv_timer that is set for the earliest.
 * The uv handle keeps the loop alive only while a timer is set.
 */
#include "base/timer.h"

#include "base/loop.h"
#include "base/mem.h"

static void
put(struct loop *loop, size_t place, struct timer_place p)
{
	loop->heap[place] = p;
	p.timer->place = place;
}

static void
rise(struct loop *loop, size_t place)
{
	struct timer_place p = loop->heap[place];

	for (; place > 1 && loop->heap[place / 2].at > p.at; place /= 2)
		put(loop, place, loop->heap[place / 2]);
	put(loop, place, p);
}

static void
sink(struct loop *loop, size_t place)
{
	struct timer_place p = loop->heap[place];

	for (size_t child; (child = place * 2) <= loop->heap_len;
		place = child) {
		if (child < loop->heap_len &&
			loop->heap[child + 1].at < loop->heap[child].at)
			child++;
		if (loop->heap[child].at >= p.at)
			break;
		put(loop, place, loop->heap[child]);
	}
	put(loop, place, p);
}

static void on_tick(uv_timer_t *tick);

/* Set the uv timer for the earliest of ours. */
static void
wind(struct loop *loop)
{
	uint64_t now = uv_now(&loop->uv);
	uint64_t at = loop->heap_len ? loop->heap[1].at : 0;

	if (at == 0) {
		uv_unref((uv_handle_t *)&loop->tick);
		return;
	}
	uv_ref((uv_handle_t *)&loop->tick);
	if (loop->tick_at && loop->tick_at <= at && loop->tick_at > now)
		return; /* it will wake in time and wind again */
	loop->tick_at = at;
	(void)uv_timer_start(&loop->tick, on_tick, at > now ? at - now : 0, 0);
}

static void
on_tick(uv_timer_t *tick)
{
	struct loop *loop = container_of(tick, struct loop, tick);
	uint64_t now = uv_now(&loop->uv);

	loop->tick_at = 0;
	while (loop->heap_len && loop->heap[1].at <= now) {
		struct timer *t = loop->heap[1].timer;

		timer_clear(t);
		t->fn(t);
	}
	wind(loop);
}

static void
room(struct loop *loop)
{
	if (loop->heap_len + 2 <= loop->heap_room)
		return;
	loop->heap_room = max((size_t)16, loop->heap_room * 2);
	loop->heap =
		mem_resize(loop->heap, loop->heap_room * sizeof(loop->heap[0]));
}

void
timer_set(struct timer *t, struct loop *loop, uint64_t ms, timer_fn *fn)
{
	timer_clear(t);
	t->loop = loop;
	t->fn = fn;
	t->at = uv_now(&loop->uv) + (ms ? ms : 1);
	room(loop);
	put(loop, ++loop->heap_len, (struct timer_place){t->at, t});
	rise(loop, t->place);
	wind(loop);
}

void
timer_clear(struct timer *t)
{
	struct loop *loop = t->loop;
	size_t place = t->place;
	struct timer_place last;

	if (!place)
		return;
	t->place = 0;
	last = loop->heap[loop->heap_len--];
	if (last.timer != t) {
		put(loop, place, last);
		rise(loop, place);
		sink(loop, last.timer->place);
	}
	if (loop->heap_len == 0)
		uv_unref((uv_handle_t *)&loop->tick);
}
