/*
 * A scanner without recursion: what is open is one bit a level, object or
 * array, and the position in the grammar is which function runs.
 */
#include "base/scan.h"

#include "base/plain.h"

#include <errno.h>

struct scan {
	const unsigned char *at, *end;
	unsigned depth;
	size_t values;
	uint64_t objects[SCAN_DEPTH / 64]; /* bit: the level is an object */
};

static void
skip_blanks(struct scan *s)
{
	while (s->at < s->end && (*s->at == ' ' || *s->at == '\n' ||
					 *s->at == '\r' || *s->at == '\t'))
		s->at++;
}

static bool
is_next(struct scan *s, unsigned char c)
{
	if (s->at == s->end || *s->at != c)
		return false;
	s->at++;
	return true;
}

static bool
is_digit(const struct scan *s)
{
	return s->at < s->end && *s->at >= '0' && *s->at <= '9';
}

static bool
is_hex(unsigned char c)
{
	return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'f');
}

/* Behind the backslash. */
static int
scan_escape(struct scan *s)
{
	if (s->at == s->end || !*s->at || !strchr("\"\\/bfnrtu", *s->at))
		return ERR_JSON;
	if (*s->at++ != 'u')
		return 0;
	for (int i = 0; i < 4; i++, s->at++)
		if (s->at == s->end || !is_hex(*s->at))
			return ERR_JSON;
	return 0;
}

/* Behind the opening quote; afterwards behind the closing one. */
static int
scan_string(struct scan *s)
{
	for (;;) {
		size_t n = 1;

		s->at += plain_len(s->at, (size_t)(s->end - s->at));
		if (s->at == s->end || *s->at < 0x20)
			return ERR_JSON;
		if (*s->at == '"') {
			s->at++;
			return 0;
		}
		if (*s->at == '\\') {
			s->at++;
			if (scan_escape(s) < 0)
				return ERR_JSON;
			continue;
		}
		if (*s->at >= 0x80)
			n = slice_utf8(
				slice_of(s->at, (size_t)(s->end - s->at)));
		if (n == 0)
			return ERR_JSON;
		s->at += n;
	}
}

static int
scan_digits(struct scan *s)
{
	if (!is_digit(s))
		return ERR_JSON;
	while (is_digit(s))
		s->at++;
	return 0;
}

static int
scan_number(struct scan *s)
{
	(void)is_next(s, '-');
	if (!is_next(s, '0') && scan_digits(s) < 0)
		return ERR_JSON;
	if (is_next(s, '.') && scan_digits(s) < 0)
		return ERR_JSON;
	if (!is_next(s, 'e') && !is_next(s, 'E'))
		return 0;
	if (!is_next(s, '+'))
		(void)is_next(s, '-');
	return scan_digits(s);
}

static int
scan_word(struct scan *s, const char *word)
{
	size_t n = strlen(word);

	if ((size_t)(s->end - s->at) < n || memcmp(s->at, word, n) != 0)
		return ERR_JSON;
	s->at += n;
	return 0;
}

static int
push(struct scan *s, bool object)
{
	uint64_t bit = 1ULL << s->depth % 64;
	uint64_t *word = &s->objects[s->depth / 64 % (SCAN_DEPTH / 64)];

	if (s->depth == SCAN_DEPTH)
		return ERR_TOO_BIG;
	*word = object ? *word | bit : *word & ~bit;
	s->depth++;
	return 0;
}

static bool
in_object(const struct scan *s)
{
	unsigned level = s->depth - 1;

	return s->objects[level / 64] >> level % 64 & 1;
}

/* A member's name and its colon. */
static int
scan_name(struct scan *s)
{
	skip_blanks(s);
	if (!is_next(s, '"') || scan_string(s) < 0)
		return ERR_JSON;
	skip_blanks(s);
	return is_next(s, ':') ? 0 : ERR_JSON;
}

/* The beginning of a value, all of it when it is a scalar or empty.  1: it
 * was opened, its first value comes next. */
static int
scan_begin(struct scan *s)
{
	bool object;
	int r;

	skip_blanks(s);
	if (s->at == s->end)
		return ERR_JSON;
	s->values++;
	switch (*s->at) {
	case '"':
		s->at++;
		return scan_string(s);
	case 't':
		return scan_word(s, "true");
	case 'f':
		return scan_word(s, "false");
	case 'n':
		return scan_word(s, "null");
	case '{':
	case '[':
		break;
	default:
		return scan_number(s);
	}
	object = *s->at++ == '{';
	skip_blanks(s);
	r = push(s, object);
	if (r == 0 && is_next(s, object ? '}' : ']')) {
		s->depth--;
		return 0;
	}
	if (r == 0 && object)
		r = scan_name(s);
	return r < 0 ? r : 1;
}

/* After a value inside something.  1: another follows, 0: closed. */
static int
scan_next(struct scan *s)
{
	bool object = in_object(s);

	skip_blanks(s);
	if (is_next(s, ',')) {
		if (object && scan_name(s) < 0)
			return ERR_JSON;
		return 1;
	}
	if (!is_next(s, object ? '}' : ']'))
		return ERR_JSON;
	s->depth--;
	return 0;
}

