/*
 * Texts with {captures}: headers, paths, addresses of redirects.  Names are
 * checked when the file is read, so that a request meets no unknown one; what a
 * request fills in is a stranger's and is made harmless for its place.
 */
#include "base/mem.h"
#include "base/text.h"
#include "gateway/declared_inside.h"
#include "gateway/request.h"

#include <stdlib.h>
#include <string.h>

enum { TEXT_TOP = 64 * 1024, PIECES_TOP = 64 };

static const char *const of_request[] = {
	"$host", "$path", "$query", "$method", "$ip", "$user", "$request"};

static bool
is_known(struct slice name, const char *const *names)
{
	for (size_t i = 0; names && names[i]; i++)
		if (slice_is(name, names[i]))
			return true;
	for (size_t i = 0; i < array_size(of_request); i++)
		if (slice_is(name, of_request[i]))
			return true;
	return false;
}

static int
unknown(struct slice name, const char *const *names, struct fault *why)
{
	struct buf all _buf_ = {0};

	buf_init(&all, 200);
	for (size_t i = 0; names && names[i]; i++)
		buf_printf(&all, " {%s}", names[i]);
	for (size_t i = 0; i < array_size(of_request); i++)
		buf_printf(&all, " {%s}", of_request[i]);
	return fault_set(why, ERR_PARAM,
		"{%.*s} is nothing that this route captures; there are%.*s",
		(int)min(name.len, (size_t)40), name.ptr, (int)all.len,
		all.ptr);
}

static void
add_piece(struct declared_text *t, struct slice s, bool is_name)
{
	if (!s.len && !is_name)
		return;
	t->piece[t->count].text = str_ndup(s.ptr, s.len);
	t->piece[t->count++].is_name = is_name;
}

int
declared_text_parse(struct declared_text *ret, const char *text,
	const char *const *names, struct fault *why)
{
	struct slice rest = slice_str(text);

	ret->whole = str_dup(text);
	ret->piece = mem_array(PIECES_TOP + 2, struct declared_piece);
	for (;;) {
		const char *open =
			rest.len ? memchr(rest.ptr, '{', rest.len) : NULL;
		const char *close =
			open ? memchr(open, '}',
				       rest.len - (size_t)(open - rest.ptr))
			     : NULL;
		struct slice name;

		if (open && !close)
			return fault_set(why, ERR_PARAM,
				"a { without its }: a capture is {name}");
		if (ret->count >= PIECES_TOP)
			return fault_set(why, ERR_PARAM, "too many captures");
		if (!open)
			break;
		add_piece(ret, slice_of(rest.ptr, (size_t)(open - rest.ptr)),
			false);
		name = slice_of(open + 1, (size_t)(close - open) - 1);
		if (!is_known(name, names))
			return unknown(name, names, why);
		add_piece(ret, name, true);
		rest.len -= (size_t)(close + 1 - rest.ptr);
		rest.ptr = close + 1;
	}
	add_piece(ret, rest, false);
	return 0;
}

void
declared_text_done(struct declared_text *t)
{
	for (size_t i = 0; i < t->count; i++)
		free(t->piece[i].text);
	free(t->piece);
	free(t->whole);
	*t = (struct declared_text){0};
}

struct slice
declared_text_value(struct request *r, const char *name)
{
	const struct declared_captures *c = r->captures;

	for (size_t i = 0; c && i < c->count; i++)
		if (slice_is(c->list[i].name, name))
			return c->list[i].value;
	if (strcmp(name, "$host") == 0)
		return exchange_header(r->x, "Host");
	if (strcmp(name, "$path") == 0)
		return slice_str(exchange_path(r->x));
	if (strcmp(name, "$query") == 0)
		return declared_query(r);
	if (strcmp(name, "$method") == 0)
		return slice_str(exchange_method(r->x));
	if (strcmp(name, "$ip") == 0)
		return slice_str(exchange_peer(r->x));
	if (strcmp(name, "$user") == 0)
		return slice_str(r->caller.uid);
	if (strcmp(name, "$request") == 0)
		return slice_str(exchange_id(r->x));
	return SLICE("");
}

static void
put_path(struct buf *to, struct slice s)
{
	struct slice segment;

	for (bool first = true; slice_split(&s, '/', &segment); first = false) {
		if (!first)
			buf_char(to, '/');
		text_url(to, segment);
	}
}

static bool
has_control(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.ptr[i] < 0x20 || s.ptr[i] == 0x7f)
			return true;
	return false;
}

static int
put_value(struct buf *to, struct request *r, const char *name,
	enum declared_place place)
{
	struct slice s = declared_text_value(r, name);

	if (place == PLACE_HEADER && has_control(s))
		return fault_set(&r->why, ERR_BAD_REQUEST,
			"the path holds control characters");
	/* the query is encoded already, and the host is one (RFC 9112, 3.2) */
	if (strcmp(name, "$host") == 0) {
		buf_slice(to, s);
		return 0;
	}
	if (place == PLACE_PATH && strcmp(name, "$query") != 0)
		put_path(to, s);
	else if (place == PLACE_QUERY && strcmp(name, "$query") != 0)
		text_url(to, s);
	else
		buf_slice(to, s);
	return 0;
}

int
declared_text_put(const struct declared_text *t, struct request *r,
	enum declared_place place, struct slice *ret)
{
	struct buf b _buf_ = {0};
	int e = 0;

	buf_init(&b, TEXT_TOP);
	for (size_t i = 0; e == 0 && i < t->count; i++)
		if (t->piece[i].is_name)
			e = put_value(&b, r, t->piece[i].text, place);
		else
			buf_str(&b, t->piece[i].text);
	if (e == 0)
		e = buf_check(&b);
	if (e == 0)
		*ret = slice_str(arena_str(request_arena(r), buf_all(&b)));
	return e;
}
