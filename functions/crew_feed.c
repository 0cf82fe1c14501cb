/*
 * Calls and the workers they wait for.  Once a turn, what waits is given out:
 * to idle workers first; then, where calls are short, behind others in the
 * sockets of busy ones, which saves a wake-up for each; and where that is not
 * enough, more workers are asked for.
 *
 * A call behind another cannot be taken back, so how many may stand there
 * follows from how long calls of this function take: together not longer than
 * PIPE_NS.  A function whose calls take long has one in each socket.
 *
 * Where as many workers run as there are cores for them, one more only takes
 * the others' time: calls then stand behind others though a worker is idle,
 * unless the one in front waits for an answer of the cloud.
 */
#include "functions/hand.h"

#include "base/clock.h"
#include "base/mem.h"

enum { PIPE_TOP = 64, PIPE_NS = 2000000, PIPE_BYTES = 1024 * 1024 };

/* A call that no worker has seen. */
static void
count_unbegun(struct crew *crew, int err)
{
	enum crew_end end = crew_end_of(err);

	crew->stats.ended[end]++;
	crew->stats.failed++;
	/* A version that rests after crashes fails those that call it. */
	if (crew_end_is_failure(end))
		crew_guard_take(crew, end, 0);
}

void
call_finish(struct fn_call *call, int err, const char *text)
{
	struct crew *crew = call->inside[0];

	list_del(&call->on);
	if (crew) {
		crew->nwaiting--;
		call->inside[0] = NULL;
		count_unbegun(crew, err);
	}
	if (text)
		(void)fault_set(&call->job.why, err, "%s", text);
	job_finish(&call->job, err);
}

void
crew_feed_soon(struct crew *crew)
{
	if (!crew->crews->ending)
		loop_defer(crew->crews->loop, &crew->feed);
}

static void
timed_out(struct fn_call *call, struct crew *crew)
{
	int64_t ms = crew->settings.timeout_ms;

	call->job.err = fault_set(&call->job.why, ERR_FN_TIMEOUT,
		"Invoking task timed out after %g seconds", (double)ms / 1000);
	crew_say(crew, call->request_id, 3, LINE_CODE,
		slice_str(call->job.why.text));
}

static void
waited_out(struct fn_call *call, struct crew *crew)
{
	uint64_t ms = crew_queue_ms(crew);

	call->retry_ms = (uint32_t)min(max(ms, (uint64_t)1), (uint64_t)60000);
	call->job.err = fault_set(&call->job.why, ERR_BUSY,
		"no worker of function %s was free within %g s",
		crew->settings.name, (double)crew_queue_top(crew) / 1000);
	count_unbegun(crew, ERR_BUSY);
}

static void
drop_waiting(struct fn_call *call, bool late)
{
	struct crew *crew = take(call->inside[0]);

	list_del(&call->on);
	crew->nwaiting--;
	if (late)
		waited_out(call, crew);
	else
		crew->stats.ended[ENDED_LEFT]++;
}

/* Cancelled, or past its deadline: then err says so already. */
static void
on_drop(struct job *job)
{
	struct fn_call *call = container_of(job, struct fn_call, job);
	bool late = job->err == ERR_TIMEOUT;
	struct invocation *inv = take(call->inside[1]);

	if (!inv) {
		drop_waiting(call, late);
		return;
	}
	if (late)
		timed_out(call, inv->hand->crew);
	invocation_abandon(inv, late);
}

/* Fast functions get a deep socket, slow ones and unknown ones one place. */
unsigned
crew_depth(const struct crew *crew)
{
	if (crew->settings.concurrency > 1)
		return crew->settings.concurrency;
	if (crew->pace <= 0 || crew->pace > PIPE_NS)
		return 1;
	return (unsigned)min((int64_t)PIPE_TOP, PIPE_NS / crew->pace);
}

/* A worker whose call has taken longer than others do is not a place to wait
 * behind. */
static bool
hand_has_room(const struct hand *hand, unsigned depth, int64_t now)
{
	const struct invocation *head =
		list_first(&hand->sent, struct invocation, on);

	if (hand->nsent >= depth || hand->stream.out.len > PIPE_BYTES)
		return false;
	if (hand->crew->settings.concurrency > 1)
		return true;
	return !head || now - head->begun < PIPE_NS;
}

static struct hand *
pick_busy(struct crew *crew, bool waiting_too)
{
	unsigned depth = crew_depth(crew);
	int64_t now;

	if (depth <= 1)
		return NULL;
	now = clock_mono();
	list_for_each (at, &crew->hands[HAND_BUSY]) {
		struct hand *hand = container_of(at, struct hand, on);

		if ((waiting_too || !hand->nasks) &&
			hand_has_room(hand, depth, now))
			return hand;
	}
	return NULL;
}

