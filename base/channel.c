/*
 * Control messages with descriptors.  A packet is sent at once when it can be
 * and waits in a list when the socket is full.  The uv_poll lives on the heap,
 * because libuv wants it until its close callback; while it is ours its data
 * points at the channel, which is also how a reader learns that the channel
 * was closed by the function it has just called.
 */
#include "base/channel.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/sock.h"

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

static void on_poll(uv_poll_t *poll, int status, int events);

static void
on_poll_closed(uv_handle_t *handle)
{
	free(handle);
}

int
channel_open(struct channel *c, struct loop *loop, int fd,
	const struct channel_ops *ops)
{
	uv_poll_t *poll = mem_new(uv_poll_t);
	int r = uv_poll_init(&loop->uv, poll, fd);

	if (r < 0) {
		free(poll);
		return r;
	}
	*c = (struct channel){.loop = loop, .ops = ops, .poll = poll, .fd = fd};
	list_init(&c->waiting);
	poll->data = c;
	r = uv_poll_start(poll, UV_READABLE, on_poll);
	if (r < 0) {
		c->fd = -1; /* still the caller's */
		channel_close(c);
	}
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
	return c->poll != NULL;
}

void
channel_close(struct channel *c)
{
	struct packet *p;

	if (!c->poll)
		return;
	c->poll->data = NULL;
	uv_close((uv_handle_t *)c->poll, on_poll_closed);
	c->poll = NULL;
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
	(void)uv_poll_start(c->poll, UV_READABLE | UV_WRITABLE, on_poll);
}

void
channel_send(struct channel *c, uint8_t type, uint32_t id, struct slice body,
	const int *fds, int nfds)
{
	_buf_ struct buf bytes = {0};
	int r = -EAGAIN;

	assert(nfds <= CHANNEL_FDS);
	if (!c->poll || c->broken)
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
	(void)uv_poll_start(c->poll, UV_READABLE, on_poll);
}

/* 1: there may be more, 0: not now or closed meanwhile. */
static int
read_one(struct channel *c, uv_poll_t *poll)
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
	return poll->data == c;
}

static void
on_poll(uv_poll_t *poll, int status, int events)
{
	struct channel *c = poll->data;
	int left = PACKETS_A_TURN;

	if (!c)
		return;
	if (status == 0 && (events & UV_WRITABLE))
		send_waiting(c);
	/* After an error libuv polls no more: take what is there and go. */
	while (read_one(c, poll) && (status < 0 || --left > 0))
		;
	if (status < 0 && poll->data)
		gone(c, c->broken ? c->broken : status);
}
