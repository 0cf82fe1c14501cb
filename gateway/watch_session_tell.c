/*
 * What a watch tells its client: between the client's numbers and the engine's.
 *
 * The SDK holds only a queryID and the number of the last event, which has to
 * rise by exactly one.  At INIT the engine's seq is the client's number.  When
 * the engine tells the whole result anew, that is the client's next event, and
 * from then on its numbers are the engine's shifted; a later REBUILD of such a
 * client names an epoch that is over, and so gets the whole result again.
 *
 * While a client rebuilds it passes over every message but the answer: what it
 * missed is collected and sent as one.
 */
#include "base/mem.h"
#include "gateway/watch_session_inside.h"
#include "watch/watch_sign.h"

#include <inttypes.h>

/* {"watchId":…,"msgData":{"queryID":"…", of `type`. */
static void
put_head(struct buf *to, const struct watching *w, const char *type)
{
	buf_str(to, "{\"watchId\":");
	buf_json(to, slice_str(w->watch_id));
	buf_str(to, ",\"requestId\":");
	buf_json(to, slice_str(w->request_id ? w->request_id : ""));
	buf_printf(to, ",\"msgType\":\"%s\",\"msgData\":{\"queryID\":\"%s\",",
		type, w->query_id);
}

void
watching_say(struct watching *w, const char *type, struct slice rest)
{
	_buf_ struct buf head;

	buf_init(&head, 128 * 1024);
	put_head(&head, w, type);
	ws_send_parts(w->session->ws, buf_all(&head), rest);
	w->request_id = mem_free(w->request_id);
}

static void
put_begin(struct buf *to, uint64_t last)
{
	buf_printf(to, "\"currEvent\":%" PRIu64 ",\"events\":[", last);
}

static void
put_end(struct buf *to)
{
	buf_str(to, "]}}");
}

/* The whole result is too large for any message: it cannot be. */
static bool
is_whole(struct watching *w, const struct buf *text)
{
	if (buf_check(text) == 0)
		return true;
	ws_close(w->session->ws, 1009, "the result is too large to be told");
	return false;
}

static int
make_query_id(struct watching *w)
{
	struct session *s = w->session;
	const struct watch_place place = {
		.uid = slice_str(s->caller.uid),
		.collection = slice_str(w->collection),
		.query = slice_str(w->query),
		.order = slice_str(w->order),
		.limit = w->limit,
		.epoch = watch_relay_epoch(&w->sub),
	};
	_buf_ struct buf b;
	int e;

	buf_init(&b, 128 * 1024);
	e = watch_place_put(s->gateway->seal, &place, &b);
	if (e == 0)
		w->query_id = str_dup(b.ptr);
	w->collection = mem_free(w->collection);
	w->query = mem_free(w->query);
	w->order = mem_free(w->order);
	return e;
}

static void
tell_first(struct watching *w, uint64_t seq, const struct watch_change *changes,
	size_t count)
{
	_buf_ struct buf b = {0};

	if (make_query_id(w) < 0) {
		ws_close(w->session->ws, 1011, "an error of the server");
		return;
	}
	w->last = seq;
	buf_init(&b, WATCH_EVENTS_TOP);
	put_begin(&b, seq);
	watch_events_put(&b, false, seq, changes, count);
	put_end(&b);
	if (is_whole(w, &b))
		watching_say(w, "INIT_EVENT", buf_all(&b));
}

/* The client's documents are replaced by these. */
static void
tell_anew(struct watching *w, uint64_t seq, const struct watch_change *changes,
	size_t count)
{
	_buf_ struct buf b;

	w->last++;
	w->shift = w->last - seq;
	buf_init(&b, WATCH_EVENTS_TOP);
	put_begin(&b, w->last);
	if (count)
		watch_events_put(&b, false, w->last, changes, count);
	else
		watch_events_put_empty(&b, w->last);
	put_end(&b);
	if (is_whole(w, &b))
		watching_say(w, "NEXT_EVENT", buf_all(&b));
}

