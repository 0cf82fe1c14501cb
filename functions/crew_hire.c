/*
 * How many workers a version has: as many as calls that wait need, so many as
 * are to be kept ready, none where it rests after crashes.  They go by
 * themselves when they have been idle for long enough.
 */
#include "functions/hand.h"

#include "base/clock.h"

#include <assert.h>

enum {
	NODE_NS = 20000000,      /* what a start takes */
	SLOW_NS = 50000000,      /* a call that does not compute */
	PATIENCE_NS = 500000000, /* with a queue */
	LOOK_MS = 1
};

static void
on_look(struct timer *timer)
{
	crew_feed_soon(container_of(timer, struct crew, look));
}

void
crew_look_later(struct crew *crew, int64_t ns)
{
	uint64_t ms = (uint64_t)max((ns + CLOCK_MS - 1) / CLOCK_MS, 1LL);

	if (!timer_is_set(&crew->look))
		timer_set(&crew->look, crew->crews->loop, ms, on_look);
}

/* Those on their way out are let go beside their heirs, not without end. */
static unsigned
places(const struct crew *crew)
{
	unsigned top = crew->settings.workers, all = crew_hands(crew);
	unsigned counted = all - crew->outgoing;

	if (counted >= top || all >= 2 * top)
		return 0;
	return min(top - counted, 2 * top - all);
}

bool
crew_can_start(const struct crew *crew)
{
	return channel_is_open(&crew->channel) && places(crew) &&
	       (!crew->trouble.spawn_at ||
		       crew->trouble.spawn_at <= clock_mono());
}

/* 0 where none may be started now; then another look is due if it helps. */
static unsigned
may_start(struct crew *crew)
{
	int64_t rest = crew->trouble.spawn_at;
	unsigned n = places(crew);

	if (!channel_is_open(&crew->channel) || !n)
		return 0;
	if (rest && (rest -= clock_mono()) > 0) {
		crew_look_later(crew, rest);
		return 0;
	}
	/* One is tried first. */
	if (crew->trouble.crashes >= CRASH_PATIENCE)
		return crew_able(crew) ? 0 : 1;
	return n;
}

static void
start(struct crew *crew, unsigned n)
{
	while (n--)
		hand_start(crew);
}

/* A node that starts takes a core from those that work.  So not when they will
 * be through with all that waits before it is ready; and beyond one for each
 * core only where calls wait for something else than a core, which shows in how
 * long they take, or in a queue that does not get shorter. */
static bool
is_worth_it(const struct crew *crew, int64_t waited)
{
	if (crew->settings.runtime != RUNTIME_NODE || !crew->count[HAND_BUSY])
		return true;
	if (crew_able(crew) >= crew->crews->cores)
		return crew->pace >= SLOW_NS || waited >= PATIENCE_NS;
	return crew->pace * crew->nwaiting / crew->count[HAND_BUSY] >= NODE_NS;
}

/* How many are to be starting. */
static unsigned
wanted(struct crew *crew)
{
	const struct fn_settings *s = &crew->settings;
	const struct fn_call *oldest =
		list_first(&crew->waiting, struct fn_call, on);
	uint64_t waited = uv_now(&crew->crews->loop->uv) - oldest->since;
	unsigned n = crew->nwaiting;
	bool worth = is_worth_it(crew, (int64_t)waited * CLOCK_MS);

	if (s->concurrency > 1) {
		n = (n + s->concurrency - 1) / s->concurrency;
	} else if (crew_depth(crew) > 1 && crew->count[HAND_BUSY]) {
		/* They are fast: give them a moment before one more. */
		worth = worth && waited > LOOK_MS;
		n = 1;
	}
	if (!worth) {
		crew_look_later(crew, LOOK_MS * CLOCK_MS);
		return 0;
	}
	/* A node's start is work for a core; the first to be ready may do. */
	if (s->runtime == RUNTIME_NODE)
		n = min(n, crew->crews->cores + 1);
	return n;
}

void
crew_hire(struct crew *crew)
{
	unsigned starting = crew->count[HAND_STARTING], may = may_start(crew);
	unsigned n;

	if (!may || (crew->crews->draining && crew_hands(crew)))
		return;
	n = wanted(crew);
	if (n > starting)
		start(crew, min(n - starting, may));
}

void
crew_keep(struct crew *crew)
{
	unsigned keep = min(crew->settings.min_workers, crew->settings.workers);
	unsigned able = crew_able(crew), n;

	if (able >= keep || crew->crews->draining)
		return;
	n = min(keep - able, may_start(crew));
	if (crew->settings.runtime == RUNTIME_NODE &&
		crew->count[HAND_STARTING] + n > crew->crews->cores + 1)
		n = crew->count[HAND_STARTING] > crew->crews->cores
			    ? 0
			    : crew->crews->cores + 1 -
				      crew->count[HAND_STARTING];
	start(crew, n);
}

void
crew_replace(struct crew *crew)
{
	if (crew->roster && !crew->crews->draining && may_start(crew))
		start(crew, 1);
}

bool
crew_may_shrink(const struct crew *crew)
{
	return !crew->roster || crew->crews->draining ||
	       crew_able(crew) > crew->settings.min_workers;
}
