/*
 * Control messages with descriptors.  A packet is sent at once when it can be
 * and waits in a list when the socket is full.  The handle of the poll tells a
 * reader that the channel was closed by the function it has just called.
 */
#include "base/channel.h"

#include "base/err.h"
#include "base/mem.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { WAITING_TOP = 4096, PACKETS_A_TURN = 16 };

struct packet {
	struct list on;
	size_t len;
	int fds[CHANNEL_FDS], nfds;
	char bytes[];
};

union control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(sizeof(int) * CHANNEL_FDS)];
};

static void
fds_close(int *fds, int nfds)
{
	for (int i = 0; i < nfds; i++)
		fd_closep(&fds[i]);
}

static int
packet_send(int fd, struct slice bytes, const int *fds, int nfds)
{
	union control control = {0};
	struct iovec iov = {(void *)(uintptr_t)bytes.ptr, bytes.len};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	size_t size = sizeof(int) * (size_t)nfds;
	ssize_t n;

	if (nfds) {
		struct cmsghdr *c = &control.align;

		msg.msg_control = control.bytes;
		msg.msg_controllen = CMSG_SPACE(size);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(size);
		memcpy(CMSG_DATA(c), fds, size);
	}
	do
		n = sendmsg(fd, &msg, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

static void
fds_receive(struct msghdr *msg, int *fds, int *nfds)
{
	*nfds = 0;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c;
		c = CMSG_NXTHDR(msg, c)) {
		size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		n = min(n, (size_t)(CHANNEL_FDS - *nfds));
		memcpy(fds + *nfds, CMSG_DATA(c), n * sizeof(int));
		*nfds += (int)n;
	}
}

int
channel_recv_fd(
	int fd, char *room, size_t size, struct frame *ret, int *fds, int *nfds)
{
	union control control;
	struct iovec iov = {room, size};
	struct msghdr msg = {.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control)};
	struct slice all;
	ssize_t n;
	int r;

	do
		n = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	fds_receive(&msg, fds, nfds);
	all = slice_of(room, (size_t)n);
	if (n == 0 && *nfds == 0)
		return 0;
	r = msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)
		    ? ERR_FORMAT
		    : frame_cut(&all, CHANNEL_BODY, ret);
	if (r == 1 && all.len == 0)
		return 1;
	fds_close(fds, *nfds);
	*nfds = 0;
	return r < 0 ? r : ERR_FORMAT;
}

int
channel_send_fd(int fd, uint8_t type, uint32_t id, struct slice body,
	const int *fds, int nfds)
{
	_buf_ struct buf bytes;

	assert(nfds <= CHANNEL_FDS);
	buf_init(&bytes, FRAME_HEAD + CHANNEL_BODY);
	frame_put(&bytes, type, id, body);
	if (buf_check(&bytes) < 0)
		return ERR_TOO_BIG;
	return packet_send(fd, buf_all(&bytes), fds, nfds);
}

static void on_poll(struct fdpoll *poll, int events);

int
channel_open(struct channel *c, struct loop *loop, int fd,
	const struct channel_ops *ops)
{
	int r;

	*c = (struct channel){.loop = loop, .ops = ops, .fd = fd};
	list_init(&c->waiting);
	r = fdpoll_open(&c->poll, loop, fd, UV_READABLE, on_poll);
	if (r < 0)
		c->fd = -1; /* still the caller's */
	return r;
}

static void
packet_free(struct packet *p)
{
	list_del(&p->on);
	fds_close(p->fds, p->nfds);
	free(p);
}

bool
channel_is_open(const struct channel *c)
{
	return fdpoll_is_open(&c->poll);
}

void
channel_close(struct channel *c)
{
	struct packet *p;

	if (!channel_is_open(c))
		return;
	fdpoll_close(&c->poll);
	fd_closep(&c->fd);
	while ((p = list_first(&c->waiting, struct packet, on)))
		packet_free(p);
	c->waiting_len = 0;
}

static void
gone(struct channel *c, int err)
{
	channel_close(c);
	c->ops->on_gone(c, err);
}

