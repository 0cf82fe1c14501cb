/*
 * A connection and its time limits.  The library counts whole seconds since
 * the last byte, which a client who sends a byte a second never meets; so each
 * phase has a limit of its own, from when it began.  Most requests pass
 * through all phases within one run of the library: a limit becomes a timer
 * only when the run has ended and the connection still waits.
 */
#include "http/http_inside.h"

#include "base/mem.h"

#include <arpa/inet.h>
#include <assert.h>
#include <poll.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>

enum {
	DRAIN_MS = 100,
	OVER_MS = 2000,
	LOOK_MS = 1000,
	LEAVE_S = 1,
	HEAD_TOP = 64 * 1024
};

static uint64_t
phase_ms(const struct http *http, enum conn_phase phase)
{
	switch (phase) {
	case CONN_NEW:
	case CONN_IDLE:
		return http->draining ? DRAIN_MS : http->conf.idle_ms;
	case CONN_HEAD:
		return http->conf.head_ms;
	case CONN_BODY:
	case CONN_SINK:
	case CONN_SEND:
		return http->conf.body_ms;
	case CONN_OVER:
		return OVER_MS;
	case CONN_WORK: /* the upper floor's jobs have theirs */
	case CONN_PHASES_:
		break;
	}
	return 0;
}

void
conn_move(struct conn *c, enum conn_phase phase)
{
	uint64_t ms = phase_ms(c->http, phase);

	c->phase = phase;
	c->marked = phase == CONN_SINK;
	c->mark = c->marked ? c->x->took : 0;
	c->due = ms ? uv_now(&c->http->loop->uv) + ms : 0;
	if (c->due && list_empty(&c->moved))
		list_add(&c->http->moved, &c->moved);
}

static void on_limit(struct timer *timer);

static bool
is_sending(const struct conn *c)
{
	return c->phase == CONN_BODY || c->phase == CONN_SINK;
}

/* A timer that is set for earlier than needed stays: it looks again then. */
static void
wind(struct conn *c)
{
	uint64_t now = uv_now(&c->http->loop->uv), at = c->due;

	if (is_sending(c))
		at = min(at, now + LOOK_MS);
	if (c->due == 0 || (timer_is_set(&c->limit) && c->limit.at <= at))
		return;
	timer_set(&c->limit, c->http->loop, at > now ? at - now : 0, on_limit);
}

/*
 * The library takes a read that did not fill its buffer for the last there is.
 * Who left in the moment in which his last bytes were read would be waited
 * for, and his body held, until his time is over: nothing more comes from the
 * socket.  Shut down for reading, which it is, it says so once more; what lies
 * there unread is read all the same.
 */
static void
look_whether_left(struct conn *c)
{
	struct pollfd p = {.fd = c->fd, .events = POLLRDHUP};

	if (is_sending(c) && poll(&p, 1, 0) == 1)
		(void)shutdown(c->fd, SHUT_RD);
}

void
conns_wind(struct http *http)
{
	struct conn *c;

	while ((c = list_first(&http->moved, struct conn, moved))) {
		list_del(&c->moved);
		wind(c);
	}
}

static void
refused(struct conn *c, enum refusal why)
{
	const struct refusal_info *info = refusal_get(why);

	if (c->http->ops.on_refused)
		c->http->ops.on_refused(
			c->http, info->status, info->word, c->peer);
}

/* Those that are allowed any time as long as they get on. */
static bool
gets_on(struct conn *c)
{
	uint64_t ms = phase_ms(c->http, c->phase);

	if ((c->phase != CONN_SINK && c->phase != CONN_SEND) ||
		conn_is_slow(c, ms))
		return false;
	c->due = uv_now(&c->http->loop->uv) + ms;
	wind(c);
	return true;
}

/* The library has no word for "close it": a socket shut down reads as one
 * whose client has left.  Over TLS it does not look while the connection's
 * buffer is full (http.c), so it is given a time limit of its own, too. */
static void
on_limit(struct timer *timer)
{
	struct conn *c = container_of(timer, struct conn, limit);

	if (c->due == 0)
		return;
	if (c->due > uv_now(&c->http->loop->uv)) {
		look_whether_left(c);
		wind(c);
		return;
	}
	c->due = 0;
	if (gets_on(c))
		return;
	if (c->phase >= CONN_HEAD && c->phase <= CONN_SINK) {
		conn_refuse(c, c->x, REFUSE_SLOW);
		if (!c->x->begun)
			refused(c, REFUSE_SLOW);
	}
	(void)shutdown(c->fd, SHUT_RDWR);
	(void)MHD_set_connection_option(
		c->mhd, MHD_CONNECTION_OPTION_TIMEOUT, LEAVE_S);
	http_spin_soon(c->http);
}

