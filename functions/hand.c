/*
 * A worker seen from the gateway: it is asked for on the host channel, its
 * socket comes back by the same way, and its end is told there too.  The two
 * ways are not in step: what a worker wrote before it died may be read after
 * GONE, so its end is taken up when both the socket and the keeper have said
 * it (or the socket stays open, held by a child of the worker, for GRACE_MS).
 */
#include "functions/hand.h"

#include "base/mem.h"
#include "base/val.h"

#include <stdio.h>
#include <sys/wait.h>

enum { START_MS = 60000, LEAVE_MS = 1000, GRACE_MS = 200,
	FRAME_ROOM = 64 * 1024, OUT_ROOM = 64 * 1024 * 1024,
	RETRY_MS = 100, RETRY_TOP_MS = 10000 };

static const char not_a_message[] =
	"the function's process sent what is not a message of ours";

static void on_limit(struct timer *timer);

static uint64_t
state_ms(const struct hand *hand)
{
	switch (hand->state) {
	case HAND_STARTING:
		return START_MS;
	case HAND_IDLE:
		return (uint64_t)max(
			hand->crew->settings.idle_ms, (int64_t)1);
	case HAND_LEAVING:
		return hand->doomed && !hand->killed ? 0 : LEAVE_MS;
	case HAND_BUSY: /* its calls have deadlines */
	case HAND_STATES_:
		break;
	}
	return 0;
}

void
hand_move(struct hand *hand, enum hand_state state)
{
	struct crew *crew = hand->crew;
	uint64_t ms;

	if (!list_empty(&hand->on))
		crew->count[hand->state]--;
	list_del(&hand->on);
	hand->state = state;
	/* The last one used is the next: the others may end. */
	if (state == HAND_IDLE)
		list_add_first(&crew->hands[state], &hand->on);
	else
		list_add(&crew->hands[state], &hand->on);
	crew->count[state]++;
	ms = state_ms(hand);
	if (ms)
		timer_set(&hand->limit, crew->crews->loop, ms, on_limit);
	else
		timer_clear(&hand->limit);
}

