/*
 * Polite access to Jansson values: what is wrong is said with the member's
 * name, in words that the author of a request can act on.
 */
#include "base/val.h"

#include "base/clock.h"
#include "base/scan.h"
#include "base/text.h"
#include "base/val_load.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { TEXT_TOP = 256 * 1024 * 1024 };

/* Behind the closing quote of the string that begins at `at`. */
static const char *
skip_string(const char *at, const char *end)
{
	for (at++; at < end && *at != '"'; at++)
		if (*at == '\\')
			at++;
	return at < end ? at + 1 : end;
}

/* The member in which byte `position` stands, or len 0. */
static struct slice
member_at(struct slice text, size_t position)
{
	const char *end = text.ptr + min(position, text.len), *at = text.ptr;
	struct slice last = slice_of("", 0);

	while (at < end) {
		const char *from = at, *colon;

		if (*at != '"') {
			at++;
			continue;
		}
		at = colon = skip_string(at, text.ptr + text.len);
		while (colon < end && strchr(" \t\r\n", *colon))
			colon++;
		if (colon < end && *colon == ':')
			last = slice_of(from + 1, (size_t)(at - from) - 2);
	}
	return last;
}

/* Jansson's sentence, or a plainer one for what JavaScript can say and a text
 * cannot hold. */
static int
refuse(struct slice text, const json_error_t *err, struct fault *why)
{
	struct slice name = member_at(text, (size_t)max(err->position, 0));
	const char *what = NULL;

	if (json_error_code(err) == json_error_null_character ||
		json_error_code(err) == json_error_null_byte_in_key)
		what = "a text holds a NUL character (\\u0000), which cannot "
		       "be "
		       "stored";
	else if (strstr(err->text, "Unicode"))
		what = "a text holds half of a surrogate pair, which is no "
		       "character";
	else if (json_error_code(err) == json_error_numeric_overflow)
		what = "a number is too large for a double";
	if (what)
		return fault_set(why, ERR_JSON, "member \"%.*s\": %s",
			(int)min(name.len, (size_t)60), name.ptr, what);
	return fault_set(why, ERR_JSON,
		"not valid JSON: line %d, column %d: %s", err->line,
		err->column, err->text);
}

int
val_parse_some(json_t **ret, struct slice text, size_t *left, struct fault *why)
{
	_json_ json_t *v = NULL;
	json_error_t err;
	size_t values;
	int r;

	if (text.len > TEXT_TOP)
		return fault_set(why, ERR_TOO_BIG, "the JSON is too large");
	/* Jansson's own depth is 2048: too much for those who recurse. */
	r = scan_count(text, &values);
	if (r == ERR_TOO_BIG)
		return fault_set(why, ERR_JSON,
			"not valid JSON: nested deeper than %d", SCAN_DEPTH);
	/* Also when it is not JSON: Jansson builds what stands before. */
	if (values > *left)
		return fault_set(why, ERR_TOO_BIG,
			"the JSON holds too many values: %d in one request",
			VAL_REQUEST_TOP);
	v = r == 0 ? val_load(text) : NULL;
	if (!v)
		v = json_loadb(text.ptr ? text.ptr : "", text.len,
			JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &err);
	if (!v)
		return refuse(text, &err, why);
	if (r < 0) /* Jansson overlooks a NUL byte behind a number */
		return fault_set(why, ERR_JSON, "not valid JSON");
	*left -= values;
	*ret = take(v);
	return 0;
}

int
val_parse(json_t **ret, struct slice text, struct fault *why)
{
	size_t left = SIZE_MAX;

	return val_parse_some(ret, text, &left, why);
}

/* The shortest digits that read back as the same number; with a point, so
 * that it reads back as a real. */
static void
put_real(struct buf *to, double n)
{
	char text[40];

	for (int digits = 15; digits <= 17; digits++) {
		(void)snprintf(text, sizeof(text), "%.*g", digits, n);
		if (strtod(text, NULL) == n)
			break;
	}
	buf_str(to, text);
	if (!strpbrk(text, ".e"))
		buf_str(to, ".0");
}

static void
put_object(struct buf *to, const json_t *v)
{
	json_t *obj = (json_t *)(uintptr_t)v;
	const char *before = "{";

	for (void *at = json_object_iter(obj); at;
		at = json_object_iter_next(obj, at)) {
		buf_str(to, before);
		buf_json(to, slice_str(json_object_iter_key(at)));
		buf_char(to, ':');
		val_put(to, json_object_iter_value(at));
		before = ",";
	}
	buf_str(to, *before == '{' ? "{}" : "}");
}

