/*
 * A request as JSON.  Names of headers are in lower case and several of one
 * name are joined as Node.js does, for code that looks at `headers` only; the
 * multi-value forms have all of them.  Of a query name that comes several times
 * the last counts.
 */
#include "gateway/http_trigger.h"

#include "base/mem.h"
#include "base/text.h"
#include "functions/http_path.h"
#include "http/target.h"
#include "routes/declared.h"

#include <stdlib.h>

enum { PAIRS_TOP = 1000 };

/* Names and values of a message, in their order. */
struct pairs {
	struct arena *arena;
	size_t len, room;
	struct pair {
		struct slice name, value;
		bool put;
	} * list;
};

static void
pairs_add(struct pairs *p, struct slice name, struct slice value)
{
	if (p->len == PAIRS_TOP)
		return;
	if (p->len == p->room) {
		p->room = p->room * 2 + 32;
		p->list = mem_resize(p->list, p->room * sizeof(*p->list));
	}
	p->list[p->len++] = (struct pair){name, value, false};
}

static void
pairs_done(struct pairs *p)
{
	free(p->list);
}

/* What says how the bytes came, not what they are: they have been put together
 * again. */
static bool
is_framing(struct slice name)
{
	static const char *const names[] = {
		"transfer-encoding", "te", "trailer"};

	for (size_t i = 0; i < array_size(names); i++)
		if (slice_is_nocase(name, names[i]))
			return true;
	return false;
}

static void
on_header(void *owner, struct slice name, struct slice value)
{
	struct pairs *p = owner;
	char *lower;

	if (is_framing(name))
		return;
	lower = arena_try(p->arena, name.len + 1);
	if (!lower)
		return;
	for (size_t i = 0; i < name.len; i++)
		lower[i] = name.ptr[i] >= 'A' && name.ptr[i] <= 'Z'
				   ? (char)(name.ptr[i] | 0x20)
				   : name.ptr[i];
	pairs_add(p, slice_of(lower, name.len), value);
}

/* The next of the same name as `at`, from `from` on; p->len: none. */
static size_t
next_same(const struct pairs *p, size_t at, size_t from)
{
	while (from < p->len && !slice_eq(p->list[at].name, p->list[from].name))
		from++;
	return from;
}

/* A header's values as one text; nearly always there is one. */
static void
put_joined(struct buf *to, const struct pairs *p, size_t at)
{
	struct buf all _buf_ = {0};
	const char *between =
		slice_is(p->list[at].name, "cookie") ? "; " : ", ";

	if (next_same(p, at, at + 1) == p->len) {
		buf_json(to, p->list[at].value);
		return;
	}
	buf_init(&all, 1 << 20);
	for (size_t i = at; i < p->len; i = next_same(p, at, i + 1)) {
		if (i > at)
			buf_str(&all, between);
		buf_slice(&all, p->list[i].value);
	}
	buf_json(to, buf_all(&all));
}

static void
put_last(struct buf *to, const struct pairs *p, size_t at)
{
	size_t last = at;

	for (size_t i = at; i < p->len; i = next_same(p, at, i + 1))
		last = i;
	buf_json(to, p->list[last].value);
}

static void
put_all(struct buf *to, const struct pairs *p, size_t at)
{
	buf_char(to, '[');
	for (size_t i = at; i < p->len; i = next_same(p, at, i + 1)) {
		if (i > at)
			buf_char(to, ',');
		buf_json(to, p->list[i].value);
	}
	buf_char(to, ']');
}

/* `name` is ours and needs no escapes. */
static void
put_name(struct buf *to, const char *name)
{
	buf_char(to, '"');
	buf_str(to, name);
	buf_str(to, "\":");
}

/* "name":{…}, a member for each different name. */
static void
put_object(struct buf *to, const char *name, struct pairs *p,
	void (*put)(struct buf *to, const struct pairs *p, size_t at))
{
	bool first = true;

	put_name(to, name);
	buf_char(to, '{');
	for (size_t i = 0; i < p->len; i++)
		p->list[i].put = false;
	for (size_t i = 0; i < p->len; i++) {
		if (p->list[i].put)
			continue;
		for (size_t k = i; k < p->len; k = next_same(p, i, k + 1))
			p->list[k].put = true;
		if (!first)
			buf_char(to, ',');
		first = false;
		buf_json(to, p->list[i].name);
		buf_char(to, ':');
		put(to, p, i);
	}
	buf_str(to, "},");
}

