/*
 * The client's side of a session: the socket, who he is, which message is for
 * whom.  Each kind of message is a row that says whether one must be logged in
 * for it.
 *
 * The SDK reads an ERROR with one of four codes (SIGN_…, CHECK_LOGIN_FAILED) as
 * "sign again", any other as the end of its watch; a close with 3050 ends all
 * its watches, with any other code it comes again.  So what passes (a restart,
 * a database that is away) is a close, what stays is an ERROR.
 */
#include "gateway/watch_session.h"
#include "gateway/ws_handshake.h"

#include "base/clock.h"
#include "base/crypto.h"
#include "base/mem.h"
#include "gateway/endpoint.h"
#include "gateway/request.h"
#include "gateway/watch_session_inside.h"
#include "watch/watch_sign.h"

#include <stdlib.h>

enum {
	LOGIN_MS = 15000,
	LEAVE_MS = 2000,
	LIFE_MS = 12 * 3600 * 1000, /* then the client signs in anew */
	PACE_MS = 20,               /* messages: 50 a second, */
	PACE_BURST = 400,           /* 400 at once */
	CALLER_TOP = 16 * 1024
};

struct watch_sessions *
watch_sessions_new(struct gateway *g)
{
	struct watch_sessions *all = mem_new(struct watch_sessions);

	all->gateway = g;
	buf_init(&all->text, WATCH_EVENTS_TOP);
	return all;
}

struct watch_sessions *
watch_sessions_free(struct watch_sessions *all)
{
	if (all)
		buf_done(&all->text);
	return mem_free(all);
}

void
session_say(struct session *s, const char *watch_id, const char *request_id,
	const char *type, struct slice data)
{
	_buf_ struct buf b;

	buf_init(&b, data.len + 4096);
	buf_char(&b, '{');
	if (*watch_id) {
		buf_str(&b, "\"watchId\":");
		buf_json(&b, slice_str(watch_id));
		buf_char(&b, ',');
	}
	buf_str(&b, "\"requestId\":");
	buf_json(&b, slice_str(request_id));
	buf_printf(&b, ",\"msgType\":\"%s\",\"msgData\":", type);
	buf_slice(&b, data);
	buf_char(&b, '}');
	ws_send(s->ws, buf_all(&b));
}

void
session_error(struct session *s, const char *watch_id, const char *request_id,
	const char *code, const char *text)
{
	_buf_ struct buf b;

	buf_init(&b, 4096);
	buf_str(&b, "{\"code\":");
	buf_json(&b, slice_str(code));
	buf_str(&b, ",\"message\":");
	buf_json(&b, slice_str(text));
	buf_char(&b, '}');
	session_say(s, watch_id, request_id, "ERROR", buf_all(&b));
}

static void
on_leave(struct timer *timer)
{
	ws_close(container_of(timer, struct session, leave)->ws, CLOSE_LATER,
		"try again");
}

void
session_leave(struct session *s)
{
	uint16_t spread;

	if (timer_is_set(&s->leave))
		return;
	crypto_random(&spread, sizeof(spread));
	timer_set(&s->leave, s->gateway->loop, LEAVE_MS + spread % LEAVE_MS,
		on_leave);
}

/* Messages. */

/* Ids are of plain JSON strings; a copy ends with NUL. */
static void
refuse(struct session *s, const struct watch_message *m, const char *code,
	const char *text)
{
	_free_ char *watch = str_ndup(m->watch_id.ptr, m->watch_id.len);
	_free_ char *request = str_ndup(m->request_id.ptr, m->request_id.len);

	session_error(s, watch, request, code, text);
}

static void
answer(struct session *s, const struct watch_message *m, const char *type,
	struct slice data)
{
	_free_ char *request = str_ndup(m->request_id.ptr, m->request_id.len);

	session_say(s, "", request, type, data);
}

static void
on_life(struct timer *timer)
{
	struct session *s = container_of(timer, struct session, login);

	if (s->known)
		ws_close(s->ws, CLOSE_RESTART, "sign in anew");
	else
		ws_close(s->ws, CLOSE_POLICY, "no LOGIN came");
}

/* 0, or the refusal was said. */
static int
know(struct session *s, const struct watch_message *m, struct arena *arena,
	struct caller *who)
{
	struct gateway *g = s->gateway;
	int e = watch_sign_open(
		g->seal, m->sign, clock_now() / CLOCK_S, arena, who);

	if (e == ERR_TOKEN_EXPIRED)
		refuse(s, m, "SIGN_EXPIRED_ERROR",
			"signStr is older than five minutes: ask "
			"auth.wsWebSign for another");
	else if (e < 0)
		refuse(s, m, "SIGN_INVALID_ERROR",
			"signStr is not one of this server's: ask "
			"auth.wsWebSign for it");
	if (e < 0)
		return e;
	if (!socket_is_over(g->sockets, who->sid))
		return 0;
	refuse(s, m, "CHECK_LOGIN_FAILED",
		"the session has ended: log in again");
	ws_close(s->ws, CLOSE_NO_LOGIN, "the session has ended");
	return ERR_NO_LOGIN;
}

static bool
same_user(const struct session *s, const struct caller *who)
{
	return strcmp(s->caller.uid, who->uid) == 0;
}

static void
welcome(struct session *s, const struct watch_message *m)
{
	_buf_ struct buf b;

	buf_init(&b, 1024);
	buf_str(&b, "{\"envId\":");
	buf_json(&b, slice_str(s->gateway->conf->server_env));
	buf_char(&b, '}');
	answer(s, m, "LOGIN_RES", buf_all(&b));
}

