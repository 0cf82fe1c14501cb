/*
 * JSON in the three ways it comes: a document a line, one array, or documents
 * one after the other over several lines each (as CloudBase's manual shows
 * them).  Only the ends of documents are looked for here.  In lines, a bad one
 * costs itself only.
 */
#include "base/scan.h"
#include "formats/format.h"

#include <stdio.h>
#include <string.h>

enum { SNIFF = 1 << 20 };

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Takes white space, and `also` once. */
static int
skip(struct reader *r, char also, struct slice *ret, struct fault *why)
{
	for (;;) {
		int e = input_peek(r->in, 1, ret, why);
		size_t n = 0;

		if (e < 0)
			return e;
		while (n < ret->len && is_space(ret->ptr[n]))
			n++;
		if (n < ret->len && also && ret->ptr[n] == also) {
			also = '\0';
			n++;
		}
		input_take(r->in, n);
		if (n == 0)
			return 0;
	}
}

static int
open_json(struct reader *r, struct fault *why)
{
	struct slice s;
	const char *end;
	int e = input_peek(r->in, 3, &s, why);

	if (e < 0)
		return e;
	if (slice_starts(s, "\xef\xbb\xbf"))
		input_take(r->in, 3);
	e = skip(r, '\0', &s, why);
	if (e < 0)
		return e;
	if (s.len && s.ptr[0] == '[') {
		r->is_array = true;
		input_take(r->in, 1);
		return 0;
	}
	e = input_peek(r->in, SNIFF, &s, why);
	if (e < 0)
		return e;
	/* Its first line is a whole value, or is too long to be pretty. */
	end = s.len ? memchr(s.ptr, '\n', s.len) : NULL;
	r->is_lines =
		!end || scan_text(slice_of(s.ptr, (size_t)(end - s.ptr))) == 0;
	return 0;
}

/* A line with something in it, taken; len 0 at the end. */
static int
take_line(struct reader *r, struct slice *ret, struct fault *why)
{
	size_t want = 1;
	struct slice s;
	const char *end;
	int e;

	for (;;) {
		e = input_peek(r->in, want, &s, why);
		if (e < 0)
			return e;
		end = s.len ? memchr(s.ptr, '\n', s.len) : NULL;
		if (end || s.len < want)
			break;
		want = max(2 * s.len, (size_t)65536);
	}
	*ret = slice_of(s.ptr, end ? (size_t)(end - s.ptr) : s.len);
	input_take(r->in, ret->len + (end != NULL));
	return 0;
}

static int
next_line(struct reader *r, struct buf *to, struct fault *why)
{
	struct slice s;
	int e = skip(r, '\0', &s, why);

	r->line = input_line(r->in);
	r->offset = input_offset(r->in);
	if (e < 0 || !s.len)
		return e;
	e = take_line(r, &s, why);
	if (e < 0)
		return e;
	if (s.len && s.ptr[s.len - 1] == '\r')
		s.len--;
	r->raw = s;
	if (memchr(s.ptr, '\0', s.len))
		return fault_set(why, ERR_PARAM,
			"holds a NUL byte: this is no JSON text");
	buf_slice(to, s);
	return 1;
}

/* A walk to the end of an object, which may come in pieces. */
struct walk {
	size_t at, depth;
	bool in_text, escaped;
};

/* The bytes of the object, or 0: more is needed. */
static size_t
walk_on(struct walk *w, struct slice s)
{
	for (; w->at < s.len; w->at++) {
		char c = s.ptr[w->at];

		if (w->escaped) {
			w->escaped = false;
		} else if (w->in_text) {
			w->escaped = c == '\\';
			w->in_text = c != '"';
		} else if (c == '"') {
			w->in_text = true;
		} else if (c == '{' || c == '[') {
			w->depth++;
		} else if ((c == '}' || c == ']') && --w->depth == 0) {
			return w->at + 1;
		}
	}
	return 0;
}

static int
take_object(struct reader *r, struct slice *ret, struct fault *why)
{
	struct walk w = {0};
	size_t want = 1, len = 0;
	struct slice s;

	while (len == 0) {
		int e = input_peek(r->in, want, &s, why);

		if (e < 0)
			return e;
		len = walk_on(&w, s);
		if (len == 0 && s.len < want)
			return fault_set(why, ERR_FORMAT,
				"the file ends in the middle of this document");
		want = max(2 * s.len, (size_t)65536);
	}
	*ret = slice_of(s.ptr, len);
	input_take(r->in, len);
	return 0;
}

/* Line ends between members become spaces: one document, one line.  Inside a
 * text they are no JSON and stay what they are: an error. */
static int
put_line(struct buf *to, struct slice s, struct fault *why)
{
	bool in_text = false, escaped = false;

	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i];

		if ((c == '\n' || c == '\0') && (in_text || c == '\0'))
			return fault_set(why, ERR_PARAM,
				"a text holds %s: in JSON it is written %s",
				c ? "a line end" : "a NUL byte",
				c ? "\\n" : "\\u0000");
		buf_char(to, c == '\n' || c == '\r' ? ' ' : c);
		if (escaped) {
			escaped = false;
		} else if (in_text) {
			escaped = c == '\\';
			in_text = c != '"';
		} else {
			in_text = c == '"';
		}
	}
	return 1;
}

static int
end_of_array(struct reader *r, struct fault *why)
{
	struct slice s;
	int e;

	input_take(r->in, 1);
	e = skip(r, '\0', &s, why);
	if (e < 0 || !s.len)
		return e;
	return fault_set(
		why, ERR_FORMAT, "after the array's end nothing may follow");
}

static int
next_value(struct reader *r, struct buf *to, struct fault *why)
{
	struct slice s;
	size_t from = to->len;
	int e = skip(r, ',', &s, why);

	r->line = input_line(r->in);
	r->offset = input_offset(r->in);
	if (e < 0)
		return e;
	if (!s.len)
		return !r->is_array ? 0
				    : fault_set(why, ERR_FORMAT,
					      "the array has no end: the file "
					      "is cut off");
	if (r->is_array && s.ptr[0] == ']')
		return end_of_array(r, why);
	if (s.ptr[0] != '{')
		return fault_set(why, ERR_FORMAT,
			"a document begins with {, here is \"%.*s\"",
			(int)min(s.len, (size_t)10), s.ptr);
	e = take_object(r, &r->raw, why);
	if (e == 0)
		e = put_line(to, r->raw, why);
	if (e < 0)
		to->len = from;
	return e;
}

static int
next_json(struct reader *r, struct buf *to, struct fault *why)
{
	return r->is_lines ? next_line(r, to, why) : next_value(r, to, why);
}

const struct format format_json = {
	.name = "json",
	.extensions = ".json .jsonl .ndjson",
	.is_text = true,
	.open = open_json,
	.next = next_json,
};