static void
put_array(struct buf *to, const json_t *v)
{
	buf_char(to, '[');
	for (size_t i = 0; i < json_array_size(v); i++) {
		if (i)
			buf_char(to, ',');
		val_put(to, json_array_get(v, i));
	}
	buf_char(to, ']');
}

void
val_put(struct buf *to, const json_t *v)
{
	if (!v) { /* a value that could not be made: bytes of no text */
		buf_str(to, "null");
		return;
	}
	switch (json_typeof(v)) {
	case JSON_OBJECT:
		put_object(to, v);
		break;
	case JSON_ARRAY:
		put_array(to, v);
		break;
	case JSON_STRING:
		buf_json(to,
			slice_of(json_string_value(v), json_string_length(v)));
		break;
	case JSON_INTEGER:
		buf_i64(to, json_integer_value(v));
		break;
	case JSON_REAL:
		put_real(to, json_real_value(v));
		break;
	case JSON_TRUE:
		buf_str(to, "true");
		break;
	case JSON_FALSE:
		buf_str(to, "false");
		break;
	case JSON_NULL:
		buf_str(to, "null");
		break;
	}
}

void
val_put_text(struct buf *to, const char *name, struct slice text)
{
	if (!text.len)
		return;
	buf_printf(to, ",\"%s\":", name);
	buf_json(to, text);
}

void
val_put_time(struct buf *to, const char *name, int64_t ms)
{
	if (!ms)
		return;
	buf_printf(to, ",\"%s\":\"", name);
	text_time(to, ms * CLOCK_MS);
	buf_char(to, '"');
}

/* The member, NULL when it is absent or null. */
static const json_t *
member(const json_t *obj, const char *key)
{
	const json_t *v = json_object_get(obj, key);

	return json_is_null(v) ? NULL : v;
}

static int
missing(struct fault *why, const char *key)
{
	return fault_set(why, ERR_PARAM, "%s: is missing", key);
}

int
val_str_or(const json_t *obj, const char *key, size_t top, struct slice preset,
	struct slice *ret, struct fault *why)
{
	const json_t *v = member(obj, key);

	if (v && !json_is_string(v))
		return fault_set(why, ERR_PARAM, "%s: must be a string", key);
	if (v && json_string_length(v) > top)
		return fault_set(why, ERR_PARAM,
			"%s: must be at most %zu bytes", key, top);
	*ret = v ? slice_of(json_string_value(v), json_string_length(v))
		 : preset;
	return 0;
}

int
val_str(const json_t *obj, const char *key, size_t top, struct slice *ret,
	struct fault *why)
{
	if (!member(obj, key))
		return missing(why, key);
	return val_str_or(obj, key, top, slice_of("", 0), ret, why);
}

int
val_int_or(const json_t *obj, const char *key, int64_t low, int64_t high,
	int64_t preset, int64_t *ret, struct fault *why)
{
	const json_t *v = member(obj, key);
	int64_t n = v ? json_integer_value(v) : preset;

	if (v && !json_is_integer(v))
		return fault_set(why, ERR_PARAM, "%s: must be an integer", key);
	if (v && (n < low || n > high))
		return fault_set(why, ERR_PARAM,
			"%s: must be from %" PRId64 " to %" PRId64, key, low,
			high);
	*ret = n;
	return 0;
}

int
val_int(const json_t *obj, const char *key, int64_t low, int64_t high,
	int64_t *ret, struct fault *why)
{
	if (!member(obj, key))
		return missing(why, key);
	return val_int_or(obj, key, low, high, 0, ret, why);
}

int
val_bool_or(const json_t *obj, const char *key, bool preset, bool *ret,
	struct fault *why)
{
	const json_t *v = member(obj, key);

	if (v && !json_is_boolean(v))
		return fault_set(
			why, ERR_PARAM, "%s: must be true or false", key);
	*ret = v ? json_is_true(v) : preset;
	return 0;
}

int
val_obj(const json_t *obj, const char *key, json_t **ret, struct fault *why)
{
	json_t *v = json_object_get(obj, key);

	if (!v || json_is_null(v))
		return missing(why, key);
	if (!json_is_object(v))
		return fault_set(why, ERR_PARAM, "%s: must be an object", key);
	*ret = v;
	return 0;
}

int
val_check(struct slice text)
{
	return scan_text(text) < 0 ? ERR_JSON : 0;
}

int
val_find_raw(struct slice text, const char *key, struct slice *ret)
{
	return scan_member(text, slice_str(key), ret);
}
