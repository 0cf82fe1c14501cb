/*
 * One recursive copy from Jansson to text.  An object whose keys begin with $
 * is a tagged value; the table below knows each tag and how it is stored.
 *
 * A double that is whole keeps ".0": jsonb numbers are decimal and remember
 * their scale, so 3.0 comes back as 3.0 and stays a double.
 */
#include "db/value.h"

#include "base/text.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

struct copy {
	struct buf *to;
	int64_t now_ms;
	struct fault *why;
	unsigned depth;
};

static int put_any(struct copy *c, const json_t *v);

static struct slice
str(const json_t *v)
{
	return slice_of(json_string_value(v), json_string_length(v));
}

static int
put_string(struct copy *c, struct slice s)
{
	if (memchr(s.ptr, '\0', s.len))
		return fault_set(c->why, ERR_DB_PARAM,
			"a text holds a NUL character, which cannot be stored");
	buf_json(c->to, s);
	return 0;
}

static int
put_double(struct copy *c, double d)
{
	char text[40];
	int digits = 15;

	if (isnan(d) || isinf(d)) {
		buf_printf(c->to, "{\"$numberDouble\":\"%s\"}",
			isnan(d) ? "NaN"
			: d > 0  ? "Infinity"
				 : "-Infinity");
		return 0;
	}
	do
		(void)snprintf(text, sizeof(text), "%.*g", digits, d);
	while (strtod(text, NULL) != d && digits++ < 17);
	buf_str(c->to, text);
	if (!strpbrk(text, ".e"))
		buf_str(c->to, ".0");
	return 0;
}

static int
bad(struct copy *c, const char *tag)
{
	return fault_set(c->why, ERR_DB_PARAM, "%s: not a valid value", tag);
}

/* Digits with an optional minus, in the range given. */
static int
read_int(struct slice s, int64_t low, int64_t high, int64_t *ret)
{
	char text[24], *end;
	long long n;

	if (s.len == 0 || s.len >= sizeof(text) ||
		s.len != strspn(s.ptr, "-0123456789"))
		return -EINVAL;
	memcpy(text, s.ptr, s.len);
	text[s.len] = '\0';
	errno = 0;
	n = strtoll(text, &end, 10);
	if (errno || *end || n < low || n > high)
		return -EINVAL;
	*ret = n;
	return 0;
}

static int
tag_int(struct copy *c, const json_t *v, const char *tag)
{
	bool is_long = strcmp(tag, "$numberLong") == 0;
	int64_t n;

	if (!json_is_string(v) ||
		read_int(str(v), is_long ? INT64_MIN : INT32_MIN,
			is_long ? INT64_MAX : INT32_MAX, &n) < 0)
		return bad(c, tag);
	buf_i64(c->to, n);
	return 0;
}

static int
tag_double(struct copy *c, const json_t *v, const char *tag)
{
	const char *s = json_string_value(v);
	char *end;
	double d;

	if (!s || !*s || json_string_length(v) > 400 || strpbrk(s, "xX \t\n"))
		return bad(c, tag);
	d = strtod(s, &end);
	return *end ? bad(c, tag) : put_double(c, d);
}

/* {"offset": ms} from now: the server's date. */
static int
put_server_date(struct copy *c, const json_t *v, const char *tag)
{
	const json_t *offset = json_object_get(v, "offset");
	int64_t ms = 0;

	if (offset && value_int(offset, -(1LL << 53), 1LL << 53, &ms, NULL) < 0)
		return bad(c, tag);
	buf_printf(c->to, "{\"$date\":%" PRId64 "}", c->now_ms + ms);
	return 0;
}

static int
tag_date(struct copy *c, const json_t *v, const char *tag)
{
	int64_t ms;

	if (json_is_string(v)) {
		if (text_untime(str(v), &ms) < 0)
			return bad(c, tag);
		ms /= 1000000;
	} else if (json_object_get(v, "offset")) {
		return put_server_date(c, v, tag);
	} else if (value_int(v, -(1LL << 53), 1LL << 53, &ms, NULL) < 0) {
		return bad(c, tag);
	}
	buf_printf(c->to, "{\"$date\":%" PRId64 "}", ms);
	return 0;
}

static int
tag_server_date(struct copy *c, const json_t *v, const char *tag)
{
	return json_is_object(v) ? put_server_date(c, v, tag) : bad(c, tag);
}

static bool
is_oid(const json_t *v)
{
	return json_is_string(v) && json_string_length(v) == 24 &&
	       strspn(json_string_value(v), "0123456789abcdefABCDEF") == 24;
}

