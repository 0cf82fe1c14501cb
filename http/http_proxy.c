/*
 * Listeners behind a proxy that says who its clients are.  The library knows no
 * such header, so connections are accepted here, wait here until the header has
 * come, and are handed to the library with the address it told; TLS and HTTP
 * find the socket as if nothing had been there.
 *
 * A header that is wrong or late closes the connection without a word: whoever
 * is not the proxy learns nothing.
 */
#include "http/http_inside.h"

#include "base/mem.h"
#include "http/proxy_header.h"

#include <sys/socket.h>
#include <unistd.h>

enum { TURN_ACCEPTS = 64 };

struct proxy_door {
	struct http *http;
	struct fdpoll poll;
	struct list waiting;
	unsigned count; /* of those that wait */
	int fd;
};

/* A connection whose header has not come yet. */
struct caller_wait {
	struct proxy_door *door;
	struct list on;
	struct timer limit;
	struct fdpoll poll;
	struct sockaddr_storage peer;
	int fd;
	size_t len;
	char bytes[PROXY_HEADER_TOP];
};

/* The descriptor lives on when it was taken. */
static void
wait_end(struct caller_wait *w)
{
	list_del(&w->on);
	w->door->count--;
	proxy_more(w->door->http);
	timer_clear(&w->limit);
	fdpoll_close(&w->poll);
	if (w->fd >= 0)
		(void)close(w->fd);
	(void)mem_free(w);
}

static void
wait_refuse(struct caller_wait *w, const char *what)
{
	struct http *http = w->door->http;

	if (http->ops.on_refused)
		http->ops.on_refused(http, 400, what, "");
	wait_end(w);
}

static void
hand_over(struct caller_wait *w, const struct proxy_header *header)
{
	struct http *http = w->door->http;
	const struct sockaddr_storage peer = w->peer;
	const struct sockaddr *from =
		header->local ? (const struct sockaddr *)(const void *)&peer
			      : &header->from.any;
	socklen_t len = from->sa_family == AF_INET6
				? sizeof(struct sockaddr_in6)
				: sizeof(struct sockaddr_in);
	int fd = take_fd(w->fd);

	wait_end(w);
	/* conn_begin is called from there. */
	http->told_tls = header->told_tls;
	http->tls = header->tls;
	(void)MHD_add_connection(http->daemon, fd, from, len);
	http->told_tls = false;
	http_spin_soon(http);
}

static void
on_limit(struct timer *timer)
{
	wait_refuse(container_of(timer, struct caller_wait, limit),
		"PROXY header late");
}

/* Looks at what is there, and takes what is the header's. */
static int
read_more(struct caller_wait *w, struct proxy_header *header)
{
	size_t before = w->len;
	ssize_t n = recv(w->fd, w->bytes + w->len, sizeof(w->bytes) - w->len,
		MSG_PEEK | MSG_DONTWAIT);
	int r;

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (n == 0)
		return -ECONNRESET;
	r = proxy_header_parse(header, slice_of(w->bytes, before + (size_t)n));
	if (r < 0)
		return r;
	w->len = min(header->need, before + (size_t)n);
	n = recv(w->fd, w->bytes + before, w->len - before, MSG_DONTWAIT);
	return n == (ssize_t)(w->len - before) ? r : -EIO;
}

static void
on_input(struct fdpoll *poll, int events)
{
	struct caller_wait *w = container_of(poll, struct caller_wait, poll);
	struct proxy_header header;
	int r = events ? read_more(w, &header) : -EIO;

	if (r == ERR_BAD_REQUEST)
		wait_refuse(w, "PROXY header");
	else if (r < 0)
		wait_end(w);
	else if (r > 0)
		hand_over(w, &header);
}

static void
wait_begin(struct proxy_door *d, int fd, const struct sockaddr_storage *peer)
{
	struct http *http = d->http;
	struct caller_wait *w = mem_new(struct caller_wait);

	if (fdpoll_open(&w->poll, http->loop, fd, UV_READABLE, on_input) < 0) {
		(void)close(fd);
		(void)mem_free(w);
		return;
	}
	w->door = d;
	w->fd = fd;
	w->peer = *peer;
	list_add(&d->waiting, &w->on);
	d->count++;
	timer_set(&w->limit, http->loop, http->conf.head_ms, on_limit);
}

static bool
has_room(const struct proxy_door *d)
{
	return d->http->connections + d->count < d->http->conf.connections;
}

static void
on_knock(struct fdpoll *poll, int events)
{
	struct proxy_door *d = container_of(poll, struct proxy_door, poll);
	struct sockaddr_storage peer;

	(void)events;
	for (int i = 0; i < TURN_ACCEPTS && has_room(d); i++) {
		socklen_t len = sizeof(peer);
		int fd = accept4(d->fd, (struct sockaddr *)&peer, &len,
			SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0)
			return;
		wait_begin(d, fd, &peer);
	}
	if (!has_room(d))
		(void)fdpoll_set(&d->poll, 0);
}

int
proxy_open(struct http *http, int fd)
{
	struct proxy_door *d = mem_new(struct proxy_door);
	int r = fdpoll_open(&d->poll, http->loop, fd, UV_READABLE, on_knock);

	if (r < 0) {
		(void)close(fd);
		(void)mem_free(d);
		return r;
	}
	d->http = http;
	d->fd = fd;
	list_init(&d->waiting);
	http->proxy = d;
	return 0;
}

void
proxy_close(struct http *http)
{
	struct proxy_door *d = take(http->proxy);
	struct caller_wait *w;

	if (!d)
		return;
	while ((w = list_first(&d->waiting, struct caller_wait, on)))
		wait_end(w);
	fdpoll_close(&d->poll);
	(void)close(d->fd);
	(void)mem_free(d);
}

void
proxy_more(struct http *http)
{
	if (http->proxy && has_room(http->proxy))
		(void)fdpoll_set(&http->proxy->poll, UV_READABLE);
}
