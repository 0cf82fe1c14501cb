/*
 * A call in a worker's hands.  It lives longer than the call where it must:
 * when the client has left the worker is still at it, and a cloud.* request it
 * made still acts for its caller.  So the caller's words are copied here once.
 */
#include "functions/hand.h"

#include "base/clock.h"
#include "base/mem.h"

static const char *
keep(char **at, const char *s)
{
	size_t size = (s ? strlen(s) : 0) + 1;
	char *to = *at;

	if (s)
		memcpy(to, s, size);
	*at += size;
	return to;
}

static size_t
size_of(const char *s)
{
	return (s ? strlen(s) : 0) + 1;
}

static struct invocation *
invocation_new(struct crews *crews, const struct fn_call *call)
{
	const struct caller *c = call->caller;
	struct invocation *inv =
		mem_alloc(sizeof(*inv) + size_of(c->uid) + size_of(c->appid) +
			  size_of(c->openid) + size_of(c->unionid) +
			  size_of(call->request_id) + size_of(call->function));
	char *at = inv->text;

	inv->crews = crews;
	inv->refs = 1;
	if (++crews->next_id == 0) /* 0 is no invocation */
		crews->next_id = 1;
	inv->id = crews->next_id;
	inv->deadline_at = call->deadline_at;
	inv->caller = *c;
	inv->caller.role = CALLER_FUNCTION;
	inv->caller.uid = keep(&at, c->uid);
	inv->caller.appid = keep(&at, c->appid);
	inv->caller.openid = keep(&at, c->openid);
	inv->caller.unionid = keep(&at, c->unionid);
	inv->request_id = keep(&at, call->request_id);
	inv->function = keep(&at, call->function);
	list_init(&inv->on);
	list_init(&inv->by_token);
	session_open(inv);
	return inv;
}

/* What is not known is left out: it means the same. */
static void
member(struct buf *b, const char *key, const char *value)
{
	if (!value || !*value)
		return;
	buf_str(b, key);
	buf_json(b, slice_str(value));
}

/* The context, as functions/node/runner.mjs and worker.c read it. */
static void
context_put(struct buf *b, const struct hand *hand,
	const struct invocation *inv, const struct fn_call *call)
{
	const char *appid = inv->caller.appid;

	buf_slice(b, buf_all(&hand->crew->context));
	member(b, ",\"appid\":", *appid ? appid : inv->crews->appid);
	member(b, ",\"requestId\":", inv->request_id);
	member(b, ",\"openid\":", inv->caller.openid);
	member(b, ",\"unionid\":", inv->caller.unionid);
	member(b, ",\"uid\":", inv->caller.uid);
	member(b, ",\"source\":", call->source);
	member(b, ",\"clientIp\":", call->client_ip);
	member(b, ",\"sessionToken\":", inv->token);
	buf_char(b, '}');
}

static void
invoke_put(struct hand *hand, struct invocation *inv, struct fn_call *call)
{
	struct buf *out = stream_out(&hand->stream);
	uint64_t now = uv_now(&inv->crews->loop->uv);
	uint64_t left = inv->deadline_at > now ? inv->deadline_at - now : 1;
	size_t mark = frame_begin(out, PROTO_INVOKE, inv->id), at;
	uint32_t len;

	put_u32(out, (uint32_t)min(left, (uint64_t)UINT32_MAX));
	at = out->len;
	put_u32(out, 0);
	context_put(out, hand, inv, call);
	len = (uint32_t)(out->len - at - 4);
	for (int i = 0; !out->full && i < 4; i++)
		out->ptr[at + (size_t)i] = (char)(len >> (8 * i) & 0xff);
	buf_slice(out, call->event);
	frame_end(out, mark);
}

void
invocation_send(struct hand *hand, struct fn_call *call)
{
	struct invocation *inv = invocation_new(hand->crew->crews, call);

	inv->hand = hand;
	inv->call = call;
	call->inside[0] = NULL;
	call->inside[1] = inv;
	list_add(&hand->sent, &inv->on);
	hand->nsent++;
	if (hand->nsent == 1 || hand->crew->settings.concurrency > 1)
		inv->begun = clock_mono();
	/* One by one in turn; those that take several are filled up. */
	if (hand->state != HAND_BUSY || hand->crew->settings.concurrency <= 1)
		hand_move(hand, HAND_BUSY);
	invoke_put(hand, inv, call);
}

struct invocation *
invocation_find(struct hand *hand, uint32_t id)
{
	list_for_each (at, &hand->sent) {
		struct invocation *inv =
			container_of(at, struct invocation, on);

		if (inv->id == id)
			return inv;
	}
	return NULL;
}

