/*
 * A worker seen from the gateway: it is asked for on the host channel, its
 * socket comes back by the same way, and its end is told there too.  The two
 * ways are not in step: what a worker wrote before it died may be read after
 * GONE, so its end is taken up when both the socket and the keeper have said
 * it (or the socket stays open, held by a child of the worker, for GRACE_MS).
 */
#include "functions/hand.h"

#include "base/clock.h"
#include "base/event.h"
#include "base/mem.h"

#include <assert.h>
#include <stdio.h>
#include <sys/wait.h>

enum {
	START_MS = 60000,
	LEAVE_MS = 1000,
	GRACE_MS = 200,
	KEEP_MS = 1000, /* between two looks at one that is to be kept */
	FRAME_ROOM = 64 * 1024,
	OUT_ROOM = 64 * 1024 * 1024
};

#define TO(state) (1U << (state))

/* Where a worker may go from each state.  A busy one that takes several calls
 * moves behind the others; one that is to leave may be told so again. */
static const unsigned char moves[HAND_STATES_] = {
	[HAND_COLD] = TO(HAND_STARTING),
	[HAND_STARTING] = TO(HAND_IDLE) | TO(HAND_LEAVING) | TO(HAND_COLD),
	[HAND_IDLE] = TO(HAND_BUSY) | TO(HAND_LEAVING) | TO(HAND_COLD),
	[HAND_BUSY] = TO(HAND_BUSY) | TO(HAND_IDLE) | TO(HAND_LEAVING) |
		      TO(HAND_COLD),
	[HAND_LEAVING] = TO(HAND_LEAVING) | TO(HAND_COLD),
};

static void on_limit(struct timer *timer);

static uint64_t
state_ms(const struct hand *hand)
{
	switch (hand->state) {
	case HAND_STARTING:
		return START_MS;
	case HAND_IDLE:
		return (uint64_t)max(hand->crew->settings.idle_ms, (int64_t)1);
	case HAND_LEAVING:
		if (hand->killed || (!hand->doomed && hand->nsent == 0))
			return LEAVE_MS;
		return 0;
	case HAND_BUSY: /* its calls have deadlines */
	case HAND_COLD:
	case HAND_STATES_:
		break;
	}
	return 0;
}

/* A worker is busy and idle again many times before its timer is due: it is
 * left set and looks again then. */
static void
wind(struct hand *hand)
{
	struct loop *loop = hand->crew->crews->loop;
	uint64_t now = uv_now(&loop->uv);

	if (hand->due == 0 ||
		(timer_is_set(&hand->limit) && hand->limit.at <= hand->due))
		return;
	timer_set(&hand->limit, loop, hand->due > now ? hand->due - now : 0,
		on_limit);
}

void
hand_move(struct hand *hand, enum hand_state state)
{
	struct crew *crew = hand->crew;
	uint64_t ms;

	assert(moves[hand->state] & TO(state));
	crew->count[hand->state] -= hand->state != HAND_COLD;
	list_del(&hand->on);
	hand->state = state;
	if (state == HAND_COLD) {
		timer_clear(&hand->limit);
		return;
	}
	/* The last one used is the next: the others may end. */
	if (state == HAND_IDLE)
		list_add_first(&crew->hands[state], &hand->on);
	else
		list_add(&crew->hands[state], &hand->on);
	crew->count[state]++;
	ms = state_ms(hand);
	hand->due = ms ? uv_now(&crew->crews->loop->uv) + ms : 0;
	wind(hand);
}

void
hand_start(struct crew *crew)
{
	struct hand *hand = mem_new(struct hand);

	hand->crew = crew;
	hand->number = ++crew->next_hand;
	hand->started = clock_mono();
	crew->stats.starts++;
	list_init(&hand->on);
	list_init(&hand->sent);
	list_init(&hand->asks);
	hand_move(hand, HAND_STARTING);
	channel_send(
		&crew->channel, HOST_SPAWN, hand->number, SLICE(""), NULL, 0);
}

struct hand *
hand_find(struct crew *crew, uint32_t number)
{
	for (int i = 0; i < HAND_STATES_; i++)
		list_for_each (at, &crew->hands[i]) {
			struct hand *h = container_of(at, struct hand, on);

			if (h->number == number)
				return h;
		}
	return NULL;
}

/* Another may take its place. */
static void
go_out(struct hand *hand)
{
	if (!hand->outgoing)
		hand->crew->outgoing++;
	hand->outgoing = true;
}

void
hand_spend(struct hand *hand)
{
	hand->spent = true;
	go_out(hand);
	hand_move(hand, HAND_LEAVING);
	crew_replace(hand->crew);
}

/* It has told us, for no call to be lost in its last moments. */
void
hand_ends(struct hand *hand)
{
	hand->ends = true;
	go_out(hand);
	if (hand->state == HAND_BUSY || hand->state == HAND_IDLE)
		hand_move(hand, HAND_LEAVING);
}

void
hand_leave(struct hand *hand)
{
	go_out(hand);
	stream_send(&hand->stream, PROTO_DRAIN, 0, SLICE(""));
	hand_move(hand, HAND_LEAVING);
}

void
hand_kill(struct hand *hand, const char *blame)
{
	if (!hand->blame)
		hand->blame = blame;
	hand->killed = true;
	channel_send(&hand->crew->channel, HOST_KILL, hand->number, SLICE(""),
		NULL, 0);
	hand_move(hand, HAND_LEAVING);
}

