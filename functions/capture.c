/*
 * Pipes to lines.  The writer is a stranger's code, so the bytes have a
 * ceiling, a turn reads a bounded part of what is there, and when nobody takes
 * the lines the pipe is left to fill: the writer waits, not our memory.
 */
#include "functions/capture.h"

#include "functions/proto.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { TURN = 64 * 1024, CHUNK = 4096, AGAIN_MS = 10 };

static void
give_line(struct capture *c, size_t len, size_t skip)
{
	struct slice line = slice_of(c->line.ptr, len);

	if (line.len > 0 && line.ptr[line.len - 1] == '\r')
		line.len--;
	c->ops->on_line(c, line);
	buf_drop(&c->line, len + skip);
}

static void
give_lines(struct capture *c)
{
	while (c->line.len > 0) {
		size_t top = min(c->line.len, (size_t)PROTO_LOG_TOP);
		const char *end = memchr(c->line.ptr, '\n', top);

		if (end)
			give_line(c, (size_t)(end - c->line.ptr), 1);
		else if (top == PROTO_LOG_TOP)
			give_line(c, top, 0);
		else
			return;
	}
}

/* Bytes read; 0: nothing now; negative: the end. */
static ssize_t
read_some(struct capture *c)
{
	char *at = buf_reserve(&c->line, CHUNK);
	ssize_t n;

	if (!at)
		return -1;
	n = read(c->fd, at, CHUNK);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
	if (n == 0)
		return -1;
	buf_grown(&c->line, (size_t)n);
	give_lines(c);
	return n;
}

static void
on_again(struct timer *t)
{
	struct capture *c = container_of(t, struct capture, again);

	if (fdpoll_is_open(&c->poll) && fdpoll_set(&c->poll, UV_READABLE) < 0)
		capture_close(c);
}

static void
pause_reading(struct capture *c)
{
	(void)fdpoll_set(&c->poll, 0);
	timer_set(&c->again, c->loop, AGAIN_MS, on_again);
}

static void
on_readable(struct fdpoll *poll, int events)
{
	struct capture *c = container_of(poll, struct capture, poll);
	size_t sum = 0;

	(void)events;
	while (sum < TURN) {
		ssize_t n;

		if (!c->ops->is_ready(c)) {
			pause_reading(c);
			return;
		}
		n = read_some(c);
		if (n < 0) {
			capture_finish(c);
			return;
		}
		if (n == 0)
			return;
		sum += (size_t)n;
	}
}

int
capture_open(struct capture *c, struct loop *loop, int fd,
	const struct capture_ops *ops)
{
	int r;

	*c = (struct capture){.loop = loop, .ops = ops, .fd = fd};
	buf_init(&c->line, PROTO_LOG_TOP + 2 * CHUNK);
	r = fdpoll_open(&c->poll, loop, fd, UV_READABLE, on_readable);
	if (r < 0)
		capture_close(c);
	return r;
}

void
capture_finish(struct capture *c)
{
	size_t sum = 0;

	/* Somebody may hold the writing end and write on: not for ever. */
	while (c->fd >= 0 && sum < 4 * TURN) {
		ssize_t n = read_some(c);

		if (n <= 0)
			break;
		sum += (size_t)n;
	}
	if (c->fd >= 0 && c->line.len > 0)
		give_line(c, c->line.len, 0);
	capture_close(c);
}

void
capture_close(struct capture *c)
{
	timer_clear(&c->again);
	fdpoll_close(&c->poll);
	if (c->loop)
		fd_closep(&c->fd);
	buf_done(&c->line);
}
