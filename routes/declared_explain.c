/*
 * A table as its author wants to see it: what there is, and why a request goes
 * where it goes.  Slow and simple: each route is looked at by its own.
 */
#include "base/buf.h"
#include "base/mem.h"
#include "routes/declared_inside.h"

#include <stdlib.h>
#include <string.h>

enum { TEXT_TOP = 4096, SHOWN_TOP = 50 };

void
declared_put_target(struct buf *to, const struct declared_route *d)
{
	static const char *const words[DECLARED_TARGETS_] = {
		[DECLARED_FUNCTION] = "function",
		[DECLARED_STATIC] = "static",
		[DECLARED_FILE] = "file",
		[DECLARED_UPSTREAM] = "upstream",
		[DECLARED_REDIRECT] = "redirect"};
	const char *what = d->function   ? d->function
			   : d->folder   ? d->folder
			   : d->file     ? d->file
			   : d->location ? d->location
					 : d->upstream_name;

	buf_printf(to, "%s %s", words[d->target], what ? what : "");
	if (d->target == DECLARED_REDIRECT)
		buf_printf(to, " (%d)", d->redirect_status);
}

static void
put_methods(struct buf *to, unsigned methods)
{
	bool first = true;

	if (methods == HTTP_ANY_METHOD) {
		buf_str(to, "any");
		return;
	}
	for (unsigned i = 0; i < HTTP_METHODS; i++) {
		/* HEAD comes with GET */
		if (!(methods >> i & 1) || (i == 1 && methods & 1))
			continue;
		buf_printf(to, "%s%s", first ? "" : ", ", http_method_name(i));
		first = false;
	}
}

static json_t *
text_of(const struct buf *b)
{
	return json_stringn(b->ptr ? b->ptr : "", b->len);
}

static json_t *
describe(const struct declared_full *f)
{
	static const char *const auths[] = {
		"none", "user", "ticket", "apikey", "hmac"};
	struct buf to _buf_ = {0}, methods _buf_ = {0};
	json_t *v;

	buf_init(&to, TEXT_TOP);
	buf_init(&methods, TEXT_TOP);
	declared_put_target(&to, &f->pub);
	put_methods(&methods, f->methods);
	v = json_pack("{s:s, s:s, s:s, s:o, s:o, s:s}", "route", f->pub.name,
		"place", f->place, "path", f->path, "methods",
		text_of(&methods), "to", text_of(&to), "auth",
		auths[f->pub.auth]);
	if (f->host)
		(void)json_object_set_new(v, "host", json_string(f->host));
	if (f->pattern)
		(void)json_object_set_new(v, "regex", json_true());
	if (f->nheaders)
		(void)json_object_set_new(
			v, "headers", json_integer((json_int_t)f->nheaders));
	if (f->pub.target == DECLARED_STATIC && !f->pub.site)
		(void)json_object_set_new(v, "missing", json_true());
	return v;
}

json_t *
declared_list(const struct declared_table *t)
{
	json_t *all = json_array();

	for (size_t i = 0; i < t->count; i++)
		(void)json_array_append_new(all, describe(t->routes[i]));
	return all;
}

static void
put_condition(struct buf *to, const struct declared_condition *c,
	const struct declared_ask *ask)
{
	struct slice has = ask->header ? ask->header(ask->request, c->name)
				       : (struct slice){NULL, 0};

	if (c->absent)
		buf_printf(to, "it wants no header %s", c->name);
	else if (c->equals)
		buf_printf(
			to, "it wants the header %s: %s", c->name, c->equals);
	else if (c->pattern)
		buf_printf(to, "it wants the header %s to fit its expression",
			c->name);
	else
		buf_printf(to, "it wants a header %s", c->name);
	if (has.ptr)
		buf_printf(to, "; the request has \"%.*s\"",
			(int)min(has.len, (size_t)80), has.ptr);
	else
		buf_str(to, "; the request has none");
}

static void
put_why(struct buf *to, const struct declared_full *f,
	const struct declared_ask *ask, struct slice host)
{
	size_t which = 0;

	switch (declared_check(f, ask, host, &which)) {
	case WHY_HOST:
		buf_printf(to, "it is for the host %s, the request for %.*s",
			f->host, host.len ? (int)host.len : 4,
			host.len ? host.ptr : "none");
		break;
	case WHY_METHOD:
		buf_str(to, "it takes ");
		put_methods(to, f->methods);
		buf_printf(to, ", not %.*s", SLICE_ARG(ask->method));
		break;
	case WHY_HEADER:
		put_condition(to, &f->header[which], ask);
		break;
	case WHY_PATH:
	case FITS:
		break;
	}
}

struct candidate {
	const struct declared_full *f;
	size_t source;
};

static int
by_order(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	if (x->source != y->source)
		return x->source < y->source ? -1 : 1;
	return declared_compare(x->f, y->f);
}

/* Which file a route is of: their routes stand one file after the other. */
static size_t
source_of(const struct declared_table *t, size_t i)
{
	size_t source = 0;

	for (size_t k = 1; k <= i; k++) {
		const char *a = t->routes[k - 1]->place;
		const char *b = t->routes[k]->place;
		size_t n = strcspn(a, ":");

		source += strncmp(a, b, n + 1) != 0;
	}
	return source;
}

static json_t *
judge(const struct candidate *c, const struct declared_ask *ask,
	struct slice host, bool *answered)
{
	json_t *one = describe(c->f);
	struct buf why _buf_ = {0};

	buf_init(&why, TEXT_TOP);
	put_why(&why, c->f, ask, host);
	if (!why.len && *answered)
		buf_str(&why, "it fits too, but the one that answers is more "
			      "specific, or stands before it");
	else if (!why.len)
		(void)json_object_set_new(one, "answers", json_true());
	*answered |= !why.len || json_object_get(one, "answers");
	if (why.len)
		(void)json_object_set_new(one, "why", text_of(&why));
	return one;
}

json_t *
declared_explain(const struct declared_table *t, const struct declared_ask *ask)
{
	json_t *all = json_array();
	struct slice host = declared_host_of(ask->arena, ask->host);
	struct candidate *list = mem_array(t->count + 1, struct candidate);
	size_t count = 0;
	bool answered = false;

	for (size_t i = 0; i < t->count; i++)
		if (declared_path_fits(t->routes[i], ask->path, NULL, NULL))
			list[count++] = (struct candidate){
				t->routes[i], source_of(t, i)};
	if (count)
		qsort(list, count, sizeof(*list), by_order);
	for (size_t i = 0; i < count && i < SHOWN_TOP; i++)
		(void)json_array_append_new(
			all, judge(&list[i], ask, host, &answered));
	free(list);
	return all;
}
