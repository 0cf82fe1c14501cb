/*
 * The connection to Valkey: found, opened, greeted, and opened again.
 *
 * It counts as up when it has answered to our greeting (AUTH, SELECT, both
 * scripts); only then is anybody made to wait for it.  hiredis comes with a
 * bridge to libuv that never hears of a refused connection (libuv tells it as
 * an error of the poll, which the bridge drops), hence our own.
 */
#include "base/buf.h"
#include "base/event.h"
#include "base/mem.h"
#include "base/valkey_inside.h"
#include "base/valkey_script.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

enum {
	BACKOFF_LEAST_MS = 100,
	BACKOFF_TOP_MS = 5000,
	GREETING_LEAST_MS = 1000,
	PORT = 6379,
	PORT_TOP = 65535,
	DB_TOP = 100000,
	ARRAY_TOP = 1024,
};

static void on_timer(struct timer *timer);

static int
read_port(struct valkey *v, struct slice *host)
{
	const char *colon = NULL;
	struct slice bare = *host;
	uint64_t port = PORT;

	if (bare.len && bare.ptr[0] == '[') {
		const char *end = memchr(bare.ptr, ']', bare.len);

		if (!end)
			return -EINVAL;
		bare = slice_of(bare.ptr + 1, (size_t)(end - bare.ptr) - 1);
		if (end + 1 < host->ptr + host->len)
			colon = end + 1;
	} else {
		colon = memchr(bare.ptr, ':', bare.len);
		if (colon)
			bare.len = (size_t)(colon - bare.ptr);
	}
	if (colon &&
		(*colon != ':' ||
			slice_to_u64(slice_of(colon + 1,
					     (size_t)(host->ptr + host->len -
						      colon - 1)),
				PORT_TOP, &port) < 0))
		return -EINVAL;
	v->port = (int)port;
	*host = bare;
	return bare.len ? 0 : -EINVAL;
}

static int
read_tcp(struct valkey *v, struct slice rest)
{
	struct slice host, db = rest, user;
	uint64_t n = 0;

	if (!slice_split(&db, '/', &host))
		return -EINVAL;
	if (db.len && slice_to_u64(db, DB_TOP, &n) < 0)
		return -EINVAL;
	if (memchr(host.ptr, '@', host.len)) {
		if (!slice_split(&host, '@', &user) ||
			memchr(user.ptr, ':', user.len))
			return -EINVAL; /* a password belongs into a file */
		if (user.len)
			v->user = str_ndup(user.ptr, user.len);
	}
	if (read_port(v, &host) < 0)
		return -EINVAL;
	v->db = (int)n;
	v->host = str_ndup(host.ptr, host.len);
	return 0;
}

int
valkey_address(struct valkey *v, const char *url, struct fault *why)
{
	static const char *const schemes[] = {"redis://", "valkey://"};
	struct slice s = slice_str(url);

	if (slice_starts(s, "unix:///")) {
		v->path = str_dup(url + 7);
		return 0;
	}
	for (size_t i = 0; i < array_size(schemes); i++) {
		size_t n = strlen(schemes[i]);

		if (slice_starts(s, schemes[i]) &&
			read_tcp(v, slice_of(url + n, s.len - n)) == 0)
			return 0;
	}
	return fault_set(why, ERR_CONFIG,
		"must be redis://[USER@]HOST[:PORT][/DB] or unix:///PATH, with "
		"the password in limits.valkey_password_file");
}

static void
on_poll(struct fdpoll *poll, int events)
{
	struct valkey_wire *w = container_of(poll, struct valkey_wire, poll);
	const uv_poll_t *mine = poll->handle;

	if (!events) /* it finds out what by trying */
		events = UV_READABLE;
	if (events & UV_READABLE)
		redisAsyncHandleRead(w->context);
	if (events & UV_WRITABLE && !fdpoll_was_closed(mine))
		redisAsyncHandleWrite(w->context);
}

static void
wire_set(struct valkey_wire *w, int add, int del)
{
	w->events = (w->events | add) & ~del;
	(void)fdpoll_set(&w->poll, w->events);
}

static void
add_read(void *wire)
{
	wire_set(wire, UV_READABLE, 0);
}

static void
del_read(void *wire)
{
	wire_set(wire, 0, UV_READABLE);
}

static void
add_write(void *wire)
{
	wire_set(wire, UV_WRITABLE, 0);
}

static void
del_write(void *wire)
{
	wire_set(wire, 0, UV_WRITABLE);
}

static void
cleanup(void *wire)
{
	struct valkey_wire *w = wire;

	fdpoll_close(&w->poll);
	(void)mem_free(w);
}

static int
wire_new(struct valkey *v, redisAsyncContext *c)
{
	struct valkey_wire *w = mem_new(struct valkey_wire);

	if (fdpoll_open(&w->poll, v->loop, c->c.fd, 0, on_poll) < 0) {
		mem_free(w);
		return ERR_GONE;
	}
	w->context = c;
	c->ev.data = w;
	c->ev.addRead = add_read;
	c->ev.delRead = del_read;
	c->ev.addWrite = add_write;
	c->ev.delWrite = del_write;
	c->ev.cleanup = cleanup;
	return 0;
}

static void
rest_a_while(struct valkey *v, const char *why)
{
	if (!v->told)
		event(EVENT_VALKEY_DOWN, "why", why, NULL);
	v->told = true;
	v->state = VALKEY_DOWN;
	timer_set(&v->timer, v->loop, v->backoff_ms, on_timer);
	v->backoff_ms = min(v->backoff_ms * 2, (uint64_t)BACKOFF_TOP_MS);
}

