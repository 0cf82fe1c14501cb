/*
 * Two halves, one for each direction: read from one end into a buffer of a
 * ceiling, write it to the other; a full buffer is not read into, so that a
 * slow end slows down the other.
 *
 * Whatever happens is noted, and settled by the one function that may free the
 * tunnel, from the loop: on_settle.
 */
#include "gateway/tunnel.h"

#include "auth/caller.h"
#include "base/buf.h"
#include "base/fdpoll.h"
#include "base/mem.h"
#include "base/timer.h"
#include "gateway/gateway.h"
#include "gateway/sockets.h"
#include "http/ws_edges.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	ROOM = 64 * 1024,
	KEEP = 16 * 1024, /* memory that an idle half may keep */
	PIECE = 32 * 1024,
	READS_TOP = 4,   /* of what came before an error */
	CLOSE_MS = 5000, /* an end that is told to end has so long */
	HALF_MS = 30000, /* silence, when one end has ended */
	CLOSE_IDLE = 1001
};

/* What comes from an end. */
struct half {
	struct tunnel *t;
	struct fdpoll poll;
	struct half *other;
	int fd;
	struct buf data; /* for the other end, from `at` on */
	size_t at;
	struct ws_edges edges;
	bool masked; /* frames to this end are, when they are ours */
	bool ended;  /* nothing more is read from it */
	bool sealed; /* a close frame was its last: the rest is dropped */
	bool told;   /* that the other has ended: shut for writing */
	bool broken; /* it takes nothing any more */
};

struct tunnel {
	struct socket socket; /* first; not a ws of ours */
	struct gateway *gateway;
	struct tunnel_conf conf;
	struct upgrade *up;
	struct half client, server;
	struct timer limit;
	struct defer settle;
	uint64_t heard; /* loop ms */
	char *uid;
	unsigned code; /* we end it with this; 0: we do not */
	const char *reason;
	unsigned early_code; /* what came before it had begun */
	const char *early_reason;
	bool begun;
	bool half; /* one end has ended */
};

static uint64_t
now_of(const struct tunnel *t)
{
	return uv_now(&t->gateway->loop->uv);
}

static void
settle_soon(struct tunnel *t)
{
	loop_defer(t->gateway->loop, &t->settle);
}

/* --- one direction ------------------------------------------------------- */

/* What we have to say comes between two frames, and is the last. */
static void
seal(struct half *h)
{
	char close[WS_CLOSE_TOP];
	const struct tunnel *t = h->t;

	if (!t->code || h->sealed || !ws_edges_between(&h->edges))
		return;
	if (!h->edges.closed)
		buf_add(&h->data, close,
			ws_close_put(
				close, t->code, t->reason, h->other->masked));
	h->sealed = true;
}

static void
take_in(struct half *h, struct slice in)
{
	while (in.len && !h->sealed) {
		size_t n = ws_edges_cut(&h->edges, in);

		buf_add(&h->data, in.ptr, n);
		in = slice_of(in.ptr + n, in.len - n);
		seal(h);
	}
}

static bool
has_room(const struct half *h)
{
	return h->data.len - h->at < ROOM;
}

