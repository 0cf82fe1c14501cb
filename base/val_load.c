/*
 * Text → Jansson values, the quick way.  Jansson's own reader takes a call per
 * byte, some 100 instructions; most of the time of a small request went there.
 * Here the text was checked by scan.c already, so reading needs few checks of
 * its own, and what cannot be read (half a surrogate pair, a NUL, a key twice)
 * is left to Jansson, whose sentences about errors are shown.
 *
 * Whole numbers beyond 64 bits become doubles, as JavaScript means them;
 * Jansson would refuse them.
 */
#include "base/val_load.h"

#include "base/mem.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { DIGITS = 18, NUMBER_TOP = 400 };

static const char *read_value(const char *at, const char *end, json_t **ret);

static const char *
skip(const char *at)
{
	while (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t')
		at++;
	return at;
}

/* The closing quote of a string, `at` behind the opening one; *plain: nothing
 * in it is escaped. */
static const char *
string_end(const char *at, const char *end, bool *plain)
{
	const char *quote = memchr(at, '"', (size_t)(end - at));

	*plain = !memchr(at, '\\', (size_t)(quote - at));
	if (*plain)
		return quote;
	for (; *at != '"'; at++)
		if (*at == '\\')
			at++;
	return at;
}

/* Four hexadecimal digits, checked by scan.c. */
static uint32_t
read_hex(const char *at)
{
	uint32_t n = 0;

	for (int i = 0; i < 4; i++) {
		char c = at[i];

		n = n << 4 |
		    (uint32_t)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
	}
	return n;
}

/* The character of "\uXXXX" or a pair of them, `*at` at the first u; 0 when
 * there is none. */
static uint32_t
read_unicode(const char **at, const char *end)
{
	uint32_t c = read_hex(*at + 1), low;

	*at += 4;
	if (c < 0xd800 || c > 0xdfff)
		return c;
	if (c > 0xdbff || end - *at < 7 || (*at)[1] != '\\' || (*at)[2] != 'u')
		return 0;
	low = read_hex(*at + 3);
	*at += 6;
	if (low < 0xdc00 || low > 0xdfff)
		return 0;
	return 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
}

static char *
put_utf8(char *to, uint32_t c)
{
	if (c < 0x80) {
		*to++ = (char)c;
		return to;
	}
	if (c < 0x800) {
		*to++ = (char)(0xc0 | c >> 6);
	} else {
		if (c < 0x10000) {
			*to++ = (char)(0xe0 | c >> 12);
		} else {
			*to++ = (char)(0xf0 | c >> 18);
			*to++ = (char)(0x80 | (c >> 12 & 0x3f));
		}
		*to++ = (char)(0x80 | (c >> 6 & 0x3f));
	}
	*to++ = (char)(0x80 | (c & 0x3f));
	return to;
}

/* What an escaped string says, into `to`; its length, or -1 when that is no
 * text. */
static ssize_t
unescape(const char *at, const char *end, char *to)
{
	static const char from[] = "bfnrt", into[] = "\b\f\n\r\t";
	char *begin = to;

	for (; at < end; at++) {
		const char *found;
		uint32_t c;

		if (*at != '\\') {
			*to++ = *at;
			continue;
		}
		if (*++at == 'u') {
			c = read_unicode(&at, end);
			if (c == 0)
				return -1;
			to = put_utf8(to, c);
			continue;
		}
		found = strchr(from, *at);
		*to++ = found ? into[found - from] : *at;
	}
	return to - begin;
}

static const char *
read_string(const char *at, const char *end, json_t **ret)
{
	_free_ char *text = NULL;
	bool plain;
	const char *to = string_end(at + 1, end, &plain);
	ssize_t len = to - ++at;

	if (plain) {
		*ret = json_stringn_nocheck(at, (size_t)len);
		return *ret ? to + 1 : NULL;
	}
	text = mem_alloc((size_t)len);
	len = unescape(at, to, text);
	if (len < 0)
		return NULL;
	*ret = json_stringn_nocheck(text, (size_t)len);
	return *ret ? to + 1 : NULL;
}

static int
set_member(json_t *object, const char *key, size_t len, bool plain, json_t *v)
{
	_free_ char *text = NULL;
	ssize_t n;

	if (plain)
		return json_object_setn_new_nocheck(object, key, len, v);
	text = mem_alloc(len);
	n = unescape(key, key + len, text);
	if (n >= 0)
		return json_object_setn_new_nocheck(object, text, (size_t)n, v);
	json_decref(v);
	return -1;
}

static const char *
read_pair(const char *at, const char *end, json_t *object)
{
	json_t *v = NULL;
	bool plain;
	const char *key = at + 1, *to = string_end(key, end, &plain);

	at = read_value(skip(skip(to + 1) + 1), end, &v);
	if (!at) {
		json_decref(v);
		return NULL;
	}
	if (set_member(object, key, (size_t)(to - key), plain, v) < 0)
		return NULL;
	return at;
}

static const char *
read_object(const char *at, const char *end, json_t **ret)
{
	json_t *object = *ret = json_object();
	size_t pairs = 0;

	if (!object)
		return NULL;
	at = skip(at + 1);
	while (*at != '}') {
		at = read_pair(at, end, object);
		if (!at)
			return NULL;
		pairs++;
		at = skip(at);
		if (*at == ',')
			at = skip(at + 1);
	}
	return json_object_size(object) == pairs ? at + 1 : NULL;
}

static const char *
read_array(const char *at, const char *end, json_t **ret)
{
	json_t *array = *ret = json_array();

	if (!array)
		return NULL;
	at = skip(at + 1);
	while (*at != ']') {
		json_t *v = NULL;

		at = read_value(at, end, &v);
		if (!at || json_array_append_new(array, v) < 0) {
			if (!at)
				json_decref(v);
			return NULL;
		}
		at = skip(at);
		if (*at == ',')
			at = skip(at + 1);
	}
	return at + 1;
}

/* A number that is a fraction or large; NULL beyond what a double holds. */
static const char *
read_double(const char *from, const char *end, json_t **ret)
{
	char text[NUMBER_TOP + 1];
	size_t len = 0;
	double d;

	while (from + len < end && len < NUMBER_TOP &&
		strchr("+-.0123456789eE", from[len]))
		len++;
	memcpy(text, from, len);
	text[len] = '\0';
	d = strtod(text, NULL);
	if (len == NUMBER_TOP || !isfinite(d))
		return NULL;
	*ret = json_real(d);
	return *ret ? from + len : NULL;
}

/* Nineteen digits may fit 64 bits or not. */
static const char *
read_large(const char *from, const char *end, json_t **ret)
{
	char text[DIGITS + 4];
	size_t len = 0;
	long long n;

	while (from + len < end && len < sizeof(text) - 1 &&
		strchr("-.0123456789eE", from[len]))
		len++;
	memcpy(text, from, len);
	text[len] = '\0';
	errno = 0;
	n = strtoll(text, NULL, 10);
	if (errno || strspn(text, "-0123456789") != len ||
		len == sizeof(text) - 1)
		return read_double(from, end, ret);
	*ret = json_integer(n);
	return *ret ? from + len : NULL;
}

static const char *
read_number(const char *at, const char *end, json_t **ret)
{
	const char *from = at;
	json_int_t n = 0;
	bool minus = *at == '-';

	for (at += minus; at < end && *at >= '0' && *at <= '9'; at++) {
		if (at - from == DIGITS)
			return read_large(from, end, ret);
		n = n * 10 + (*at - '0');
	}
	if (at < end && (*at == '.' || *at == 'e' || *at == 'E'))
		return read_double(from, end, ret);
	*ret = json_integer(minus ? -n : n);
	return *ret ? at : NULL;
}

/* *ret is set, perhaps to a part of the value, also when NULL comes back. */
static const char *
read_value(const char *at, const char *end, json_t **ret)
{
	switch (*at) {
	case '{':
		return read_object(at, end, ret);
	case '[':
		return read_array(at, end, ret);
	case '"':
		return read_string(at, end, ret);
	case 't':
		*ret = json_true();
		return at + 4;
	case 'f':
		*ret = json_false();
		return at + 5;
	case 'n':
		*ret = json_null();
		return at + 4;
	default:
		return read_number(at, end, ret);
	}
}

json_t *
val_load(struct slice text)
{
	json_t *v = NULL;
	const char *at = read_value(skip(text.ptr), text.ptr + text.len, &v);

	if (at)
		return v;
	json_decref(v);
	return NULL;
}
