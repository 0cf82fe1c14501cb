/*
 * A function whose processes keep dying, or cannot be started, is tried less
 * and less often: each death costs a start, and a start costs a core that its
 * neighbours need.  The first few in a row cost nothing, since a call that
 * kills its worker now and then must not shut the others out; after that the
 * rest doubles with each, and calls that come meanwhile and find no worker are
 * told the cause and when to come again.  One answer makes it well.
 */
#include "functions/hand.h"

#include "base/clock.h"
#include "base/event.h"
#include "base/mem.h"

#include <inttypes.h>
#include <stdio.h>

#define START_NS     (100 * CLOCK_MS)
#define START_TOP_NS (10 * CLOCK_S)
#define CRASH_NS     (250 * CLOCK_MS)
#define CRASH_TOP_NS (30 * CLOCK_S)
/* Crashes that far apart have nothing to do with each other. */
#define FORGET_NS (60 * CLOCK_S)

static int64_t
doubled(int64_t ns, unsigned times, int64_t top)
{
	while (times-- && ns < top)
		ns *= 2;
	return min(ns, top);
}

static void
keep_cause(struct crew *crew, struct slice text)
{
	(void)mem_free(crew->trouble.cause);
	crew->trouble.cause = str_ndup(text.ptr, min(text.len, (size_t)160));
}

static bool
is_resting(const struct crew *crew)
{
	return crew->trouble.refused >= START_PATIENCE ||
	       crew->trouble.crashes >= CRASH_PATIENCE;
}

static int
fault_of(const struct crew *crew, int err, int64_t rest, struct fault *why)
{
	const struct crew_trouble *t = &crew->trouble;
	const char *how = t->crashes >= CRASH_PATIENCE ? "keeps crashing"
						       : "cannot be started";

	if (rest <= 0)
		return fault_set(why, err, "function %s %s: %s",
			crew->settings.name, how, t->cause);
	return fault_set(why, err, "function %s %s: %s; next try in %g s",
		crew->settings.name, how, t->cause,
		(double)((rest + CLOCK_S / 10 - 1) / (CLOCK_S / 10)) / 10);
}

/* Each change once, to the author and to the operator. */
static void
tell(struct crew *crew)
{
	struct crew_trouble *t = &crew->trouble;
	struct fault why = {0};

	if (t->said)
		return;
	t->said = true;
	(void)fault_of(crew, ERR_FN_CRASHING, t->spawn_at - clock_mono(), &why);
	crew_say(crew, "", 3, LINE_STATE, slice_str(why.text));
	event(EVENT_FN_CRASHING, "function", crew->settings.name, "version",
		EVENT_INT(crew->settings.version), "why", why.text, NULL);
}

/* Those that wait would wait in vain. */
static void
refuse_waiting(struct crew *crew, int err)
{
	struct fn_call *call;
	struct fault why = {0};

	if (crew->count[HAND_IDLE] || crew->count[HAND_BUSY] ||
		crew->count[HAND_STARTING])
		return;
	(void)fault_of(crew, err, 0, &why);
	while ((call = list_first(&crew->waiting, struct fn_call, on))) {
		call->retry_ms =
			(uint32_t)(max(crew->trouble.spawn_at - clock_mono(),
					   (int64_t)0) /
				   CLOCK_MS);
		call_finish(call, err, why.text);
	}
}

void
crew_trouble_start(struct crew *crew, struct slice text)
{
	struct crew_trouble *t = &crew->trouble;

	keep_cause(crew, text);
	t->spawn_at =
		clock_mono() + doubled(START_NS, t->refused++, START_TOP_NS);
	if (t->refused < START_PATIENCE)
		return;
	tell(crew);
	refuse_waiting(crew, ERR_FN_CRASHED);
}

void
crew_trouble_crash(struct crew *crew, const char *cause)
{
	struct crew_trouble *t = &crew->trouble;
	int64_t now = clock_mono();

	if (now - t->crashed_at > FORGET_NS)
		t->crashes = 0;
	t->crashed_at = now;
	keep_cause(crew, slice_str(cause));
	if (++t->crashes < CRASH_PATIENCE)
		return;
	t->spawn_at = now + doubled(CRASH_NS, t->crashes - CRASH_PATIENCE,
				    CRASH_TOP_NS);
	tell(crew);
	refuse_waiting(crew, ERR_FN_CRASHING);
}

void
crew_trouble_over(struct crew *crew)
{
	struct crew_trouble *t = &crew->trouble;

	if (!t->crashes && !t->refused && !t->said)
		return;
	t->crashes = t->refused = 0;
	t->spawn_at = 0;
	t->cause = mem_free(t->cause);
	if (!t->said)
		return;
	t->said = false;
	crew_say(crew, "", 1, LINE_STATE, SLICE("the function answers again"));
	event(EVENT_FN_RECOVERED, "function", crew->settings.name, "version",
		EVENT_INT(crew->settings.version), NULL);
}

int
crew_trouble_check(
	const struct crew *crew, uint32_t *ret_retry_ms, struct fault *why)
{
	int64_t rest;

	if (!is_resting(crew) || crew_able(crew))
		return 0;
	rest = crew->trouble.spawn_at - clock_mono();
	if (rest <= 0)
		return 0;
	*ret_retry_ms = (uint32_t)((rest + CLOCK_MS - 1) / CLOCK_MS);
	return fault_of(crew, ERR_FN_CRASHING, rest, why);
}