/* `who` and his strings in *arena are the session's from now on. */
static void
become(struct session *s, const struct caller *who, struct arena *arena)
{
	struct arena old = s->arena;

	s->caller = *who;
	s->socket.uid = slice_str(who->uid);
	s->socket.sid = who->sid;
	s->arena = *arena;
	*arena = old;
}

static void
login(struct session *s, const struct watch_message *m, struct arena *arena)
{
	struct fault why = {0};
	struct caller who;

	if (know(s, m, arena, &who) < 0)
		return;
	if (s->known && !same_user(s, &who)) {
		refuse(s, m, "SIGN_INVALID_ERROR",
			"this connection is another user's: open a new one");
		return;
	}
	become(s, &who, arena);
	if (!s->known &&
		socket_add(s->gateway->sockets, &s->socket, &why) < 0) {
		refuse(s, m, "EXCEED_CONCURRENT_REQUEST_LIMIT", why.text);
		ws_close(s->ws, CLOSE_LATER, "too many connections");
		return;
	}
	s->known = true;
	timer_set(&s->login, s->gateway->loop, LIFE_MS, on_life);
	welcome(s, m);
}

static void
on_login(struct session *s, const struct watch_message *m)
{
	struct arena arena;

	arena_init(&arena, CALLER_TOP);
	login(s, m, &arena);
	arena_done(&arena);
}

static void
on_ping(struct session *s, const struct watch_message *m)
{
	answer(s, m, "PONG", SLICE("null"));
}

static const struct {
	void (*run)(struct session *s, const struct watch_message *m);
	bool stranger; /* may be said before LOGIN */
} acts[WATCH_MESSAGE_KINDS_] = {
	[WATCH_LOGIN] = {on_login, true},
	[WATCH_PING] = {on_ping, true},
	[WATCH_INIT_WATCH] = {watching_init, false},
	[WATCH_REBUILD_WATCH] = {watching_rebuild, false},
	[WATCH_CHECK_LAST] = {watching_check, false},
	[WATCH_CLOSE_WATCH] = {watching_close, false},
};

/* A page that closed its last watch and begins another at once: the SDK has
 * not noticed that the connection is a new one.  It logs in when told so, and
 * without a watchId its user hears nothing of it. */
static void
refuse_stranger(struct session *s, struct watch_message *m)
{
	if (m->kind == WATCH_INIT_WATCH)
		m->watch_id = slice_of("", 0);
	refuse(s, m, "CHECK_LOGIN_FAILED", "LOGIN comes first");
}

static void
on_message(struct ws *ws, struct slice text, bool is_text)
{
	struct session *s = ws_owner(ws);
	struct fault why = {0};
	struct watch_message m;
	int e;

	if (!pace_ask(&s->pace, uv_now(&s->gateway->loop->uv), PACE_MS,
		    PACE_BURST)) {
		ws_close(ws, CLOSE_LATER, "too many messages");
		return;
	}
	if (!is_text) {
		ws_close(ws, 1003, "messages are JSON texts");
		return;
	}
	e = watch_message_parse(&m, text, &why);
	if (e < 0)
		refuse(s, &m, "INVALID_PARAM",
			*why.text ? why.text : "the message is not valid JSON");
	else if (!s->known && !acts[m.kind].stranger)
		refuse_stranger(s, &m);
	else
		acts[m.kind].run(s, &m);
	watch_message_done(&m);
}

/* The socket. */

static void
session_free(struct session *s)
{
	watching_free_all(s);
	timer_clear(&s->login);
	timer_clear(&s->leave);
	socket_del(&s->socket);
	arena_done(&s->arena);
	mem_free(s);
}

static void
on_close(struct ws *ws, unsigned code _unused_)
{
	session_free(ws_owner(ws));
}

static void
on_open(struct ws *ws)
{
	struct session *s = ws_owner(ws);
	struct fault why;

	s->ws = s->socket.ws = ws;
	timer_set(&s->login, s->gateway->loop, LOGIN_MS, on_life);
	/* Nobody's yet: only the server's stop concerns it. */
	if (socket_add(s->gateway->sockets, &s->socket, &why) < 0)
		ws_close(ws, CLOSE_LATER, "too many connections");
}

const struct ws_ops watch_session_ops = {on_message, on_close, on_open};

static void
on_drop(struct socket *socket)
{
	struct ws *ws = socket->ws;

	ws_close(ws, CLOSE_RESTART, "the server stops");
	ws_end(ws);
}

void *
watch_session_new(struct gateway *g)
{
	struct session *s = mem_new(struct session);

	s->gateway = g;
	list_init(&s->watches);
	socket_init(&s->socket);
	arena_init(&s->arena, CALLER_TOP);
	s->socket.drop = on_drop;
	return s;
}

static void
on_dropped(void *owner)
{
	session_free(owner);
}

int
endpoint_ws(struct request *r)
{
	const struct conf *conf = r->gateway->conf;
	struct ws_conf ws = {
		.ops = &watch_session_ops,
		.message_top = (size_t)conf->sockets_message_size,
		.unsent_top = (size_t)conf->sockets_unsent,
		.ping_ms = (uint64_t)conf->sockets_ping,
		.dropped = on_dropped,
	};
	int e = ws_check(r, &r->why);

	if (e < 0) {
		exchange_add_header(r->x, "Upgrade", "websocket");
		exchange_add_header(r->x, "Sec-WebSocket-Version", "13");
		return e;
	}
	ws.owner = watch_session_new(r->gateway);
	return ws_accept(r, &ws);
}
