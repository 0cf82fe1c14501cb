/*
 * From nothing to a connection in pipeline mode without blocking: rest, look
 * the name up, let libpq shake hands while we watch its socket.
 *
 * libpq may close its socket and open another with the same number while it
 * connects, which epoll does not notice; so its poll is opened anew for every
 * step of the handshake.
 */
#include "db/pg.h"

#include "base/buf.h"
#include "base/event.h"
#include "db/dsn.h"

#include <libpq-fe.h>

enum {
	REST_LEAST_MS = 50,
	REST_MOST_MS = 2000,
	OPEN_MS = 5000,
};

static void on_socket(struct fdpoll *poll, int events);

static int
watch(struct pg *pg, int events)
{
	return fdpoll_open(
		&pg->poll, pg->loop, PQsocket(pg->conn), events, on_socket);
}

int
pg_wait(struct pg *pg, bool write)
{
	int events = UV_READABLE | (write ? UV_WRITABLE : 0);

	if (!fdpoll_is_open(&pg->poll))
		return watch(pg, events);
	return fdpoll_set(&pg->poll, events);
}

static void
on_rested(struct timer *timer)
{
	pg_open(container_of(timer, struct pg, timer));
}

void
pg_close(struct pg *pg)
{
	timer_clear(&pg->timer);
	fdpoll_close(&pg->poll);
	pg_forget_cancel(pg);
	resolve_cancel(&pg->resolve);
	if (pg->conn)
		PQfinish(take(pg->conn));
	pg->state = PG_CLOSED;
}

/* Half of the time is jitter, so that gateways do not come all at once. */
static void
rest(struct pg *pg)
{
	uint64_t ms = max(pg->rest_ms, (uint64_t)REST_LEAST_MS);

	pg_close(pg);
	pg->rest_ms = min(ms * 2, (uint64_t)REST_MOST_MS);
	pg->state = PG_RESTING;
	timer_set(&pg->timer, pg->loop,
		ms / 2 + uv_hrtime() / 1000 % (ms / 2 + 1), on_rested);
}

static void
fail(struct pg *pg, const char *what)
{
	event(EVENT_DB_DOWN, "why", what, NULL);
	rest(pg);
}

/* Opening failed: nothing was in flight. */
static void
fail_open(struct pg *pg, const char *what)
{
	struct list none = LIST_INIT(none);

	fail(pg, what);
	pg->ops->down(pg, &none);
}

void
pg_lost(struct pg *pg, const char *why)
{
	struct list flights = LIST_INIT(flights);

	pg_gather(pg, &flights);
	fail(pg, why);
	pg->ops->down(pg, &flights);
}

/* libpq's message without its line ends.  It names the server, no secret. */
static void
fail_connect(struct pg *pg)
{
	_buf_ struct buf text;

	buf_init(&text, 1024);
	buf_slice(&text, slice_str(PQerrorMessage(pg->conn)));
	for (size_t i = 0; i < text.len; i++)
		if (text.ptr[i] == '\n')
			text.ptr[i] = ' ';
	fail_open(pg, text.len ? text.ptr : "cannot connect");
}

static void
greet(struct pg *pg)
{
	fdpoll_close(&pg->poll);
	if (PQsetnonblocking(pg->conn, 1) < 0 ||
		!PQenterPipelineMode(pg->conn) || pg_wait(pg, false) < 0) {
		fail_open(pg, "cannot use the connection");
		return;
	}
	timer_clear(&pg->timer);
	pg->rest_ms = 0;
	pg->state = PG_UP;
	event(EVENT_DB_UP, "server",
		PQparameterStatus(pg->conn, "server_version"), NULL);
	pg_on_up(pg);
}

static void
shake(struct pg *pg)
{
	PostgresPollingStatusType status;

	fdpoll_close(&pg->poll);
	status = PQconnectPoll(pg->conn);
	if (status == PGRES_POLLING_OK) {
		greet(pg);
		return;
	}
	if (status == PGRES_POLLING_FAILED) {
		fail_connect(pg);
		return;
	}
	if (watch(pg, status == PGRES_POLLING_WRITING ? UV_WRITABLE
						      : UV_READABLE) < 0)
		fail_open(pg, "cannot watch the socket");
}

static void
on_socket(struct fdpoll *poll, int events)
{
	struct pg *pg = container_of(poll, struct pg, poll);

	/* of an error, too: results may be left to read before it shows, and
	 * pg_wait asks again */
	(void)events;
	if (pg->state == PG_CONNECTING)
		shake(pg);
	else if (pg->state == PG_UP)
		pg_on_ready(pg);
}

static void
ignore_notice(void *arg, const PGresult *result)
{
	(void)arg;
	(void)result;
}

static void
connect_to(struct pg *pg, const char *addrs, unsigned count)
{
	pg->state = PG_CONNECTING;
	pg->conn = dsn_connect(pg->dsn, addrs, count);
	if (!pg->conn || PQstatus(pg->conn) == CONNECTION_BAD) {
		fail_connect(pg);
		return;
	}
	(void)PQsetNoticeReceiver(pg->conn, ignore_notice, NULL);
	/* PQconnectStart says: as if the last step had said "writing" */
	if (watch(pg, UV_WRITABLE) < 0)
		fail_open(pg, "cannot watch the socket");
}

static void
on_resolved(struct resolve *resolve, int status, const struct addrinfo *all)
{
	struct pg *pg = container_of(resolve, struct pg, resolve);
	_buf_ struct buf addrs;
	unsigned count;

	(void)status;
	buf_init(&addrs, 1024);
	count = resolve_text(&addrs, all, PG_ADDRESSES);
	if (count)
		connect_to(pg, addrs.ptr, count);
	else
		fail_open(pg, "the host name cannot be resolved");
}

static void
look_up(struct pg *pg)
{
	pg->state = PG_RESOLVING;
	pg->resolve.on_done = on_resolved;
	if (resolve_start(&pg->resolve, pg->loop, dsn_host(pg->dsn), NULL) < 0)
		fail_open(pg, "the host name cannot be looked up");
}

static void
on_open_late(struct timer *timer)
{
	fail_open(container_of(timer, struct pg, timer),
		"no answer while opening");
}

void
pg_open(struct pg *pg)
{
	timer_set(&pg->timer, pg->loop, OPEN_MS, on_open_late);
	if (dsn_host(pg->dsn))
		look_up(pg);
	else
		connect_to(pg, NULL, 0);
}
