/*
 * WebSocket connections: libwslay reads frames and answers control frames, we
 * move bytes.
 *
 * Messages are collected here and not by the library, which would keep each
 * tiny fragment apart.  What is sent is framed at once into `out` and leaves in
 * one write at the end of the turn, so frames never interleave.  An end has
 * one way: a close frame is queued, then the other side's is awaited for
 * CLOSE_MS, then on_close is told from the loop, never from inside a call.
 */
#include "gateway/ws.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/util.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <wslay/wslay.h>

enum {
	CLOSE_MS = 5000,
	FAIL_MS = 1000,
	READ_TURN = 64 * 1024, /* bytes of one client in one turn */
	ROOM = 16 * 1024,
	KEEP = 16 * 1024,    /* memory that an idle connection may keep */
	FRAME_HEAD_TOP = 10, /* a server's: not masked */
	CLOSE_TOP = 125,
	ANSWERS_TOP = 64 * 1024
};

struct ws {
	struct loop *loop;
	uv_poll_t *poll;
	struct upgrade *up;
	struct ws_conf conf;
	wslay_event_context_ptr in; /* reads; answers control frames */
	struct buf message, out, early;
	size_t out_at;
	size_t answers;   /* bytes of the library that wait in `out` */
	size_t read_left; /* of this turn */
	uint64_t heard;   /* loop ms */
	struct timer timer;
	struct defer flush;
	unsigned code;  /* what on_close will be told, 0: none yet */
	uint16_t wrong; /* the close code for what was received */
	uint16_t sent;  /* the close code we sent */
	uint8_t opcode; /* of the frame under way */
	uint8_t kind;   /* of the message under way */
	int fd;
	int broken; /* errno of the connection */
	bool close_sent, close_got;
	bool deaf; /* what was received made no sense: all else is passed over
		    */
	bool blocked, held, eof, pinged, over, told;
	char peer[48];
};

static void on_poll(uv_poll_t *poll, int status, int events);
static void on_flush(struct defer *defer);
static void on_timer(struct timer *timer);

static uint64_t
now(const struct ws *ws)
{
	return uv_now(&ws->loop->uv);
}

static void
later(struct ws *ws)
{
	loop_defer(ws->loop, &ws->flush);
}

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
	if (want)
		(void)uv_poll_start(ws->poll, want, on_poll);
	else
		(void)uv_poll_stop(ws->poll);
}

/* Frames of ours. */

/* One writer for all: it never waits, so it is always between two frames. */
static struct {
	wslay_frame_context_ptr frames;
	struct buf *to;
} writer;

static ssize_t
on_write_frame(const uint8_t *data, size_t len, int flags _unused_,
	void *user _unused_)
{
	buf_add(writer.to, data, len);
	return (ssize_t)len;
}

static void
writer_init(void)
{
	static const struct wslay_frame_callbacks calls = {
		.send_callback = on_write_frame,
	};

	if (!writer.frames &&
		wslay_frame_context_init(&writer.frames, &calls, NULL) != 0)
		abort();
}

static void
put_part(uint8_t opcode, size_t total, struct slice part)
{
	struct wslay_frame_iocb frame = {
		.fin = 1,
		.opcode = opcode,
		.payload_length = total,
		.data = (const uint8_t *)part.ptr,
		.data_length = part.len,
	};

	if (wslay_frame_send(writer.frames, &frame) < 0)
		abort(); /* it writes into memory */
}

static void
put_frame(struct ws *ws, uint8_t opcode, struct slice head, struct slice rest)
{
	writer.to = &ws->out;
	put_part(opcode, head.len + rest.len, head);
	if (rest.len)
		put_part(opcode, head.len + rest.len, rest);
	later(ws);
}

static void
put_close(struct ws *ws, uint16_t code, struct slice reason)
{
	char body[CLOSE_TOP];
	uint16_t wire = htons(code);
	size_t len = min(reason.len, sizeof(body) - sizeof(wire));

	if (ws->close_sent)
		return;
	memcpy(body, &wire, sizeof(wire));
	if (len)
		memcpy(body + sizeof(wire), reason.ptr, len);
	put_frame(ws, WSLAY_CONNECTION_CLOSE, slice_of("", 0),
		slice_of(body, sizeof(wire) + len));
	ws->close_sent = true;
	ws->sent = code;
	timer_set(&ws->timer, ws->loop, CLOSE_MS, on_timer);
}

static size_t
unsent(const struct ws *ws)
{
	return ws->out.len - ws->out_at;
}

/* Does a message of `len` bytes go?  A client that does not take what it asked
 * for is told so, behind what waits already. */
static bool
has_room(struct ws *ws, size_t len)
{
	if (ws->close_sent || ws->over)
		return false;
	if (!unsent(ws) ||
		unsent(ws) + len + FRAME_HEAD_TOP <= ws->conf.unsent_top)
		return true;
	put_close(ws, 1013, SLICE("too slow"));
	return false;
}

static void
send_as(struct ws *ws, uint8_t opcode, struct slice head, struct slice rest)
{
	if (has_room(ws, head.len + rest.len))
		put_frame(ws, opcode, head, rest);
}

