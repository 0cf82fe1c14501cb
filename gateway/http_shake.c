/*
 * Waiting within a TLS handshake.  libmicrohttpd 0.9.75 does not notice that a
 * handshake has nothing to read: it holds the connection for ready and runs it
 * again and again, so that anybody who connects and is silent keeps a whole
 * core busy.  So we read for GnuTLS; when there is nothing, the connection
 * sleeps and our own loop waits for its socket.
 */
#include "gateway/http_inside.h"

#include "base/mem.h"

#include <errno.h>
#include <sys/socket.h>

struct shake {
	struct conn *conn;
	uv_poll_t poll;
};

static void
on_closed(uv_handle_t *handle)
{
	(void)mem_free(container_of(handle, struct shake, poll));
}

/* It sleeps no more, or will never wake. */
void
shake_end(struct conn *c)
{
	struct shake *s = take(c->shake);

	if (!s)
		return;
	(void)uv_poll_stop(&s->poll);
	uv_close((uv_handle_t *)&s->poll, on_closed);
}

static void
on_input(uv_poll_t *poll, int status, int events)
{
	struct conn *c = container_of(poll, struct shake, poll)->conn;

	(void)status, (void)events;
	shake_end(c);
	MHD_resume_connection(c->mhd);
	http_spin_soon(c->http);
}

static void
shake_sleep(struct conn *c)
{
	struct shake *s = mem_new(struct shake);

	if (uv_poll_init(&c->http->loop->uv, &s->poll, c->fd) < 0) {
		(void)mem_free(s);
		return;
	}
	s->conn = c;
	c->shake = s;
	(void)uv_poll_start(&s->poll, UV_READABLE, on_input);
	MHD_suspend_connection(c->mhd);
}

static ssize_t
on_pull(gnutls_transport_ptr_t ptr, void *to, size_t room)
{
	struct conn *c = ptr;
	ssize_t n = recv(c->fd, to, room, MSG_DONTWAIT);

	if (n >= 0)
		return n;
	gnutls_transport_set_errno(c->tls, errno);
	if (errno == EAGAIN && !c->shaken && !c->shake && !c->http->ending)
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
