/*
 * One request through to a server behind us and its answer back.
 *
 *   client ─→ sink ─→ `up` ─→ the server's read    (waits when `up` is full)
 *   client ←─ give ←─ `down` ←─ the server's data   (waits when `down` is full)
 *
 * A short body is had whole before the server is asked, so that it can be asked
 * again; a short answer is had whole before it is given, and goes the way of
 * all answers of ours.  What is long passes through as it comes.
 *
 * Who asks is http/http_client.h; of an https server libcurl, which costs three
 * times as much.  Both call the same functions back.
 */
#include "gateway/upstream_pass.h"
#include "gateway/endpoint.h"

#include "base/event.h"
#include "base/mem.h"
#include "gateway/declared_request.h"
#include "gateway/request.h"

#include <string.h>

enum {
	UP_TOP = 64 * 1024,
	UP_CEILING = 2 * 1024 * 1024, /* a piece may be as large as
					 limits.connection_memory */
	DOWN_TOP = 64 * 1024,
	DOWN_LOW = 32 * 1024,
	SHORT = 48 * 1024
};

struct pass {
	struct request *r;
	struct upstream *u;
	struct server *s;
	struct fetch fetch;
	struct timer silence;
	struct defer decide;
	struct passage *passage; /* of a WebSocket that is asked for */
	struct buf up, down;
	size_t up_at, down_at; /* taken already */
	struct slice body;     /* of a short one */
	int64_t length;        /* of the body; -1: not known */
	int64_t heard;         /* loop ms */
	unsigned tries;
	bool streams;              /* the body, while the server is asked */
	bool whole;                /* the body has come */
	bool up_waits, down_waits; /* the client's side, the server's */
	bool read;  /* some of a body that is not kept was sent */
	bool given; /* the answer has begun */
	bool over;  /* the server's part has ended: fetch.job.err */
};

static bool
is_idempotent(const char *method)
{
	static const char *const those[] = {
		"GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"};

	for (size_t i = 0; i < array_size(those); i++)
		if (strcmp(method, those[i]) == 0)
			return true;
	return false;
}

/* --- time ---------------------------------------------------------------- */

static void
hear(struct pass *p)
{
	p->heard = (int64_t)uv_now(&p->u->loop->uv);
}

static void pass_failed(struct pass *p, int err, const struct fault *why);

static int64_t
timeout_of(const struct pass *p)
{
	uint64_t ms = p->r->declared->timeout_ms;

	return ms ? (int64_t)ms : p->u->timeout_ms;
}

/* The server has been silent; not when it is the client who is slow, which
 * before the answer has begun is only he who sends. */
static void
on_silence(struct timer *timer)
{
	struct pass *p = container_of(timer, struct pass, silence);
	int64_t now = (int64_t)uv_now(&p->u->loop->uv);
	int64_t left;

	if ((p->down_waits && p->given) ||
		(p->streams && !p->whole && !p->up_waits))
		p->heard = now;
	left = p->heard + timeout_of(p) - now;
	if (left > 0) {
		timer_set(timer, p->u->loop, (uint64_t)left, on_silence);
		return;
	}
	job_cancel(&p->fetch.job);
	pass_failed(p, ERR_TIMEOUT, NULL);
}

/* --- the answer ---------------------------------------------------------- */

static ssize_t
on_give(struct exchange *x, char *to, size_t room)
{
	struct request *r = exchange_data(x);
	struct pass *p = r->act;
	size_t n = min(room, p->down.len - p->down_at);

	if (n) {
		memcpy(to, p->down.ptr + p->down_at, n);
		p->down_at += n;
	}
	if (p->down_at == p->down.len) {
		buf_clear(&p->down);
		p->down_at = 0;
	}
	if (p->down_waits && p->down.len - p->down_at < DOWN_LOW) {
		p->down_waits = false;
		hear(p);
		fetch_go_on(&p->fetch);
	}
	if (n)
		return (ssize_t)n;
	if (!p->over)
		return EXCHANGE_GIVE_WAIT;
	return p->fetch.job.err < 0 ? ERR_BEHIND : EXCHANGE_GIVE_END;
}

