/*
 * Requests and connections brought together.  A request takes the connection
 * that was used last, or a new one, or waits until there is room for one.  It
 * costs no system call but its write and its read: connections stay in the
 * poll set while they rest, and time is kept for the whole pool at once.
 *
 * A kept connection may have been closed by the server just when it is used.
 * Then the request goes out again on a new one: when nothing of it was sent, or
 * when it may be sent twice and not a byte of an answer had come (RFC 9110,
 * 9.2.2).
 *
 * Callers are told from the end of a turn, or as the last thing that is done:
 * they may start, cancel or free whatever they like.
 */
#include "http/http_client_inside.h"

#include "base/mem.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

enum { SPARE_TOP = 64, KEEP_OUT = 16 * 1024 };

/* "host", "host:port", "[v6]:port". */
static int
split_authority(struct http_client *h, struct slice a)
{
	struct slice host = a, port = SLICE("80");
	const char *at;
	uint64_t n;

	if (a.len && a.ptr[0] == '[') {
		at = memchr(a.ptr, ']', a.len);
		if (!at)
			return ERR_CONFIG;
		host = slice_of(a.ptr + 1, (size_t)(at - a.ptr - 1));
		a = slice_of(at + 1, a.len - host.len - 2);
		if (a.len && a.ptr[0] != ':')
			return ERR_CONFIG;
		at = a.len ? a.ptr : NULL;
	} else {
		at = memchr(a.ptr, ':', a.len);
		if (at)
			host.len = (size_t)(at - a.ptr);
	}
	if (at)
		port = slice_of(at + 1, a.len - (size_t)(at + 1 - a.ptr));
	if (!host.len || host.len >= HOST_TOP || port.len >= sizeof(h->port) ||
		slice_to_u64(port, UINT16_MAX, &n) < 0 || n == 0)
		return ERR_CONFIG;
	memcpy(h->host, host.ptr, host.len);
	memcpy(h->port, port.ptr, port.len);
	return 0;
}

/* A number is an address for good; a name is asked for. */
static void
set_address(struct http_client *h)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
	in_port_t port = htons((uint16_t)strtoul(h->port, NULL, 10));

	if (inet_pton(AF_INET, h->host, &v4.sin_addr) == 1) {
		v4.sin_port = port;
		memcpy(&h->address[0].at, &v4, sizeof(v4));
		h->address[0].len = sizeof(v4);
	} else if (inet_pton(AF_INET6, h->host, &v6.sin6_addr) == 1) {
		v6.sin6_port = port;
		memcpy(&h->address[0].at, &v6, sizeof(v6));
		h->address[0].len = sizeof(v6);
	} else {
		h->is_name = true;
	}
	h->addresses = !h->is_name;
}

static int
set_path(struct http_client *h, const char *path)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	size_t len = strlen(path);

	if (*path != '/' || len >= sizeof(un.sun_path))
		return ERR_CONFIG;
	memcpy(un.sun_path, path, len);
	memcpy(&h->address[0].at, &un, sizeof(un));
	h->address[0].len = sizeof(un);
	h->addresses = 1;
	return 0;
}

static void on_serve(struct defer *defer);
static void on_turn(struct defer *defer);

int
http_client_new(struct http_client **ret, struct loop *loop,
	const struct http_client_conf *conf, struct fault *why)
{
	_cleanup_(http_client_freep) struct http_client *h =
		mem_new(struct http_client);
	int e;

	h->loop = loop;
	h->top = conf->connections;
	h->connect_ms = conf->connect_ms;
	h->turns = 1;
	list_init(&h->idle);
	list_init(&h->busy);
	list_init(&h->ready);
	list_init(&h->waiting);
	list_init(&h->spare);
	defer_init(&h->serve, on_serve);
	defer_init(&h->turn, on_turn);
	if (conf->unix_path) {
		e = set_path(h, conf->unix_path);
	} else {
		e = split_authority(h, conf->authority);
		if (e == 0)
			set_address(h);
	}
	if (e < 0)
		return fault_set(why, e,
			"\"%.*s\" is no address: HOST, HOST:PORT, or "
			"unix:/PATH of at most 107 bytes",
			SLICE_ARG(conf->unix_path ? slice_str(conf->unix_path)
						  : conf->authority));
	h->room = mem_alloc(READ_TOP);
	*ret = take(h);
	return 0;
}

static void
call_free(struct call *c)
{
	list_del(&c->on);
	buf_done(&c->out);
	(void)mem_free(c);
}

/* Away from its fetch and its connection, which the caller has seen to. */
static void
call_rest(struct call *c)
{
	struct http_client *h = c->client;

	defer_clear(&c->resume);
	timer_clear(&c->connect);
	list_del(&c->on);
	c->fetch->inside = NULL;
	c->fetch->resume = NULL;
	c->fetch = NULL;
	c->wire = NULL;
	if (h->nspare >= SPARE_TOP) {
		call_free(c);
		return;
	}
	if (c->out.room > KEEP_OUT)
		buf_done(&c->out);
	list_add_first(&h->spare, &c->on);
	h->nspare++;
}