static void
half_read(struct half *h)
{
	char room[PIECE];
	ssize_t n;

	if (h->ended || !has_room(h))
		return;
	n = recv(h->fd, room, sizeof(room), 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	h->t->heard = now_of(h->t);
	if (n > 0)
		take_in(h, slice_of(room, (size_t)n));
	else
		h->ended = true;
	/* a stream with a hole is worse than one that broke off */
	if (buf_check(&h->data) < 0)
		h->ended = h->other->ended = h->broken = h->other->broken =
			true;
}

/* To the other end, as much as it takes. */
static void
half_write(struct half *h)
{
	struct half *to = h->other;

	while (h->at < h->data.len && !to->broken) {
		ssize_t n = send(to->fd, h->data.ptr + h->at,
			h->data.len - h->at, MSG_NOSIGNAL);

		if (n >= 0) {
			h->at += (size_t)n;
			h->t->heard = now_of(h->t);
		} else if (errno == EAGAIN) {
			break;
		} else if (errno != EINTR) {
			to->broken = true;
		}
	}
	if (h->at == h->data.len || to->broken) {
		if (h->data.room > KEEP)
			buf_done(&h->data);
		buf_clear(&h->data);
		h->at = 0;
	} else if (h->at > ROOM / 2) {
		buf_drop(&h->data, h->at);
		h->at = 0;
	}
}

static bool
is_passed(const struct half *h)
{
	return h->at == h->data.len;
}

/* The end of one is the end of what the other is told. */
static void
half_tell_end(struct half *h)
{
	struct half *to = h->other;

	if (!(h->ended || h->sealed) || !is_passed(h) || to->told)
		return;
	to->told = true;
	(void)shutdown(to->fd, SHUT_WR);
}

static void
on_poll(struct fdpoll *poll, int events)
{
	struct half *h = container_of(poll, struct half, poll);

	if (!events) {
		for (int i = 0; i < READS_TOP && !h->ended; i++)
			half_read(h);
		h->ended = h->broken = true;
	} else if (events & UV_READABLE) {
		half_read(h);
	}
	settle_soon(h->t);
}

static void
half_listen(struct half *h)
{
	int want = 0;

	if (!h->ended && has_room(h))
		want |= UV_READABLE;
	if (!is_passed(h->other) && !h->broken)
		want |= UV_WRITABLE;
	(void)fdpoll_set(&h->poll, want);
}

/* --- both ---------------------------------------------------------------- */

static void
half_done(struct half *h)
{
	fdpoll_close(&h->poll);
	buf_done(&h->data);
}

struct tunnel *
tunnel_free(struct tunnel *t)
{
	if (!t)
		return NULL;
	timer_clear(&t->limit);
	defer_clear(&t->settle);
	socket_del(&t->socket);
	half_done(&t->client);
	half_done(&t->server);
	if (t->begun)
		(void)close(t->server.fd);
	if (t->up)
		upgrade_close(t->up);
	t->conf.ended(t->conf.owner);
	free(t->uid);
	free(t);
	return NULL;
}

static bool
is_over(const struct tunnel *t)
{
	const struct half *c = &t->client, *s = &t->server;

	return (c->ended && is_passed(c) && (c->broken || s->ended)) ||
	       (s->ended && is_passed(s) && (s->broken || c->ended));
}

static void on_limit(struct timer *timer);

static void
wind(struct tunnel *t)
{
	uint64_t ms = t->code ? CLOSE_MS : t->half ? HALF_MS : t->conf.idle_ms;

	if (ms)
		timer_set(&t->limit, t->gateway->loop, ms, on_limit);
	else
		timer_clear(&t->limit);
}

static void
end_with(struct tunnel *t, unsigned code, const char *reason)
{
	if (t->code)
		return;
	t->code = code;
	t->reason = reason;
	seal(&t->client);
	seal(&t->server);
	wind(t);
	settle_soon(t);
}

/* Timers are not set at each byte: when one fires, it looks how long the
 * silence has been. */
static void
on_limit(struct timer *timer)
{
	struct tunnel *t = container_of(timer, struct tunnel, limit);
	uint64_t ms = t->half ? HALF_MS : t->conf.idle_ms;
	uint64_t quiet = now_of(t) - t->heard;

	if (t->code || (t->half && quiet >= ms)) {
		(void)tunnel_free(t);
		return;
	}
	if (quiet >= ms)
		end_with(t, CLOSE_IDLE, "nobody said anything for long");
	else
		timer_set(timer, t->gateway->loop, ms - quiet, on_limit);
}

static void
on_settle(struct defer *defer)
{
	struct tunnel *t = container_of(defer, struct tunnel, settle);
	half_write(&t->client);
	half_write(&t->server);
	half_tell_end(&t->client);
	half_tell_end(&t->server);
	if (is_over(t)) {
		(void)tunnel_free(t);
		return;
	}
	if (!t->half && (t->client.ended || t->server.ended)) {
		t->half = true;
		wind(t);
	}
	half_listen(&t->client);
	half_listen(&t->server);
}

/* --- its life ------------------------------------------------------------ */

static void
on_close(struct socket *socket, unsigned code, const char *reason)
{
	struct tunnel *t = container_of(socket, struct tunnel, socket);

	if (t->begun) {
		end_with(t, code, reason);
		return;
	}
	t->early_code = code; /* the handshake is under way */
	t->early_reason = reason;
}

static void
on_look(struct socket *socket)
{
	struct tunnel *t = container_of(socket, struct tunnel, socket);

	if (t->begun && !t->conf.may(t->conf.owner))
		end_with(t, CLOSE_RESTART, "the route has changed");
}

/* The process ends: what fits goes out. */
static void
on_drop(struct socket *socket)
{
	struct tunnel *t = container_of(socket, struct tunnel, socket);

	if (t->begun) {
		end_with(t, CLOSE_RESTART, "the server stops");
		half_write(&t->client);
		half_write(&t->server);
	}
	(void)tunnel_free(t);
}

static void
half_init(struct half *h, struct tunnel *t, struct half *other, bool masked)
{
	h->t = t;
	h->other = other;
	h->masked = masked;
	/* what is out already (half_write), what waits, and one more piece */
	buf_init(&h->data, ROOM / 2 + ROOM + PIECE + WS_CLOSE_TOP);
}

int
tunnel_new(struct tunnel **ret, struct gateway *g, const struct caller *who,
	const struct tunnel_conf *conf, struct fault *why)
{
	struct tunnel *t = mem_new(struct tunnel);
	int e;

	t->gateway = g;
	t->conf = *conf;
	t->uid = str_dup(who->uid ? who->uid : "");
	defer_init(&t->settle, on_settle);
	half_init(&t->client, t, &t->server, false);
	half_init(&t->server, t, &t->client, true);
	socket_init(&t->socket);
	t->socket.drop = on_drop;
	t->socket.close = on_close;
	t->socket.look = on_look;
	t->socket.uid = slice_str(t->uid);
	t->socket.sid = who->sid;
	e = socket_add(g->sockets, &t->socket, why);
	if (e < 0) {
		free(t->uid);
		free(t);
		return e;
	}
	*ret = t;
	return 0;
}

static void
half_open(struct half *h, int fd, struct slice early)
{
	h->fd = fd;
	if (fdpoll_open(&h->poll, h->t->gateway->loop, fd, 0, on_poll) < 0)
		abort(); /* a descriptor that cannot be polled: ours */
	h->data.ceiling += early.len;
	take_in(h, early);
}

void
tunnel_begin(struct tunnel *t, struct upgrade *up, int client,
	struct slice early, int server, struct slice server_early)
{
	t->begun = true;
	t->up = up;
	t->heard = now_of(t);
	half_open(&t->client, client, early);
	half_open(&t->server, server, server_early);
	wind(t);
	settle_soon(t);
	if (t->early_code)
		end_with(t, t->early_code, t->early_reason);
	else
		on_look(&t->socket);
}