static void
send_stream(struct request *r)
{
	struct pass *p = r->act;

	exchange_answer_stream(r->x, declared_headers(r, r->status), NULL,
		p->fetch.length, on_give);
}

static void
answer_stream(struct pass *p)
{
	p->given = true;
	heading_answer(p->r, &p->fetch);
	p->r->status = (int)p->fetch.status;
	p->r->send = send_stream;
	request_finish(p->r, 0, NULL);
}

static void
answer_whole(struct pass *p)
{
	p->given = true;
	heading_answer(p->r, &p->fetch);
	(void)request_reply(p->r, (int)p->fetch.status, buf_all(&p->down));
	request_finish(p->r, 0, NULL);
}

/* Nothing follows the head, whatever it announces. */
static bool
has_no_body(const struct pass *p)
{
	return p->fetch.status == 204 || p->fetch.status == 304;
}

/* The head has come: is it time to answer? */
static void
on_decide(struct defer *defer)
{
	struct pass *p = container_of(defer, struct pass, decide);
	bool is_head = strcmp(exchange_method(p->r->x), "HEAD") == 0;

	if (p->given || !p->fetch.headed || p->fetch.status == 101)
		return;
	/* A server that answers while it is still told is told the rest. */
	if (p->streams && !p->whole && !p->over && p->fetch.status < 400)
		return;
	if (is_head && !has_no_body(p))
		answer_stream(p);
	else if (p->over)
		answer_whole(p);
	else if (p->fetch.length < 0 ? !has_no_body(p)
				     : p->fetch.length > SHORT)
		answer_stream(p);
}

/* --- the server ---------------------------------------------------------- */

static void
on_head(struct fetch *fetch)
{
	struct pass *p = container_of(fetch, struct pass, fetch);

	hear(p);
	server_told(p->s, true);
	loop_defer(p->u->loop, &p->decide);
}

static int
on_data(struct fetch *fetch, struct slice data)
{
	struct pass *p = container_of(fetch, struct pass, fetch);

	hear(p);
	if (p->down.len - p->down_at + data.len > DOWN_TOP) {
		p->down_waits = true;
		return FETCH_WAIT;
	}
	buf_drop(&p->down, p->down_at);
	p->down_at = 0;
	buf_slice(&p->down, data);
	if (p->given)
		exchange_go_on(p->r->x);
	return buf_check(&p->down);
}

static ssize_t
on_read(struct fetch *fetch, char *to, size_t room)
{
	struct pass *p = container_of(fetch, struct pass, fetch);
	size_t n = min(room, p->up.len - p->up_at);

	hear(p);
	p->read = true;
	if (n) {
		memcpy(to, p->up.ptr + p->up_at, n);
		p->up_at += n;
	}
	if (p->up_at == p->up.len) {
		buf_clear(&p->up);
		p->up_at = 0;
		if (p->up_waits)
			exchange_go_on(p->r->x);
		p->up_waits = false;
	}
	if (n || p->whole)
		return (ssize_t)n;
	return FETCH_READ_WAIT;
}

static const struct fetch_stream stream = {on_head, on_data, on_read};

static void
server_leave(struct pass *p)
{
	timer_clear(&p->silence);
	if (p->s)
		p->s->busy--;
	p->s = NULL;
}

static bool
may_repeat(const struct pass *p, int err)
{
	return err != ERR_TIMEOUT && !p->given && !p->read &&
	       p->tries <= p->u->retries &&
	       (!p->fetch.sent || is_idempotent(exchange_method(p->r->x)));
}

static void
send_switch(struct request *r)
{
	struct pass *p = r->act;

	passage_begin(p->passage, r, p->s, &p->fetch);
}

/* The server speaks something else from now on, and so does the client. */
static void
switch_over(struct pass *p)
{
	struct request *r = p->r;
	struct fault why = {0};

	if (!p->passage || passage_check(r, &p->fetch) < 0) {
		(void)fault_set(&why, ERR_BEHIND,
			"its 101 is no answer to what was asked");
		pass_failed(p, ERR_BEHIND, &why);
		return;
	}
	timer_clear(&p->silence);
	p->given = true;
	heading_answer(r, &p->fetch);
	r->status = 101;
	r->send = send_switch;
	request_finish(r, 0, NULL);
}

