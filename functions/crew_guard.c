/*
 * The guard of a version on trial: of its last calls a byte each is kept, so
 * that how many of them failed or were slow is always known.  It strikes as
 * soon as the answer cannot change any more, not only when the ring is full.
 */
#include "functions/hand.h"

#include "base/clock.h"
#include "base/event.h"
#include "base/mem.h"

#include <inttypes.h>

enum { WAS_FAILED = 1, WAS_SLOW = 2 };

void
crew_guard_done(struct crew *crew)
{
	crew->guard.last = mem_free(crew->guard.last);
	crew->guard = (struct crew_guard){0};
}

void
crew_guard_set(struct crew *crew, const struct fn_release *release)
{
	struct crew_guard *g = &crew->guard;
	bool wanted = crew->settings.version == release->gray &&
		      (release->guard_errors || release->guard_ms) &&
		      release->guard_calls;

	/* The same release may come again and again. */
	if (wanted && g->last && g->size == release->guard_calls)
		return;
	crew_guard_done(crew);
	if (!wanted)
		return;
	g->size = release->guard_calls;
	g->last = mem_alloc(g->size);
}

static void
strike(struct crew *crew, const char *why)
{
	const struct crews *crews = crew->crews;
	const char *name = crew->settings.name;

	crew->guard.struck = true;
	event(EVENT_FN_TROUBLE, "function", name, "version",
		EVENT_INT(crew->settings.version), "why", why, NULL);
	crew_say(crew, "", 3, LINE_STATE, slice_str(why));
	if (crews->ops.on_trouble)
		crews->ops.on_trouble(
			crew->crews, name, crew->settings.version, why);
}

static void
judge(struct crew *crew, const struct fn_release *r)
{
	const struct crew_guard *g = &crew->guard;
	struct fault why = {0};

	if (r->guard_errors &&
		(uint64_t)g->failed * 100 > (uint64_t)r->guard_errors * g->size)
		(void)fault_set(&why, ERR_FN_FAILED,
			"version %u is taken back: %u of its last %u calls "
			"failed, %u %% may",
			crew->settings.version, g->failed, g->size,
			r->guard_errors);
	else if (r->guard_ms && g->slow * 2 > g->size)
		(void)fault_set(&why, ERR_FN_FAILED,
			"version %u is taken back: %u of its last %u calls "
			"took longer than %" PRId64 " ms",
			crew->settings.version, g->slow, g->size, r->guard_ms);
	if (why.code)
		strike(crew, why.text);
}

void
crew_guard_take(struct crew *crew, enum crew_end end, int64_t took)
{
	struct crew_guard *g = &crew->guard;
	const struct fn_release *r;
	unsigned char now = 0, *at;

	if (!g->last || g->struck || !crew->roster)
		return;
	r = &crew->roster->release;
	if (crew_end_is_failure(end))
		now |= WAS_FAILED;
	if (took > r->guard_ms * CLOCK_MS)
		now |= WAS_SLOW;
	at = &g->last[g->at];
	g->at = (g->at + 1) % g->size;
	g->failed += (unsigned)(now & WAS_FAILED) - (*at & WAS_FAILED);
	g->slow += (unsigned)((now & WAS_SLOW) != 0) - ((*at & WAS_SLOW) != 0);
	*at = now;
	judge(crew, r);
}
