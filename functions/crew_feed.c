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

#include <assert.h>

enum {
	PIPE_TOP = 64,
	PIPE_NS = 2000000,
	NODE_NS = 20000000,
	PIPE_BYTES = 1024 * 1024,
	LOOK_MS = 1
};

void
call_finish(struct fn_call *call, int err, const char *text)
{
	struct crew *crew = call->inside[0];

	list_del(&call->on);
	if (crew) {
		crew->nwaiting--;
		crew->failed++;
		call->inside[0] = NULL;
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
timed_out(struct fn_call *call, const struct crew *crew)
{
	int64_t ms = crew->settings.timeout_ms;

	call->job.err = fault_set(&call->job.why, ERR_FN_TIMEOUT,
		"Invoking task timed out after %g seconds", (double)ms / 1000);
	if (crew->crews->ops.on_line)
		crew->crews->ops.on_line(crew->crews, crew->settings.name,
			call->request_id, 3, slice_str(call->job.why.text));
}

/* Cancelled, or past its deadline: then err says so already. */
static void
on_drop(struct job *job)
{
	struct fn_call *call = container_of(job, struct fn_call, job);
	bool late = job->err == ERR_TIMEOUT;
	struct invocation *inv = call->inside[1];
	struct crew *crew = inv ? inv->hand->crew : call->inside[0];

	if (late) {
		timed_out(call, crew);
		crew->failed++;
	}
	call->inside[0] = call->inside[1] = NULL;
	if (inv) {
		invocation_abandon(inv, late);
	} else {
		list_del(&call->on);
		crew->nwaiting--;
	}
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

static void
look_later(struct crew *crew, uint64_t ms)
{
	if (!timer_is_set(&crew->look))
		timer_set(&crew->look, crew->crews->loop, ms, on_crew_look);
}

/* A node that starts takes a core from those that work: not when they will be
 * through with all that waits before it is ready. */
static bool
is_worth_it(const struct crew *crew)
{
	if (crew->settings.runtime != RUNTIME_NODE)
		return true;
	return crew->pace * crew->nwaiting / crew->count[HAND_BUSY] >= NODE_NS;
}

/* Calls wait: more workers? */
static void
hire(struct crew *crew)
{
	const struct fn_settings *s = &crew->settings;
	const struct fn_call *oldest =
		list_first(&crew->waiting, struct fn_call, on);
	uint64_t now = uv_now(&crew->crews->loop->uv);
	unsigned hands = crew_hands(crew), wanted = crew->nwaiting;
	uint64_t since;

	assert(oldest); /* nwaiting counts them */
	since = oldest->deadline_at - (uint64_t)s->timeout_ms;
	if (!channel_is_open(&crew->channel) || hands >= s->workers)
		return;
	if (crew->crews->draining && hands)
		return;
	if (crew->spawn_at > now) {
		look_later(crew, crew->spawn_at - now);
		return;
	}
	if (s->concurrency > 1) {
		wanted = (wanted + s->concurrency - 1) / s->concurrency;
	} else if (crew_depth(crew) > 1 && crew->count[HAND_BUSY]) {
		/* They are fast: give them a moment before one more. */
		if (now < since + LOOK_MS + 1 || !is_worth_it(crew)) {
			look_later(crew, LOOK_MS);
			return;
		}
		wanted = 1;
	}
	/* A node's start is work for a core; the first to be ready may do. */
	if (s->runtime == RUNTIME_NODE)
		wanted = min(wanted, crew->crews->cores + 1);
	while (crew->count[HAND_STARTING] < wanted && hands++ < s->workers)
		hand_start(crew);
}

static void
feed(struct crew *crew)
{
	struct fn_call *call;
	struct hand *hand;

	while ((call = list_first(&crew->waiting, struct fn_call, on))) {
		hand = pick(crew);
		if (!hand)
			break;
		list_del(&call->on);
		crew->nwaiting--;
		invocation_send(hand, call);
	}
	if (crew->nwaiting)
		hire(crew);
}

/* What is left of a crew that was replaced. */
static void
feed_retired(struct crew *crew)
{
	struct crew *heir = crew_find(crew->crews, crew->settings.name);
	struct hand *hand;
	struct fn_call *call;

	while ((call = list_first(&crew->waiting, struct fn_call, on))) {
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

	if (crew->retired)
		feed_retired(crew);
	else
		feed(crew);
}

void
on_crew_look(struct timer *timer)
{
	crew_feed_soon(container_of(timer, struct crew, look));
}

void
crew_call_again(struct crew *crew, struct fn_call *call)
{
	call->inside[0] = crew;
	call->inside[1] = NULL;
	list_add_first(&crew->waiting, &call->on);
	crew->nwaiting++;
	crew_feed_soon(crew);
}

/* 0, or why the call cannot even wait. */
static int
call_check(struct crew *crew, const struct fn_call *call, const char **text)
{
	uint64_t now = uv_now(&crew->crews->loop->uv);

	if (call->event.len > crew->crews->event_top)
		return ERR_TOO_BIG;
	if (crew->spawn_fails >= CREW_PATIENCE && crew->spawn_at > now &&
		crew_hands(crew) == 0) {
		*text = crew->spawn_text;
		return ERR_FN_CRASHED;
	}
	if (crew->nwaiting >= crew->settings.queue)
		feed(crew);
	return crew->nwaiting >= crew->settings.queue ? ERR_BUSY : 0;
}

void
crew_call(struct crews *crews, struct fn_call *call)
{
	struct crew *crew = crew_find(crews, call->function);
	const char *text = NULL;
	uint64_t ms;
	int r;

	list_init(&call->on);
	memset(call->inside, 0, sizeof(call->inside));
	call->result = SLICE("");
	if (!crew || crews->ending) {
		job_fail_soon(&call->job, crews->loop,
			crew ? ERR_SHUTDOWN : ERR_FN_NOT_FOUND);
		return;
	}
	crew->calls++;
	r = call_check(crew, call, &text);
	if (r < 0) {
		crew->failed++;
		job_fail_soon(&call->job, crews->loop, r);
		if (text)
			(void)fault_set(&call->job.why, r, "%s", text);
		return;
	}
	ms = (uint64_t)max(crew->settings.timeout_ms, (int64_t)1);
	job_begin(&call->job, crews->loop, ms, on_drop);
	call->deadline_at = uv_now(&crews->loop->uv) + ms;
	call->number = ++crews->next_number;
	call->inside[0] = crew;
	list_add(&crew->waiting, &call->on);
	crew->nwaiting++;
	crew_feed_soon(crew);
}