static void
on_done(struct job *job)
{
	struct pass *p = container_of(job, struct pass, fetch.job);

	p->over = true;
	if (job->err == 0 && p->fetch.status == 101) {
		switch_over(p);
		return;
	}
	if (job->err < 0 && !p->given) {
		pass_failed(p, ERR_BEHIND, &job->why);
		return;
	}
	server_leave(p);
	if (p->given)
		exchange_go_on(p->r->x);
	else
		on_decide(&p->decide);
}

static void
ask_curl(struct pass *p, const char *method, const char *target)
{
	struct heading h = {.r = p->r, .s = p->s};
	struct fetch_ask ask = {.method = method,
		.url = p->s->base,
		.target = target,
		.headers = h.list,
		.body = p->body,
		.connect_ms = (uint64_t)p->u->connect_ms,
		.stream = &stream,
		.length = p->streams ? p->length : 0,
		.once = !is_idempotent(method)};

	heading_make(&h);
	if (!p->length && !p->body.len && strcmp(method, "PUT") == 0)
		h.list[h.count++] = "Content-Length: 0";
	fetch_start(p->u->fetcher, &p->fetch, &ask);
}

static void
put_headers(void *owner, struct buf *to)
{
	const struct pass *p = owner;
	struct heading h = {.r = p->r,
		.s = p->s,
		.text = to,
		.upgrade = p->passage != NULL};

	heading_make(&h);
}

static void
ask_plain(struct pass *p, const char *method, const char *target)
{
	http_client_ask(p->s->client, &p->fetch,
		&(struct http_ask){.method = method,
			.target = slice_str(target),
			.put_headers = put_headers,
			.owner = p,
			.body = p->body,
			.length = p->streams ? p->length : 0,
			.once = !is_idempotent(method),
			.upgrade = p->passage != NULL,
			.stream = &stream});
}

static const char *
target_of(const struct pass *p)
{
	struct slice path = declared_path(p->r), query = declared_query(p->r);
	struct slice base = slice_str(p->s->path);
	size_t len = base.len + path.len + 1 + query.len;
	char *all = arena_get(request_arena(p->r), len + 1), *at = all;

	at = mempcpy(at, base.ptr, base.len);
	at = mempcpy(at, path.ptr, path.len);
	if (query.len) {
		*at++ = '?';
		at = mempcpy(at, query.ptr, query.len);
	}
	*at = '\0';
	return all;
}

/* It ends where its line's next word begins. */
static bool
is_target(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s <= ' ' || *s == 0x7f)
			return false;
	return true;
}

/* `but`: who was asked before. */
static int
pass_start(struct pass *p, const struct server *but)
{
	struct request *r = p->r;
	const char *method = exchange_method(r->x), *target;

	p->s = upstream_choose(p->u, but);
	if (!p->s)
		return fault_set(&r->why, ERR_BEHIND,
			"no server of upstream %s is well: try again shortly",
			p->u->name);
	p->s->busy++;
	if (p->passage && p->s->tunnels >= p->u->connections)
		return fault_set(&r->why, ERR_BUSY,
			"as many WebSockets are open as upstream %s may have "
			"(connections): try again shortly",
			p->u->name);
	target = target_of(p);
	if (!is_target(target))
		return fault_set(&r->why, ERR_BAD_REQUEST,
			"the path or the query has a blank or a control "
			"character: write it as %%20");
	p->tries++;
	p->over = false;
	buf_clear(&p->down);
	p->down_at = 0;
	hear(p);
	timer_set(&p->silence, p->u->loop, (uint64_t)timeout_of(p), on_silence);
	job_init(&p->fetch.job, on_done);
	if (p->s->client)
		ask_plain(p, method, target);
	else
		ask_curl(p, method, target);
	return 0;
}