static void
on_result(struct watch_sub *sub, uint64_t seq,
	const struct watch_change *changes, size_t count)
{
	struct watching *w = container_of(sub, struct watching, sub);
	enum watching_state before = w->state;

	w->state = WATCHING_LIVE;
	buf_clear(&w->missed);
	if (before == WATCHING_INIT)
		tell_first(w, seq, changes, count);
	else
		tell_anew(w, seq, changes, count);
}

/* The same text for all whose numbers are the engine's. */
static struct slice
shared_text(struct watch_sessions *all, uint64_t batch, uint64_t seq,
	const struct watch_change *changes, size_t count)
{
	if (batch != all->batch || !batch) {
		buf_clear(&all->text);
		put_begin(&all->text, seq);
		watch_events_put(&all->text, false, seq, changes, count);
		put_end(&all->text);
		all->batch = batch;
	}
	return buf_all(&all->text);
}

static void
tell_change(struct watching *w, uint64_t seq,
	const struct watch_change *changes, size_t count)
{
	struct gateway *g = w->session->gateway;
	_buf_ struct buf own;

	buf_init(&own, WATCH_EVENTS_TOP);
	if (w->shift == 0) {
		struct slice text = shared_text(g->sessions,
			watch_relay_batch(g->watch), seq, changes, count);

		if (is_whole(w, &g->sessions->text))
			watching_say(w, "NEXT_EVENT", text);
		return;
	}
	put_begin(&own, w->last);
	watch_events_put(&own, false, w->last, changes, count);
	put_end(&own);
	if (is_whole(w, &own))
		watching_say(w, "NEXT_EVENT", buf_all(&own));
}

static void
on_change(struct watch_sub *sub, uint64_t seq,
	const struct watch_change *changes, size_t count)
{
	struct watching *w = container_of(sub, struct watching, sub);

	w->last = seq + w->shift;
	if (w->state == WATCHING_LIVE)
		tell_change(w, seq, changes, count);
	else
		watch_events_put(
			&w->missed, w->missed.len > 0, w->last, changes, count);
}

static void
on_resumed(struct watch_sub *sub, uint64_t seq)
{
	struct watching *w = container_of(sub, struct watching, sub);
	_buf_ struct buf b = {0};

	/* Between a gateway and the engine, not with the client. */
	if (w->state != WATCHING_REBUILD)
		return;
	w->state = WATCHING_LIVE;
	w->last = seq + w->shift;
	buf_init(&b, WATCH_EVENTS_TOP + 4096);
	put_begin(&b, w->last);
	buf_slice(&b, buf_all(&w->missed));
	put_end(&b);
	if (is_whole(w, &w->missed))
		watching_say(w, "NEXT_EVENT", buf_all(&b));
	buf_done(&w->missed);
	buf_init(&w->missed, WATCH_EVENTS_TOP);
}

/* Trouble that will pass: the client comes again by itself. */
static bool
will_pass(int err)
{
	return err == ERR_DB_DOWN || err == ERR_SHUTDOWN || err == ERR_GONE ||
	       err == ERR_TIMEOUT || err == ERR_DB_STALE;
}

static const char *
code_of(int err)
{
	if (err == ERR_DB_DENIED || err == ERR_DENIED)
		return "COLLECTION_PERMISSION_DENIED";
	return err_info(err)->wire;
}

static void
on_end(struct watch_sub *sub, int err, const struct fault *why)
{
	struct watching *w = container_of(sub, struct watching, sub);
	struct session *s = w->session;
	const char *text = why && *why->text ? why->text : err_text(err);

	if (will_pass(err))
		session_leave(s);
	else
		session_error(s, w->watch_id,
			w->request_id ? w->request_id : "", code_of(err), text);
	watching_free(w);
}

const struct watch_ops watching_ops = {
	.on_result = on_result,
	.on_change = on_change,
	.on_resumed = on_resumed,
	.on_end = on_end,
};
