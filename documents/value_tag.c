/*
 * Tagged values: an object of one member whose name begins with $.  The table
 * below knows each, what it takes and how it is stored; what MongoDB has and we
 * have not is in it, too, so that it is refused in words.
 */
#include "base/text.h"
#include "documents/value_copy.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

struct tag {
	const char *name;
	int (*put)(struct value_copy *c, const json_t *v, const struct tag *t);
	const char *takes; /* for who sent something else */
};

static int
bad(struct value_copy *c, const struct tag *t)
{
	return value_fail(c, "%s takes %s", t->name, t->takes);
}

/* Digits with an optional minus, in the range given. */
static int
read_int(struct slice s, int64_t low, int64_t high, int64_t *ret)
{
	char text[24], *end;
	long long n;

	if (s.len == 0 || s.len >= sizeof(text))
		return -EINVAL;
	memcpy(text, s.ptr, s.len);
	text[s.len] = '\0';
	if (strspn(text, "-0123456789") != s.len)
		return -EINVAL;
	errno = 0;
	n = strtoll(text, &end, 10);
	if (errno || *end || n < low || n > high)
		return -EINVAL;
	*ret = n;
	return 0;
}

static int
put_int(struct value_copy *c, const json_t *v, const struct tag *t)
{
	int64_t n;

	if (!json_is_string(v) ||
		read_int(value_slice(v), INT32_MIN, INT32_MAX, &n) < 0)
		return bad(c, t);
	buf_i64(c->to, n);
	return 0;
}

static int
read_double(const json_t *v, double *ret)
{
	const char *s = json_string_value(v);
	char *end;

	if (!s || !*s || json_string_length(v) > 400 || strlen(s) > 400 ||
		strspn(s, "+-.0123456789eEinfINFtyaN") != strlen(s))
		return -EINVAL;
	*ret = strtod(s, &end);
	return *end ? -EINVAL : 0;
}

/* JavaScript prints 2^63 - 1 as 9223372036854776000: what does not fit any
 * more is the double that was meant. */
static int
put_long(struct value_copy *c, const json_t *v, const struct tag *t)
{
	double d;
	int64_t n;

	if (!json_is_string(v))
		return bad(c, t);
	if (read_int(value_slice(v), INT64_MIN, INT64_MAX, &n) == 0) {
		buf_i64(c->to, n);
		return 0;
	}
	if (strspn(json_string_value(v), "-0123456789") !=
			json_string_length(v) ||
		read_double(v, &d) < 0)
		return bad(c, t);
	value_put_double(c->to, d);
	return 0;
}

static int
put_double(struct value_copy *c, const json_t *v, const struct tag *t)
{
	double d;

	if (json_is_number(v))
		d = json_number_value(v);
	else if (read_double(v, &d) < 0)
		return bad(c, t);
	value_put_double(c->to, d);
	return 0;
}

static int
put_decimal(struct value_copy *c, const json_t *v, const struct tag *t)
{
	const char *s = json_string_value(v);
	double d;

	if (read_double(v, &d) < 0 || strlen(s) > 50)
		return bad(c, t);
	buf_printf(c->to, "{\"$numberDecimal\":\"%s\"}", s);
	return 0;
}

enum { DATE_DIGITS = 53 };

static int
put_ms(struct value_copy *c, int64_t ms)
{
	buf_printf(c->to, "{\"$date\":%" PRId64 "}", ms);
	return 0;
}

/* {"offset": ms} from now: the server's date. */
static int
put_server_date(struct value_copy *c, const json_t *v, const struct tag *t)
{
	const json_t *offset = json_object_get(v, "offset");
	int64_t top = 1LL << DATE_DIGITS, ms = 0;

	if (!json_is_object(v) ||
		(offset && value_int(offset, -top, top, &ms, NULL) < 0))
		return bad(c, t);
	return put_ms(c, c->now_ms + ms);
}

static int
put_date(struct value_copy *c, const json_t *v, const struct tag *t)
{
	int64_t top = 1LL << DATE_DIGITS, ms;

	if (json_object_get(v, "offset"))
		return put_server_date(c, v, t);
	if (json_is_string(v) ? value_date(value_slice(v), &ms) < 0
			      : value_int(v, -top, top, &ms, NULL) < 0)
		return bad(c, t);
	return put_ms(c, ms);
}

static int
put_oid(struct value_copy *c, const json_t *v, const struct tag *t)
{
	const char *s = json_string_value(v);

	if (!s || json_string_length(v) != 24 ||
		strspn(s, "0123456789abcdefABCDEF") != 24)
		return bad(c, t);
	buf_str(c->to, "{\"$oid\":\"");
	for (; *s; s++)
		buf_char(c->to, *s >= 'A' && *s <= 'F' ? *s + 32 : *s);
	buf_str(c->to, "\"}");
	return 0;
}

