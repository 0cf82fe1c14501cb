/*
 * Text that our reader of JSON refuses although its author meant something:
 * escapes of what is no character, which are named by their field, and whole
 * numbers beyond 64 bits, which JavaScript writes and means as doubles.
 */
#include "documents/ejson.h"

#include <stdio.h>
#include <stdlib.h>

enum { PATH_TOP = 120, DEPTH_TOP = 512 };

static void
put_step(struct buf *path, struct slice step)
{
	if (path->len + step.len + 1 > PATH_TOP) {
		if (!path->full)
			buf_str(path, "…");
		path->full = true;
		return;
	}
	if (path->len)
		buf_char(path, '.');
	buf_slice(path, step);
}

/* A walk over JSON text that remembers where it is. */
struct walk {
	const char *at, *end;
	struct slice step[DEPTH_TOP]; /* keys; of an array: empty */
	bool is_object[DEPTH_TOP], is_value;
	size_t depth;
};

static unsigned
hex4(const char *at, const char *end)
{
	char text[5] = {0};

	if (end - at < 4)
		return 0x10000;
	memcpy(text, at, 4);
	return strspn(text, "0123456789abcdefABCDEF") == 4
		       ? (unsigned)strtoul(text, NULL, 16)
		       : 0x10000;
}

/* What is wrong with the \u at `at`, or NULL; *len its length when not. */
static const char *
bad_escape(const char *at, const char *end, size_t *len)
{
	unsigned one = hex4(at + 2, end), two;

	*len = 6;
	if (one == 0)
		return "a text holds a NUL character (\\u0000), which cannot "
		       "be stored: leave it out";
	if (one < 0xd800 || one > 0xdfff)
		return NULL;
	*len = 12;
	two = end - at > 12 && at[6] == '\\' && at[7] == 'u' ? hex4(at + 8, end)
							     : 0;
	if (one < 0xdc00 && two >= 0xdc00 && two <= 0xdfff)
		return NULL;
	return "a text holds half a surrogate pair (\\ud800 to \\udfff alone), "
	       "which is no character: mend or leave it out";
}

/* Over the string at w->at; what is wrong in it, or NULL. */
static const char *
walk_string(struct walk *w, struct slice *ret)
{
	const char *from = ++w->at;

	while (w->at < w->end && *w->at != '"') {
		size_t len = *w->at == '\\' ? 2 : 1;

		if (len == 2 && w->end - w->at > 6 && w->at[1] == 'u') {
			const char *bad = bad_escape(w->at, w->end, &len);

			if (bad)
				return bad;
		}
		w->at += min(len, (size_t)(w->end - w->at));
	}
	*ret = slice_of(from, (size_t)(w->at - from));
	w->at += w->at < w->end;
	return NULL;
}

static const char *
walk_step(struct walk *w)
{
	struct slice s;
	const char *bad = NULL;
	char c = *w->at;

	if (c == '"') {
		bad = walk_string(w, &s);
		if (!bad && !w->is_value && w->depth)
			w->step[w->depth - 1] = s;
		return bad;
	}
	w->at++;
	if ((c == '{' || c == '[') && w->depth < DEPTH_TOP) {
		w->is_object[w->depth] = c == '{';
		w->step[w->depth++] = slice_of("", 0);
	} else if ((c == '}' || c == ']') && w->depth) {
		w->depth--;
	}
	if (c == ':')
		w->is_value = true;
	else if (strchr(",{}[]", c))
		w->is_value = w->depth && !w->is_object[w->depth - 1];
	return NULL;
}

int
ejson_blame(struct slice text, int err, struct fault *why)
{
	struct walk w = {.at = text.ptr, .end = text.ptr + text.len};
	_buf_ struct buf path = {0};
	const char *bad = NULL;

	while (!bad && w.at < w.end)
		bad = walk_step(&w);
	if (!bad)
		return err;
	buf_init(&path, 2 * PATH_TOP);
	for (size_t i = 0; i < w.depth; i++)
		if (w.step[i].len)
			put_step(&path, w.step[i]);
	return fault_set(why, err, "%s%s%s%s", path.len ? "field " : "",
		path.len ? path.ptr : "", path.len ? ": " : "", bad);
}

/* The digits at `s`, and whether they are a whole number that is too large. */
static size_t
whole_number(struct slice s, bool *too_large)
{
	size_t n = s.ptr[0] == '-', from = n;
	uint64_t value;

	while (n < s.len && s.ptr[n] >= '0' && s.ptr[n] <= '9')
		n++;
	*too_large = n - from >= 19 &&
		     (n == s.len || !strchr(".eE", s.ptr[n])) &&
		     slice_to_u64(slice_of(s.ptr + from, n - from), INT64_MAX,
			     &value) < 0;
	return max(n, (size_t)1);
}

bool
ejson_widen(struct buf *to, struct slice text)
{
	bool in_text = false, any = false;

	for (size_t i = 0; i < text.len;) {
		struct slice rest = slice_of(text.ptr + i, text.len - i);
		size_t n = 1;
		bool too_large = false;

		if (rest.ptr[0] == '"')
			in_text = !in_text;
		else if (in_text && rest.ptr[0] == '\\')
			n = min((size_t)2, rest.len);
		else if (!in_text && strchr("-0123456789", rest.ptr[0]) &&
			 rest.ptr[0])
			n = whole_number(rest, &too_large);
		buf_add(to, rest.ptr, n);
		buf_str(to, too_large ? "e0" : "");
		any |= too_large;
		i += n;
	}
	return any;
}
