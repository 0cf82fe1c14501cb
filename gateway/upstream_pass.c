/*
 * One request through to a server behind us and its answer back.
 *
 *   client ─→ sink ─→ `up` ─→ curl's read          (waits when `up` is full)
 *   client ←─ give ←─ `down` ←─ curl's data         (waits when `down` is full)
 *
 * A short body is had whole before the server is asked, so that it can be asked
 * again; a short answer is had whole before it is given, and goes the way of
 * all answers of ours.  What is long passes through as it comes.
 *
 * Hop-by-hop headers stay on their side (RFC 9110, 7.6.1).
 */
#include "gateway/endpoint.h"
#include "gateway/upstream_inside.h"

#include "base/event.h"
#include "base/mem.h"
#include "gateway/declared.h"
#include "gateway/request.h"

#include <string.h>

enum {
	UP_TOP = 64 * 1024,
	UP_CEILING = 2 * 1024 * 1024, /* a piece may be as large as
					 limits.connection_memory */
	DOWN_TOP = 64 * 1024,
	DOWN_LOW = 32 * 1024,
	SHORT = 48 * 1024,
	HEADERS_TOP = 160
};

struct pass {
	struct request *r;
	struct upstream *u;
	struct server *s;
	struct fetch fetch;
	struct timer silence;
	struct defer decide;
	struct buf up, down;
	size_t up_at, down_at; /* taken already */
	struct slice body;     /* of a short one */
	int64_t length;        /* of the body; -1: not known */
	int64_t announced;     /* of the answer; -1: not known */
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

/* --- headers ------------------------------------------------------------- */

struct heading {
	struct pass *p;
	struct slice connection;
	const char *list[HEADERS_TOP + 1];
	size_t count;
	bool agent, accept;
};

static void
put(struct heading *h, const char *name, const char *value)
{
	if (h->count < HEADERS_TOP)
		h->list[h->count++] = arena_printf(request_arena(h->p->r),
			*value ? "%s: %s" : "%s;", name, value);
}

static void
on_header(void *owner, struct slice name, struct slice value)
{
	struct heading *h = owner;
	struct request *r = h->p->r;

	if (!header_goes_up(name))
		return;
	/* A client does not say which of the route's headers are for us. */
	if (header_is_listed(h->connection, name) &&
		!declared_sets_header(r, name))
		return;
	/* It was for us; the server is told who it is instead. */
	if (slice_is_nocase(name, "authorization") &&
		r->declared->auth != DECLARED_AUTH_NONE)
		return;
	h->agent |= slice_is_nocase(name, "user-agent");
	h->accept |= slice_is_nocase(name, "accept");
	put(h, arena_str(request_arena(r), name),
		arena_str(request_arena(r), value));
}

static void
put_ours(struct heading *h)
{
	struct pass *p = h->p;
	struct request *r = p->r;
	struct slice host = exchange_header(r->x, "host");
	const char *trace = request_traceparent(r);
	const char *asked = arena_str(request_arena(r), host);

	put(h, "Host",
		p->u->host == HOST_SERVER  ? p->s->authority
		: p->u->host == HOST_NAMED ? p->u->host_name
					   : asked);
	put(h, "X-Forwarded-For", exchange_peer(r->x));
	put(h, "X-Forwarded-Proto", exchange_is_tls(r->x) ? "https" : "http");
	if (host.len)
		put(h, "X-Forwarded-Host", asked);
	put(h, "X-Request-Id", exchange_id(r->x));
	if (r->caller.uid && *r->caller.uid)
		put(h, "X-Mpcloud-Uid", r->caller.uid);
	if (trace)
		put(h, "traceparent", trace);
	if (!h->agent)
		h->list[h->count++] = "User-Agent:";
	if (!h->accept)
		h->list[h->count++] = "Accept:";
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

/* The server has been silent; not when it is the client who is slow. */
static void
on_silence(struct timer *timer)
{
	struct pass *p = container_of(timer, struct pass, silence);
	int64_t now = (int64_t)uv_now(&p->u->loop->uv);
	int64_t left;

	if (p->down_waits || (p->streams && !p->whole && !p->up_waits))
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

static void
answer_header(struct pass *p, struct slice line, struct slice connection)
{
	struct slice value = line, name;

	if (!slice_split(&value, ':', &name) || !value.ptr)
		return;
	value = slice_trim(value);
	if (!header_goes_down(name) || header_is_listed(connection, name) ||
		declared_drops_header(p->r, name))
		return;
	for (size_t i = 0; i < value.len; i++)
		if ((unsigned char)value.ptr[i] < 0x20 && value.ptr[i] != '\t')
			return;
	exchange_add_any_header(p->r->x, name, value);
}

static void
answer_headers(struct pass *p)
{
	struct slice rest = buf_all(&p->fetch.headers), line;
	struct slice connection = fetch_header(&p->fetch, "connection");

	p->r->typed = true;
	(void)slice_split(&rest, '\n', &line);
	while (slice_split(&rest, '\n', &line)) {
		if (line.len && line.ptr[line.len - 1] == '\r')
			line.len--;
		if (line.len)
			answer_header(p, line, connection);
	}
}

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
		p->announced, on_give);
}

static void
answer_stream(struct pass *p)
{
	p->given = true;
	answer_headers(p);
	p->r->status = (int)p->fetch.status;
	p->r->send = send_stream;
	request_finish(p->r, 0, NULL);
}

static void
answer_whole(struct pass *p)
{
	p->given = true;
	answer_headers(p);
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

	if (p->given || !p->fetch.headed)
		return;
	/* A server that answers while it is still told is told the rest. */
	if (p->streams && !p->whole && !p->over && p->fetch.status < 400)
		return;
	if (is_head && !has_no_body(p))
		answer_stream(p);
	else if (p->over)
		answer_whole(p);
	else if (p->announced < 0 ? !has_no_body(p) : p->announced > SHORT)
		answer_stream(p);
}

/* --- the server ---------------------------------------------------------- */

static void
on_head(struct fetch *fetch)
{
	struct pass *p = container_of(fetch, struct pass, fetch);
	uint64_t n;

	hear(p);
	server_told(p->s, true);
	p->announced = -1;
	if (!fetch_header(fetch, "transfer-encoding").len &&
		slice_to_u64(fetch_header(fetch, "content-length"), INT64_MAX,
			&n) == 0)
		p->announced = (int64_t)n;
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
on_done(struct job *job)
{
	struct pass *p = container_of(job, struct pass, fetch.job);

	p->over = true;
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

/* `but`: who was asked before. */
static int
pass_start(struct pass *p, const struct server *but)
{
	struct request *r = p->r;
	struct heading h = {
		.p = p, .connection = exchange_header(r->x, "connection")};
	struct slice query = declared_query(r);
	struct fetch_ask ask = {.method = exchange_method(r->x),
		.headers = h.list,
		.body = p->body,
		.connect_ms = (uint64_t)p->u->connect_ms,
		.stream = &stream,
		.length = p->streams ? p->length : 0,
		.once = !is_idempotent(ask.method)};

	p->s = upstream_choose(p->u, but);
	if (!p->s)
		return fault_set(&r->why, ERR_BEHIND,
			"no server of upstream %s is well: try again shortly",
			p->u->name);
	p->s->busy++;
	p->tries++;
	p->over = false;
	buf_clear(&p->down);
	p->down_at = 0;
	declared_each_header(r, on_header, &h);
	put_ours(&h);
	if (!p->length && !p->body.len && strcmp(ask.method, "PUT") == 0)
		put(&h, "Content-Length", "0");
	ask.url = p->s->base;
	ask.target = arena_printf(request_arena(r), "%s%.*s%s%.*s", p->s->path,
		SLICE_ARG(declared_path(r)), query.len ? "?" : "",
		SLICE_ARG(query));
	hear(p);
	timer_set(&p->silence, p->u->loop, (uint64_t)timeout_of(p), on_silence);
	job_init(&p->fetch.job, on_done);
	fetch_start(p->u->fetcher, &p->fetch, &ask);
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
	p->whole = p->length == 0;
	p->streams = p->length < 0 || p->length > SHORT;
	if (p->length)
		exchange_set_sink(r->x, on_take, body_top(r));
	if (p->length && !p->streams)
		return STEP_WAIT;
	e = pass_start(p, NULL);
	return e < 0 ? e : STEP_WAIT;
}
