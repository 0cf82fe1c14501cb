/*
 * A gateway whose loop stands still holds its clients but answers none.  One
 * ping is on its way at a time; its age says how long the loop has stood.
 */
#include "src/watch.h"

#include "base/clock.h"
#include "base/event.h"
#include "base/sysd.h"
#include "functions/proto.h"
#include "src/supervisor.h"
#include "src/words.h"

#include <stdio.h>
#include <string.h>

int64_t
watch_silence(const struct gateway *g)
{
	return g->asked_at ? (clock_mono() - g->asked_at) / CLOCK_MS : 0;
}

static bool
is_asked(const struct gateway *g)
{
	return channel_is_open(&g->child.control) &&
	       (g->child.state == CHILD_STARTING ||
		       g->child.state == CHILD_READY);
}

static void
ping(struct supervisor *s, struct gateway *g, int64_t now, bool we_slept)
{
	if (!is_asked(g))
		return;
	if (g->asked_at && we_slept) {
		g->asked_at = now; /* its answer may lie there unread */
	} else if (!g->asked_at) {
		g->asked_at = now;
		g->ping = ++s->watch.number;
		channel_send(&g->child.control, GATE_PING, g->ping, SLICE(""),
			NULL, 0);
	} else if (watch_silence(g) >= WATCH_DEAD_MS) {
		event(EVENT_CHILD_EXIT, "child", g->child.label, "why",
			"its loop stood still: killed", "ms",
			EVENT_INT(watch_silence(g)), NULL);
		words_keep(g->error, sizeof(g->error),
			SLICE("its loop stood still: killed"));
		child_kill(&g->child);
	}
}

static void
on_ping(struct timer *t)
{
	struct supervisor *s = container_of(t, struct supervisor, watch.ping);
	/* Our own real time, which no test moves. */
	uint64_t turn = uv_hrtime() / CLOCK_MS;
	bool we_slept = turn - s->watch.last_turn > 2 * WATCH_PING_MS;
	int64_t now = clock_mono();

	s->watch.last_turn = turn;
	for (unsigned i = 0; i < s->gateways.count; i++)
		ping(s, &s->gateways.all[i], now, we_slept);
	watch_tell(s);
	timer_set(t, &s->loop, WATCH_PING_MS, on_ping);
}

static bool
all_is_well(const struct supervisor *s)
{
	for (unsigned i = 0; i < s->gateways.count; i++)
		if (is_asked(&s->gateways.all[i]) &&
			watch_silence(&s->gateways.all[i]) >= WATCH_LATE_MS)
			return false;
	return true;
}

static void
on_keep_alive(struct timer *t)
{
	struct supervisor *s =
		container_of(t, struct supervisor, watch.keep_alive);

	if (all_is_well(s))
		sysd_notify("WATCHDOG=1");
	timer_set(t, &s->loop, sysd_watchdog_ms(), on_keep_alive);
}

void
watch_start(struct supervisor *s)
{
	s->watch.last_turn = uv_hrtime() / CLOCK_MS;
	timer_set(&s->watch.ping, &s->loop, WATCH_PING_MS, on_ping);
	if (sysd_watchdog_ms())
		timer_set(&s->watch.keep_alive, &s->loop, sysd_watchdog_ms(),
			on_keep_alive);
}

void
watch_stop(struct supervisor *s)
{
	timer_clear(&s->watch.ping);
	timer_clear(&s->watch.keep_alive);
}

static void
count_functions(const struct supervisor *s, unsigned *ready, unsigned *all)
{
	list_for_each (at, &s->hosts.functions) {
		const struct function *f =
			container_of(at, struct function, on);

		(*all)++;
		*ready += hosts_answer(f);
	}
}

void
watch_tell(struct supervisor *s)
{
	unsigned ready = 0, gateways = 0, functions = 0;
	char line[sizeof(s->watch.line)];

	for (unsigned i = 0; i < s->gateways.count; i++)
		gateways += s->gateways.all[i].child.state == CHILD_READY;
	count_functions(s, &ready, &functions);
	(void)snprintf(line, sizeof(line),
		"STATUS=%s: %u of %u gateways, %u of %u functions ready",
		phase_name(s->phase), gateways, s->gateways.count, ready,
		functions);
	if (!strcmp(line, s->watch.line))
		return;
	(void)snprintf(s->watch.line, sizeof(s->watch.line), "%s", line);
	sysd_notify(line);
}
