/*
 * One recursive copy from Jansson to text.  It remembers its way, so that what
 * is refused is refused by the name of its field.
 *
 * A double that is whole keeps ".0": jsonb numbers are decimal and remember
 * their scale, so 3.0 comes back as 3.0 and stays a double.
 */
#include "documents/value.h"

#include "documents/value_copy.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static int put_any(struct value_copy *c, const json_t *v);

/* "a.b.3: " */
static void
put_way(const struct value_copy *c, struct buf *to)
{
	for (unsigned i = 0; i < c->depth; i++) {
		if (i)
			buf_char(to, '.');
		if (c->way[i].key)
			buf_printf(to, "%.60s", c->way[i].key);
		else
			buf_printf(to, "%zu", c->way[i].index);
	}
	if (to->len)
		buf_str(to, ": ");
}

int
value_fail(struct value_copy *c, const char *fmt, ...)
{
	_buf_ struct buf text;
	char what[200];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(what, sizeof(what), fmt, args);
	va_end(args);
	buf_init(&text, 120);
	put_way(c, &text);
	return fault_set(
		c->why, ERR_DB_PARAM, "%s%s", text.len ? text.ptr : "", what);
}

int
value_put_text(struct value_copy *c, struct slice s)
{
	if (memchr(s.ptr, '\0', s.len))
		return value_fail(c,
			"a text holds a NUL character, which cannot be "
			"stored: leave it out");
	buf_json(c->to, s);
	return 0;
}

void
value_put_double(struct buf *to, double d)
{
	char text[40];
	int digits = 15;

	if (isnan(d) || isinf(d)) {
		buf_printf(to, "{\"$numberDouble\":\"%s\"}",
			isnan(d) ? "NaN"
			: d > 0  ? "Infinity"
				 : "-Infinity");
		return;
	}
	do
		(void)snprintf(text, sizeof(text), "%.*g", digits, d);
	while (strtod(text, NULL) != d && digits++ < 17);
	/* 1e+17 would be an integer of 64 bits to jsonb. */
	if (strchr(text, 'e') && fabs(d) < 1e19 && d == trunc(d))
		(void)snprintf(text, sizeof(text), "%.1f", d);
	buf_str(to, text);
	if (!strpbrk(text, ".e"))
		buf_str(to, ".0");
}

/* The copy is one step further in; left by leave. */
static int
enter(struct value_copy *c)
{
	if (c->depth >= VALUE_DEPTH_TOP)
		return fault_set(c->why, ERR_DB_PARAM,
			"a value is nested deeper than %d", VALUE_DEPTH_TOP);
	c->way[c->depth++] = (struct value_step){0};
	return 0;
}

static void
leave(struct value_copy *c)
{
	c->depth--;
}

static int
put_member(struct value_copy *c, const char *key, const json_t *v, bool *first)
{
	if (value_is_undefined(v))
		return 0;
	c->way[c->depth - 1].key = key;
	if (key[0] == '$')
		return value_fail(
			c, "a member of a document may not begin with $");
	if (!*first)
		buf_char(c->to, ',');
	*first = false;
	buf_json(c->to, slice_str(key));
	buf_char(c->to, ':');
	return put_any(c, v);
}

static int
put_object(struct value_copy *c, const json_t *v)
{
	bool first = true;
	const char *key;
	json_t *item;
	int r = value_put_tag(c, v);

	if (r != -ENOENT)
		return r;
	r = enter(c);
	if (r < 0)
		return r;
	buf_char(c->to, '{');
	json_object_foreach ((json_t *)(uintptr_t)v, key, item) {
		r = put_member(c, key, item, &first);
		if (r < 0)
			return r;
	}
	buf_char(c->to, '}');
	leave(c);
	return 0;
}

static int
put_array(struct value_copy *c, const json_t *v)
{
	size_t i;
	json_t *item;
	int r = enter(c);

	if (r < 0)
		return r;
	buf_char(c->to, '[');
	json_array_foreach (v, i, item) {
		c->way[c->depth - 1] = (struct value_step){.index = i};
		if (i)
			buf_char(c->to, ',');
		r = put_any(c, item);
		if (r < 0)
			return r;
	}
	buf_char(c->to, ']');
	leave(c);
	return 0;
}

