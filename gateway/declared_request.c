/*
 * A request on a declared route: found, with the row of its target in r->route,
 * and what the target sees of it after the route's changes.
 */
#include "gateway/declared_request.h"
#include "base/buf.h"
#include "base/header_name.h"
#include "base/text.h"
#include "gateway/declared_fill.h"
#include "gateway/endpoint.h"
#include "gateway/file_serve.h"
#include "gateway/request.h"
#include "gateway/upstream_pass.h"
#include "http/target.h"
#include "routes/declared_full.h"

#include <stdio.h>
#include <string.h>

enum { QUERY_TOP = 16 * 1024 };

#define ROW(fn, size) \
	{ \
		.path = "", .endpoint = fn, .know = KNOW_MAYBE, \
		.who = WHO_ANY | WHO_PROGRAM, .listeners = LISTENER_OPEN, \
		.style = STYLE_REST, .body = size \
	}

static const struct route rows[DECLARED_TARGETS_] = {
	[DECLARED_FUNCTION] = ROW(endpoint_http_trigger, BODY_EVENT),
	[DECLARED_STATIC] = ROW(endpoint_static, BODY_NONE),
	[DECLARED_FILE] = ROW(file_serve_declared, BODY_NONE),
	[DECLARED_UPSTREAM] = ROW(endpoint_upstream, BODY_STREAM),
	[DECLARED_REDIRECT] = ROW(endpoint_redirect, BODY_SMALL),
};

/* An upstream whose body must be had whole. */
static const struct route upstream_whole = ROW(endpoint_upstream, BODY_PLAIN);
/* Browsers ask it without any credentials. */
static const struct route preflight = {.path = "",
	.endpoint = endpoint_preflight,
	.know = KNOW_NOT,
	.who = WHO_ANY,
	.listeners = LISTENER_OPEN,
	.style = STYLE_REST,
	.body = BODY_NONE};

static const struct route *
row_of(const struct declared_route *d)
{
	if (d->target == DECLARED_UPSTREAM &&
		(d->auth == DECLARED_AUTH_HMAC || declared_changes_body(d)))
		return &upstream_whole;
	return &rows[d->target];
}

/* The authority of an absolute form goes before the Host header (RFC 9112,
 * 3.2.2). */
static struct slice
host_of(const struct request *r)
{
	struct slice raw = exchange_target(r->x);
	const char *at;

	if (!raw.len || raw.ptr[0] == '/' ||
		!(at = memmem(raw.ptr, raw.len, "://", 3)))
		return exchange_header(r->x, "Host");
	at += 3;
	raw = slice_of(at, raw.len - (size_t)(at - raw.ptr));
	for (size_t i = 0; i < raw.len; i++)
		if (raw.ptr[i] == '/' || raw.ptr[i] == '?')
			raw.len = i;
	return raw;
}

static void
say_allow(struct request *r, unsigned methods)
{
	char text[64] = "";
	size_t len = 0;

	for (unsigned i = 0; i < HTTP_METHODS; i++)
		if (methods >> i & 1)
			len += (size_t)snprintf(text + len, sizeof(text) - len,
				"%s%s", len ? ", " : "", http_method_name(i));
	exchange_add_header(r->x, "Allow", text);
}

/* What a browser asks before it sends: by the method that it will send. */
static bool
find_preflight(struct request *r, struct declared_ask *ask)
{
	struct slice method = ask->method;
	bool found = false;

	if (!cors_is_preflight(r->x))
		return false;
	ask->method = exchange_header(r->x, "Access-Control-Request-Method");
	if (declared_find(r->gateway->declared, ask) == 0)
		found = declared_full_of(ask->route)->cors != NULL;
	ask->method = method;
	return found;
}

static void
take_up(struct request *r, const struct declared_ask *ask,
	const struct route *row)
{
	r->declared = ask->route;
	r->declared_in = declared_ref(r->gateway->declared);
	r->route = row;
	r->rest = ask->rest;
	r->captures = ask->captures;
	if (ask->route->target == DECLARED_FUNCTION)
		r->function = ask->route->function;
}

int
declared_route_request(struct request *r)
{
	struct declared_ask ask = {
		.host = host_of(r),
		.path = slice_str(exchange_path(r->x)),
		.method = slice_str(exchange_method(r->x)),
		.header = request_header,
		.request = r,
		.arena = request_arena(r),
	};
	int e;

	if (!(r->on->kind & LISTENER_OPEN) || !r->gateway->declared ||
		!declared_count(r->gateway->declared))
		return ERR_NOT_FOUND;
	if (find_preflight(r, &ask)) {
		take_up(r, &ask, &preflight);
		return 0;
	}
	e = declared_find(r->gateway->declared, &ask);
	if (e == 0)
		take_up(r, &ask, row_of(ask.route));
	else if (e == ERR_METHOD)
		say_allow(r, ask.allowed);
	else if (e == ERR_BAD_REQUEST)
		(void)fault_set(&r->why, e,
			ask.evaded ? "the path might be read as another one, "
				     "which is protected: write it in its "
				     "plain form"
				   : "the path has a segment \".\" or \"..\"");
	return e;
}

