/*
 * Waiting within a TLS handshake.  libmicrohttpd 0.9.75 does not notice that a
 * handshake has nothing to read: it holds the connection for ready and runs it
 * again and again, so that anybody who connects and is silent keeps a whole
 * core busy.  So we read for GnuTLS; when there is nothing, the connection
 * sleeps and our own loop waits for its socket.
 *
 * All that sleep are in one epoll, armed for one event each: a handshake waits
 * two or three times, and each time is one system call.
 */
#include "http/http_inside.h"

#include "base/mem.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { TURN_WAKES = 128 };

struct shakes {
	struct http *http;
	struct fdpoll poll;
	int fd; /* epoll */
};

static void
wake(struct conn *c)
{
	c->shake = SHAKE_AWAKE;
	MHD_resume_connection(c->mhd);
}

static void
on_input(struct fdpoll *poll, int events)
{
	struct shakes *s = container_of(poll, struct shakes, poll);
	struct epoll_event all[TURN_WAKES];
	int n = epoll_wait(s->fd, all, TURN_WAKES, 0);

	(void)events;
	for (int i = 0; i < n; i++)
		wake(all[i].data.ptr);
	if (n > 0)
		http_spin_soon(s->http);
}

int
shakes_new(struct http *http)
{
	struct shakes *s = mem_new(struct shakes);
	int r;

	s->http = http;
	s->fd = epoll_create1(EPOLL_CLOEXEC);
	r = s->fd < 0 ? -errno
		      : fdpoll_open(&s->poll, http->loop, s->fd, UV_READABLE,
				on_input);
	if (r < 0) {
		if (s->fd >= 0)
			(void)close(s->fd);
		(void)mem_free(s);
		return r;
	}
	http->shakes = s;
	return 0;
}

void
shakes_free(struct http *http)
{
	struct shakes *s = take(http->shakes);

	if (!s)
		return;
	fdpoll_close(&s->poll);
	(void)close(s->fd);
	(void)mem_free(s);
}

static void
shake_sleep(struct conn *c)
{
	struct epoll_event event = {
		.events = EPOLLIN | EPOLLRDHUP | EPOLLONESHOT, .data.ptr = c};
	int how = c->shake == SHAKE_NONE ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;

	if (epoll_ctl(c->http->shakes->fd, how, c->fd, &event) < 0)
		return;
	c->shake = SHAKE_ASLEEP;
	MHD_suspend_connection(c->mhd);
}

/* It sleeps no more, or will never wake. */
void
shake_end(struct conn *c)
{
	if (c->shake != SHAKE_NONE)
		(void)epoll_ctl(
			c->http->shakes->fd, EPOLL_CTL_DEL, c->fd, NULL);
	c->shake = SHAKE_NONE;
}

static ssize_t
on_pull(gnutls_transport_ptr_t ptr, void *to, size_t room)
{
	struct conn *c = ptr;
	ssize_t n = recv(c->fd, to, room, MSG_DONTWAIT);

	if (n >= 0)
		return n;
	gnutls_transport_set_errno(c->tls, errno);
	if (errno == EAGAIN && !c->shaken && c->shake != SHAKE_ASLEEP &&
		!c->http->ending)
		shake_sleep(c);
	return n;
}

/* The client's Finished is the last that the handshake reads. */
static int
on_finished(gnutls_session_t session, unsigned type, unsigned when,
	unsigned incoming, const gnutls_datum_t *message)
{
	struct conn *c = gnutls_session_get_ptr(session);

	(void)type, (void)when, (void)message;
	c->shaken = c->shaken || incoming;
	if (c->shaken)
		shake_end(c);
	return 0;
}

void
shake_begin(struct conn *c)
{
	gnutls_transport_set_ptr2(
		c->tls, c, (gnutls_transport_ptr_t)(intptr_t)c->fd);
	gnutls_transport_set_pull_function(c->tls, on_pull);
	gnutls_handshake_set_hook_function(c->tls, GNUTLS_HANDSHAKE_FINISHED,
		GNUTLS_HOOK_POST, on_finished);
}
