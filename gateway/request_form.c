/*
 * A form in place of a JSON body: its short texts are the members.  What is
 * typed, is a file, is long or is no UTF-8 is left to those who look for it in
 * r->parts.
 */
#include "gateway/request_form.h"

#include "gateway/request.h"
#include "http/multipart.h"

#include <string.h>

/* Of a text that is a member of the call. */
enum { TEXT_TOP = 16 * 1024 };

bool
request_form_is(const struct request *r)
{
	return r->route->know == KNOW_SESSION &&
	       multipart_is(exchange_header(r->x, "Content-Type"));
}

static bool
has_nul(struct slice s)
{
	return s.len && memchr(s.ptr, '\0', s.len);
}

static bool
is_member(const struct part *p)
{
	return !p->type.ptr && !p->filename.ptr && p->body.len <= TEXT_TOP &&
	       !has_nul(p->name) && !has_nul(p->body);
}

static int
take_members(struct request *r)
{
	json_t *all = json_object();

	r->json = all;
	for (size_t i = 0; i < r->parts->count; i++) {
		const struct part *p = &r->parts->part[i];
		const char *key;
		json_t *text;

		if (!is_member(p))
			continue;
		key = arena_str(request_arena(r), p->name);
		text = json_stringn(p->body.ptr, p->body.len);
		if (text && json_object_set_new(all, key, text) < 0)
			return ERR_PARAM;
	}
	return 0;
}

int
request_form_parse(struct request *r)
{
	int e;

	r->parts = arena_new(request_arena(r), struct multipart);
	e = multipart_parse(r->parts, exchange_header(r->x, "Content-Type"),
		exchange_body(r->x), &r->why);
	if (e == 0)
		e = take_members(r);
	/* It is on its way to WeChat twice more: built, and in libcurl. */
	return e < 0 ? e : exchange_hold(r->x, 2 * exchange_body(r->x).len);
}