void
hand_start(struct crew *crew)
{
	struct hand *hand = mem_new(struct hand);

	hand->crew = crew;
	hand->number = ++crew->next_hand;
	list_init(&hand->on);
	list_init(&hand->sent);
	list_init(&hand->asks);
	hand_move(hand, HAND_STARTING);
	channel_send(&crew->channel, HOST_SPAWN, hand->number, SLICE(""), NULL,
		0);
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

void
hand_leave(struct hand *hand)
{
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
	if (hand->state != HAND_LEAVING)
		hand_move(hand, HAND_LEAVING);
}

static void
on_limit(struct timer *timer)
{
	struct hand *hand = container_of(timer, struct hand, limit);

	if (hand->gone) {
		hand_end(hand, NULL);
	} else if (hand->state == HAND_IDLE) {
		hand_leave(hand);
	} else if (hand->state == HAND_STARTING) {
		hand_kill(hand, NULL);
		hand_refused(hand, SLICE("its host does not answer"));
	} else {
		hand_kill(hand, NULL);
		timer_set(&hand->limit, timer->loop, LEAVE_MS, on_limit);
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

void
hand_end(struct hand *hand, const char *because)
{
	struct crew *crew = hand->crew;
	char text[200];
	int err = cause(hand, because, text, sizeof(text));
	struct invocation *inv;
	struct list begun;

	timer_clear(&hand->limit);
	crew->count[hand->state]--;
	list_del(&hand->on);
	stream_close(&hand->stream);
	host_asks_drop(hand);
	list_init(&begun);
	/* From the last, so that they stand in line in their old order. */
	while (!list_empty(&hand->sent)) {
		inv = container_of(hand->sent.prev, struct invocation, on);
		list_del(&inv->on);
		if (inv->begun || !inv->call)
			list_add_first(&begun, &inv->on);
		else
			invocation_take_back(inv);
	}
	hand->nsent = 0;
	crew_feed_soon(crew);
	while ((inv = list_first(&begun, struct invocation, on))) {
		inv->hand = NULL;
		crew->failed += inv->call != NULL;
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
	timer_set(&hand->limit, hand->crew->crews->loop, GRACE_MS, on_limit);
}

static void
on_stream_gone(struct stream *s, int err)
{
	struct hand *hand = container_of(s, struct hand, stream);

	if (hand->gone)
		hand_end(hand, NULL);
	else
		hand_kill(hand,
			err == ERR_FORMAT || err == ERR_TOO_BIG ? not_a_message
								: NULL);
}

static void
on_result(struct hand *hand, const struct frame *f)
{
	struct invocation *inv = invocation_find(hand, f->id);

	if (!inv || !invocation_has_begun(inv))
		hand_kill(hand, not_a_message);
	else if (f->body.len > hand->crew->crews->result_top)
		invocation_finish(inv, ERR_ANSWER_BIG, NULL, SLICE(""));
	else if (inv->call && val_check(f->body) < 0)
		invocation_finish(inv, ERR_FN_BAD_ANSWER, NULL, SLICE(""));
	else
		invocation_finish(inv, 0, NULL, f->body);
}

static void
say(struct hand *hand, const char *request_id, int level, struct slice text)
{
	struct crews *crews = hand->crew->crews;

	while (text.len && text.ptr[text.len - 1] == '\n')
		text.len--;
	if (crews->ops.on_line)
		crews->ops.on_line(crews, hand->crew->settings.name, request_id,
			level, text);
}

/* Not cut inside a character. */
static struct slice
text_head(struct slice s, size_t top)
{
	if (s.len <= top)
		return s;
	while (top && ((unsigned char)s.ptr[top] & 0xc0) == 0x80)
		top--;
	return slice_of(s.ptr, top);
}

static void
on_error(struct hand *hand, const struct frame *f)
{
	struct invocation *inv = invocation_find(hand, f->id);
	struct slice message = SLICE(""), stack = SLICE("");
	struct fault why = {0};
	_json_ json_t *json = NULL;

	if (!inv || !invocation_has_begun(inv) ||
		val_parse(&json, f->body, NULL) < 0 || !json_is_object(json) ||
		val_str_or(json, "message", SIZE_MAX, message, &message, NULL) <
			0 ||
		val_str_or(json, "stack", SIZE_MAX, stack, &stack, NULL) < 0) {
		hand_kill(hand, not_a_message);
		return;
	}
	say(hand, inv->request_id, 3, stack.len ? stack : message);
	message = text_head(message, sizeof(why.text) - 1);
	if (message.len)
		(void)fault_set(&why, ERR_FN_FAILED, "%.*s", SLICE_ARG(message));
	invocation_finish(inv, ERR_FN_FAILED, message.len ? why.text : NULL,
		SLICE(""));
}

static void
on_log_frame(struct hand *hand, const struct frame *f)
{
	struct getter g = getter_of(f->body);
	struct invocation *inv = f->id ? invocation_find(hand, f->id) : NULL;
	uint8_t level = get_u8(&g);

	if (g.bad || level > 3)
		hand_kill(hand, not_a_message);
	else
		say(hand, inv ? inv->request_id : f->id ? hand->last_id : "",
			level, text_head(g.left, PROTO_LOG_TOP));
}

void
hand_line(struct crew *crew, uint32_t number, int level, struct slice text)
{
	struct hand *hand = number ? hand_find(crew, number) : NULL;
	struct crews *crews = crew->crews;
	struct invocation *head = NULL;

	if (hand) {
		head = list_first(&hand->sent, struct invocation, on);
		/* Of several at once nobody knows who printed it. */
		if (head && crew->settings.concurrency > 1 && hand->nsent > 1)
			say(hand, "", level, text);
		else
			say(hand, head ? head->request_id : hand->last_id,
				level, text);
	} else if (crews->ops.on_line) {
		crews->ops.on_line(
			crews, crew->settings.name, "", level, text);
	}
}

static void
on_frame(struct stream *s, const struct frame *f)
{
	struct hand *hand = container_of(s, struct hand, stream);

	if (hand->blame == not_a_message)
		return; /* it is being killed */
	switch (f->type) {
	case PROTO_RESULT:
		on_result(hand, f);
		break;
	case PROTO_ERROR:
		on_error(hand, f);
		break;
	case PROTO_CALL:
		host_ask_start(hand, f->id, f->body);
		break;
	case PROTO_LOG:
		on_log_frame(hand, f);
		break;
	case PROTO_READY:
		if (f->id != 0 || f->body.len != 0)
			hand_kill(hand, not_a_message);
		break;
	default:
		hand_kill(hand, not_a_message);
	}
}

static const struct stream_ops stream_ops = {
	.on_frame = on_frame, .on_gone = on_stream_gone};

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
	crew->spawn_fails = 0;
	crew->spawn_at = 0;
	hand_move(hand, HAND_IDLE);
	crew_feed_soon(crew);
}

/* One failure may be chance; after some in a row calls are told. */
void
hand_refused(struct hand *hand, struct slice text)
{
	struct crew *crew = hand->crew;
	uint64_t now = uv_now(&crew->crews->loop->uv), ms = RETRY_MS;
	struct fn_call *call;

	(void)mem_free(crew->spawn_text);
	crew->spawn_text = str_printf("the function cannot be started: %.*s",
		(int)min(text.len, (size_t)180), text.ptr);
	for (unsigned i = 0; i < crew->spawn_fails && ms < RETRY_TOP_MS; i++)
		ms *= 2;
	crew->spawn_fails++;
	crew->spawn_at = now + min(ms, (uint64_t)RETRY_TOP_MS);
	hand_end(hand, NULL);
	if (crew->spawn_fails < CREW_PATIENCE || crew->count[HAND_IDLE] ||
		crew->count[HAND_BUSY])
		return;
	while ((call = list_first(&crew->waiting, struct fn_call, on)))
		call_finish(call, ERR_FN_CRASHED, crew->spawn_text);
}
