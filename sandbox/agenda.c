/*
 * Looked through every TICK_MS while something waits: a clock that a test moves
 * gives no signal.  `first_ms` spares the looking when nothing can be due.
 */

#include "agenda.h"

#include "base/clock.h"

enum { TICK_MS = 10 };

static void on_tick(struct timer *timer);

void
agenda_init(struct agenda *a, struct loop *loop)
{
	list_init(&a->entries);
	a->loop = loop;
	a->first_ms = INT64_MAX;
}

void
agenda_done(struct agenda *a)
{
	if (!a->loop)
		return;
	timer_clear(&a->timer);
	while (!list_empty(&a->entries))
		entry_clear(list_first(&a->entries, struct entry, on));
}

void
entry_init(struct entry *e)
{
	list_init(&e->on);
	e->agenda = NULL;
}

void
agenda_put(struct agenda *a, struct entry *e, int64_t ms, entry_fn *fn)
{
	entry_clear(e);
	e->at_ms = clock_now_ms() + ms;
	e->fn = fn;
	e->agenda = a;
	list_add(&a->entries, &e->on);
	a->count++;
	a->first_ms = min(a->first_ms, e->at_ms);
	if (!timer_is_set(&a->timer))
		timer_set(&a->timer, a->loop, TICK_MS, on_tick);
}

void
entry_clear(struct entry *e)
{
	list_del(&e->on);
	if (e->agenda)
		e->agenda->count--;
	e->agenda = NULL;
}

bool
entry_waits(const struct entry *e)
{
	return e->agenda != NULL;
}

/* The due ones go to a list of their own first: what they call may put and
 * clear others. */
static void
agenda_run(struct agenda *a, int64_t now)
{
	struct list due = LIST_INIT(due);

	a->first_ms = INT64_MAX;
	for (struct list *at = a->entries.next, *next; at != &a->entries;
		at = next) {
		struct entry *e = container_of(at, struct entry, on);

		next = at->next;
		if (e->at_ms <= now) {
			list_del(at);
			list_add(&due, at);
		} else {
			a->first_ms = min(a->first_ms, e->at_ms);
		}
	}
	while (!list_empty(&due)) {
		struct entry *e = list_first(&due, struct entry, on);

		entry_clear(e);
		e->fn(e);
	}
}

static void
on_tick(struct timer *timer)
{
	struct agenda *a = container_of(timer, struct agenda, timer);
	int64_t now = clock_now_ms();

	if (now >= a->first_ms)
		agenda_run(a, now);
	if (!list_empty(&a->entries) && !timer_is_set(&a->timer))
		timer_set(&a->timer, a->loop, TICK_MS, on_tick);
}
