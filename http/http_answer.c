/*
 * Answers as the library wants them.  It makes a response with three
 * allocations a header and looks each value through for line ends, which costs
 * more than all we do ourselves for a short answer.  So a short answer's
 * response is kept, as a form: the next answer with the same headers, of the
 * same lengths, only has its values and its body filled in.
 *
 * The library has no call that changes a value, but it lends its own string
 * (MHD_get_response_header) and sends what stands there.  A form has one user
 * at a time: it is put back when the library has said that the answer is sent.
 */
#include "http/http_inside.h"

#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>
#include <strings.h>
#include <time.h>

enum { BODY_TOP = 1024, HEADERS_TOP = 9, FORMS_TOP = 256 };

/* The headers that every answer has stand first. */
enum { HEADER_ID, HEADER_DATE, HEADERS_OWN };

struct form {
	struct form *next;
	struct MHD_Response *response;
	const char *type;
	size_t shape, count;
	struct {
		const char *name;
		char *value; /* the library's */
		size_t len;
	} headers[HEADERS_TOP];
	size_t len;
	char body[];
};

void
exchange_each_added(struct exchange *x, header_fn *fn, void *owner)
{
	for (const struct header *h = x->headers; h; h = h->next)
		fn(owner, slice_str(h->name), slice_of(h->value, h->len));
}

void
exchange_add_header(struct exchange *x, const char *name, const char *value)
{
	size_t len = strlen(value), size = sizeof(struct header) + len + 1;
	struct header *h = arena_get(exchange_room(x, size + 16), size);

	h->name = name;
	h->len = len;
	memcpy(h->value, value, len);
	*x->last_header = h;
	x->last_header = &h->next;
}

/* Names that somebody else chose are ours when they are these, as programs
 * write them: then the answer may have a form. */
static const struct slice common_names[] = {SLICE_INIT("Accept-Ranges"),
	SLICE_INIT("accept-ranges"), SLICE_INIT("Age"), SLICE_INIT("age"),
	SLICE_INIT("Cache-Control"), SLICE_INIT("cache-control"),
	SLICE_INIT("Content-Encoding"), SLICE_INIT("content-encoding"),
	SLICE_INIT("Content-Language"), SLICE_INIT("content-language"),
	SLICE_INIT("Content-Type"), SLICE_INIT("content-type"),
	SLICE_INIT("ETag"), SLICE_INIT("etag"), SLICE_INIT("Expires"),
	SLICE_INIT("expires"), SLICE_INIT("Last-Modified"),
	SLICE_INIT("last-modified"), SLICE_INIT("Server"), SLICE_INIT("server"),
	SLICE_INIT("Vary"), SLICE_INIT("vary"), SLICE_INIT("X-Powered-By"),
	SLICE_INIT("x-powered-by")};

static const char *
common_name(struct slice name)
{
	for (size_t i = 0; i < array_size(common_names); i++)
		if (slice_eq(common_names[i], name))
			return common_names[i].ptr;
	return NULL;
}

void
exchange_add_any_header(
	struct exchange *x, struct slice name, struct slice value)
{
	struct arena *room = exchange_room(x, name.len + value.len + 34);
	const char *common = common_name(name);

	if (common)
		x->foreign = true;
	else
		x->informal = true;
	exchange_add_header(x, common ? common : arena_str(room, name),
		arena_str(room, value));
}

struct slice
exchange_added(const struct exchange *x, const char *name)
{
	for (const struct header *h = x->headers; h; h = h->next)
		if (slice_is_nocase(slice_str(h->name), name))
			return slice_of(h->value, h->len);
	return (struct slice){NULL, 0};
}

void
exchange_drop_header(struct exchange *x, const char *name)
{
	struct header **at = &x->headers;

	while (*at)
		if (slice_is_nocase(slice_str((*at)->name), name))
			*at = (*at)->next;
		else
			at = &(*at)->next;
	x->last_header = at;
}

const char *
http_date(struct http *http)
{
	int64_t now = (int64_t)time(NULL);

	if (now != http->date_s)
		text_http_date(http->date, now);
	http->date_s = now;
	return http->date;
}

static void
header_set(struct MHD_Response *to, const char *name, const char *value)
{
	(void)MHD_add_response_header(to, name, value);
}

