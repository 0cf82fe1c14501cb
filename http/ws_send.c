/*
 * Frames of ours.  All are written by one writer of libwslay's into the memory
 * of their connection: it never waits, so it is always between two frames.
 */
#include "http/ws_inside.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

enum {
	FRAME_HEAD_TOP = 10, /* a server's: not masked */
	CLOSE_TOP = 125
};

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

void
ws_writer_init(void)
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

void
ws_put_frame(
	struct ws *ws, uint8_t opcode, struct slice head, struct slice rest)
{
	writer.to = &ws->out;
	put_part(opcode, head.len + rest.len, head);
	if (rest.len)
		put_part(opcode, head.len + rest.len, rest);
	ws_later(ws);
}

void
ws_put_close(struct ws *ws, uint16_t code, struct slice reason)
{
	char body[CLOSE_TOP];
	uint16_t wire = htons(code);
	size_t len = min(reason.len, sizeof(body) - sizeof(wire));

	if (ws->close_sent)
		return;
	memcpy(body, &wire, sizeof(wire));
	if (len)
		memcpy(body + sizeof(wire), reason.ptr, len);
	ws_put_frame(ws, WSLAY_CONNECTION_CLOSE, slice_of("", 0),
		slice_of(body, sizeof(wire) + len));
	ws->close_sent = true;
	ws->sent = code;
	timer_set(&ws->timer, ws->loop, WS_CLOSE_MS, ws_on_timer);
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
	ws_put_close(ws, 1013, SLICE("too slow"));
	return false;
}

static void
send_as(struct ws *ws, uint8_t opcode, struct slice head, struct slice rest)
{
	if (has_room(ws, head.len + rest.len))
		ws_put_frame(ws, opcode, head, rest);
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
	ws_put_close(ws, (uint16_t)code, slice_str(reason ? reason : ""));
}
