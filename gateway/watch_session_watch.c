/*
 * The watches of a session, as its client asks for them: begun, gone on with
 * after a lost connection, looked after, closed.  What they say is in
 * watch_session_tell.c.
 */
#include "base/mem.h"
#include "gateway/call_db.h"
#include "gateway/watch_session_inside.h"
#include "watch/watch_sign.h"

#include <inttypes.h>

enum { BEGIN_MS = 100 };

void
watching_free(struct watching *w)
{
	watch_relay_stop(&w->sub);
	list_del(&w->on);
	w->session->socket.watches--;
	mem_free(w->watch_id);
	mem_free(w->request_id);
	mem_free(w->query_id);
	mem_free(w->collection);
	mem_free(w->query);
	mem_free(w->order);
	buf_done(&w->missed);
	mem_free(w);
}

void
watching_free_all(struct session *s)
{
	struct watching *w;

	while ((w = list_first(&s->watches, struct watching, on)))
		watching_free(w);
}

static struct watching *
find(struct session *s, struct slice watch_id)
{
	list_for_each (at, &s->watches) {
		struct watching *w = container_of(at, struct watching, on);

		if (slice_is(watch_id, w->watch_id))
			return w;
	}
	return NULL;
}

static void
refuse(struct session *s, const struct watch_message *m, const char *code,
	const char *text)
{
	_free_ char *watch = str_ndup(m->watch_id.ptr, m->watch_id.len);
	_free_ char *request = str_ndup(m->request_id.ptr, m->request_id.len);

	session_error(s, watch, request, code, text);
}

/* May one more be watched?  If not, the client was told. */
static bool
has_room(struct session *s, const struct watch_message *m)
{
	const struct conf *conf = s->gateway->conf;
	const char *code = "EXCEED_CONCURRENT_REQUEST_LIMIT";

	if (s->socket.watches >= (size_t)conf->sockets_watches) {
		refuse(s, m, code,
			"too many watches over one connection: close some "
			"(sockets.watches)");
		return false;
	}
	if (sockets_watches(s->gateway->sockets, s->socket.uid) >=
		(size_t)conf->sockets_user_watches) {
		refuse(s, m, code,
			"this user watches too much: close some watches "
			"(sockets.user_watches)");
		return false;
	}
	return true;
}

/* Each asks the database: as many as may stand twice, then some a second. */
static bool
is_patient(struct session *s, const struct watch_message *m)
{
	const struct gateway *g = s->gateway;

	if (pace_ask(&s->begins, uv_now(&g->loop->uv), BEGIN_MS,
		    2 * (uint64_t)g->conf->sockets_watches))
		return true;
	refuse(s, m, "EXCEED_REQUEST_LIMIT",
		"watches are begun too fast over this connection: keep those "
		"that you have");
	return false;
}

static struct watching *
watching_new(struct session *s, const struct watch_message *m)
{
	struct watching *old = find(s, m->watch_id);
	struct watching *w;

	if (!s->gateway->watch) {
		refuse(s, m, "SYS_ERR", err_text(ERR_WATCH_STREAM));
		return NULL;
	}
	if (!is_patient(s, m))
		return NULL;
	if (old)
		watching_free(old);
	if (!has_room(s, m))
		return NULL;
	w = mem_new(struct watching);
	w->sub.ops = &watching_ops;
	w->session = s;
	w->watch_id = str_ndup(m->watch_id.ptr, m->watch_id.len);
	w->request_id = str_ndup(m->request_id.ptr, m->request_id.len);
	buf_init(&w->missed, WATCH_EVENTS_TOP);
	list_add(&s->watches, &w->on);
	s->socket.watches++;
	return w;
}

void
watching_init(struct session *s, const struct watch_message *m)
{
	struct watch_query query = {
		.collection = m->collection,
		.query = m->query,
		.order = m->order,
		.limit = m->limit,
	};
	struct watching *w = watching_new(s, m);

	if (!w)
		return;
	call_db_scope(&query.scope, &s->caller);
	w->state = WATCHING_INIT;
	w->collection = str_ndup(m->collection.ptr, m->collection.len);
	w->query = str_ndup(m->query.ptr, m->query.len);
	w->order = str_ndup(m->order.ptr, m->order.len);
	w->limit = m->limit;
	watch_relay_start(s->gateway->watch, &w->sub, &query);
}

static void
rebuild_at(struct session *s, const struct watch_message *m,
	const struct watch_place *place)
{
	struct watch_query query = {
		.collection = place->collection,
		.query = place->query,
		.order = place->order,
		.limit = place->limit,
	};
	struct watching *w;

	if (!slice_is(place->uid, s->caller.uid)) {
		refuse(s, m, "QUERYID_INVALID_ERROR",
			"the queryID is another user's: watch anew");
		return;
	}
	w = watching_new(s, m);
	if (!w)
		return;
	call_db_scope(&query.scope, &s->caller);
	w->state = WATCHING_REBUILD;
	w->query_id = str_ndup(m->query_id.ptr, m->query_id.len);
	w->last = (uint64_t)m->event_id;
	watch_relay_resume(s->gateway->watch, &w->sub, &query, place->epoch,
		(uint64_t)m->event_id);
}

void
watching_rebuild(struct session *s, const struct watch_message *m)
{
	struct watch_place place;
	struct arena arena;

	arena_init(&arena, 256 * 1024);
	if (watch_place_open(s->gateway->seal, m->query_id, &arena, &place) < 0)
		refuse(s, m, "QUERYID_INVALID_ERROR",
			"the queryID is not one of this server's: watch anew");
	else
		rebuild_at(s, m, &place);
	arena_done(&arena);
}

void
watching_check(struct session *s, const struct watch_message *m)
{
	struct watching *w = find(s, m->watch_id);
	_buf_ struct buf b = {0};

	if (!w || w->state != WATCHING_LIVE) {
		if (!w)
			refuse(s, m, "QUERYID_INVALID_ERROR",
				"nothing is watched here under this watchId");
		return;
	}
	mem_free(w->request_id);
	w->request_id = str_ndup(m->request_id.ptr, m->request_id.len);
	buf_init(&b, 64);
	buf_printf(&b, "\"currEvent\":%" PRIu64 "}}", w->last);
	watching_say(w, "CHECK_EVENT", buf_all(&b));
}

void
watching_close(struct session *s, const struct watch_message *m)
{
	struct watching *w = find(s, m->watch_id);

	if (w)
		watching_free(w);
}