void
response_headers(
	const struct exchange *x, struct MHD_Response *r, const char *type)
{
	/* First: with this one the library forgets that it has a Date. */
	if ((x->close || x->http->draining) && x->kind != ANSWER_UPGRADE)
		header_set(r, MHD_HTTP_HEADER_CONNECTION, "close");
	/* Before the others: one that was added takes its place. */
	header_set(r, MHD_HTTP_HEADER_DATE, http_date(x->http));
	if (type)
		header_set(r, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	header_set(r, "X-Request-Id", x->id);
	for (struct header *h = x->headers; h; h = h->next)
		header_set(r, h->name, h->value);
}

static struct MHD_Response *
response_new(const struct exchange *x, const char *type, struct slice body,
	enum MHD_ResponseMemoryMode mode)
{
	struct MHD_Response *r = MHD_create_response_from_buffer(
		body.len, (void *)(uintptr_t)body.ptr, mode);

	if (!r)
		abort();
	response_headers(x, r, type);
	return r;
}

static struct form *
form_free(struct form *f)
{
	MHD_destroy_response(f->response);
	return mem_free(f);
}

/* Where the library keeps the value of `name`; NULL: not as we think. */
static char *
value_of(struct MHD_Response *r, const char *name, const char *value)
{
	const char *p = MHD_get_response_header(r, name);

	if (!p || p == value || p != MHD_get_response_header(r, name) ||
		strcmp(p, value) != 0)
		return NULL;
	return (char *)(uintptr_t)p;
}

static void
form_put(struct form *f, const char *name, const char *value, size_t len)
{
	size_t i = f->count++;

	f->headers[i].name = name;
	f->headers[i].value = value_of(f->response, name, value);
	f->headers[i].len = len;
}

static struct form *
form_new(const struct exchange *x, const char *type, struct slice body)
{
	struct form *f = mem_alloc(sizeof(*f) + body.len);

	f->type = type;
	f->len = body.len;
	if (body.len)
		memcpy(f->body, body.ptr, body.len);
	f->response = response_new(
		x, type, slice_of(f->body, f->len), MHD_RESPMEM_PERSISTENT);
	form_put(f, "X-Request-Id", x->id, EXCHANGE_ID - 1);
	form_put(f, MHD_HTTP_HEADER_DATE, http_date(x->http),
		strlen(http_date(x->http)));
	for (struct header *h = x->headers; h; h = h->next)
		form_put(f, h->name, h->value, h->len);
	for (size_t i = 0; i < f->count; i++)
		if (!f->headers[i].value)
			return form_free(f);
	return f;
}

/* Can this answer have a form?  One name twice is one too many: the library
 * would show the first place for both. */
static bool
is_formal(const struct exchange *x, struct slice body)
{
	size_t n = HEADERS_OWN;

	if (body.len > BODY_TOP || x->close || x->http->draining || x->informal)
		return false;
	for (const struct header *h = x->headers; h; h = h->next) {
		if (++n > HEADERS_TOP)
			return false;
		for (const struct header *o = h->next; o; o = o->next)
			if (o->name == h->name ||
				(x->foreign &&
					strcasecmp(o->name, h->name) == 0))
				return false;
	}
	return true;
}

static size_t
shape_of(const struct exchange *x, struct slice body)
{
	size_t shape = body.len;

	for (const struct header *h = x->headers; h; h = h->next)
		shape = shape * 31 + h->len;
	return shape;
}

static bool
form_fits(const struct form *f, const struct exchange *x, const char *type,
	struct slice body, size_t shape)
{
	size_t i = HEADERS_OWN;

	if (f->shape != shape || f->len != body.len || f->type != type)
		return false;
	for (const struct header *h = x->headers; h; h = h->next, i++)
		if (i == f->count || f->headers[i].name != h->name ||
			f->headers[i].len != h->len)
			return false;
	return i == f->count;
}

static void
form_fill(struct form *f, const struct exchange *x, struct slice body)
{
	size_t i = HEADERS_OWN;

	memcpy(f->headers[HEADER_ID].value, x->id, EXCHANGE_ID - 1);
	memcpy(f->headers[HEADER_DATE].value, http_date(x->http),
		f->headers[HEADER_DATE].len);
	for (const struct header *h = x->headers; h; h = h->next, i++)
		memcpy(f->headers[i].value, h->value, h->len);
	if (body.len)
		memcpy(f->body, body.ptr, body.len);
}

static struct form *
form_take(const struct exchange *x, const char *type, struct slice body)
{
	size_t shape = shape_of(x, body);
	struct form **at = &x->http->forms[shape % HTTP_FORMS], *f;

	for (; (f = *at); at = &f->next) {
		if (!form_fits(f, x, type, body, shape))
			continue;
		*at = f->next;
		x->http->nforms--;
		form_fill(f, x, body);
		return f;
	}
	f = form_new(x, type, body);
	if (f)
		f->shape = shape;
	return f;
}

/* Room for another: a list, each in its turn, loses what it holds, so that
 * shapes nobody asks for any more do not stay. */
static void
forms_thin(struct http *http)
{
	while (http->nforms >= FORMS_TOP) {
		struct form **list =
			&http->forms[http->form_hand++ % HTTP_FORMS];

		while (*list) {
			struct form *f = *list;

			*list = f->next;
			http->nforms--;
			(void)form_free(f);
		}
	}
}

void
forms_free(struct http *http)
{
	for (size_t i = 0; i < HTTP_FORMS; i++) {
		struct form *next;

		for (struct form *f = http->forms[i]; f; f = next) {
			next = f->next;
			(void)form_free(f);
		}
		http->forms[i] = NULL;
	}
	http->nforms = 0;
}

void
response_make(
	struct exchange *x, int status, const char *type, struct slice body)
{
	bool ours = body.len && arena_holds(&x->arena, body.ptr);

	assert(!x->response && x->phase != EXCHANGE_SEND);
	x->status = status;
	x->sent = strcmp(x->method, MHD_HTTP_METHOD_HEAD) == 0 ? 0 : body.len;
	/* with a type of ours, theirs might be the second of its name */
	if (is_formal(x, body) && !(type && x->foreign))
		x->form = form_take(x, type, body);
	x->response =
		x->form ? x->form->response
			: response_new(x, type, body,
				  ours || !body.len ? MHD_RESPMEM_PERSISTENT
						    : MHD_RESPMEM_MUST_COPY);
}

/* The library holds its own reference while it needs one. */
void
response_queued(struct exchange *x)
{
	if (!x->form)
		MHD_destroy_response(x->response);
	x->response = NULL;
}

void
response_done(struct exchange *x)
{
	struct form *f = x->form;

	if (!f) {
		if (x->response)
			MHD_destroy_response(x->response);
		return;
	}
	x->form = NULL;
	x->response = NULL;
	if (x->http->ending) {
		(void)form_free(f);
		return;
	}
	forms_thin(x->http);
	f->next = x->http->forms[f->shape % HTTP_FORMS];
	x->http->forms[f->shape % HTTP_FORMS] = f;
	x->http->nforms++;
}