void
ws_send(struct ws *ws, struct slice text)
{
	send_as(ws, WSLAY_TEXT_FRAME, text, slice_of("", 0));
}

void
ws_send_parts(struct ws *ws, struct slice head, struct slice rest)
{
	send_as(ws, WSLAY_TEXT_FRAME, head, rest);
}

void
ws_send_binary(struct ws *ws, struct slice bytes)
{
	send_as(ws, WSLAY_BINARY_FRAME, bytes, slice_of("", 0));
}

void
ws_close(struct ws *ws, unsigned code, const char *reason)
{
	put_close(ws, (uint16_t)code, slice_str(reason ? reason : ""));
}

/* Frames of theirs: the library's callbacks. */

static ssize_t
on_library_write(wslay_event_context_ptr ctx _unused_, const uint8_t *data,
	size_t len, int flags _unused_, void *user)
{
	struct ws *ws = user;

	if (!ws->close_sent)
		buf_add(&ws->out, data, len);
	ws->answers += len;
	return (ssize_t)len;
}

static ssize_t
would_block(struct ws *ws)
{
	wslay_event_set_error(ws->in, WSLAY_ERR_WOULDBLOCK);
	return -1;
}

static ssize_t
read_early(struct ws *ws, uint8_t *to, size_t room)
{
	size_t n = min(room, ws->early.len);

	memcpy(to, ws->early.ptr, n);
	buf_drop(&ws->early, n);
	return (ssize_t)n;
}

static ssize_t
on_library_read(wslay_event_context_ptr ctx _unused_, uint8_t *to, size_t room,
	int flags _unused_, void *user)
{
	struct ws *ws = user;
	ssize_t n;

	if (ws->wrong || ws->held || !ws->read_left)
		return would_block(ws);
	if (ws->early.len)
		return read_early(ws, to, room);
	do
		n = recv(ws->fd, to, room, 0);
	while (n < 0 && errno == EINTR);
	if (n > 0) {
		ws->heard = now(ws);
		ws->pinged = false;
		ws->read_left -= min((size_t)n, ws->read_left);
		return n;
	}
	if (n == 0 || errno != EAGAIN)
		ws->eof = true;
	return would_block(ws);
}

static void
on_frame(wslay_event_context_ptr ctx _unused_,
	const struct wslay_event_on_frame_recv_start_arg *frame, void *user)
{
	struct ws *ws = user;

	ws->opcode = frame->opcode;
	if (wslay_is_ctrl_frame(frame->opcode))
		return;
	if (frame->opcode != WSLAY_CONTINUATION_FRAME)
		ws->kind = frame->opcode;
	if (frame->payload_length > ws->conf.message_top - ws->message.len)
		ws->wrong = 1009;
}

static void
on_chunk(wslay_event_context_ptr ctx _unused_,
	const struct wslay_event_on_frame_recv_chunk_arg *chunk, void *user)
{
	struct ws *ws = user;

	if (!wslay_is_ctrl_frame(ws->opcode) && !ws->wrong)
		buf_add(&ws->message, chunk->data, chunk->data_length);
}

/* Empty and, when it was large, without its memory. */
static void
rest(struct buf *b)
{
	if (b->room > KEEP)
		buf_done(b);
	else
		buf_clear(b);
}

static bool
is_utf8(struct slice s)
{
	while (s.len) {
		size_t n = slice_utf8(s);

		if (!n)
			return false;
		s = slice_of(s.ptr + n, s.len - n);
	}
	return true;
}

static void
on_message(wslay_event_context_ptr ctx _unused_,
	const struct wslay_event_on_msg_recv_arg *arg, void *user)
{
	struct ws *ws = user;

	if (arg->opcode == WSLAY_CONNECTION_CLOSE) {
		/* RFC 6455, 5.5.1: a body begins with a code.  The library
		 * looks at the reason only where it comes in one piece. */
		if (arg->msg_length == 1)
			ws->wrong = 1002;
		else if (arg->msg_length > 2 &&
			 !is_utf8(slice_of(arg->msg + 2, arg->msg_length - 2)))
			ws->wrong = 1007;
		if (ws->wrong)
			return;
		ws->close_got = true;
		ws->code = arg->msg_length ? arg->status_code : 1005;
		return;
	}
	/* Before the answers to what follows. */
	if (arg->opcode == WSLAY_PING)
		(void)wslay_event_send(ws->in);
	if (wslay_is_ctrl_frame(arg->opcode) || ws->wrong)
		return;
	if (!ws->close_sent)
		ws->conf.ops->on_message(ws, buf_all(&ws->message),
			ws->kind == WSLAY_TEXT_FRAME);
	rest(&ws->message);
}

static const struct wslay_event_callbacks callbacks = {
	.recv_callback = on_library_read,
	.send_callback = on_library_write,
	.on_frame_recv_start_callback = on_frame,
	.on_frame_recv_chunk_callback = on_chunk,
	.on_msg_recv_callback = on_message,
};

/* The connection. */

