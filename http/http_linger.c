/*
 * A socket closed with input unread is reset, and the reset may overtake the
 * answer that says why.  So a refused client's socket is kept for a moment by
 * a second descriptor, what he still sends is thrown away, and he reads his
 * answer (RFC 9112, 9.6).
 */
#include "http/http_inside.h"

#include "base/mem.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LINGER_MS = 2000, LINGER_TOP = 256, TURN_READS = 16 };

struct parting {
	struct http *http;
	struct list on;
	struct timer limit;
	struct fdpoll poll;
	int fd;
};

static void
linger_end(struct parting *l)
{
	list_del(&l->on);
	timer_clear(&l->limit);
	l->http->lingering--;
	fdpoll_close(&l->poll);
	(void)close(l->fd);
	(void)mem_free(l);
}

static void
on_limit(struct timer *timer)
{
	linger_end(container_of(timer, struct parting, limit));
}

static void
on_input(struct fdpoll *poll, int events)
{
	struct parting *l = container_of(poll, struct parting, poll);
	char waste[4096];
	ssize_t n = 1;

	for (int i = 0; events && n > 0 && i < TURN_READS; i++)
		n = recv(l->fd, waste, sizeof(waste), MSG_DONTWAIT);
	if (!events || n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		linger_end(l);
}

void
linger_start(struct http *http, int fd)
{
	struct parting *l;
	_close_ int mine = -1;

	if (http->lingering >= LINGER_TOP)
		return;
	mine = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (mine < 0)
		return;
	l = mem_new(struct parting);
	if (fdpoll_open(&l->poll, http->loop, mine, UV_READABLE, on_input) <
		0) {
		(void)mem_free(l);
		return;
	}
	(void)shutdown(mine, SHUT_WR);
	l->http = http;
	l->fd = take_fd(mine);
	list_add(&http->lingers, &l->on);
	http->lingering++;
	timer_set(&l->limit, http->loop, LINGER_MS, on_limit);
}

void
lingers_stop(struct http *http)
{
	struct parting *l;

	while ((l = list_first(&http->lingers, struct parting, on)))
		linger_end(l);
}
