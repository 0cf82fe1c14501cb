/*
 * One connection: its messages are calls of the function, one at a time and in
 * order, with the caller of the handshake.  What the function returns for a
 * message is the answer to it.
 *
 * What waits is bounded by not reading: with HOLD_AT messages in the queue the
 * client has to wait.  A call that was not begun (all workers busy) is tried
 * again; one that failed closes the connection, since a message was lost.  The
 * last call is always websocket.close.
 */
#include "gateway/function_socket.h"

#include "base/crypto.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/val.h"
#include "gateway/function_socket_inside.h"

#include <stdlib.h>

enum {
	HOLD_AT = 16,
	PACE_MS = 20,
	PACE_BURST = 400,
	TRIES_TOP = 10,
	AGAIN_MS = 250,
	LIFE_MS = 3600 * 1000, /* of one whose caller has no session */
	ARENA_TOP = 64 * 1024,
	ID_BYTES = 16
};

static void next(struct connection *c);

static void
on_drop(struct socket *socket)
{
	struct connection *c = container_of(socket, struct connection, socket);

	c->over = true;
	if (c->ws) {
		ws_close(c->ws, CLOSE_RESTART, "the server stops");
		ws_end(c->ws);
	}
	connection_free(c);
}

/* A copy whose strings live as long as the connection. */
static void
keep_caller(struct connection *c, const struct caller *who)
{
	struct arena *a = &c->arena;

	c->caller = *who;
	c->caller.uid = arena_str(a, slice_str(who->uid));
	c->caller.appid = arena_str(a, slice_str(who->appid));
	c->caller.openid = arena_str(a, slice_str(who->openid));
	c->caller.unionid = arena_str(a, slice_str(who->unionid));
	c->caller.kind = arena_str(a, slice_str(who->kind));
	c->caller.custom_id = arena_str(a, slice_str(who->custom_id));
	c->caller.key = arena_str(a, slice_str(who->key));
}

struct connection *
connection_new(
	struct gateway *g, const struct caller *who, const char *function)
{
	struct connection *c = mem_new(struct connection);
	uint8_t random[ID_BYTES];
	_buf_ struct buf hex;

	c->gateway = g;
	socket_init(&c->socket);
	c->socket.drop = on_drop;
	arena_init(&c->arena, ARENA_TOP);
	keep_caller(c, who);
	c->function = arena_str(&c->arena, slice_str(function));
	list_init(&c->queue);
	buf_init(&c->event, (size_t)g->conf->functions_event_size);
	crypto_random(random, sizeof(random));
	buf_init(&hex, 2 * ID_BYTES);
	text_hex(&hex, slice_of(random, sizeof(random)));
	snprintf(c->id, sizeof(c->id), "%u-%.*s", g->index,
		SLICE_ARG(buf_all(&hex)));
	c->socket.id = slice_str(c->id);
	return c;
}

static void
drop_first(struct connection *c)
{
	struct waiting *w = list_first(&c->queue, struct waiting, on);

	list_del(&w->on);
	c->queued--;
	c->queued_bytes -= w->len;
	free(w);
}

void
connection_free(struct connection *c)
{
	if (c->calling)
		job_cancel(&c->call.job);
	timer_clear(&c->again);
	timer_clear(&c->life);
	socket_del(&c->socket);
	while (c->queued)
		drop_first(c);
	buf_done(&c->event);
	arena_done(&c->arena);
	free(c);
}

/* Calls. */

static void
put_message(struct buf *to, const struct waiting *w)
{
	_buf_ struct buf base64;

	buf_init(&base64, w->len * 2 + 8);
	buf_str(to, ",\"data\":");
	if (w->is_text) {
		buf_json(to, slice_of(w->data, w->len));
	} else {
		text_base64(&base64, slice_of(w->data, w->len));
		buf_json(to, buf_all(&base64));
	}
	buf_printf(
		to, ",\"isBase64Encoded\":%s", w->is_text ? "false" : "true");
}

static int
build_event(struct connection *c, const struct waiting *w)
{
	struct buf *b = &c->event;

	buf_clear(b);
	buf_printf(
		b, "{\"type\":\"%s\",\"connectionId\":\"%s\"", w->type, c->id);
	if (strcmp(w->type, "websocket.message") == 0)
		put_message(b, w);
	if (strcmp(w->type, "websocket.close") == 0)
		buf_printf(b, ",\"code\":%u", c->code);
	buf_char(b, '}');
	return buf_check(b);
}

/* What was returned, to the client: text as it is, all else as JSON. */
static void
answer(struct connection *c, struct slice result)
{
	_json_ json_t *v = NULL;

	if (!c->ws || !result.len || slice_is(result, "null"))
		return;
	if (result.ptr[0] == '"' && val_parse(&v, result, NULL) == 0)
		result = slice_of(json_string_value(v), json_string_length(v));
	ws_send(c->ws, result);
}

static void
fail(struct connection *c, int err)
{
	if (!c->ws)
		return; /* what came before its end is still told */
	ws_close(c->ws, err == ERR_TOO_BIG ? 1009 : 1011, err_info(err)->wire);
	while (c->queued > 1)
		drop_first(c);
}

static void
on_again(struct timer *timer)
{
	next(container_of(timer, struct connection, again));
}

static bool
was_not_begun(int err)
{
	return err == ERR_BUSY || err == ERR_LIMITED || err == ERR_FN_CRASHING;
}

