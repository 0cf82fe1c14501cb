/*
 * Frames of theirs: libwslay reads them and answers control frames, we give it
 * bytes.  Messages are collected here and not by the library, which would keep
 * each tiny fragment apart.
 */
#include "http/ws_inside.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
	FAIL_MS = 1000,
	READ_TURN = 64 * 1024, /* bytes of one client in one turn */
	ANSWERS_TOP = 64 * 1024
};

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
		ws->heard = ws_now(ws);
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
	ws_rest(&ws->message);
}

static const struct wslay_event_callbacks callbacks = {
	.recv_callback = on_library_read,
	.send_callback = on_library_write,
	.on_frame_recv_start_callback = on_frame,
	.on_frame_recv_chunk_callback = on_chunk,
	.on_msg_recv_callback = on_message,
};

/* What came was wrong (RFC 6455, 7.1.7): nothing more is understood. */
static void
fail(struct ws *ws, uint16_t code)
{
	ws_put_close(ws, code, slice_of("", 0));
	if (!ws->deaf)
		timer_set(&ws->timer, ws->loop, FAIL_MS, ws_on_timer);
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
		timer_set(&ws->timer, ws->loop, WS_CLOSE_MS, ws_on_timer);
	}
	if (!wslay_event_want_read(ws->in) && !ws->close_got)
		fail(ws, ws->sent);
	if (ws->out.len > ws->out_at)
		ws_later(ws);
}

/* Closing with bytes unread would reset the connection, and our close frame
 * with it. */
static void
discard(struct ws *ws)
{
	char room[WS_ROOM];
	ssize_t n;

	do
		n = recv(ws->fd, room, sizeof(room), 0);
	while (n < 0 && errno == EINTR);
	if (n == 0 || (n < 0 && errno != EAGAIN))
		ws->eof = true;
}

void
ws_read(struct ws *ws)
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
		ws_put_close(ws, 1013, SLICE("too slow"));
	if (ws->eof || ws->close_got)
		ws_later(ws);
}

void
ws_open_library(struct ws *ws)
{
	if (wslay_event_context_server_init(&ws->in, &callbacks, ws) != 0)
		abort(); /* out of memory */
	wslay_event_config_set_no_buffering(ws->in, 1);
	wslay_event_config_set_max_recv_msg_length(
		ws->in, ws->conf.message_top);
	ws_writer_init();
}
