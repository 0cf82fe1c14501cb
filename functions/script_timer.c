/*
 * host.timer: a heap by time and, within one time, by order of asking.
 */
#include "functions/script_inside.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"

#include <stdlib.h>

enum { TIMERS_TOP = 100000, LEFT_TOP_MS = 60 * 60 * 1000 };

static bool
is_before(const struct script_timer *a, const struct script_timer *b)
{
	return a->at != b->at ? a->at < b->at : a->seq < b->seq;
}

static void
swap(struct script_timers *t, size_t a, size_t b)
{
	struct script_timer one = t->heap[a];

	t->heap[a] = t->heap[b];
	t->heap[b] = one;
}

static void
move_up(struct script_timers *t, size_t i)
{
	while (i > 0 && is_before(&t->heap[i], &t->heap[(i - 1) / 2])) {
		swap(t, i, (i - 1) / 2);
		i = (i - 1) / 2;
	}
}

static void
move_down(struct script_timers *t, size_t i)
{
	for (;;) {
		size_t left = 2 * i + 1, best = i;

		if (left < t->len && is_before(&t->heap[left], &t->heap[best]))
			best = left;
		if (left + 1 < t->len &&
			is_before(&t->heap[left + 1], &t->heap[best]))
			best = left + 1;
		if (best == i)
			return;
		swap(t, i, best);
		i = best;
	}
}

static void
drop(struct script_timers *t, size_t i)
{
	t->heap[i] = t->heap[--t->len];
	if (i == t->len)
		return;
	move_up(t, i);
	move_down(t, i);
}

int
script_timer_set(struct script_timers *t, double id, double ms)
{
	if (t->len == TIMERS_TOP)
		return ERR_TOO_BIG;
	if (t->len == t->room) {
		t->room = t->room ? 2 * t->room : 16;
		t->heap = mem_resize(t->heap, t->room * sizeof(t->heap[0]));
	}
	ms = ms > 0 ? min(ms, (double)INT32_MAX) : 0;
	t->heap[t->len] = (struct script_timer){
		clock_mono() + (int64_t)(ms * CLOCK_MS), t->seq++, id};
	move_up(t, t->len++);
	return 0;
}

void
script_timer_clear(struct script_timers *t, double id)
{
	/* What is cleared is most often the youngest. */
	for (size_t i = t->len; i-- > 0;) {
		if (t->heap[i].id <= id && t->heap[i].id >= id) {
			drop(t, i);
			return;
		}
	}
}

/* Those that are set meanwhile have to wait for the next turn. */
void
script_timers_run(struct script *s)
{
	struct script_timers *t = &s->timers;
	int64_t now = t->len ? clock_mono() : 0;
	uint64_t seq = t->seq;

	while (t->len && t->heap[0].at <= now && t->heap[0].seq < seq) {
		JSValueRef id = js_number(s->js, t->heap[0].id);

		drop(t, 0);
		script_call(s, ENTRY_ON_TIMER, 1, &id);
	}
}

int
script_timers_left(const struct script_timers *t)
{
	int64_t left;

	if (!t->len)
		return -1;
	left = t->heap[0].at - clock_mono();
	if (left <= 0)
		return 0;
	return (int)min((left + CLOCK_MS - 1) / CLOCK_MS, (int64_t)LEFT_TOP_MS);
}

void
script_timers_done(struct script_timers *t)
{
	free(t->heap);
	*t = (struct script_timers){0};
}
