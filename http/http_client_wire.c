/*
 * Connections: opened to one address after the other, used, rested, closed.
 * One that rests stays in the poll set, so that its end is noticed before the
 * next request is given to it.
 */
#include "http/http_client_inside.h"

#include "base/mem.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

enum {
	KEEP_MS = 50 * 1000,
	/* A server that is just closing a connection has not used it for a
	 * while: who must not ask twice takes only one used a moment ago. */
	YOUNG_MS = 2000,
	/* Answers of a turn go to the clients at its end.  More would keep
	 * clients and servers waiting for each other in step. */
	TURN_TOP = 16
};

int
wire_give(struct wire *w)
{
	int fd = w->fd;

	list_del(&w->on);
	list_del(&w->ready);
	w->client->wires--;
	if (w->call)
		w->call->wire = NULL;
	w->call = NULL;
	buf_done(&w->in);
	fdpoll_close(&w->poll);
	(void)mem_free(w);
	return fd;
}

void
wire_close(struct wire *w)
{
	(void)close(wire_give(w));
}

/* The next address, or the end of it. */
static void
on_refused(struct wire *w, int err)
{
	struct call *c = w->call;
	size_t next = w->place + 1;

	(void)fault_set(&c->fetch->job.why, ERR_UPSTREAM, "cannot connect: %s",
		strerror(err));
	wire_close(w);
	wire_open(c, next);
}

static void
on_connected(struct wire *w)
{
	socklen_t len = sizeof(int);
	int err = 0;

	if (getsockopt(w->fd, SOL_SOCKET, SO_ERROR, &err, &len) < 0)
		err = errno;
	if (err) {
		on_refused(w, err);
		return;
	}
	w->connecting = false;
	timer_clear(&w->call->connect);
	(void)call_send(w->call);
}

/* Something came on `w`: of those on which something did, the one that has
 * waited longest is read.  Whoever waits is told of by the loop in its next
 * turn again, always in the same order: without a queue of ours the first few
 * would have their next answers before the last had their first. */
static void
serve_longest(struct wire *w)
{
	struct http_client *h = w->client;

	if (list_empty(&w->ready))
		list_add(&h->ready, &w->ready);
	if (h->answers >= TURN_TOP)
		return;
	h->answers++;
	loop_defer(h->loop, &h->turn);
	w = list_first(&h->ready, struct wire, ready);
	list_del(&w->ready);
	w->turn = h->turns;
	call_receive(w->call);
}

static void
on_poll(struct fdpoll *poll, int events)
{
	struct wire *w = container_of(poll, struct wire, poll);
	const struct http_client *h = w->client;
	struct call *c = w->call;

	/* what was there has been read since */
	if (events && w->turn == h->turns)
		return;
	if (!c) { /* it ended, or spoke unasked */
		wire_close(w);
		return;
	}
	if (w->connecting) {
		on_connected(w);
		return;
	}
	if ((events & UV_WRITABLE) && !call_send(c))
		return;
	if (events & UV_READABLE)
		serve_longest(w);
	else if (!events && !c->waits) /* reading says which error */
		call_receive(c);
}

void
wire_listen(struct wire *w, int events)
{
	(void)fdpoll_set(&w->poll, events);
}

static int
wire_new(struct call *c, int fd, size_t place)
{
	struct http_client *h = c->client;
	struct wire *w = mem_new(struct wire);
	int e = fdpoll_open(&w->poll, h->loop, fd, UV_WRITABLE, on_poll);

	if (e < 0) {
		(void)mem_free(w);
		return e;
	}
	w->client = h;
	w->call = c;
	w->fd = fd;
	w->place = place;
	w->connecting = true;
	list_init(&w->ready);
	buf_init(&w->in, HTTP_HEAD_TOP + 2 * READ_TOP);
	c->wire = w;
	h->wires++;
	list_add(&h->busy, &w->on);
	return 0;
}

static int
try_open(struct call *c, size_t place)
{
	const struct address *a = &c->client->address[place];
	int family = a->at.ss_family, on = 1, e;
	_close_ int fd =
		socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	if (family != AF_UNIX)
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (connect(fd, (const struct sockaddr *)&a->at, a->len) < 0 &&
		errno != EINPROGRESS)
		return -errno;
	e = wire_new(c, fd, place);
	if (e == 0)
		fd = -1;
	return e;
}

void
wire_open(struct call *c, size_t place)
{
	const struct http_client *h = c->client;
	struct fault *why = &c->fetch->job.why;

	for (; place < h->addresses; place++) {
		int e = try_open(c, place);

		if (e == 0) {
			timer_set(&c->connect, h->loop,
				h->connect_ms / (h->addresses - place),
				call_connect_late);
			return;
		}
		(void)fault_set(
			why, ERR_UPSTREAM, "cannot connect: %s", strerror(-e));
	}
	call_fail(c, ERR_UPSTREAM);
}

/* It has ended already, and the loop has not said so yet. */
static bool
is_ended(const struct wire *w)
{
	char byte;

	return recv(w->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0 ||
	       errno != EAGAIN;
}

struct wire *
wire_idle(struct http_client *h, bool young)
{
	uint64_t now = uv_now(&h->loop->uv);
	struct wire *w;

	while ((w = list_first(&h->idle, struct wire, on))) {
		if (now - w->rested > (young ? YOUNG_MS : KEEP_MS))
			return NULL;
		if (!young || !is_ended(w))
			return w;
		wire_close(w);
	}
	return NULL;
}

void
wire_take(struct wire *w, struct call *c)
{
	list_del(&w->on);
	list_add(&w->client->busy, &w->on);
	uv_ref((uv_handle_t *)w->poll.handle);
	w->call = c;
	w->heard = false;
	c->wire = w;
	(void)call_send(c);
}

static void
on_sweep(struct timer *timer)
{
	struct http_client *h = container_of(timer, struct http_client, sweep);
	uint64_t now = uv_now(&h->loop->uv);
	struct wire *w;

	while ((w = list_last(&h->idle, struct wire, on))) {
		if (now - w->rested < KEEP_MS) {
			timer_set(timer, h->loop, w->rested + KEEP_MS - now,
				on_sweep);
			return;
		}
		wire_close(w);
	}
}

void
wire_rest(struct wire *w)
{
	struct http_client *h = w->client;

	list_del(&w->on);
	list_del(&w->ready);
	list_add_first(&h->idle, &w->on);
	uv_unref((uv_handle_t *)w->poll.handle);
	w->call = NULL;
	w->kept = true;
	w->rested = uv_now(&h->loop->uv);
	wire_listen(w, UV_READABLE);
	if (!timer_is_set(&h->sweep))
		timer_set(&h->sweep, h->loop, KEEP_MS, on_sweep);
}
