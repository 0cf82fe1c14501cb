#pragma once

/*
 * A connected unix stream socket that carries frames on our loop.  Frames sent
 * during a turn are written together at its end.  What may wait unsent has a
 * ceiling; past it the stream counts as broken.
 */

#include "base/fdpoll.h"
#include "base/frame.h"

struct stream;

struct stream_ops {
	/* One frame; the body is valid until return.  The stream may be closed
	 * from inside. */
	void (*on_frame)(struct stream *s, const struct frame *f);
	/* The other side closed (0) or an error (< 0); called once, the stream
	 * is closed already. */
	void (*on_gone)(struct stream *s, int err);
};

struct stream {
	struct loop *loop;
	const struct stream_ops *ops;
	struct fdpoll poll;
	struct buf in;  /* the beginning of a frame that is not complete */
	struct buf out; /* what waits to be written, from out_at on */
	size_t out_at;
	struct defer flush;
	size_t frame_top; /* bytes, ceiling of one frame's body */
	int fd;
	bool blocked; /* the socket is full: wait until it is writable */
	bool deaf; /* the other side reads no more: only what it sent counts */
};

/* Takes the fd.  `out_top`: ceiling of unsent bytes. */
int stream_open(struct stream *s, struct loop *loop, int fd,
	const struct stream_ops *ops, size_t frame_top,
	size_t out_top) _must_check_;
void stream_close(struct stream *s);
bool stream_is_open(const struct stream *s);

void stream_send(
	struct stream *s, uint8_t type, uint32_t id, struct slice body);
/* To build a body in place: between frame_begin/frame_end on &s->out. */
struct buf *stream_out(struct stream *s);