static void
send_all(struct conn *c, struct slice text)
{
	ssize_t n = 1;

	while (text.len && n > 0) {
		n = c->tls ? gnutls_record_send(c->tls, text.ptr, text.len)
			   : send(c->fd, text.ptr, text.len,
				     MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n > 0)
			text = slice_of(text.ptr + n, text.len - (size_t)n);
	}
}

static void
tell_headers(struct buf *b, const struct exchange *x, int status,
	const char *type, size_t len)
{
	buf_printf(b,
		"HTTP/1.1 %d %s\r\nDate: %s\r\nConnection: close\r\n"
		"Content-Length: %zu\r\nX-Request-Id: %s\r\n",
		status, MHD_get_reason_phrase_for((unsigned)status),
		http_date(x->http), len, x->id);
	if (type)
		buf_printf(b, "Content-Type: %s\r\n", type);
	for (const struct header *h = x->headers; h; h = h->next)
		buf_printf(b, "%s: %s\r\n", h->name, h->value);
	buf_str(b, "\r\n");
}

void
conn_tell(struct conn *c, struct exchange *x, int status, const char *type,
	struct slice body)
{
	_buf_ struct buf b;

	buf_init(&b, HEAD_TOP + body.len);
	tell_headers(&b, x, status, type, body.len);
	if (!x->method || strcmp(x->method, MHD_HTTP_METHOD_HEAD) != 0)
		buf_slice(&b, body);
	send_all(c, buf_all(&b));
	x->status = status;
	x->sent = body.len;
	c->linger = true;
}

void
conn_refuse(struct conn *c, struct exchange *x, enum refusal why)
{
	conn_tell(c, x, refusal_get(why)->status, "application/json",
		refusal_body(x, why));
}

static void
name_peer(struct conn *c, const struct sockaddr *sa)
{
	const void *at = NULL;
	int family = sa ? sa->sa_family : AF_UNSPEC;

	if (c->http->conf.is_unix || family == AF_UNIX) {
		(void)snprintf(c->peer, sizeof(c->peer), "unix");
		return;
	}
	if (family == AF_INET) {
		at = &((const struct sockaddr_in *)(const void *)sa)->sin_addr;
	} else if (family == AF_INET6) {
		const struct in6_addr *six =
			&((const struct sockaddr_in6 *)(const void *)sa)
				 ->sin6_addr;

		if (IN6_IS_ADDR_V4MAPPED(six)) {
			family = AF_INET;
			at = six->s6_addr + 12;
		} else {
			at = six;
		}
	}
	if (!at || !inet_ntop(family, at, c->peer, sizeof(c->peer)))
		(void)snprintf(c->peer, sizeof(c->peer), "unknown");
}

static void
conn_begin(struct http *http, struct MHD_Connection *mhd, void **context)
{
	struct conn *c = mem_new(struct conn);
	const union MHD_ConnectionInfo *info;

	c->http = http;
	c->mhd = mhd;
	list_init(&c->moved);
	list_init(&c->stuck);
	list_add(&http->conns, &c->on);
	info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
	c->fd = info->connect_fd;
	info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	name_peer(c, info ? info->client_addr : NULL);
	tls_begin(c);
	c->told_tls = http->told_tls;
	c->tls_before = http->tls;
	http->connections++;
	*context = c;
	conn_move(c, CONN_NEW);
}

static void
conn_end(struct conn *c)
{
	struct http *http = c->http;
	int unread = 0;

	assert(!c->x);
	upgrade_end(c);
	shake_end(c);
	if (!c->became)
		(void)ioctl(c->fd, FIONREAD, &unread);
	if ((c->linger || unread > 0) && !http->ending)
		linger_start(http, c->fd);
	timer_clear(&c->limit);
	list_del(&c->moved);
	list_del(&c->stuck);
	list_del(&c->on);
	c->cert = cert_unref(c->cert);
	/* At the ceiling the library does not listen, and looks whether it may
	 * again only when it runs the next time. */
	if (http->connections-- >= http->conf.connections)
		http_spin_soon(http);
	proxy_more(http);
	(void)mem_free(c);
}

void
conn_notify(void *http, struct MHD_Connection *mhd, void **context,
	enum MHD_ConnectionNotificationCode code)
{
	((struct http *)http)->acts++;
	if (code == MHD_CONNECTION_NOTIFY_STARTED)
		conn_begin(http, mhd, context);
	else if (*context)
		conn_end(take(*context));
}

struct conn *
conn_of(struct MHD_Connection *mhd)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	assert(info && info->socket_context);
	return info->socket_context;
}

/* Those that wait for a request have a last chance to have sent one. */
void
conns_drain(struct http *http)
{
	list_for_each (at, &http->conns) {
		struct conn *c = container_of(at, struct conn, on);

		if (c->phase == CONN_NEW || c->phase == CONN_IDLE)
			conn_move(c, c->phase);
	}
	conns_wind(http);
}
