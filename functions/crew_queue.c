/*
 * Who may wait for a worker.  While calls wait, the time from one begun to the
 * next is measured: it says how long a call that comes now would wait, whatever
 * the function does and however many workers share how many cores.  One that
 * would wait in vain is refused at once, which costs next to nothing, and is
 * told when to come again: under any load the workers do what they can do, and
 * only calls that somebody still waits for.
 */
#include "functions/hand.h"

#include "base/clock.h"

enum {
	MEASURE_NS = 20000000,
	RETRY_MS = 1000, /* where nothing is known */
	RETRY_TOP_MS = 60000
};

void
crew_queue_note(struct crew *crew, unsigned begun)
{
	struct crew_queue *q = &crew->queue;
	int64_t now, more;

	if (!crew->nwaiting) {
		q->from = 0;
		return;
	}
	now = clock_mono();
	if (!q->from) {
		q->from = now;
		q->begun = 0;
		return;
	}
	q->begun += begun;
	if (!q->begun || now - q->from < MEASURE_NS)
		return;
	more = (now - q->from) / q->begun - q->turn;
	if (!q->turn)
		q->turn = more;
	else
		q->turn += more < 0 ? more / 2 : more / 4;
	q->from = now;
	q->begun = 0;
}

/* From one call begun to the next; 0: not known. */
static int64_t
turn_of(const struct crew *crew)
{
	const struct crew_queue *q = &crew->queue;
	unsigned busy = max(crew->count[HAND_BUSY], 1u);
	int64_t stuck = 0;

	/* Workers that start say nothing about how fast they will be. */
	if (q->from && crew->count[HAND_BUSY] && !crew->count[HAND_STARTING])
		stuck = (clock_mono() - q->from) / (q->begun + 1);
	if (!q->turn && !stuck)
		return crew->pace / busy;
	return max(q->turn, stuck);
}

uint64_t
crew_queue_ms(const struct crew *crew)
{
	return (uint64_t)(turn_of(crew) * (int64_t)(crew->nwaiting + 1)) /
	       CLOCK_MS;
}

uint64_t
crew_queue_top(const struct crew *crew)
{
	return (uint64_t)max(
		min(crew->settings.queue_ms, crew->settings.timeout_ms),
		(int64_t)1);
}

static uint32_t
retry_of(const struct crew *crew)
{
	uint64_t ms = crew_queue_ms(crew);

	return (uint32_t)(ms ? min(ms, (uint64_t)RETRY_TOP_MS) : RETRY_MS);
}

/* Places at workers that are there for calls to come, or can be. */
static unsigned
room_of(const struct crew *crew)
{
	unsigned able = crew_able(crew), each = crew->settings.concurrency, n;

	n = crew->count[HAND_IDLE] + crew->count[HAND_STARTING];
	if (able < crew->settings.workers && crew_can_start(crew))
		n += crew->settings.workers - able;
	n *= each;
	if (each > 1)
		list_for_each (at, &crew->hands[HAND_BUSY])
			n += each -
			     min(container_of(at, struct hand, on)->nsent,
				     each);
	return n;
}

static int
refuse_full(const struct crew *crew, struct fn_call *call, struct fault *why)
{
	const struct fn_settings *s = &crew->settings;

	call->retry_ms = retry_of(crew);
	if (s->queue == 0)
		return fault_set(why, ERR_LIMITED,
			"function %s runs at the most %u calls at once and "
			"lets none wait: come again in %u s",
			s->name, s->workers * s->concurrency,
			(call->retry_ms + 999) / 1000);
	return fault_set(why, ERR_BUSY,
		"%u calls of function %s wait already: come again in %u s",
		crew->nwaiting, s->name, (call->retry_ms + 999) / 1000);
}

static int
refuse_late(const struct crew *crew, struct fn_call *call, struct fault *why)
{
	call->retry_ms = retry_of(crew);
	return fault_set(why, ERR_BUSY,
		"function %s is busy: a call would wait %u s for a worker and "
		"may wait %g s",
		crew->settings.name, (call->retry_ms + 999) / 1000,
		(double)crew_queue_top(crew) / 1000);
}

static bool
is_full(const struct crew *crew)
{
	return crew->nwaiting >= crew->settings.queue &&
	       crew->nwaiting >= crew->settings.queue + room_of(crew);
}

static bool
is_late(const struct crew *crew)
{
	return crew_queue_ms(crew) > crew_queue_top(crew) && !room_of(crew);
}

int
crew_queue_check(struct crew *crew, struct fn_call *call, struct fault *why)
{
	if (!crew->nwaiting && crew->settings.queue)
		return 0;
	if (!is_full(crew) && !is_late(crew))
		return 0;
	/* What came in the same turn was not given out yet. */
	if (crew->nwaiting)
		crew_feed(crew);
	if (is_full(crew))
		return refuse_full(crew, call, why);
	if (crew->nwaiting && is_late(crew))
		return refuse_late(crew, call, why);
	return 0;
}