static int
tag_oid(struct copy *c, const json_t *v, const char *tag)
{
	return is_oid(v) ? put_string(c, str(v)) : bad(c, tag);
}

/* {"TAG": {"one": text, "two": text}}, kept as it is. */
static int
put_pair(struct copy *c, const char *tag, const char *one, const json_t *a,
	const char *two, const json_t *b)
{
	int r;

	if (!json_is_string(a) || (b && !json_is_string(b)))
		return bad(c, tag);
	buf_printf(c->to, "{\"%s\":{\"%s\":", tag, one);
	r = put_string(c, str(a));
	if (r < 0)
		return r;
	buf_printf(c->to, ",\"%s\":", two);
	r = put_string(c, b ? str(b) : slice_str(""));
	buf_str(c->to, "}}");
	return r;
}

static int
tag_regex(struct copy *c, const json_t *v, const char *tag)
{
	return put_pair(c, tag, "pattern", json_object_get(v, "pattern"),
		"options", json_object_get(v, "options"));
}

static int
tag_binary(struct copy *c, const json_t *v, const char *tag)
{
	return put_pair(c, tag, "base64", json_object_get(v, "base64"),
		"subType", json_object_get(v, "subType"));
}

/* Seconds (CloudBase) or {"t": s, "i": n} (MongoDB). */
static int
tag_timestamp(struct copy *c, const json_t *v, const char *tag)
{
	const json_t *t = json_object_get(v, "t");
	int64_t s, i = 0;

	if (value_int(t ? t : v, 0, UINT32_MAX, &s, NULL) < 0 ||
		(t && value_int(json_object_get(v, "i"), 0, UINT32_MAX, &i,
			      NULL) < 0))
		return bad(c, tag);
	if (t)
		buf_printf(c->to,
			"{\"$timestamp\":{\"t\":%" PRId64 ",\"i\":%" PRId64
			"}}",
			s, i);
	else
		buf_printf(c->to, "{\"$timestamp\":%" PRId64 "}", s);
	return 0;
}

static int
tag_decimal(struct copy *c, const json_t *v, const char *tag)
{
	const char *s = json_string_value(v);

	if (!s || !*s || json_string_length(v) > 50 ||
		strspn(s, "+-.0123456789eEInfityNa") != strlen(s))
		return bad(c, tag);
	buf_printf(c->to, "{\"$numberDecimal\":\"%s\"}", s);
	return 0;
}

static const struct tag {
	const char *name;
	int (*put)(struct copy *c, const json_t *v, const char *tag);
} tags[] = {
	{"$numberInt", tag_int},
	{"$numberLong", tag_int},
	{"$numberDouble", tag_double},
	{"$numberDecimal", tag_decimal},
	{"$date", tag_date},
	{"$tcb_server_date", tag_server_date},
	{"$oid", tag_oid},
	{"$regularExpression", tag_regex},
	{"$binary", tag_binary},
	{"$timestamp", tag_timestamp},
};

static const struct tag *
find_tag(const json_t *v, const json_t **ret)
{
	void *at = json_object_iter((json_t *)(uintptr_t)v);

	if (!at || json_object_size(v) != 1)
		return NULL;
	*ret = json_object_iter_value(at);
	for (size_t i = 0; i < array_size(tags); i++)
		if (strcmp(json_object_iter_key(at), tags[i].name) == 0)
			return &tags[i];
	return NULL;
}

bool
value_is_tagged(const json_t *v)
{
	const json_t *inner;

	return find_tag(v, &inner) != NULL;
}

/* {"$regex": pattern, "$options": letters}: the older dialect's expression. */
static int
put_old_regex(struct copy *c, const json_t *v)
{
	return put_pair(c, "$regularExpression", "pattern",
		json_object_get(v, "$regex"), "options",
		json_object_get(v, "$options"));
}

static int
put_member(struct copy *c, const char *key, const json_t *v, bool *first)
{
	if (key[0] == '$')
		return fault_set(c->why, ERR_DB_PARAM,
			"a member of a document may not be named %.60s", key);
	if (!*first)
		buf_char(c->to, ',');
	*first = false;
	buf_json(c->to, slice_str(key));
	buf_char(c->to, ':');
	return put_any(c, v);
}

static int
put_object(struct copy *c, const json_t *v)
{
	const json_t *inner = NULL;
	const struct tag *tag = find_tag(v, &inner);
	bool first = true;
	const char *key;
	json_t *item;
	int r;

	if (tag)
		return tag->put(c, inner, tag->name);
	if (json_object_get(v, "$regex"))
		return put_old_regex(c, v);
	buf_char(c->to, '{');
	json_object_foreach ((json_t *)(uintptr_t)v, key, item) {
		r = put_member(c, key, item, &first);
		if (r < 0)
			return r;
	}
	buf_char(c->to, '}');
	return 0;
}