static void
on_gone(const redisAsyncContext *c, int status)
{
	struct valkey *v = c->data;

	(void)status;
	if (!v || v->context != c)
		return;
	v->context = NULL;
	rest_a_while(v, c->errstr && *c->errstr ? c->errstr
						: "the connection was closed");
}

static void
on_connected(const redisAsyncContext *c, int status)
{
	if (status != REDIS_OK)
		on_gone(c, status);
}

void
valkey_lose(struct valkey *v, const char *why)
{
	redisAsyncContext *c = v->context;

	v->context = NULL; /* its end is no news to on_gone */
	v->lost = false;
	rest_a_while(v, why);
	if (c)
		redisAsyncFree(c);
}

void
valkey_lose_soon(struct valkey *v)
{
	v->lost = true;
	timer_set(&v->timer, v->loop, 0, on_timer);
}

/* One reply after the other; the last one's is that it stands. */
static void
on_greeted(redisAsyncContext *c, void *answer, void *data)
{
	struct valkey *v = c->data;
	const redisReply *r = answer;

	if (!r || !v || v->context != c || v->state != VALKEY_GREETING)
		return;
	if (r->type == REDIS_REPLY_ERROR) {
		char why[128];

		(void)snprintf(why, sizeof(why), "%s", r->str);
		valkey_lose(v, why);
		return;
	}
	if (!data)
		return;
	timer_clear(&v->timer);
	v->state = VALKEY_UP;
	v->backoff_ms = BACKOFF_LEAST_MS;
	v->late = 0;
	v->told = false;
	event(EVENT_VALKEY_UP, NULL);
	valkey_on_up(v);
}

static int
greet(struct valkey *v)
{
	redisAsyncContext *c = v->context;
	int e = REDIS_OK;

	if (v->password && v->user)
		e |= redisAsyncCommand(c, on_greeted, NULL, "AUTH %s %s",
			v->user, v->password);
	else if (v->password)
		e |= redisAsyncCommand(
			c, on_greeted, NULL, "AUTH %s", v->password);
	if (v->db)
		e |= redisAsyncCommand(c, on_greeted, NULL, "SELECT %d", v->db);
	e |= redisAsyncCommand(
		c, on_greeted, NULL, "SCRIPT LOAD %s", valkey_take_script);
	e |= redisAsyncCommand(
		c, on_greeted, v, "SCRIPT LOAD %s", valkey_renew_script);
	return e == REDIS_OK ? 0 : ERR_GONE;
}

static void *(*array_of)(const redisReadTask *task, int elements);

static void *
array_made(const redisReadTask *task, int elements)
{
	return elements > ARRAY_TOP ? NULL : array_of(task, elements);
}

/* hiredis takes room for as many elements as a server promises.  None of our
 * answers has more than a few numbers for each rule. */
static void
distrust(redisAsyncContext *c)
{
	static redisReplyObjectFunctions own;

	array_of = c->c.reader->fn->createArray;
	own = *c->c.reader->fn;
	own.createArray = array_made;
	c->c.reader->fn = &own;
}

static void
connect_to(struct valkey *v)
{
	redisAsyncContext *c = v->path ? redisAsyncConnectUnix(v->path)
				       : redisAsyncConnect(v->ip, v->port);

	if (!c || c->err || wire_new(v, c) < 0) {
		char why[128];

		(void)snprintf(why, sizeof(why), "%s",
			c && c->errstr ? c->errstr : "no memory");
		if (c)
			redisAsyncFree(c);
		rest_a_while(v, why);
		return;
	}
	distrust(c);
	v->context = c;
	v->state = VALKEY_GREETING;
	c->data = v;
	(void)redisAsyncSetConnectCallback(c, on_connected);
	(void)redisAsyncSetDisconnectCallback(c, on_gone);
	if (greet(v) < 0)
		valkey_lose(v, "the greeting could not be sent");
}

static void
on_resolved(struct resolve *resolve, int status, const struct addrinfo *all)
{
	struct valkey *v = container_of(resolve, struct valkey, resolve);
	_buf_ struct buf ip;

	(void)status;
	buf_init(&ip, sizeof(v->ip));
	if (resolve_text(&ip, all, 1)) {
		(void)snprintf(v->ip, sizeof(v->ip), "%s", ip.ptr);
		connect_to(v);
	} else {
		rest_a_while(v, "the host's name is not known");
	}
}

static bool
is_address(const char *host)
{
	struct in6_addr room;

	return inet_pton(AF_INET, host, &room) == 1 ||
	       inet_pton(AF_INET6, host, &room) == 1;
}

void
valkey_open(struct valkey *v)
{
	timer_set(&v->timer, v->loop,
		max(v->timeout_ms, (uint64_t)GREETING_LEAST_MS), on_timer);
	if (v->host && is_address(v->host))
		(void)snprintf(v->ip, sizeof(v->ip), "%s", v->host);
	if (v->path || is_address(v->host)) {
		connect_to(v);
		return;
	}
	v->state = VALKEY_RESOLVING;
	v->resolve.on_done = on_resolved;
	if (resolve_start(&v->resolve, v->loop, v->host, NULL) < 0)
		rest_a_while(v, "the host's name cannot be asked for");
}

static void
on_timer(struct timer *timer)
{
	struct valkey *v = container_of(timer, struct valkey, timer);

	if (v->state == VALKEY_DOWN) {
		valkey_open(v);
		return;
	}
	resolve_cancel(&v->resolve);
	valkey_lose(v, "no answer in time");
}

void
valkey_shut(struct valkey *v)
{
	redisAsyncContext *c = v->context;

	resolve_cancel(&v->resolve);
	timer_clear(&v->timer);
	v->context = NULL;
	if (c) {
		c->data = NULL;
		redisAsyncFree(c);
	}
}