static void
on_limit(struct timer *timer)
{
	struct hand *hand = container_of(timer, struct hand, limit);

	if (hand->due == 0) {
		return;
	} else if (hand->due > uv_now(&timer->loop->uv)) {
		wind(hand);
	} else if (hand->gone) {
		hand_end(hand, NULL);
	} else if (hand->state == HAND_IDLE && crew_may_shrink(hand->crew)) {
		hand_leave(hand);
	} else if (hand->state == HAND_IDLE) {
		hand->due += max(state_ms(hand), (uint64_t)KEEP_MS);
		wind(hand);
	} else if (hand->state == HAND_STARTING) {
		hand_kill(hand, NULL);
		hand_refused(hand, SLICE("its host does not answer"));
	} else {
		hand_kill(hand, NULL);
		hand->due = uv_now(&timer->loop->uv) + LEAVE_MS;
		wind(hand);
	}
}

/* What a worker's end means for the call it was at. */
static int
cause(const struct hand *hand, const char *because, char *text, size_t size)
{
	int signal = WIFSIGNALED(hand->status) ? WTERMSIG(hand->status) : 0;

	if (because) {
		(void)snprintf(text, size, "%s", because);
	} else if (hand->reason == GONE_MEMORY) {
		(void)snprintf(text, size,
			"the function used more than its %lld MiB of memory",
			(long long)(hand->crew->settings.memory >> 20));
		return ERR_FN_MEMORY;
	} else if (hand->blame) {
		(void)snprintf(text, size, "%s", hand->blame);
	} else if (signal) {
		(void)snprintf(text, size,
			"the function's process was killed by signal %d (%s)",
			signal, strsignal(signal));
	} else {
		(void)snprintf(text, size,
			"the function's process exited with code %d",
			WEXITSTATUS(hand->status));
	}
	return ERR_FN_CRASHED;
}

/* By itself, and not since we had asked it to go.  (That we had it killed may
 * only mean that its socket was closed before its end was told.) */
static bool
has_crashed(const struct hand *hand, bool at_work)
{
	if (hand->reason == GONE_MEMORY || hand->blame == hand_not_a_message)
		return true;
	return hand->gone && !hand->doomed &&
	       (at_work || hand->ends || !hand->outgoing);
}

void
hand_end(struct hand *hand, const char *because)
{
	struct crew *crew = hand->crew;
	char text[200];
	int err = cause(hand, because, text, sizeof(text));
	struct invocation *inv;
	struct list begun;

	crew->outgoing -= hand->outgoing;
	hand_move(hand, HAND_COLD);
	stream_close(&hand->stream);
	host_asks_drop(hand);
	list_init(&begun);
	/* From the last, so that they stand in line in their old order. */
	while ((inv = list_last(&hand->sent, struct invocation, on))) {
		list_del(&inv->on);
		if (inv->begun || !inv->call)
			list_add_first(&begun, &inv->on);
		else
			invocation_take_back(inv);
	}
	hand->nsent = 0;
	crew_feed_soon(crew);
	if (!because && has_crashed(hand, !list_empty(&begun)))
		crew_trouble_crash(crew, text);
	while ((inv = list_first(&begun, struct invocation, on))) {
		invocation_tell(inv, err, text);
		invocation_count(inv, err);
		inv->hand = NULL;
		invocation_finish(inv, err, text, SLICE(""));
	}
	(void)mem_free(hand);
}

void
hand_gone(struct hand *hand, int status, enum host_gone_reason reason)
{
	if (hand->gone)
		return;
	hand->gone = true;
	hand->status = status;
	hand->reason = reason;
	if (!stream_is_open(&hand->stream)) {
		hand_end(hand, NULL);
		return;
	}
	if (hand->state != HAND_LEAVING)
		hand_move(hand, HAND_LEAVING);
	hand->due = uv_now(&hand->crew->crews->loop->uv) + GRACE_MS;
	wind(hand);
}

static void
on_stream_gone(struct stream *s, int err)
{
	struct hand *hand = container_of(s, struct hand, stream);

	if (hand->gone)
		hand_end(hand, NULL);
	else
		hand_kill(hand, err == ERR_FORMAT || err == ERR_TOO_BIG
					? hand_not_a_message
					: NULL);
}

static const struct stream_ops stream_ops = {
	.on_frame = hand_frame, .on_gone = on_stream_gone};

void
hand_join(struct hand *hand, int *fd)
{
	struct crew *crew = hand->crew;
	size_t top = max((size_t)PROTO_CALL_TOP, crew->crews->result_top);

	if (stream_open(&hand->stream, crew->crews->loop, *fd, &stream_ops,
		    top + FRAME_ROOM, crew->crews->event_top + OUT_ROOM) < 0) {
		hand_kill(hand, NULL);
		return;
	}
	*fd = -1;
	crew->trouble.refused = 0;
	if (crew->trouble.crashes < CRASH_PATIENCE)
		crew->trouble.spawn_at = 0;
	crew->queue.from = 0; /* they go faster now */
	hand_move(hand, HAND_IDLE);
	crew_feed_soon(crew);
}

void
hand_refused(struct hand *hand, struct slice text)
{
	struct crew *crew = hand->crew;

	hand_end(hand, NULL);
	crew_trouble_start(crew, text);
}

void
hand_ready(struct hand *hand)
{
	struct invocation *first =
		list_first(&hand->sent, struct invocation, on);

	if (hand->ready)
		return;
	hand->ready = clock_mono();
	if (hand->ncalls != 1 || !first || !first->begun)
		return;
	/* Its call waited until now. */
	first->begun = hand->ready;
	crew_report_init(first);
}

void
hand_memory(struct hand *hand, uint64_t bytes)
{
	struct crew_stats *stats = &hand->crew->stats;

	hand->memory_top = max(hand->memory_top, bytes);
	stats->memory = bytes;
	stats->memory_top = max(stats->memory_top, bytes);
}