static int
put_array(struct copy *c, const json_t *v)
{
	size_t i;
	json_t *item;

	buf_char(c->to, '[');
	json_array_foreach (v, i, item) {
		int r;

		if (i)
			buf_char(c->to, ',');
		r = put_any(c, item);
		if (r < 0)
			return r;
	}
	buf_char(c->to, ']');
	return 0;
}

static int
put_nested(struct copy *c, const json_t *v)
{
	int r;

	if (++c->depth > VALUE_DEPTH_TOP)
		return fault_set(c->why, ERR_DB_PARAM,
			"a value is nested deeper than %d", VALUE_DEPTH_TOP);
	r = json_is_object(v) ? put_object(c, v) : put_array(c, v);
	c->depth--;
	return r;
}

static int
put_any(struct copy *c, const json_t *v)
{
	switch (json_typeof(v)) {
	case JSON_OBJECT:
	case JSON_ARRAY:
		return put_nested(c, v);
	case JSON_STRING:
		return put_string(c, str(v));
	case JSON_INTEGER:
		buf_i64(c->to, json_integer_value(v));
		return 0;
	case JSON_REAL:
		return put_double(c, json_real_value(v));
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
	struct copy c = {.to = to, .now_ms = now_ms, .why = why};
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
		return slice_starts(stored, "{\"$date\":") ? VALUE_DATE
							   : VALUE_OTHER;
	default:
		return VALUE_NUMBER;
	}
}

int
value_put_doc(struct buf *to, const json_t *v, const char *stamp,
	int64_t now_ms, struct fault *why)
{
	struct copy c = {.to = to, .now_ms = now_ms, .why = why, .depth = 1};
	size_t from = to->len;
	bool first = true;
	const char *key;
	json_t *item;
	int r;

	if (!json_is_object(v))
		return fault_set(
			why, ERR_DB_PARAM, "a document must be an object");
	buf_char(to, '{');
	json_object_foreach ((json_t *)(uintptr_t)v, key, item) {
		if (strcmp(key, "_id") == 0)
			continue;
		r = put_member(&c, key, item, &first);
		if (r < 0)
			return r;
	}
	if (stamp) {
		buf_str(to, first ? "\"_openid\":" : ",\"_openid\":");
		buf_json(to, slice_str(stamp));
	}
	buf_char(to, '}');
	return check_size(to, from, why);
}

int
value_id(const json_t *v, struct slice *ret, struct fault *why)
{
	const json_t *oid = json_object_get(v, "$oid");
	struct slice id;

	if (!json_is_string(v) && !(oid && is_oid(oid)))
		return fault_set(why, ERR_DB_PARAM, "_id must be a text");
	id = str(oid ? oid : v);
	if (id.len == 0 || id.len > VALUE_ID_TOP ||
		memchr(id.ptr, '\0', id.len))
		return fault_set(why, ERR_DB_PARAM,
			"_id must have 1 to %d bytes, none of them NUL",
			VALUE_ID_TOP);
	*ret = id;
	return 0;
}

int
value_int(const json_t *v, int64_t low, int64_t high, int64_t *ret,
	struct fault *why)
{
	static const char *const forms[] = {
		"$numberInt", "$numberLong", "$numberDouble"};
	int64_t n;

	for (size_t i = 0; json_is_object(v) && i < array_size(forms); i++)
		if (json_object_get(v, forms[i])) {
			v = json_object_get(v, forms[i]);
			break;
		}
	if (json_is_integer(v))
		n = json_integer_value(v);
	else if (json_is_real(v) && json_real_value(v) > -9e15 &&
		 json_real_value(v) < 9e15 &&
		 trunc(json_real_value(v)) == json_real_value(v))
		n = (int64_t)json_real_value(v);
	else if (!json_is_string(v) || read_int(str(v), low, high, &n) < 0)
		return fault_set(why, ERR_DB_PARAM, "a whole number is needed");
	if (n < low || n > high)
		return fault_set(why, ERR_DB_PARAM, "a number is out of range");
	*ret = n;
	return 0;
}

bool
value_is_true(const json_t *v)
{
	int64_t n;

	if (json_is_boolean(v))
		return json_is_true(v);
	return value_int(v, INT64_MIN, INT64_MAX, &n, NULL) < 0 || n != 0;
}