static void
pass_failed(struct pass *p, int err, const struct fault *why)
{
	struct request *r = p->r;
	const struct server *s = p->s;
	bool again = may_repeat(p, err);

	event(EVENT_UPSTREAM, "upstream", p->u->name, "server", s->base,
		"requestId", exchange_id(r->x), "error",
		why && why->text[0] ? why->text : err_text(err), "again",
		EVENT_INT(again), NULL);
	server_told(p->s, false);
	server_leave(p);
	p->over = true;
	if (p->given) {
		p->fetch.job.err = err;
		exchange_go_on(r->x);
		return;
	}
	/* Its head may have come in this very turn: it is no answer now. */
	defer_clear(&p->decide);
	if (again) {
		fetch_done(&p->fetch);
		err = pass_start(p, s);
		if (err == 0)
			return;
	}
	p->given = true;
	request_finish(r, err, NULL);
}

/* --- the client ---------------------------------------------------------- */

static int
on_take(struct exchange *x, struct slice data)
{
	const struct request *r = exchange_data(x);
	struct pass *p = r->act;
	size_t waiting = p->up.len - p->up_at;

	if (p->streams && p->over)
		return 0;
	if (p->streams && waiting && waiting + data.len > UP_TOP) {
		p->up_waits = true;
		return EXCHANGE_WAIT;
	}
	buf_drop(&p->up, p->up_at);
	p->up_at = 0;
	buf_slice(&p->up, data);
	if (p->streams)
		fetch_go_on(&p->fetch);
	return buf_check(&p->up);
}

static void
on_whole(struct request *r)
{
	struct pass *p = r->act;
	int e;

	p->whole = true;
	if (p->streams) {
		fetch_go_on(&p->fetch);
		if (!p->given && p->fetch.headed)
			on_decide(&p->decide);
		return;
	}
	if (p->s || p->over)
		return; /* without a body: asked already */
	p->body = buf_all(&p->up);
	e = pass_start(p, NULL);
	if (e < 0)
		request_finish(r, e, NULL);
}

static void
on_end(struct request *r)
{
	struct pass *p = r->act;

	server_leave(p);
	passage_drop(p->passage);
	defer_clear(&p->decide);
	if (p->tries)
		fetch_done(&p->fetch);
	buf_done(&p->up);
	buf_done(&p->down);
}

static int
upstream_open(struct upstream *u)
{
	int e;

	if (u->fetcher)
		return 0;
	e = fetcher_new(&u->fetcher, u->loop);
	if (e < 0)
		return e;
	fetcher_set_connections(u->fetcher, (unsigned)u->connections);
	health_begin(u);
	return 0;
}

static uint64_t
body_top(const struct request *r)
{
	uint64_t top = r->declared->body_top;

	return top ? top : (uint64_t)r->gateway->conf->limits_body;
}

int
endpoint_upstream(struct request *r)
{
	struct pass *p = arena_new(request_arena(r), struct pass);
	int e = upstream_open(r->declared->upstream);

	if (e < 0)
		return e;
	p->r = r;
	p->u = r->declared->upstream;
	defer_init(&p->decide, on_decide);
	buf_init(&p->up, UP_CEILING);
	buf_init(&p->down, DOWN_TOP);
	r->act = p;
	r->end = on_end;
	if (r->whole) { /* had whole, because the route changes it */
		p->whole = true;
		e = declared_body(r, &p->body);
		return e < 0 || (e = pass_start(p, NULL)) < 0 ? e : STEP_WAIT;
	}
	r->on_whole = on_whole;
	p->length = exchange_length(r->x);
	if (passage_is_asked(r, p->u)) {
		e = passage_new(&p->passage, r);
		if (e < 0)
			return e;
	}
	p->whole = p->length == 0;
	p->streams = p->length < 0 || p->length > SHORT;
	if (p->length)
		exchange_set_sink(r->x, on_take, body_top(r));
	if (p->length && !p->streams)
		return STEP_WAIT;
	e = pass_start(p, NULL);
	return e < 0 ? e : STEP_WAIT;
}
