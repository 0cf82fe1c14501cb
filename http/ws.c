/*
 * WebSocket connections: their beginning, what leaves, silence, and the end.
 *
 * What is sent is framed at once into `out` (ws_send.c) and leaves in one write
 * at the end of the turn.  An end has one way: a close frame is queued, then
 * the other side's is awaited for WS_CLOSE_MS, then on_close is told from the
 * loop, never from inside a call.
 */
#include "http/ws.h"

#include "base/mem.h"
#include "http/ws_inside.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

static void on_flush(struct defer *defer);

/* Which events we want just now. */
static void
listen_for(struct ws *ws)
{
	int want = 0;

	if (ws->over)
		return;
	if (!ws->held && !ws->eof)
		want |= UV_READABLE;
	if (ws->blocked)
		want |= UV_WRITABLE;
	(void)fdpoll_set(&ws->poll, want);
}

static void
write_out(struct ws *ws)
{
	while (ws->out_at < ws->out.len && !ws->broken) {
		ssize_t n = send(ws->fd, ws->out.ptr + ws->out_at,
			ws->out.len - ws->out_at, MSG_NOSIGNAL);

		if (n >= 0)
			ws->out_at += (size_t)n;
		else if (errno == EAGAIN)
			break;
		else if (errno != EINTR)
			ws->broken = errno;
	}
	if (ws->out_at == ws->out.len) {
		ws->out_at = ws->answers = 0;
		ws_rest(&ws->out);
	} else if (ws->out_at > ws->out.len / 2) {
		buf_drop(&ws->out, ws->out_at);
		ws->out_at = 0;
	}
	ws->blocked = !ws->broken && ws->out.len > 0;
	if (ws->deaf && !ws->blocked)
		(void)shutdown(ws->fd, SHUT_WR);
}

static bool
is_done(const struct ws *ws)
{
	if (ws->broken || ws->eof)
		return true;
	return ws->close_sent && ws->close_got && !ws->blocked;
}

void
ws_end(struct ws *ws)
{
	if (ws->over)
		return;
	ws->over = true;
	if (!ws->eof && !ws->broken)
		write_out(ws);
	timer_clear(&ws->timer);
	defer_clear(&ws->flush);
	fdpoll_close(&ws->poll);
	if (!ws->code)
		ws->code = ws->close_sent ? ws->sent : 1006;
	ws->conf.ops->on_close(ws, ws->code);
	if (ws->up)
		upgrade_close(ws->up);
	else
		fd_closep(&ws->fd);
	wslay_event_context_free(ws->in);
	buf_done(&ws->message);
	buf_done(&ws->out);
	buf_done(&ws->early);
	free(ws);
}

static void
on_flush(struct defer *defer)
{
	struct ws *ws = container_of(defer, struct ws, flush);

	if (!ws->told) {
		ws->told = true;
		if (ws->conf.ops->on_open)
			ws->conf.ops->on_open(ws);
	}
	if (ws->early.len && !ws->held && !ws->deaf)
		ws_read(ws);
	write_out(ws);
	if (is_done(ws))
		ws_end(ws);
	else
		listen_for(ws);
}

static void
on_poll(struct fdpoll *poll, int events)
{
	struct ws *ws = container_of(poll, struct ws, poll);

	if (!events)
		ws->eof = true;
	if (!ws->eof && events & UV_READABLE)
		ws_read(ws);
	ws_later(ws);
}

/* Silence for ping_ms: ask; for as long again: it has gone.  Unless it was us
 * who were away, and its answer lies there unread: timers go off first. */
void
ws_on_timer(struct timer *timer)
{
	struct ws *ws = container_of(timer, struct ws, timer);
	uint64_t quiet = ws_now(ws) - ws->heard;

	if (ws->close_sent) {
		ws_end(ws);
		return;
	}
	if (ws->held || quiet < ws->conf.ping_ms) {
		quiet = ws->held ? 0 : quiet;
		timer_set(
			timer, ws->loop, ws->conf.ping_ms - quiet, ws_on_timer);
		return;
	}
	if (ws->pinged && ws->late) {
		ws_end(ws);
		return;
	}
	ws->late = ws->pinged;
	if (ws->late) {
		timer_set(timer, ws->loop, WS_LATE_MS, ws_on_timer);
		return;
	}
	ws->pinged = true;
	ws->heard = ws_now(ws);
	ws_put_frame(ws, WSLAY_PING, slice_of("", 0), slice_of("", 0));
	timer_set(timer, ws->loop, ws->conf.ping_ms, ws_on_timer);
}

void
ws_hold(struct ws *ws, bool on)
{
	if (ws->held == on)
		return;
	ws->held = on;
	ws->heard = ws_now(ws);
	ws_later(ws);
}

void *
ws_owner(const struct ws *ws)
{
	return ws->conf.owner;
}

struct ws *
ws_new(struct loop *loop, int fd, struct upgrade *up,
	const struct ws_conf *conf, struct slice early)
{
	struct ws *ws = mem_new(struct ws);

	ws->loop = loop;
	ws->fd = fd;
	ws->up = up;
	ws->conf = *conf;
	ws_open_library(ws);
	buf_init(&ws->message, conf->message_top);
	buf_init(&ws->out, SIZE_MAX / 2); /* has_room keeps it small */
	buf_init(&ws->early, max(early.len, (size_t)1));
	buf_slice(&ws->early, early);
	defer_init(&ws->flush, on_flush);
	ws->heard = ws_now(ws);
	if (fdpoll_open(&ws->poll, loop, fd, 0, on_poll) < 0)
		abort(); /* a descriptor that cannot be polled: ours */
	if (conf->ping_ms)
		timer_set(&ws->timer, loop, conf->ping_ms, ws_on_timer);
	ws_later(ws);
	return ws;
}