/* What came was wrong (RFC 6455, 7.1.7): nothing more is understood. */
static void
fail(struct ws *ws, uint16_t code)
{
	put_close(ws, code, slice_of("", 0));
	if (!ws->deaf)
		timer_set(&ws->timer, ws->loop, FAIL_MS, on_timer);
	ws->deaf = true;
}

/* What the library wants to answer: pongs, a close.  After our own close
 * nothing may follow. */
static void
take_answers(struct ws *ws)
{
	bool before;

	if (ws->wrong)
		fail(ws, ws->wrong);
	before = ws->close_sent;
	(void)wslay_event_send(ws->in);
	if (!before && wslay_event_get_close_sent(ws->in)) {
		ws->close_sent = true;
		ws->sent = wslay_event_get_status_code_sent(ws->in);
		timer_set(&ws->timer, ws->loop, CLOSE_MS, on_timer);
	}
	if (!wslay_event_want_read(ws->in) && !ws->close_got)
		fail(ws, ws->sent);
	if (ws->out.len > ws->out_at)
		later(ws);
}

/* Closing with bytes unread would reset the connection, and our close frame
 * with it. */
static void
discard(struct ws *ws)
{
	char room[ROOM];
	ssize_t n;

	do
		n = recv(ws->fd, room, sizeof(room), 0);
	while (n < 0 && errno == EINTR);
	if (n == 0 || (n < 0 && errno != EAGAIN))
		ws->eof = true;
}

static void
read_in(struct ws *ws)
{
	if (ws->deaf) {
		discard(ws);
		return;
	}
	ws->read_left = READ_TURN;
	if (wslay_event_recv(ws->in) != 0 && !ws->eof && !ws->wrong)
		ws->wrong = 1002;
	take_answers(ws);
	/* Pongs that nobody takes are no way to fill our memory. */
	if (ws->answers > ANSWERS_TOP)
		put_close(ws, 1013, SLICE("too slow"));
	if (ws->eof || ws->close_got)
		later(ws);
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
		rest(&ws->out);
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

static void
on_poll_closed(uv_handle_t *handle)
{
	free(handle);
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
	ws->poll->data = NULL;
	uv_close((uv_handle_t *)ws->poll, on_poll_closed);
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
		read_in(ws);
	write_out(ws);
	if (is_done(ws))
		ws_end(ws);
	else
		listen_for(ws);
}

static void
on_poll(uv_poll_t *poll, int status, int events)
{
	struct ws *ws = poll->data;

	if (!ws)
		return;
	if (status < 0)
		ws->eof = true;
	if (!ws->eof && events & UV_READABLE)
		read_in(ws);
	later(ws);
}

/* Silence for ping_ms: ask; for as long again: it has gone. */
static void
on_timer(struct timer *timer)
{
	struct ws *ws = container_of(timer, struct ws, timer);
	uint64_t quiet = now(ws) - ws->heard;

	if (ws->close_sent) {
		ws_end(ws);
		return;
	}
	if (ws->held || quiet < ws->conf.ping_ms) {
		quiet = ws->held ? 0 : quiet;
		timer_set(timer, ws->loop, ws->conf.ping_ms - quiet, on_timer);
		return;
	}
	if (ws->pinged) {
		ws_end(ws);
		return;
	}
	ws->pinged = true;
	ws->heard = now(ws);
	put_frame(ws, WSLAY_PING, slice_of("", 0), slice_of("", 0));
	timer_set(timer, ws->loop, ws->conf.ping_ms, on_timer);
}

void
ws_hold(struct ws *ws, bool on)
{
	if (ws->held == on)
		return;
	ws->held = on;
	ws->heard = now(ws);
	later(ws);
}

void *
ws_owner(const struct ws *ws)
{
	return ws->conf.owner;
}

const char *
ws_peer(const struct ws *ws)
{
	return ws->peer;
}

static void
open_library(struct ws *ws)
{
	if (wslay_event_context_server_init(&ws->in, &callbacks, ws) != 0)
		abort(); /* out of memory */
	wslay_event_config_set_no_buffering(ws->in, 1);
	wslay_event_config_set_max_recv_msg_length(
		ws->in, ws->conf.message_top);
	writer_init();
}

struct ws *
ws_new(struct loop *loop, int fd, struct upgrade *up, const char *peer,
	const struct ws_conf *conf, struct slice early)
{
	struct ws *ws = mem_new(struct ws);

	ws->loop = loop;
	ws->fd = fd;
	ws->up = up;
	ws->conf = *conf;
	strncpy(ws->peer, peer, sizeof(ws->peer) - 1);
	open_library(ws);
	buf_init(&ws->message, conf->message_top);
	buf_init(&ws->out, SIZE_MAX / 2); /* has_room keeps it small */
	buf_init(&ws->early, max(early.len, (size_t)1));
	buf_slice(&ws->early, early);
	defer_init(&ws->flush, on_flush);
	ws->poll = mem_new(uv_poll_t);
	ws->poll->data = ws;
	ws->heard = now(ws);
	if (uv_poll_init(&loop->uv, ws->poll, fd) < 0)
		abort(); /* a descriptor that cannot be polled: ours */
	if (conf->ping_ms)
		timer_set(&ws->timer, loop, conf->ping_ms, on_timer);
	later(ws);
	return ws;
}
