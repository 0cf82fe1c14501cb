/*
 * What a declared route does to an answer: status, headers, JSON fields,
 * caching and compression.
 *
 * The answer's own headers stand in the exchange already; the route's come
 * after them and win.
 */
#include "base/buf.h"
#include "base/compress.h"
#include "base/crypto.h"
#include "base/text.h"
#include "base/val.h"
#include "gateway/answer_code.h"
#include "gateway/declared_fill.h"
#include "gateway/declared_request.h"
#include "gateway/reply.h"
#include "gateway/request.h"
#include "http/conditional.h"
#include "routes/declared_full.h"

#include <string.h>

enum { TAG_TOP = 512 * 1024, TAG_BYTES = 12 };

static void
change_headers(struct request *r, const struct declared_change *c)
{
	struct slice value;

	for (size_t i = 0; i < c->nheaders; i++) {
		const struct declared_header *h = &c->headers[i];
		struct slice name = slice_str(h->name);

		if (h->what != CHANGE_ADD)
			exchange_drop_header(r->x, h->name);
		if (h->what == CHANGE_REMOVE ||
			declared_fill(&h->value, r, PLACE_HEADER, &value) < 0)
			continue;
		if (slice_is_nocase(name, "Content-Type"))
			r->typed = true;
		exchange_add_any_header(r->x, name, value);
	}
}

/* A function may say itself how long its answer is good; what stores and
 * programs behind us say is for all, and the route's is for this path. */
static void
say_cache(struct request *r, const struct declared_full *f, int status)
{
	if (!f->cache || status >= 400 ||
		(f->pub.target == DECLARED_FUNCTION &&
			exchange_added(r->x, "Cache-Control").ptr))
		return;
	exchange_drop_header(r->x, "Cache-Control");
	exchange_add_header(r->x, "Cache-Control", f->cache);
}

static void
say_vary(struct request *r, const char *what)
{
	struct slice has = exchange_added(r->x, "Vary");
	const char *all = what;

	if (has.ptr)
		all = arena_printf(
			request_arena(r), "%.*s, %s", SLICE_ARG(has), what);
	exchange_drop_header(r->x, "Vary");
	exchange_add_any_header(r->x, SLICE("Vary"), slice_str(all));
}

int
declared_headers(struct request *r, int status)
{
	const struct declared_full *f = declared_full_of(r->declared);

	status = declared_change_status(&f->answer, status);
	say_cache(r, f, status);
	change_headers(r, &f->answer);
	/* a preflight has said its own */
	if (f->cors && !exchange_added(r->x, "Access-Control-Allow-Origin").ptr)
		cors_say(f->cors, r->x, NULL);
	if (cors_varies(f->cors))
		say_vary(r, "Origin");
	return status;
}

bool
declared_drops_header(const struct request *r, struct slice name)
{
	const struct declared_full *f = declared_full_of(r->declared);

	return declared_change_of(
		       f->answer.headers, f->answer.nheaders, name) ||
	       (f->cors && name.len > 15 &&
		       slice_is_nocase(
			       slice_of(name.ptr, 15), "Access-Control-"));
}

static bool
is_json(const struct request *r)
{
	struct slice type = exchange_added(r->x, "Content-Type");

	if (!r->typed || r->err < 0)
		return true;
	return type.len >= 16 &&
	       slice_is_nocase(slice_of(type.ptr, 16), "application/json");
}

static void
change_fields(struct request *r, const struct declared_change *c)
{
	struct slice out;
	struct fault why = {0};

	if (c->nfields && r->answer.len && is_json(r) &&
		declared_fill_json(c, r, r->answer, &out, &why) == 0)
		r->answer = out;
}

/* An entity tag of the bytes themselves, where the route says that the answer
 * may be kept; 304 when the client has it. */
static int
tag(struct request *r, const struct declared_full *f, int status)
{
	const char *method = exchange_method(r->x);
	struct conditional c = {
		.modified_s = -1, .size = r->answer.len, .is_get = true};
	struct buf text _buf_ = {0};
	struct ranges none;
	uint8_t sum[SHA256_LEN];

	if (!f->cache || status != 200 || r->answer.len > TAG_TOP ||
		(strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0))
		return status;
	c.etag = exchange_added(r->x, "ETag");
	if (!c.etag.ptr) {
		crypto_sha256(r->answer, sum);
		buf_init(&text, 64);
		buf_char(&text, '"');
		text_base64url(&text, slice_of(sum, TAG_BYTES));
		buf_char(&text, '"');
		c.etag = buf_all(&text);
		exchange_add_any_header(r->x, SLICE("ETag"), c.etag);
	}
	c.if_none_match = exchange_header(r->x, "If-None-Match");
	c.if_match = exchange_header(r->x, "If-Match");
	status = conditional_check(&c, &none);
	if (status == 304)
		r->answer = SLICE("");
	return status == 304 ? 304 : 200;
}

int
declared_answer(struct request *r, int status)
{
	const struct declared_full *f = declared_full_of(r->declared);

	change_fields(r, &f->answer);
	/* a static file has been judged already */
	if (r->err == 0 && f->pub.target != DECLARED_STATIC)
		status = tag(r, f, status);
	status = declared_headers(r, status);
	if (f->pub.compress && f->pub.target != DECLARED_STATIC)
		answer_code(r, COMPRESS_LEAST);
	return status;
}
