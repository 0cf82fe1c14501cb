/*
 * Connections that become something else.  What we lend is a duplicate of the
 * client's socket, so that its life is its user's and nobody else's; a plain
 * connection then has no need of the library any more and is ended there at
 * once, with all the memory it has.
 *
 * Over TLS the session is the library's, so the connection stays there to its
 * end, and what we lend is one end of a pair whose other end we cipher
 * from (http_upgrade_tls.c).  The library needs to run more than once to end
 * such a connection.
 */
#include "http/http_inside.h"

#include "base/mem.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CLOSE_MS = 2000, AGAIN_MS = 5 };

struct upgrade {
	struct http *http; /* NULL: it is gone */
	struct conn *conn; /* over TLS, until it has ended */
	struct MHD_UpgradeResponseHandle *mhd;
	struct list on; /* http->upgrades */
	struct timer limit;
	struct pump *pump; /* over TLS */
	int fd;
	bool closing, closed; /* the library was told so */
};

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
	if (!c->tls)
		u->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	else
		u->pump = pump_new(c, &u->fd);
	list_init(&u->on);
	c->became = true;
	conn_move(c, CONN_WORK);
	if (c->tls ? !u->pump : u->fd < 0) {
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

static void
upgrade_free(struct upgrade *u)
{
	u->pump = pump_free(u->pump);
	timer_clear(&u->limit);
	list_del(&u->on);
	if (u->closing && u->http)
		u->http->closing--;
	if (u->fd >= 0)
		(void)close(u->fd);
	(void)mem_free(u);
}

static void
on_sent(void *owner)
{
	struct upgrade *u = owner;

	if (u->closed)
		return;
	u->closed = true;
	(void)MHD_upgrade_action(u->mhd, MHD_UPGRADE_ACTION_CLOSE);
	http_spin_soon(u->http);
}

/* The client does not take what is left: it is thrown away. */
static void
on_late(struct timer *timer)
{
	struct upgrade *u = container_of(timer, struct upgrade, limit);

	if (u->conn)
		(void)shutdown(u->conn->fd, SHUT_RDWR);
	on_sent(u);
	http_spin_soon(u->http);
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
		http->upgraded -= !u->mhd;
		(void)shutdown(u->fd, SHUT_WR);
		upgrade_free(u);
		return;
	}
	(void)close(take_fd(u->fd));
	u->closing = true;
	http->closing++;
	timer_set(&u->limit, http->loop, CLOSE_MS, on_late);
	pump_end(u->pump, on_sent, u);
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
	u->pump = pump_free(u->pump);
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

		u->pump = pump_free(u->pump);
		timer_clear(&u->limit);
		if (u->conn) {
			u->conn->upgrade = NULL;
			if (!u->closed)
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