bool
invocation_has_begun(const struct invocation *inv)
{
	return inv->begun != 0;
}

struct invocation *
invocation_ref(struct invocation *inv)
{
	inv->refs++;
	return inv;
}

void
invocation_unref(struct invocation *inv)
{
	if (--inv->refs)
		return;
	timer_clear(&inv->limit);
	(void)mem_free(inv);
}

unsigned
hand_waited_for(const struct hand *hand)
{
	unsigned n = 0;

	list_for_each (at, &hand->sent)
		n += container_of(at, struct invocation, on)->call != NULL;
	return n;
}

/* An overrun: the worker must go, but not under calls that it does beside. */
static void
overrun(struct hand *hand)
{
	hand->doomed = true;
	if (hand->killed)
		return;
	if (hand->crew->settings.concurrency <= 1 || hand_waited_for(hand) == 0)
		hand_kill(hand, "another call of the same process took longer "
				"than the function's timeout");
	else if (hand->state == HAND_BUSY)
		hand_move(hand, HAND_LEAVING);
}

/* A call alone in its socket seems to take what waking its worker takes, too,
 * and the first ones what loading takes: the pace follows quickly to shorter
 * times, slowly to longer ones. */
static void
pace_take(struct crew *crew, int64_t took)
{
	int64_t more = took - crew->pace;

	if (!crew->pace)
		crew->pace = took;
	else
		crew->pace += more < 0 ? more / 2 : more / 8;
	crew->pace = max(crew->pace, (int64_t)1);
}

/* The next in the socket begins when the one before it ends. */
static void
hand_next(struct hand *hand, const struct invocation *done)
{
	struct crew *crew = hand->crew;
	int64_t now = clock_mono();
	struct invocation *head =
		list_first(&hand->sent, struct invocation, on);

	if (crew->settings.concurrency <= 1)
		pace_take(crew, now - done->begun);
	if (head && !head->begun) {
		head->begun = now;
		if (head->late)
			overrun(hand);
	}
}

/* Output may come after the call it belongs to. */
static void
keep_id(struct hand *hand, const char *id)
{
	size_t len = min(strlen(id), sizeof(hand->last_id) - 1);

	memcpy(hand->last_id, id, len);
	hand->last_id[len] = '\0';
}

static void
hand_release(struct hand *hand, struct invocation *inv)
{
	keep_id(hand, inv->request_id);
	hand->nsent--;
	inv->hand = NULL;
	hand_next(hand, inv);
	if (hand->doomed)
		overrun(hand);
	else if (hand->nsent == 0 && hand->state == HAND_BUSY)
		hand_move(hand, HAND_IDLE);
	crew_feed_soon(hand->crew);
}

void
invocation_tell(const struct invocation *inv, int err, const char *text)
{
	const struct crews *crews = inv->crews;

	if (err >= 0 || err == ERR_FN_FAILED || !inv->hand || !inv->call ||
		!crews->ops.on_line)
		return;
	crews->ops.on_line(inv->crews, inv->hand->crew->settings.name,
		inv->request_id, 3, slice_str(text ? text : err_text(err)));
}

void
invocation_finish(
	struct invocation *inv, int err, const char *text, struct slice result)
{
	struct fn_call *call;

	invocation_tell(inv, err, text);
	call = take(inv->call);
	list_del(&inv->on);
	session_close(inv);
	timer_clear(&inv->limit);
	if (inv->hand) {
		if (err < 0)
			inv->hand->crew->failed++;
		hand_release(inv->hand, inv);
	}
	invocation_unref(inv);
	if (!call)
		return;
	call->inside[1] = NULL;
	call->result = result;
	if (text)
		(void)fault_set(&call->job.why, err, "%s", text);
	job_finish(&call->job, err);
}

static void
on_limit(struct timer *timer)
{
	invocation_abandon(container_of(timer, struct invocation, limit), true);
}

void
invocation_abandon(struct invocation *inv, bool late)
{
	uint64_t now = uv_now(&inv->crews->loop->uv);

	inv->call = NULL;
	inv->late = late;
	if (!late)
		timer_set(&inv->limit, inv->crews->loop,
			inv->deadline_at > now ? inv->deadline_at - now : 0,
			on_limit);
	else if (inv->begun)
		overrun(inv->hand);
}

void
invocation_take_back(struct invocation *inv)
{
	struct fn_call *call = take(inv->call);

	list_del(&inv->on);
	session_close(inv);
	crew_call_again(inv->hand->crew, call);
	invocation_unref(inv);
}