static void
on_called(struct job *job)
{
	struct connection *c = container_of(job, struct connection, call.job);
	int err = job->err;

	c->calling = false;
	if (was_not_begun(err) && c->tries++ < TRIES_TOP) {
		timer_set(&c->again, c->gateway->loop,
			max((uint64_t)c->call.retry_ms, (uint64_t)AGAIN_MS),
			on_again);
		return;
	}
	c->tries = 0;
	if (err < 0) {
		c->gateway->count->calls_failed++;
		fail(c, err);
	} else {
		answer(c, c->call.result);
	}
	drop_first(c);
	next(c);
}

static void
new_request_id(struct connection *c)
{
	uint8_t random[ID_BYTES];
	_buf_ struct buf hex;

	crypto_random(random, sizeof(random));
	buf_init(&hex, 2 * ID_BYTES);
	text_hex(&hex, slice_of(random, sizeof(random)));
	memcpy(c->request_id, hex.ptr, 2 * ID_BYTES);
}

static void
call(struct connection *c, const struct waiting *w)
{
	int e = build_event(c, w);

	if (e < 0) {
		fail(c, ERR_TOO_BIG);
		drop_first(c);
		next(c);
		return;
	}
	new_request_id(c);
	c->call = (struct fn_call){
		.function = c->function,
		.caller = &c->caller,
		.request_id = c->request_id,
		.client_ip = "",
		.source = "wx_client",
		.event = buf_all(&c->event),
		.trigger = "websocket",
	};
	job_init(&c->call.job, on_called);
	c->calling = true;
	c->gateway->count->calls++;
	crew_call(c->gateway->crews, &c->call);
}

/* The next of the queue, when none is under way; after the last, the end. */
static void
next(struct connection *c)
{
	struct waiting *w = list_first(&c->queue, struct waiting, on);

	if (c->calling || timer_is_set(&c->again))
		return;
	if (c->ws)
		ws_hold(c->ws, c->queued >= HOLD_AT);
	if (w)
		call(c, w);
	else if (!c->ws)
		connection_free(c);
}

static void
put(struct connection *c, const char *type, struct slice data, bool is_text)
{
	struct waiting *w = mem_alloc(sizeof(*w) + data.len);

	w->type = type;
	w->is_text = is_text;
	w->len = data.len;
	if (data.len)
		memcpy(w->data, data.ptr, data.len);
	list_add(&c->queue, &w->on);
	c->queued++;
	c->queued_bytes += data.len;
	next(c);
}

/* The socket. */

static void
on_life(struct timer *timer)
{
	struct connection *c = container_of(timer, struct connection, life);

	if (c->ws)
		ws_close(c->ws, CLOSE_RESTART, "come again");
}

/* The end of a session ends its sockets (sockets.h).  A ticket has none, and of
 * an API key another machine may have heard the end: both are shown anew. */
static bool
is_lasting(const struct caller *who)
{
	return who->role == CALLER_NOBODY ||
	       (who->role != CALLER_PROGRAM && who->sid);
}

static void
on_open(struct ws *ws)
{
	struct connection *c = ws_owner(ws);
	struct fault why = {0};

	c->ws = c->socket.ws = ws;
	c->socket.uid = slice_str(c->caller.uid);
	c->socket.sid = c->caller.sid;
	if (socket_add(c->gateway->sockets, &c->socket, &why) < 0)
		ws_close(ws, CLOSE_LATER, "too many connections");
	if (!is_lasting(&c->caller))
		timer_set(&c->life, c->gateway->loop, LIFE_MS, on_life);
	put(c, "websocket.connection", slice_of("", 0), true);
}

static void
on_message(struct ws *ws, struct slice message, bool is_text)
{
	struct connection *c = ws_owner(ws);

	if (!pace_ask(&c->pace, uv_now(&c->gateway->loop->uv), PACE_MS,
		    PACE_BURST)) {
		ws_close(ws, CLOSE_LATER, "too many messages");
		return;
	}
	put(c, "websocket.message", message, is_text);
	ws_hold(ws, c->queued >= HOLD_AT);
}

static void
on_close(struct ws *ws, unsigned code)
{
	struct connection *c = ws_owner(ws);

	c->ws = c->socket.ws = NULL;
	c->code = code;
	if (!c->over)
		put(c, "websocket.close", slice_of("", 0), true);
}

const struct ws_ops connection_ops = {on_message, on_close, on_open};

/* Actions. */

int
function_socket_gateway(struct slice id)
{
	uint64_t at;
	struct slice first;

	if (!slice_split(&id, '-', &first) || id.len != 2 * ID_BYTES ||
		slice_to_u64(first, SHM_GATEWAYS - 1, &at) < 0)
		return -1;
	return (int)at;
}

static struct connection *
find(struct gateway *g, struct slice id)
{
	struct socket *s = sockets_find(g->sockets, id);
	struct connection *c =
		s ? container_of(s, struct connection, socket) : NULL;

	return c && c->ws ? c : NULL;
}

int
function_socket_send(
	struct gateway *g, struct slice id, struct slice data, bool is_text)
{
	struct connection *c = find(g, id);

	if (!c)
		return ERR_SOCKET_GONE;
	if (is_text)
		ws_send(c->ws, data);
	else
		ws_send_binary(c->ws, data);
	return 0;
}

int
function_socket_close(
	struct gateway *g, struct slice id, unsigned code, const char *reason)
{
	struct connection *c = find(g, id);

	if (!c)
		return ERR_SOCKET_GONE;
	ws_close(c->ws, code, reason);
	return 0;
}
