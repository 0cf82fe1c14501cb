/*
 * Frames over a stream socket, few system calls per frame: all streams share
 * one large room to read into and frames are handed out from there, so that an
 * idle stream holds no memory and a whole frame is never copied; what is sent
 * in a turn leaves in one write at its end.
 *
 * on_frame may close the stream, free its owner, or open it anew.  The handle
 * of its poll tells whether the stream is still the one we were reading.
 */
#include "base/stream.h"

#include "base/err.h"
#include "base/mem.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ROOM = 256 * 1024, KEEP = 64 * 1024 };

static void on_poll(struct fdpoll *poll, int events);
static void on_flush(struct defer *defer);

int
stream_open(struct stream *s, struct loop *loop, int fd,
	const struct stream_ops *ops, size_t frame_top, size_t out_top)
{
	int r;

	*s = (struct stream){
		.loop = loop, .ops = ops, .frame_top = frame_top, .fd = fd};
	r = fdpoll_open(&s->poll, loop, fd, UV_READABLE, on_poll);
	if (r < 0)
		return r;
	buf_init(&s->in, FRAME_HEAD + frame_top + ROOM);
	buf_init(&s->out, out_top);
	defer_init(&s->flush, on_flush);
	return 0;
}

bool
stream_is_open(const struct stream *s)
{
	return fdpoll_is_open(&s->poll);
}

void
stream_close(struct stream *s)
{
	if (!stream_is_open(s))
		return;
	defer_clear(&s->flush);
	fdpoll_close(&s->poll);
	fd_closep(&s->fd);
	buf_done(&s->in);
	buf_done(&s->out);
}

static void
gone(struct stream *s, int err)
{
	stream_close(s);
	s->ops->on_gone(s, err);
}

/* Empty and, when it was large, without its memory. */
static void
buf_rest(struct buf *b)
{
	if (b->room > KEEP)
		buf_done(b);
	else
		buf_clear(b);
}

struct buf *
stream_out(struct stream *s)
{
	if (stream_is_open(s) && !s->blocked)
		loop_defer(s->loop, &s->flush);
	return &s->out;
}

void
stream_send(struct stream *s, uint8_t type, uint32_t id, struct slice body)
{
	if (stream_is_open(s) && !s->deaf)
		frame_put(stream_out(s), type, id, body);
}

static void
block(struct stream *s, bool on)
{
	s->blocked = on;
	(void)fdpoll_set(&s->poll, UV_READABLE | (on ? UV_WRITABLE : 0));
}

/* What was written goes away in large steps: a step costs a move of the rest.
 */
static void
out_compact(struct stream *s)
{
	if (s->out_at < KEEP || s->out_at < s->out.len / 2)
		return;
	buf_drop(&s->out, s->out_at);
	s->out_at = 0;
}

static void
out_rest(struct stream *s)
{
	s->out_at = 0;
	buf_rest(&s->out);
	block(s, false);
}

static void
write_out(struct stream *s)
{
	while (s->out_at < s->out.len) {
		ssize_t n = send(s->fd, s->out.ptr + s->out_at,
			s->out.len - s->out_at, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			out_compact(s);
			block(s, true);
			return;
		}
		if (n < 0) {
			/* Its last frames may still be in our socket: the end
			 * is found by reading, after them. */
			s->deaf = true;
			break;
		}
		s->out_at += (size_t)n;
	}
	out_rest(s);
}

static void
on_flush(struct defer *defer)
{
	struct stream *s = container_of(defer, struct stream, flush);

	if (buf_check(&s->out) < 0) {
		gone(s, ERR_TOO_BIG);
		return;
	}
	if (s->deaf)
		out_rest(s);
	else if (!s->blocked)
		write_out(s);
}

/* Hand out the whole frames of *from.  False when the stream is not open any
 * more, and then nothing of it may be touched. */
static bool
deliver(struct stream *s, const uv_poll_t *mine, struct slice *from)
{
	struct frame f;
	int r;

	while ((r = frame_cut(from, s->frame_top, &f)) > 0) {
		s->ops->on_frame(s, &f);
		if (fdpoll_was_closed(mine))
			return false;
	}
	if (r < 0)
		gone(s, r);
	return r == 0;
}

/* Nothing is kept from before: frames are cut where they arrived. */
static ssize_t
read_fresh(struct stream *s, const uv_poll_t *mine)
{
	static _Thread_local char *room;
	struct slice from;
	ssize_t n;

	if (!room)
		room = mem_alloc(ROOM);
	n = recv(s->fd, room, ROOM, 0);
	if (n <= 0)
		return n;
	from = slice_of(room, (size_t)n);
	if (deliver(s, mine, &from) && from.len)
		buf_slice(&s->in, from);
	return n;
}

/* A frame's beginning is here already.  The bytes are ours and not the
 * stream's while they are handed out: the stream may be closed meanwhile. */
static ssize_t
read_more(struct stream *s, const uv_poll_t *mine)
{
	size_t want = ROOM;
	struct slice from;
	struct buf in;
	ssize_t n;

	n = recv(s->fd, buf_reserve(&s->in, want), want, 0);
	if (n <= 0)
		return n;
	buf_grown(&s->in, (size_t)n);
	in = s->in;
	buf_init(&s->in, in.ceiling);
	from = buf_all(&in);
	if (deliver(s, mine, &from)) {
		buf_drop(&in, in.len - from.len);
		if (!in.len)
			buf_rest(&in);
		s->in = in;
	} else {
		buf_done(&in);
	}
	return n;
}

/* True while there may be more to read at once. */
static bool
read_once(struct stream *s, const uv_poll_t *mine)
{
	ssize_t n = s->in.len ? read_more(s, mine) : read_fresh(s, mine);

	if (n > 0)
		return !fdpoll_was_closed(mine);
	if (n < 0 && errno == EINTR)
		return true;
	if (n < 0 && errno == EAGAIN)
		return false;
	/* A peer that is killed with bytes unread resets: it has gone. */
	gone(s, n == 0 || errno == ECONNRESET ? 0 : -errno);
	return false;
}

static void
on_poll(struct fdpoll *poll, int events)
{
	struct stream *s = container_of(poll, struct stream, poll);
	const uv_poll_t *mine = poll->handle;

	if (events & UV_WRITABLE)
		write_out(s);
	if (events & UV_READABLE)
		(void)read_once(s, mine);
	if (events)
		return;
	/* After an error nothing is polled: take what is there and go. */
	while (read_once(s, mine))
		;
	if (!fdpoll_was_closed(mine))
		gone(s, -EIO);
}