static int
put_any(struct value_copy *c, const json_t *v)
{
	switch (json_typeof(v)) {
	case JSON_OBJECT:
		return put_object(c, v);
	case JSON_ARRAY:
		return put_array(c, v);
	case JSON_STRING:
		return value_put_text(c, value_slice(v));
	case JSON_INTEGER:
		buf_i64(c->to, json_integer_value(v));
		return 0;
	case JSON_REAL:
		value_put_double(c->to, json_real_value(v));
		return 0;
	case JSON_TRUE:
	case JSON_FALSE:
		buf_str(c->to, json_is_true(v) ? "true" : "false");
		return 0;
	case JSON_NULL:
		buf_str(c->to, "null");
		return 0;
	}
	return -EINVAL;
}

static int
check_size(const struct buf *to, size_t from, struct fault *why)
{
	if (buf_check(to) < 0 || to->len - from > VALUE_SIZE_TOP)
		return fault_set(why, ERR_TOO_BIG,
			"a document may have %d MiB at most",
			VALUE_SIZE_TOP >> 20);
	return 0;
}

int
value_put(struct buf *to, const json_t *v, int64_t now_ms, struct fault *why)
{
	struct value_copy c = {.to = to, .now_ms = now_ms, .why = why};
	size_t from = to->len;
	int r = put_any(&c, v);

	return r < 0 ? r : check_size(to, from, why);
}

int
value_get(struct slice *ret, const json_t *v, struct arena *arena,
	int64_t now_ms, struct fault *why)
{
	_buf_ struct buf text;
	char *copy;
	int r;

	buf_init(&text, VALUE_SIZE_TOP);
	r = value_put(&text, v, now_ms, why);
	if (r < 0)
		return r;
	copy = arena_try(arena, text.len + 1);
	if (!copy)
		return fault_set(why, ERR_TOO_BIG, "the request is too large");
	memcpy(copy, text.ptr, text.len);
	*ret = slice_of(copy, text.len);
	return 0;
}

enum value_kind
value_kind(struct slice stored)
{
	switch (stored.ptr[0]) {
	case 'n':
		return VALUE_NULL;
	case 't':
	case 'f':
		return VALUE_BOOL;
	case '"':
		return VALUE_STRING;
	case '[':
		return VALUE_OTHER;
	case '{':
		return slice_starts(stored, "{\"$date\":")  ? VALUE_DATE
		       : slice_starts(stored, "{\"$oid\":") ? VALUE_OID
		       : slice_starts(stored, "{\"$regularExpression\":")
			       ? VALUE_REGEX
			       : VALUE_OTHER;
	default:
		return VALUE_NUMBER;
	}
}

static void
put_stamp(struct buf *to, const char *stamp, bool first)
{
	buf_str(to, first ? "\"_openid\":" : ",\"_openid\":");
	buf_json(to, slice_str(stamp));
}

int
value_put_doc(struct buf *to, const json_t *v, const char *stamp,
	int64_t now_ms, struct fault *why)
{
	struct value_copy c = {.to = to, .now_ms = now_ms, .why = why};
	size_t from = to->len;
	bool first = true;
	const char *key;
	json_t *item;
	int r;

	if (!json_is_object(v))
		return fault_set(
			why, ERR_DB_PARAM, "a document must be an object");
	r = enter(&c);
	if (r < 0)
		return r;
	buf_char(to, '{');
	json_object_foreach ((json_t *)(uintptr_t)v, key, item) {
		if (json_is_string(item) && strcmp(key, "_id") == 0)
			continue;
		r = put_member(&c, key, item, &first);
		if (r < 0)
			return r;
	}
	if (stamp)
		put_stamp(to, stamp, first);
	buf_char(to, '}');
	return check_size(to, from, why);
}