/* --- what the target sees --- */

static struct slice
received(const struct request *r, bool query)
{
	struct slice rest = exchange_target(r->x), raw;
	const char *at;

	(void)slice_split(&rest, '?', &raw);
	if (query)
		return rest.ptr ? rest : (struct slice){NULL, 0};
	if (!raw.len || raw.ptr[0] == '/')
		return raw.len ? raw : SLICE("/");
	at = memmem(raw.ptr, raw.len, "://", 3);
	at = at ? memchr(at + 3, '/', raw.len - (size_t)(at + 3 - raw.ptr))
		: NULL;
	return at ? slice_of(at, raw.len - (size_t)(at - raw.ptr)) : SLICE("/");
}

struct slice
declared_path(struct request *r)
{
	const struct declared_full *f = declared_full_of(r->declared);
	struct slice path;

	if (!f->request.path.piece ||
		declared_fill(&f->request.path, r, PLACE_PATH, &path) < 0)
		return received(r, false);
	return path;
}

struct slice
declared_function_path(struct request *r)
{
	const struct declared_full *f = declared_full_of(r->declared);
	struct slice rest = r->rest, segment;
	struct buf b _buf_ = {0};

	if (f->request.path.piece || f->kind != PATH_PREFIX)
		return declared_path(r);
	buf_init(&b, QUERY_TOP);
	if (!rest.len)
		buf_char(&b, '/');
	for (bool first = true; slice_split(&rest, '/', &segment);
		first = false) {
		if (!first)
			buf_char(&b, '/');
		text_url(&b, segment);
	}
	return slice_str(arena_str(request_arena(r), buf_all(&b)));
}

/* A pair that the route neither sets nor removes, as it came. */
static void
put_pair(struct buf *to, const struct declared_change *c, struct arena *a,
	struct slice pair)
{
	struct slice one = pair, name, value;

	if (!target_pair(a, &one, &name, &value) ||
		declared_change_of(c->query, c->nquery, name))
		return;
	buf_printf(to, "%s%.*s", to->len ? "&" : "", SLICE_ARG(pair));
}

struct slice
declared_query(struct request *r)
{
	const struct declared_full *f = declared_full_of(r->declared);
	const struct declared_change *c = &f->request;
	struct slice query = received(r, true), pair, value;
	struct buf b _buf_ = {0};

	if (!c->nquery)
		return query;
	buf_init(&b, QUERY_TOP);
	while (slice_split(&query, '&', &pair))
		if (pair.len)
			put_pair(&b, c, request_arena(r), pair);
	for (size_t i = 0; i < c->nquery; i++) {
		if (c->query[i].what != CHANGE_SET ||
			declared_fill(
				&c->query[i].value, r, PLACE_QUERY, &value) < 0)
			continue;
		buf_str(&b, b.len ? "&" : "");
		text_url(&b, slice_str(c->query[i].name));
		buf_printf(&b, "=%.*s", SLICE_ARG(value));
	}
	return slice_str(arena_str(request_arena(r), buf_all(&b)));
}

struct each {
	const struct declared_change *c;
	header_fn *came;
	void *owner;
};

/* What the route sets or removes is gone in every spelling: a program behind
 * us may read X_Role where the route says X-Role. */
static void
leave_header(void *owner, struct slice name, struct slice value)
{
	const struct each *e = owner;

	for (size_t i = 0; i < e->c->nheaders; i++)
		if (e->c->headers[i].what != CHANGE_ADD &&
			header_name_is(name, slice_str(e->c->headers[i].name)))
			return;
	e->came(e->owner, name, value);
}

void
declared_each_header(
	struct request *r, header_fn *came, header_fn *put, void *owner)
{
	const struct declared_change *c =
		&declared_full_of(r->declared)->request;
	struct each each = {c, came, owner};
	struct slice value;

	exchange_each_header(r->x, leave_header, &each);
	for (size_t i = 0; i < c->nheaders; i++) {
		const struct declared_header *h = &c->headers[i];

		if (h->what != CHANGE_REMOVE &&
			declared_fill(&h->value, r, PLACE_HEADER, &value) == 0)
			put(owner, slice_str(h->name), value);
	}
}

bool
declared_sets_header(const struct request *r, struct slice name)
{
	const struct declared_full *f;

	if (!r->declared)
		return false;
	f = declared_full_of(r->declared);
	for (size_t i = 0; i < f->request.nheaders; i++)
		if (f->request.headers[i].what != CHANGE_REMOVE &&
			header_name_is(
				name, slice_str(f->request.headers[i].name)))
			return true;
	return false;
}

int
declared_file(struct request *r, struct slice *ret)
{
	return declared_fill(
		&declared_full_of(r->declared)->file, r, PLACE_JSON, ret);
}

bool
declared_changes_body(const struct declared_route *d)
{
	return declared_full_of(d)->request.nfields > 0;
}

int
declared_body(struct request *r, struct slice *ret)
{
	const struct declared_full *f = declared_full_of(r->declared);

	*ret = exchange_body(r->x);
	if (!f->request.nfields || !ret->len)
		return 0;
	return declared_fill_json(&f->request, r, *ret, ret, &r->why);
}
