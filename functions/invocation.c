/*
 * A call in a worker's hands.  It lives longer than the call where it must:
 * when the client has left the worker is still at it, and a cloud.* request it
 * made still acts for its caller.  So the caller's words are copied here once.
 */
#include "functions/hand.h"

#include "base/clock.h"
#include "base/event.h"
#include "base/mem.h"
#include "base/sip.h"

/* A deadline that is nearly right is not wound anew. */
enum { ROUTE_KEY_SIZE = 17, NEARLY_MS = 16 };

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

/* By it the calls that a function makes for somebody without an openid stay on
 * one version; an openid does that by itself (release.h). */
static const char *
route_key_put(char *to, const struct fn_call *call)
{
	static const uint64_t none[2] = {0, 0};
	uint64_t hash;

	if (call->route_key && *call->route_key)
		return strcpy(to, call->route_key);
	if (*call->caller->openid)
		return "";
	hash = sip_hash(none, call->request_id, strlen(call->request_id));
	for (int i = 0; i < ROUTE_KEY_SIZE - 1; i++, hash >>= 4)
		to[i] = "0123456789abcdef"[hash & 15];
	to[ROUTE_KEY_SIZE - 1] = '\0';
	return to;
}

static struct invocation *
invocation_new(struct crews *crews, const struct fn_call *call)
{
	const struct caller *c = call->caller;
	struct invocation *inv = mem_alloc(
		sizeof(*inv) + size_of(c->uid) + size_of(c->appid) +
		size_of(c->openid) + size_of(c->unionid) + size_of(c->kind) +
		size_of(c->custom_id) + size_of(call->request_id) +
		size_of(call->function) +
		max(size_of(call->route_key), (size_t)ROUTE_KEY_SIZE));
	char *at = inv->text;

	inv->crews = crews;
	inv->refs = 1;
	if (++crews->next_id == 0) /* 0 is no invocation */
		crews->next_id = 1;
	inv->id = crews->next_id;
	inv->deadline_at = call->deadline_at;
	inv->asked = call->asked;
	inv->caller = *c;
	inv->caller.role = CALLER_FUNCTION;
	inv->caller.uid = keep(&at, c->uid);
	inv->caller.appid = keep(&at, c->appid);
	inv->caller.openid = keep(&at, c->openid);
	inv->caller.unionid = keep(&at, c->unionid);
	inv->caller.kind = keep(&at, c->kind);
	inv->caller.custom_id = keep(&at, c->custom_id);
	inv->request_id = keep(&at, call->request_id);
	inv->function = keep(&at, call->function);
	inv->route_key = route_key_put(at, call);
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
	member(b, ",\"kind\":", inv->caller.kind);
	member(b, ",\"customId\":", inv->caller.custom_id);
	member(b, ",\"source\":", call->source);
	member(b, ",\"clientIp\":", call->client_ip);
	member(b, ",\"trigger\":", call->trigger);
	member(b, ",\"routeKey\":", inv->route_key);
	member(b, ",\"traceparent\":", call->traceparent);
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

/* From now on it is the function's own time; a call that waited has as much of
 * it as one that did not. */
static void
give_time(const struct crew *crew, struct fn_call *call)
{
	uint64_t now = uv_now(&crew->crews->loop->uv);
	uint64_t ms = (uint64_t)max(crew->settings.timeout_ms, (int64_t)1);

	if (call->deadline_at + NEARLY_MS >= now + ms)
		return;
	call->deadline_at = now + ms;
	if (timer_is_set(&call->job.deadline))
		timer_set(&call->job.deadline, crew->crews->loop, ms,
			call->job.deadline.fn);
}

void
invocation_begin(struct invocation *inv, int64_t now)
{
	struct hand *hand = inv->hand;

	inv->begun = now;
	inv->cold =
		hand->ncalls == 1 && (!hand->ready || inv->asked < hand->ready);
	crew_report_begin(inv);
	if (inv->cold && hand->ready)
		crew_report_init(inv);
}

void
invocation_send(struct hand *hand, struct fn_call *call)
{
	struct invocation *inv;

	give_time(hand->crew, call);
	inv = invocation_new(hand->crew->crews, call);

	inv->hand = hand;
	inv->call = call;
	call->inside[0] = NULL;
	call->inside[1] = inv;
	list_add(&hand->sent, &inv->on);
	hand->nsent++;
	hand->ncalls++;
	if (hand->nsent == 1 || hand->crew->settings.concurrency > 1)
		invocation_begin(inv, clock_mono());
	/* One by one in turn; those that take several are filled up. */
	if (hand->state != HAND_BUSY || hand->crew->settings.concurrency <= 1)
		hand_move(hand, HAND_BUSY);
	invoke_put(hand, inv, call);
	if (hand->crew->settings.calls &&
		hand->ncalls >= hand->crew->settings.calls)
		hand_spend(hand);
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
	if (head && !head->begun && !hand->ends) {
		invocation_begin(head, now);
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
	else if (hand->nsent == 0 && hand->ends)
		hand_move(hand, HAND_LEAVING); /* not for ever */
	else if (hand->nsent == 0 && hand->spent && !hand->killed)
		hand_leave(hand);
	crew_feed_soon(hand->crew);
}

void
invocation_tell(const struct invocation *inv, int err, const char *text)
{
	if (err >= 0 || err == ERR_FN_FAILED || !inv->hand || !inv->call)
		return;
	crew_say(inv->hand->crew, inv->request_id, 3, LINE_CODE,
		slice_str(text ? text : err_text(err)));
}

void
invocation_count(struct invocation *inv, int err)
{
	struct crew *crew = inv->hand->crew;
	struct crew_stats *stats = &crew->stats;
	enum crew_end end = crew_end_of(err);
	int64_t took;

	if (inv->counted)
		return;
	inv->counted = true;
	took = inv->begun ? clock_mono() - inv->begun : 0;
	if (!inv->call && err == 0)
		end = ENDED_LEFT;
	stats->ended[end]++;
	stats->failed += err < 0;
	crew_hist_add(&stats->wait, inv->begun ? inv->begun - inv->asked : 0);
	crew_hist_add(&stats->took, took);
	if (inv->cold) {
		crew_hist_add(&stats->cold,
			inv->hand->ready ? inv->hand->ready - inv->hand->started
					 : took);
		event(EVENT_FN_COLD_START, "function", crew->settings.name,
			"version", EVENT_INT(crew->settings.version), NULL);
	}
	crew_guard_take(crew, end, took);
	crew_report_end(inv, err, took);
	/* What its process did not survive is no sign of health. */
	if (err == 0 || (err == ERR_FN_FAILED && !inv->hand->ends))
		crew_trouble_over(crew);
}

void
invocation_finish(
	struct invocation *inv, int err, const char *text, struct slice result)
{
	struct fn_call *call;

	invocation_tell(inv, err, text);
	if (inv->hand)
		invocation_count(inv, err);
	call = take(inv->call);
	list_del(&inv->on);
	session_close(inv);
	timer_clear(&inv->limit);
	if (inv->hand)
		hand_release(inv->hand, inv);
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

	inv->late = late;
	if (late)
		invocation_count(inv, ERR_FN_TIMEOUT);
	inv->call = NULL;
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
