/*
 * Who is refused when there is too much to do.
 *
 * The level moves one step each interval, up or down: half of a priority is
 * refused after six tenths of a second, all of it after ten, and the next one
 * only then.  That is slow enough for the refusing itself to show its
 * effect before more are refused.
 */
#include "routes/shed.h"

#include "base/clock.h"

int
shed_priority_parse(
	enum shed_priority *ret, struct slice word, struct fault *why)
{
	static const char *const words[] = {[SHED_LOW] = "low",
		[SHED_NORMAL] = "normal",
		[SHED_HIGH] = "high"};

	for (size_t i = SHED_LOW; i < array_size(words); i++)
		if (slice_is(word, words[i])) {
			*ret = (enum shed_priority)i;
			return 0;
		}
	return fault_set(why, ERR_CONFIG,
		"\"%.*s\" is none of low, normal, high",
		(int)min(word.len, (size_t)40), word.ptr);
}

/* Intervals that ended without a turn in them, up to the one that ends now. */
static unsigned
missed(const struct shed *s, int64_t now)
{
	int64_t n = s->interval_ends ? (now - s->interval_ends) /
					       (SHED_INTERVAL_MS * CLOCK_MS)
				     : 0;

	return (unsigned)min(n, (int64_t)SHED_TOP);
}

static void
worsen(struct shed *s, unsigned intervals)
{
	s->late += intervals;
	if (s->late >= SHED_LATE)
		s->level = min(s->level + intervals, (unsigned)SHED_TOP);
}

static void
improve(struct shed *s, unsigned intervals)
{
	s->late = 0;
	s->level -= min(intervals, s->level);
}

/* A loop that sleeps has no turns: intervals that nobody saw were quiet, unless
 * the turn that ends is what nobody saw, or requests are too many. */
void
shed_turn(struct shed *s, int64_t now, int64_t busy_ns, unsigned busy)
{
	bool many = s->under_way && busy > s->under_way;
	unsigned more = missed(s, now);

	s->least_ns = s->turns ? min(s->least_ns, busy_ns) : busy_ns;
	s->turns++;
	if (now < s->interval_ends)
		return;
	if (many)
		worsen(s, 1 + more);
	else if (more && busy_ns < now - s->interval_ends)
		improve(s, 1 + more);
	else if (s->target_ns && s->least_ns > s->target_ns)
		worsen(s, 1);
	else
		improve(s, 1);
	s->interval_ends = now + SHED_INTERVAL_MS * CLOCK_MS;
	s->turns = 0;
}

static bool
refuses(unsigned *owed, unsigned steps)
{
	*owed += min(steps, (unsigned)SHED_STEPS);
	if (*owed < SHED_STEPS)
		return false;
	*owed -= SHED_STEPS;
	return true;
}

bool
shed_allows(struct shed *s, enum shed_priority p)
{
	if (!s->level || p >= SHED_HIGH)
		return true;
	if (p == SHED_LOW)
		return !refuses(&s->owed[0], s->level);
	if (s->level <= SHED_STEPS)
		return true;
	return !refuses(&s->owed[1], s->level - SHED_STEPS);
}