/* One value with all that is in it. */
static int
scan_value(struct scan *s)
{
	unsigned floor = s->depth;
	int r;

	do {
		do
			r = scan_begin(s);
		while (r > 0);
		while (r == 0 && s->depth > floor)
			r = scan_next(s);
	} while (r > 0);
	return r;
}

static struct scan
scan_of(struct slice text)
{
	const unsigned char *p =
		(const unsigned char *)(text.ptr ? text.ptr : "");

	return (struct scan){.at = p, .end = p + text.len};
}

static int
scan_end(struct scan *s)
{
	skip_blanks(s);
	return s->at == s->end ? 0 : ERR_JSON;
}

int
scan_count(struct slice text, size_t *ret)
{
	struct scan s = scan_of(text);
	int r = scan_value(&s);

	*ret = s.values;
	return r < 0 ? r : scan_end(&s);
}

int
scan_text(struct slice text)
{
	size_t values;

	return scan_count(text, &values);
}

static unsigned
hex_of(unsigned char c)
{
	return c <= '9' ? (unsigned)(c - '0') : (unsigned)((c | 32) - 'a' + 10);
}

static size_t
utf8_put(char *to, unsigned c)
{
	if (c < 0x80) {
		to[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		to[0] = (char)(0xc0 | c >> 6);
		to[1] = (char)(0x80 | (c & 63));
		return 2;
	}
	if (c < 0x10000) {
		to[0] = (char)(0xe0 | c >> 12);
		to[1] = (char)(0x80 | (c >> 6 & 63));
		to[2] = (char)(0x80 | (c & 63));
		return 3;
	}
	to[0] = (char)(0xf0 | c >> 18);
	to[1] = (char)(0x80 | (c >> 12 & 63));
	to[2] = (char)(0x80 | (c >> 6 & 63));
	to[3] = (char)(0x80 | (c & 63));
	return 4;
}

static unsigned
unit_of(const unsigned char *p)
{
	return hex_of(p[0]) << 12 | hex_of(p[1]) << 8 | hex_of(p[2]) << 4 |
	       hex_of(p[3]);
}

/* One character of a string that was checked, spelt out; *at moves on. */
static size_t
unescape(const unsigned char **at, const unsigned char *end, char to[4])
{
	static const char from[] = "bfnrt", into[] = "\b\f\n\r\t";
	const unsigned char *p = *at;
	const char *found;
	unsigned c, low;

	if (*p != '\\') {
		to[0] = (char)*p;
		*at = p + 1;
		return 1;
	}
	if (p[1] != 'u') {
		found = strchr(from, p[1]);
		to[0] = found ? into[found - from] : (char)p[1];
		*at = p + 2;
		return 1;
	}
	c = unit_of(p + 2);
	*at = p += 6;
	if (c >= 0xd800 && c < 0xdc00 && end - p >= 6 && p[0] == '\\' &&
		p[1] == 'u') {
		low = unit_of(p + 2);
		if (low >= 0xdc00 && low < 0xe000) {
			c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
			*at = p + 6;
		}
	}
	return utf8_put(to, c);
}

/* Does the string between `at` and `end` say `key`? */
static bool
name_is(const unsigned char *at, const unsigned char *end, struct slice key)
{
	size_t len = (size_t)(end - at);
	char to[4];

	if (!memchr(at, '\\', len))
		return slice_eq(slice_of(at, len), key);
	while (at < end) {
		size_t n = unescape(&at, end, to);

		if (key.len < n || memcmp(key.ptr, to, n) != 0)
			return false;
		key.ptr += n;
		key.len -= n;
	}
	return key.len == 0;
}

/* One member; *ret is set when it is called `key`. */
static int
scan_pair(struct scan *s, struct slice key, struct slice *ret)
{
	const unsigned char *name, *value;
	bool found;

	skip_blanks(s);
	name = s->at + 1;
	if (!is_next(s, '"') || scan_string(s) < 0)
		return ERR_JSON;
	found = name_is(name, s->at - 1, key);
	skip_blanks(s);
	if (!is_next(s, ':'))
		return ERR_JSON;
	skip_blanks(s);
	value = s->at;
	if (scan_value(s) < 0)
		return ERR_JSON;
	if (found)
		*ret = slice_of(value, (size_t)(s->at - value));
	return 0;
}

int
scan_member(struct slice text, struct slice key, struct slice *ret)
{
	struct scan s = scan_of(text);
	struct slice got = {NULL, 0};

	skip_blanks(&s);
	if (!is_next(&s, '{'))
		return ERR_JSON;
	skip_blanks(&s);
	if (is_next(&s, '}'))
		return scan_end(&s) < 0 ? ERR_JSON : -ENOENT;
	do {
		if (scan_pair(&s, key, &got) < 0)
			return ERR_JSON;
		skip_blanks(&s);
	} while (is_next(&s, ','));
	if (!is_next(&s, '}') || scan_end(&s) < 0)
		return ERR_JSON;
	if (!got.ptr)
		return -ENOENT;
	*ret = got;
	return 0;
}