/* Not from inside channel_send: its caller does not expect on_gone. */
static void
break_later(struct channel *c, int err)
{
	if (!c->broken)
		c->broken = err;
	(void)shutdown(c->fd, SHUT_RDWR);
}

static void
packet_wait(struct channel *c, struct slice bytes, const int *fds, int nfds)
{
	struct packet *p;

	if (c->waiting_len >= WAITING_TOP) {
		break_later(c, ERR_TOO_BIG);
		return;
	}
	p = mem_alloc(sizeof(*p) + bytes.len);
	memcpy(p->bytes, bytes.ptr, bytes.len);
	p->len = bytes.len;
	list_add(&c->waiting, &p->on);
	c->waiting_len++;
	for (; p->nfds < nfds; p->nfds++) {
		int copy = fcntl(fds[p->nfds], F_DUPFD_CLOEXEC, 3);

		if (copy < 0) {
			break_later(c, -errno);
			return;
		}
		p->fds[p->nfds] = copy;
	}
	(void)fdpoll_set(&c->poll, UV_READABLE | UV_WRITABLE);
}

void
channel_send(struct channel *c, uint8_t type, uint32_t id, struct slice body,
	const int *fds, int nfds)
{
	_buf_ struct buf bytes = {0};
	int r = -EAGAIN;

	assert(nfds <= CHANNEL_FDS);
	if (!channel_is_open(c) || c->broken)
		return;
	buf_init(&bytes, FRAME_HEAD + CHANNEL_BODY);
	frame_put(&bytes, type, id, body);
	if (buf_check(&bytes) < 0) {
		break_later(c, ERR_TOO_BIG);
		return;
	}
	if (list_empty(&c->waiting))
		r = packet_send(c->fd, buf_all(&bytes), fds, nfds);
	if (r == -EAGAIN)
		packet_wait(c, buf_all(&bytes), fds, nfds);
	else if (r < 0 && r != -EPIPE && r != -ECONNRESET)
		break_later(c, r); /* a closed peer is found by reading */
}

static void
send_waiting(struct channel *c)
{
	struct packet *p;

	while ((p = list_first(&c->waiting, struct packet, on))) {
		int r = packet_send(
			c->fd, slice_of(p->bytes, p->len), p->fds, p->nfds);

		if (r == -EAGAIN)
			return;
		packet_free(p);
		c->waiting_len--;
		if (r < 0 && r != -EPIPE && r != -ECONNRESET)
			break_later(c, r);
	}
	(void)fdpoll_set(&c->poll, UV_READABLE);
}

/* 1: there may be more, 0: not now or closed meanwhile. */
static int
read_one(struct channel *c, const uv_poll_t *mine)
{
	/* One for all channels: a body is valid until on_frame returns. */
	static _Thread_local char *room;
	int fds[CHANNEL_FDS], nfds = 0, r;
	struct frame f;

	if (!room)
		room = mem_alloc(FRAME_HEAD + CHANNEL_BODY);
	r = channel_recv_fd(
		c->fd, room, FRAME_HEAD + CHANNEL_BODY, &f, fds, &nfds);
	if (r == -EAGAIN)
		return 0;
	if (r <= 0) {
		gone(c, c->broken ? c->broken : r == -ECONNRESET ? 0 : r);
		return 0;
	}
	c->ops->on_frame(c, &f, fds, nfds);
	fds_close(fds, nfds);
	return !fdpoll_was_closed(mine);
}

static void
on_poll(struct fdpoll *poll, int events)
{
	struct channel *c = container_of(poll, struct channel, poll);
	const uv_poll_t *mine = poll->handle;
	int left = PACKETS_A_TURN;

	if (events & UV_WRITABLE)
		send_waiting(c);
	/* After an error nothing is polled: take what is there and go. */
	while (read_one(c, mine) && (!events || --left > 0))
		;
	if (!events && !fdpoll_was_closed(mine))
		gone(c, c->broken ? c->broken : -EIO);
}