static int
put_pattern(struct value_copy *c, const json_t *pattern, const json_t *options,
	const struct tag *t)
{
	const char *o = options ? json_string_value(options) : "";
	int r;

	if (!json_is_string(pattern) || !o || strlen(o) > 10 ||
		strspn(o, "abcdefghijklmnopqrstuvwxyz") != strlen(o))
		return bad(c, t);
	buf_str(c->to, "{\"$regularExpression\":{\"pattern\":");
	r = value_put_text(c, value_slice(pattern));
	buf_printf(c->to, ",\"options\":\"%s\"}}", o);
	return r;
}

static int
put_regex(struct value_copy *c, const json_t *v, const struct tag *t)
{
	return put_pattern(c, json_object_get(v, "pattern"),
		json_object_get(v, "options"), t);
}

/* The subtype as two hex digits, lower case. */
static int
read_subtype(const json_t *v, char ret[3])
{
	const char *s = v ? json_string_value(v) : "00";
	char *end;
	unsigned long n;

	if (!s || !*s || strlen(s) > 2 || *s == '-' || *s == '+' || *s == ' ')
		return -EINVAL;
	n = strtoul(s, &end, 16);
	(void)snprintf(ret, 3, "%02lx", n & 0xff);
	return *end ? -EINVAL : 0;
}

static int
put_binary(struct value_copy *c, const json_t *v, const struct tag *t)
{
	const json_t *text = json_object_get(v, "base64");
	_buf_ struct buf bytes;
	char subtype[3];

	buf_init(&bytes, VALUE_SIZE_TOP);
	if (!json_is_string(text) ||
		read_subtype(json_object_get(v, "subType"), subtype) < 0 ||
		text_unbase64(&bytes, value_slice(text)) < 0 ||
		buf_check(&bytes) < 0)
		return bad(c, t);
	buf_str(c->to, "{\"$binary\":{\"base64\":\"");
	buf_slice(c->to, value_slice(text));
	buf_printf(c->to, "\",\"subType\":\"%s\"}}", subtype);
	return 0;
}

/* "00112233-4455-…" is binary data of subtype 4. */
static int
put_uuid(struct value_copy *c, const json_t *v, const struct tag *t)
{
	const char *s = json_string_value(v);
	_buf_ struct buf hex, bytes;

	buf_init(&hex, 40);
	buf_init(&bytes, 40);
	for (; s && *s; s++)
		if (*s != '-')
			buf_char(&hex, *s);
	if (!s || text_unhex(&bytes, buf_all(&hex)) < 0 || bytes.len != 16)
		return bad(c, t);
	buf_str(c->to, "{\"$binary\":{\"base64\":\"");
	text_base64(c->to, buf_all(&bytes));
	buf_str(c->to, "\",\"subType\":\"04\"}}");
	return 0;
}

/* Seconds (CloudBase) or {"t": s, "i": n} (MongoDB). */
static int
put_timestamp(struct value_copy *c, const json_t *v, const struct tag *t)
{
	const json_t *s = json_object_get(v, "t");
	const json_t *i = json_object_get(v, "i");
	int64_t seconds, number = 0;

	if (value_int(s ? s : v, 0, UINT32_MAX, &seconds, NULL) < 0 ||
		(s && (!i || value_int(i, 0, UINT32_MAX, &number, NULL) < 0)))
		return bad(c, t);
	if (s)
		buf_printf(c->to,
			"{\"$timestamp\":{\"t\":%" PRId64 ",\"i\":%" PRId64
			"}}",
			seconds, number);
	else
		buf_printf(c->to, "{\"$timestamp\":%" PRId64 "}", seconds);
	return 0;
}

static int
put_end(struct value_copy *c, const json_t *v, const struct tag *t)
{
	if (!value_is_true(v))
		return bad(c, t);
	buf_printf(c->to, "{\"%s\":1}", t->name);
	return 0;
}

static int
put_null(struct value_copy *c, const json_t *v, const struct tag *t)
{
	(void)v;
	(void)t;
	buf_str(c->to, "null");
	return 0;
}

static int
refuse(struct value_copy *c, const json_t *v, const struct tag *t)
{
	(void)v;
	return value_fail(
		c, "documents here have no %s: send %s", t->name, t->takes);
}