static struct hand *
pick(struct crew *crew)
{
	struct hand *idle =
		list_first(&crew->hands[HAND_IDLE], struct hand, on);
	struct hand *busy = NULL;

	/* Workers that take several calls are filled one by one. */
	if (crew->settings.concurrency > 1 || !idle)
		busy = pick_busy(crew, true);
	else if (crew->count[HAND_BUSY] >= crew->crews->cores)
		busy = pick_busy(crew, false);
	return busy ? busy : idle;
}

void
crew_feed(struct crew *crew)
{
	unsigned begun = 0;
	struct fn_call *call;
	struct hand *hand;

	while ((call = list_first(&crew->waiting, struct fn_call, on))) {
		hand = pick(crew);
		if (!hand)
			break;
		list_del(&call->on);
		crew->nwaiting--;
		begun++;
		invocation_send(hand, call);
	}
	if (crew->nwaiting || crew->queue.from)
		crew_queue_note(crew, begun);
	if (crew->nwaiting)
		crew_hire(crew);
	if (crew->settings.min_workers)
		crew_keep(crew);
}

/* What is left of a crew that was retired. */
static void
feed_retired(struct crew *crew)
{
	struct crew *heir = roster_heir(crew->crews, crew);
	struct hand *hand;
	struct fn_call *call;

	/* From the last, so that they stand in line in their old order. */
	while ((call = list_last(&crew->waiting, struct fn_call, on))) {
		if (!heir) {
			call_finish(call, ERR_FN_NOT_FOUND, NULL);
			continue;
		}
		list_del(&call->on);
		crew->nwaiting--;
		crew_call_again(heir, call);
	}
	while ((hand = list_first(&crew->hands[HAND_IDLE], struct hand, on)))
		hand_leave(hand);
	if (crew_hands(crew) == 0)
		crew_done(crew);
}

void
on_crew_feed(struct defer *defer)
{
	struct crew *crew = container_of(defer, struct crew, feed);

	if (crew->roster)
		crew_feed(crew);
	else
		feed_retired(crew);
}

void
crew_wait(struct crew *crew, struct fn_call *call)
{
	call->inside[0] = crew;
	call->version = crew->settings.version;
	list_add(&crew->waiting, &call->on);
	crew->nwaiting++;
	crew_feed_soon(crew);
}

void
crew_call_again(struct crew *crew, struct fn_call *call)
{
	call->inside[0] = crew;
	call->inside[1] = NULL;
	call->version = crew->settings.version;
	list_add_first(&crew->waiting, &call->on);
	crew->nwaiting++;
	crew_feed_soon(crew);
}

/* 0, or why the call cannot even wait. */
static int
call_check(struct crew *crew, struct fn_call *call, struct fault *why)
{
	int r;

	if (call->event.len > crew->crews->event_top)
		return ERR_TOO_BIG;
	r = crew_trouble_check(crew, &call->retry_ms, why);
	return r < 0 ? r : crew_queue_check(crew, call, why);
}

/* NULL: the job is told why. */
static struct crew *
crew_of(struct crews *crews, struct fn_call *call)
{
	const struct roster *roster = roster_find(crews, call->function);
	struct crew *crew = NULL;
	int err = ERR_FN_NOT_FOUND;

	if (crews->ending)
		err = ERR_SHUTDOWN;
	else if (roster)
		crew = roster_pick(roster, call);
	if (crew)
		return crew;
	job_fail_soon(&call->job, crews->loop, err);
	if (roster && err == ERR_FN_NOT_FOUND)
		(void)roster_unknown(roster, call, &call->job.why);
	return NULL;
}

void
crew_call(struct crews *crews, struct fn_call *call)
{
	struct fault why = {0};
	struct crew *crew;
	uint64_t ms;
	int r;

	list_init(&call->on);
	memset(call->inside, 0, sizeof(call->inside));
	call->result = SLICE("");
	call->version = 0;
	call->retry_ms = 0;
	crew = crew_of(crews, call);
	if (!crew)
		return;
	crew->stats.calls++;
	r = call_check(crew, call, &why);
	if (r < 0) {
		call->version = crew->settings.version;
		count_unbegun(crew, r);
		job_fail_soon(&call->job, crews->loop, r);
		call->job.why = why;
		return;
	}
	ms = crew_queue_top(crew);
	job_begin(&call->job, crews->loop, ms, on_drop);
	call->asked = clock_mono();
	call->since = uv_now(&crews->loop->uv);
	call->deadline_at = call->since + ms;
	crew_wait(crew, call);
}
