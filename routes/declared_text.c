/*
 * Texts with {captures}: headers, paths, addresses of redirects.  Names are
 * checked when the file is read, so that a request meets no unknown one.
 */
#include "base/buf.h"
#include "base/mem.h"
#include "routes/declared_inside.h"

#include <stdlib.h>
#include <string.h>

enum { PIECES_TOP = 64 };

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