static bool
ends_with(struct slice s, const char *end)
{
	size_t n = strlen(end);

	return s.len >= n &&
	       slice_is_nocase(slice_of(s.ptr + s.len - n, n), end);
}

bool
http_type_is_text(struct slice content_type)
{
	static const char *const types[] = {"application/json",
		"application/javascript", "application/xml",
		"application/graphql", "application/x-www-form-urlencoded",
		"application/x-ndjson", "application/yaml"};
	struct slice rest = content_type, type;

	if (!slice_split(&rest, ';', &type))
		return true;
	type = slice_trim(type);
	if (type.len == 0 || ends_with(type, "+json") ||
		ends_with(type, "+xml"))
		return true;
	if (type.len > 5 && slice_is_nocase(slice_of(type.ptr, 5), "text/"))
		return true;
	for (size_t i = 0; i < array_size(types); i++)
		if (slice_is_nocase(type, types[i]))
			return true;
	return false;
}

static void
put_body(struct buf *to, const struct pairs *headers, struct slice body)
{
	struct slice type = {NULL, 0}, coding = {NULL, 0};
	struct buf text _buf_ = {0};

	for (size_t i = 0; i < headers->len; i++) {
		if (slice_is(headers->list[i].name, "content-type"))
			type = headers->list[i].value;
		if (slice_is(headers->list[i].name, "content-encoding"))
			coding = headers->list[i].value;
	}
	if (body.len == 0 || (!coding.len && http_type_is_text(type) &&
				     text_is_utf8(body))) {
		buf_str(to, "\"body\":");
		buf_json(to, body);
		buf_str(to, ",\"isBase64Encoded\":false}");
		return;
	}
	buf_str(to, "\"body\":\"");
	buf_init(&text, to->ceiling);
	text_base64(&text, body);
	to->full |= text.full;
	buf_slice(to, buf_all(&text));
	buf_str(to, "\",\"isBase64Encoded\":true}");
}

static void
put_text(struct buf *to, const char *key, struct slice value, char after)
{
	put_name(to, key);
	buf_json(to, value);
	buf_char(to, after);
}

static void
put_captures(struct buf *to, const struct declared_captures *c)
{
	buf_str(to, "\"pathParameters\":{");
	for (size_t i = 0; i < c->count; i++) {
		buf_str(to, i ? "," : "");
		buf_json(to, c->list[i].name);
		buf_char(to, ':');
		buf_json(to, c->list[i].value);
	}
	buf_str(to, "},");
}

static void
put_context(struct buf *to, const struct http_event *e)
{
	buf_str(to, "\"requestContext\":{");
	put_text(to, "requestId", slice_str(e->request_id), ',');
	put_text(to, "envId", slice_str(e->env), ',');
	put_text(to, "appId", slice_str(e->appid), ',');
	put_text(to, "sourceIp", slice_str(e->client_ip), ',');
	put_text(to, "httpMethod", slice_str(e->method), ',');
	put_text(to, "path", e->whole, ',');
	put_text(to, "stage", SLICE("release"), '}');
	buf_char(to, ',');
}

int
http_event_build(
	struct buf *to, struct arena *arena, const struct http_event *e)
{
	struct pairs headers = {.arena = arena}, query = {.arena = arena};
	struct slice rest = e->query, name, value;

	e->each_header(e->request, on_header, &headers);
	while (target_pair(arena, &rest, &name, &value))
		pairs_add(&query, name, value);
	buf_char(to, '{');
	put_text(to, "path", e->path, ',');
	put_text(to, "httpMethod", slice_str(e->method), ',');
	put_object(to, "headers", &headers, put_joined);
	put_object(to, "multiValueHeaders", &headers, put_all);
	put_object(to, "queryStringParameters", &query, put_last);
	put_object(to, "multiValueQueryStringParameters", &query, put_all);
	if (e->captures)
		put_captures(to, e->captures);
	put_context(to, e);
	put_body(to, &headers, e->body);
	pairs_done(&headers);
	pairs_done(&query);
	return buf_check(to);
}

struct slice
http_path_rest(struct slice received, size_t prefix)
{
	size_t at = 0;

	/* "/" takes nothing away. */
	for (size_t n = prefix == 1 ? 0 : prefix; n > 0 && at < received.len;
		n--)
		at += received.ptr[at] == '%' ? 3 : 1;
	if (at >= received.len)
		return SLICE("/");
	if (received.ptr[at] != '/')
		return (struct slice){NULL, 0};
	return slice_of(received.ptr + at, received.len - at);
}