static const struct tag tags[] = {
	{"$date", put_date,
		"milliseconds, an ISO 8601 text or {\"offset\": ms}"},
	{"$numberInt", put_int, "the digits of a 32-bit integer, as a text"},
	{"$numberLong", put_long, "the digits of a 64-bit integer, as a text"},
	{"$numberDouble", put_double, "a number as a text"},
	{"$numberDecimal", put_decimal, "a decimal number as a text"},
	{"$tcb_server_date", put_server_date, "{\"offset\": ms}"},
	{"$oid", put_oid, "24 hexadecimal digits"},
	{"$regularExpression", put_regex,
		"{\"pattern\": text, \"options\": letters}"},
	{"$binary", put_binary,
		"{\"base64\": text, \"subType\": two hexadecimal digits}"},
	{"$uuid", put_uuid, "a UUID of 32 hexadecimal digits"},
	{"$timestamp", put_timestamp, "seconds or {\"t\": s, \"i\": number}"},
	{"$minKey", put_end, "1"},
	{"$maxKey", put_end, "1"},
	{"$undefined", put_null, "true"},
	{"$symbol", refuse, "a text"},
	{"$code", refuse, "a text"},
	{"$scope", refuse, "an object"},
	{"$dbPointer", refuse, "an object"},
};

static const struct tag *
find(const json_t *v, const json_t **ret)
{
	void *at = json_object_iter((json_t *)(uintptr_t)v);

	if (!at || json_object_size(v) != 1 ||
		json_object_iter_key(at)[0] != '$')
		return NULL;
	*ret = json_object_iter_value(at);
	for (size_t i = 0; i < array_size(tags); i++)
		if (strcmp(json_object_iter_key(at), tags[i].name) == 0)
			return &tags[i];
	return NULL;
}

/* {"$regex": pattern, "$options": letters}: the older dialect's expression. */
static bool
is_old_regex(const json_t *v)
{
	const json_t *pattern = json_object_get(v, "$regex");
	size_t size = json_object_get(v, "$options") ? 2 : 1;

	return json_is_string(pattern) && json_object_size(v) == size;
}

int
value_put_tag(struct value_copy *c, const json_t *v)
{
	static const struct tag old = {
		"$regex", put_regex, "a text, with the letters of $options"};
	const json_t *inner;
	const struct tag *t = find(v, &inner);

	if (t)
		return t->put(c, inner, t);
	if (is_old_regex(v))
		return put_pattern(c, json_object_get(v, "$regex"),
			json_object_get(v, "$options"), &old);
	return -ENOENT;
}

bool
value_is_tagged(const json_t *v)
{
	const json_t *inner;

	return find(v, &inner) != NULL;
}

bool
value_is_regex(const json_t *v)
{
	return (json_object_size(v) == 1 &&
		       json_object_get(v, "$regularExpression")) ||
	       is_old_regex(v);
}

bool
value_is_undefined(const json_t *v)
{
	return json_object_size(v) == 1 && json_object_get(v, "$undefined");
}

/* What stands in {"$numberInt": …} and its like, or `v` itself. */
static const json_t *
bare_number(const json_t *v)
{
	static const char *const forms[] = {
		"$numberInt", "$numberLong", "$numberDouble"};

	for (size_t i = 0; json_is_object(v) && i < array_size(forms); i++)
		if (json_object_get(v, forms[i]))
			return json_object_get(v, forms[i]);
	return v;
}

int
value_double(const json_t *v, double *ret, struct fault *why)
{
	double d = NAN;

	v = bare_number(v);
	if (json_is_number(v))
		d = json_number_value(v);
	else if (read_double(v, &d) < 0)
		d = NAN;
	if (!isfinite(d))
		return fault_set(why, ERR_DB_PARAM, "a number is needed");
	*ret = d;
	return 0;
}

int
value_int(const json_t *v, int64_t low, int64_t high, int64_t *ret,
	struct fault *why)
{
	double d;
	int64_t n;

	v = bare_number(v);
	if (json_is_integer(v))
		n = json_integer_value(v);
	else if ((!json_is_string(v) || read_int(value_slice(v), INT64_MIN,
						INT64_MAX, &n) < 0) &&
		 (value_double(v, &d, NULL) < 0 || d < -9e15 || d > 9e15 ||
			 trunc(d) != d || (n = (int64_t)d, false)))
		return fault_set(why, ERR_DB_PARAM, "a whole number is needed");
	if (n < low || n > high)
		return fault_set(why, ERR_DB_PARAM,
			"a number must be from %" PRId64 " to %" PRId64, low,
			high);
	*ret = n;
	return 0;
}

bool
value_is_true(const json_t *v)
{
	double d;

	if (json_is_boolean(v))
		return json_is_true(v);
	if (json_is_null(v))
		return false;
	return value_double(v, &d, NULL) < 0 || d != 0;
}
