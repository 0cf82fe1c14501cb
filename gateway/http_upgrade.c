/*
 * Connections that become something else.  The library hands over a socket of
 * its own: the client's, or over TLS one end of a pair whose other end it
 * encrypts from.  What we lend is a duplicate, so that its life is its user's
 * and nobody else's; a plain connection then has no need of the library any
 * more and is ended there at once, with all the memory it has.
 *
 * Over TLS the library stays between.  It does not say when the client has
 * gone (it would only see it when it writes), so we listen for that ourselves;
 * and it needs to run more than once to end such a connection.
 */
#include "gateway/http_inside.h"

#include "base/mem.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CLOSE_MS = 2000, AGAIN_MS = 5, FLUSH_MS = 50 };

struct upgrade {
	struct http *http; /* NULL: it is gone */
	struct conn *conn; /* over TLS, until it has ended */
	struct MHD_UpgradeResponseHandle *mhd;
	struct list on; /* http->upgrades */
	struct timer limit;
	uv_poll_t *watch; /* over TLS: has the client left? */
	int fd;
	bool closing;
};

static void
on_closed(uv_handle_t *handle)
{
	(void)mem_free(handle);
}

static void
unwatch(struct upgrade *u)
{
	if (!u->watch)
		return;
	(void)uv_poll_stop(u->watch);
	uv_close((uv_handle_t *)u->watch, on_closed);
	u->watch = NULL;
}

/* What had come before is in the pair by now. */
static void
on_flushed(struct timer *timer)
{
	struct upgrade *u = container_of(timer, struct upgrade, limit);

	(void)shutdown(u->fd, SHUT_RD);
}

static void
on_left(uv_poll_t *watch, int status, int events)
{
	struct upgrade *u = watch->data;

	(void)status, (void)events;
	unwatch(u);
	timer_set(&u->limit, u->http->loop, FLUSH_MS, on_flushed);
}

static void
watch_leaving(struct upgrade *u)
{
	u->watch = mem_new(uv_poll_t);
	if (uv_poll_init(&u->http->loop->uv, u->watch, u->conn->fd) < 0) {
		u->watch = mem_free(u->watch);
		return;
	}
	u->watch->data = u;
	(void)uv_poll_start(u->watch, UV_DISCONNECT, on_left);
}

static void
on_upgrade(void *cls, struct MHD_Connection *mhd, void *context,
	const char *early, size_t early_len, MHD_socket fd,
	struct MHD_UpgradeResponseHandle *handle)
{
	struct exchange *x = context;
	struct conn *c = x->conn;
	struct upgrade *u = mem_new(struct upgrade);

	(void)cls, (void)mhd;
	u->http = c->http;
	u->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	list_init(&u->on);
	c->became = true;
	conn_move(c, CONN_WORK);
	if (u->fd < 0) {
		(void)MHD_upgrade_action(handle, MHD_UPGRADE_ACTION_CLOSE);
		(void)mem_free(u);
		exchange_end(x, false);
		http_spin_soon(c->http);
		return;
	}
	(void)fcntl(u->fd, F_SETFL, fcntl(u->fd, F_GETFL) | O_NONBLOCK);
	list_add(&u->http->upgrades, &u->on);
	if (c->tls) {
		u->conn = c;
		u->mhd = handle;
		c->upgrade = u;
		watch_leaving(u);
	} else {
		u->http->upgraded++;
		(void)MHD_upgrade_action(handle, MHD_UPGRADE_ACTION_CLOSE);
	}
	x->take_over(x->upgrade_owner, u, u->fd, slice_of(early, early_len));
	exchange_end(x, true);
	http_spin_soon(c->http);
}

void
exchange_upgrade(struct exchange *x, upgrade_fn *take_over, void *owner)
{
	struct MHD_Response *r =
		MHD_create_response_for_upgrade(on_upgrade, NULL);

	if (!r)
		abort();
	x->take_over = take_over;
	x->upgrade_owner = owner;
	x->status = MHD_HTTP_SWITCHING_PROTOCOLS;
	x->sent = 0;
	x->kind = ANSWER_UPGRADE;
	x->response = r;
	response_headers(x, r, NULL);
	exchange_settle(x);
}

/* The client does not take what is left: it is thrown away. */
static void
on_late(struct timer *timer)
{
	struct upgrade *u = container_of(timer, struct upgrade, limit);

	if (u->conn)
		(void)shutdown(u->conn->fd, SHUT_RDWR);
	http_spin_soon(u->http);
}

static void
upgrade_free(struct upgrade *u)
{
	unwatch(u);
	timer_clear(&u->limit);
	list_del(&u->on);
	if (u->closing && u->http)
		u->http->closing--;
	if (u->fd >= 0)
		(void)close(u->fd);
	(void)mem_free(u);
}

void
upgrade_close(struct upgrade *u)
{
	struct http *http = u->http;

	if (!http) {
		upgrade_free(u);
		return;
	}
	if (!u->conn) {
		http->upgraded--;
		(void)shutdown(u->fd, SHUT_WR);
		upgrade_free(u);
		return;
	}
	unwatch(u);
	(void)close(take_fd(u->fd));
	u->closing = true;
	http->closing++;
	timer_set(&u->limit, http->loop, CLOSE_MS, on_late);
	(void)MHD_upgrade_action(u->mhd, MHD_UPGRADE_ACTION_CLOSE);
	http_spin_soon(http);
}

/* The library has ended the connection. */
void
upgrade_end(struct conn *c)
{
	struct upgrade *u = c->upgrade;

	if (!u)
		return;
	c->upgrade = NULL;
	u->conn = NULL;
	if (u->closing)
		upgrade_free(u);
}

static void
on_again(struct timer *timer)
{
	http_spin_soon(container_of(timer, struct http, tick));
}

void
upgrades_push(struct http *http)
{
	if (http->closing && !timer_is_set(&http->tick))
		timer_set(&http->tick, http->loop, AGAIN_MS, on_again);
}

void
upgrades_leave(struct http *http)
{
	list_for_each_safe (at, &http->upgrades) {
		struct upgrade *u = container_of(at, struct upgrade, on);

		unwatch(u);
		timer_clear(&u->limit);
		if (u->conn) {
			u->conn->upgrade = NULL;
			if (!u->closing)
				(void)MHD_upgrade_action(
					u->mhd, MHD_UPGRADE_ACTION_CLOSE);
			u->conn = NULL;
		}
		if (u->closing) {
			upgrade_free(u);
			continue;
		}
		(void)shutdown(u->fd, SHUT_RDWR);
		list_del(&u->on);
		u->http = NULL;
	}
}
