/*
 * The shovel of the egress.  What is read is written at once from one room that
 * all connections share; only what the other side does not take at that moment
 * is kept, and then nothing more is read.  An idle connection holds no memory.
 */
#include "functions/egress_relay.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

enum { TURNS = 4 };

static void on_poll(struct fdpoll *poll, int events);

static struct egress_relay_side *
other(struct egress_relay_side *s)
{
	return &s->relay->sides[s == &s->relay->sides[0]];
}

static int
side_open(struct egress_relay_side *s, struct egress_relay *relay,
	struct loop *loop, int fd)
{
	*s = (struct egress_relay_side){.relay = relay, .fd = fd};
	buf_init(&s->held, EGRESS_RELAY_HELD);
	return fdpoll_open(&s->poll, loop, fd, 0, on_poll);
}

static void
side_close(struct egress_relay_side *s)
{
	fdpoll_close(&s->poll);
	fd_closep(&s->fd);
	buf_done(&s->held);
}

/* UV_PRIORITIZED never comes; it keeps the socket watched for its end. */
static void
side_watch(struct egress_relay_side *s)
{
	bool reads = !s->ended && other(s)->held.len == 0;
	int events =
		(reads ? UV_READABLE : 0) | (s->held.len > 0 ? UV_WRITABLE : 0);

	if (!events && !s->hung)
		events = UV_PRIORITIZED;
	(void)fdpoll_set(&s->poll, events);
}

/* -errno when it is broken. */
static int
side_write(
	struct egress_relay_side *s, const char *bytes, size_t len, size_t *ret)
{
	size_t at = 0;

	while (at < len) {
		ssize_t n = send(s->fd, bytes + at, len - at,
			MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0 && errno != EINTR)
			return -errno;
		at += n > 0 ? (size_t)n : 0;
	}
	s->relay->moved += at;
	*ret = at;
	return 0;
}

static int
side_flush(struct egress_relay_side *s)
{
	size_t n = 0;
	int r = side_write(s, s->held.ptr, s->held.len, &n);

	if (r == 0 && n == s->held.len)
		buf_done(&s->held); /* its memory, too */
	else if (r == 0)
		buf_drop(&s->held, n);
	return r;
}

/* 1: there may be more. */
static int
side_read(struct egress_relay_side *s)
{
	static char room[EGRESS_RELAY_HELD];
	struct egress_relay_side *to = other(s);
	ssize_t n = recv(s->fd, room, sizeof(room), MSG_DONTWAIT);
	size_t put = 0;
	int r;

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (n == 0) {
		s->ended = true;
		return 0;
	}
	r = side_write(to, room, (size_t)n, &put);
	if (r < 0)
		return r;
	if (put < (size_t)n) {
		buf_init(&to->held, EGRESS_RELAY_HELD);
		buf_add(&to->held, room + put, (size_t)n - put);
		return 0;
	}
	return n == sizeof(room);
}

/* A side that has ended and whose bytes are all given on. */
static void
side_tell(struct egress_relay_side *s)
{
	struct egress_relay_side *from = other(s);

	if (!from->ended || s->held.len > 0 || s->told)
		return;
	s->told = true;
	(void)shutdown(s->fd, SHUT_WR);
}

/* Gone both ways: what is there from it is still the other's. */
static void
side_hang(struct egress_relay_side *s)
{
	s->hung = true;
	buf_done(&s->held);
}

/* Nothing more can come from it, and nothing more can go there. */
static bool
is_over(struct egress_relay_side *s)
{
	return s->ended && other(s)->held.len == 0 &&
	       (s->hung || (s->told && other(s)->told));
}

static int
side_turn(struct egress_relay_side *s, int events)
{
	int r = 0;

	if (events & UV_WRITABLE)
		r = side_flush(s);
	for (int i = 0; r >= 0 && (events & UV_READABLE) && i < TURNS; i++) {
		r = s->ended || other(s)->held.len > 0 ? 0 : side_read(s);
		if (r == 0)
			break;
	}
	return r < 0 ? r : 0;
}

static void
end(struct egress_relay *relay)
{
	egress_relay_close(relay);
	relay->on_end(relay);
}

static void
on_poll(struct fdpoll *poll, int events)
{
	struct egress_relay_side *s =
		container_of(poll, struct egress_relay_side, poll);
	struct egress_relay *relay = s->relay;
	int r;

	if (!events) /* an error, which reading tells */
		events = s->ended ? 0 : UV_READABLE;
	if (!(events & (UV_READABLE | UV_WRITABLE)))
		side_hang(s);
	r = side_turn(s, events);
	side_tell(&relay->sides[0]);
	side_tell(&relay->sides[1]);
	if (r < 0 || is_over(&relay->sides[0]) || is_over(&relay->sides[1])) {
		end(relay);
		return;
	}
	side_watch(&relay->sides[0]);
	side_watch(&relay->sides[1]);
}

void
egress_relay_give(struct egress_relay *relay, int side, struct slice bytes)
{
	struct egress_relay_side *s = &relay->sides[side];

	if (bytes.len == 0)
		return;
	buf_init(&s->held, EGRESS_RELAY_HELD);
	buf_slice(&s->held, bytes);
	side_watch(s);
	side_watch(other(s));
}

int
egress_relay_open(struct egress_relay *relay, struct loop *loop, int a, int b,
	egress_relay_fn *on_end)
{
	int r, r2;

	*relay = (struct egress_relay){.on_end = on_end};
	r = side_open(&relay->sides[0], relay, loop, a);
	r2 = side_open(&relay->sides[1], relay, loop, b);
	if (r < 0 || r2 < 0) {
		egress_relay_close(relay);
		return r < 0 ? r : r2;
	}
	side_watch(&relay->sides[0]);
	side_watch(&relay->sides[1]);
	return 0;
}

void
egress_relay_close(struct egress_relay *relay)
{
	side_close(&relay->sides[0]);
	side_close(&relay->sides[1]);
}