struct http_client *
http_client_free(struct http_client *h)
{
	struct wire *w;
	struct call *c;

	if (!h)
		return NULL;
	while ((c = list_first(&h->waiting, struct call, on)))
		call_fail(c, ERR_SHUTDOWN);
	while ((w = list_first(&h->busy, struct wire, on)))
		call_fail(w->call, ERR_SHUTDOWN);
	while ((w = list_first(&h->idle, struct wire, on)))
		wire_close(w);
	while ((c = list_first(&h->spare, struct call, on)))
		call_free(c);
	resolve_cancel(&h->resolve);
	timer_clear(&h->sweep);
	defer_clear(&h->serve);
	defer_clear(&h->turn);
	(void)mem_free(h->room);
	return mem_free(h);
}

static void
on_resume(struct defer *defer)
{
	call_resume(container_of(defer, struct call, resume));
}

static struct call *
call_get(struct http_client *h)
{
	struct call *c = list_first(&h->spare, struct call, on);

	if (c) {
		list_del(&c->on);
		h->nspare--;
		return c;
	}
	c = mem_new(struct call);
	list_init(&c->on);
	defer_init(&c->resume, on_resume);
	c->client = h;
	return c;
}

/* A server may have addresses that lead nowhere. */
void
call_connect_late(struct timer *timer)
{
	struct call *c = container_of(timer, struct call, connect);
	struct fault *why = &c->fetch->job.why;

	if (c->wire) {
		size_t next = c->wire->place + 1;

		(void)fault_set(why, ERR_UPSTREAM,
			"cannot connect: it does not accept in time");
		wire_close(c->wire);
		wire_open(c, next);
		return;
	}
	(void)fault_set(why, ERR_UPSTREAM,
		"the address of \"%.100s\" is not known in time",
		c->client->host);
	call_fail(c, ERR_UPSTREAM);
}

/* Room for a new connection, taken from one that rests if need be. */
static bool
has_room(struct http_client *h)
{
	struct wire *oldest = list_last(&h->idle, struct wire, on);

	if (h->wires >= h->top && oldest)
		wire_close(oldest);
	return h->wires < h->top;
}

bool
client_place(struct call *c)
{
	struct http_client *h = c->client;
	struct wire *w = c->fresh ? NULL : wire_idle(h, c->once);
	bool room;

	if (w) {
		wire_take(w, c);
		return true;
	}
	room = has_room(h);
	if (room && client_knows(h)) {
		wire_open(c, 0);
		return true;
	}
	list_add_first(&h->waiting, &c->on);
	if (room) {
		timer_set(
			&c->connect, h->loop, h->connect_ms, call_connect_late);
		client_look_up(h);
	}
	return false;
}

void
client_serve(struct http_client *h)
{
	struct call *c;

	while ((c = list_first(&h->waiting, struct call, on))) {
		list_del(&c->on);
		timer_clear(&c->connect);
		if (!client_place(c))
			break;
	}
}

static void
on_serve(struct defer *defer)
{
	client_serve(container_of(defer, struct http_client, serve));
}

static void
on_turn(struct defer *defer)
{
	struct http_client *h = container_of(defer, struct http_client, turn);

	h->answers = 0;
	h->turns++;
}

/* A place has become free. */
static void
serve_soon(struct http_client *h)
{
	if (!list_empty(&h->waiting))
		loop_defer(h->loop, &h->serve);
}

/* The job was cancelled. */
static void
on_drop(struct job *job)
{
	struct fetch *fetch = container_of(job, struct fetch, job);
	struct call *c = fetch->inside;
	struct http_client *h = c->client;

	if (c->wire)
		wire_close(c->wire);
	call_rest(c);
	serve_soon(h);
}

void
http_client_ask(
	struct http_client *h, struct fetch *fetch, const struct http_ask *ask)
{
	struct call *c = call_get(h);

	fetch_begin(fetch, ask->stream, 0, HTTP_HEAD_TOP);
	fetch->inside = c;
	fetch->resume = &c->resume;
	c->fetch = fetch;
	call_begin(c, ask);
	job_begin(&fetch->job, h->loop, 0, on_drop);
	if (buf_check(&c->out) < 0) {
		call_fail(c, ERR_TOO_BIG);
		return;
	}
	/* those who came before come first */
	if (list_empty(&h->waiting)) {
		(void)client_place(c);
		return;
	}
	list_add(&h->waiting, &c->on);
	serve_soon(h);
}

void
call_fail(struct call *c, int err)
{
	struct fetch *fetch = c->fetch;
	struct http_client *h = c->client;

	if (c->wire)
		wire_close(c->wire);
	call_rest(c);
	job_fail_soon(&fetch->job, h->loop, err);
	serve_soon(h);
}

/* The connection is the caller's from now on. */
static void
switch_over(struct fetch *fetch, struct wire *w)
{
	buf_init(&fetch->body, max(w->in.len, (size_t)1));
	buf_slice(&fetch->body, buf_all(&w->in));
	fetch->switched = wire_give(w);
}

void
call_done(struct call *c)
{
	struct fetch *fetch = c->fetch;
	struct http_client *h = c->client;
	struct wire *w = c->wire;

	if (c->head.status == 101)
		switch_over(fetch, w);
	else if (c->head.close || c->deaf || w->in.len || !c->told ||
		 c->out_at < c->out.len)
		wire_close(w);
	else
		wire_rest(w);
	call_rest(c);
	serve_soon(h);
	job_finish(&fetch->job, 0);
}
