/*
 * Text → Jansson values, the quick way.  Jansson's own reader takes a call per
 * byte, some 100 instructions; most of the time of a small request went there.
 * Here the text was checked by scan.c already, so reading needs no checks of
 * its own, and what is rare (\u escapes, numbers of many digits, a key twice)
 * is left to Jansson, whose sentences about errors are shown, too.
 */
#include "base/val_load.h"

#include "base/mem.h"

#include <string.h>

enum { DIGITS = 18 };

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

/* What an escaped string says, into `to`; its length, or -1 for a \u. */
static ssize_t
unescape(const char *at, const char *end, char *to)
{
	static const char from[] = "bfnrt", into[] = "\b\f\n\r\t";
	char *begin = to;

	for (; at < end; at++) {
		const char *found;

		if (*at != '\\') {
			*to++ = *at;
			continue;
		}
		if (*++at == 'u')
			return -1;
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

/* Keys with escapes are as rare as keys twice. */
static const char *
read_pair(const char *at, const char *end, json_t *object)
{
	json_t *v = NULL;
	bool plain;
	const char *key = at + 1, *to = string_end(key, end, &plain);

	if (!plain)
		return NULL;
	at = read_value(skip(skip(to + 1) + 1), end, &v);
	if (!at) {
		json_decref(v);
		return NULL;
	}
	if (json_object_setn_new_nocheck(object, key, (size_t)(to - key), v) <
		0)
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

/* Whole numbers that surely fit; the others are Jansson's. */
static const char *
read_number(const char *at, const char *end, json_t **ret)
{
	const char *from = at;
	json_int_t n = 0;
	bool minus = *at == '-';

	for (at += minus; at < end && *at >= '0' && *at <= '9'; at++) {
		if (at - from == DIGITS)
			return NULL;
		n = n * 10 + (*at - '0');
	}
	if (at < end && (*at == '.' || *at == 'e' || *at == 'E'))
		return NULL;
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
