/*
 * What older tools wrote: {"$binary": base64, "$type": "00"}, {"$regex": …},
 * dates with "+0800", numbers that are not in quotes.  One walk over the tree;
 * most documents have nothing of this and are not walked at all.
 */
#include "documents/ejson.h"

#include "base/scan.h"
#include "base/text.h"

#include <errno.h>
#include <stdio.h>

enum { PATH_TOP = 200 };

/* Turns the one tagged value into another; NULL: it is fine as it is. */
typedef int renew_fn(const json_t *v, json_t **ret, struct fault *why);

bool
ejson_is_plain(struct slice text)
{
	return !text.len || !memmem(text.ptr, text.len, "\"$", 2);
}

static struct slice
str(const json_t *v)
{
	return slice_of(json_string_value(v), json_string_length(v));
}

static int
refuse(struct fault *why, const char *tag)
{
	return fault_set(why, ERR_DB_PARAM,
		"%s: a type of MongoDB's that documents here do not have", tag);
}

/* {"$numberLong": 5} */
static int
renew_number(const json_t *v, const char *tag, json_t **ret)
{
	const json_t *n = json_object_get(v, tag);
	char text[40];

	if (json_is_integer(n))
		(void)snprintf(text, sizeof(text), "%lld",
			(long long)json_integer_value(n));
	else if (json_is_real(n))
		(void)snprintf(text, sizeof(text), "%.17g", json_real_value(n));
	else
		return 0;
	*ret = json_pack("{s:s}", tag, text);
	return 0;
}

static int
renew_int(const json_t *v, json_t **ret, struct fault *why)
{
	(void)why;
	return renew_number(v, "$numberInt", ret);
}

static int
renew_long(const json_t *v, json_t **ret, struct fault *why)
{
	(void)why;
	return renew_number(v, "$numberLong", ret);
}

static int
renew_double(const json_t *v, json_t **ret, struct fault *why)
{
	(void)why;
	return renew_number(v, "$numberDouble", ret);
}

/* Nanoseconds since 1970 reach from 1677 to 2262: a year of the same calendar,
 * 400 years away or a multiple of them, stands for others. */
static int
untime_far(const char *text, int64_t *ms)
{
	static const int64_t CYCLE_MS = INT64_C(146097) * 24 * 3600 * 1000;
	enum { NEAR_YEAR = 1678 };
	char near[64];
	int64_t ns, cycles;
	uint64_t year;
	int r;

	if (slice_to_u64(slice_of(text, 4), 9999, &year) < 0)
		return -EINVAL;
	cycles = ((int64_t)year - NEAR_YEAR) / 400 - (year < NEAR_YEAR);
	(void)snprintf(near, sizeof(near), "%04d%s",
		(int)((int64_t)year - 400 * cycles), text + 4);
	r = text_untime(slice_str(near), &ns);
	if (r == 0)
		*ms = ns / 1000000 - (ns % 1000000 < 0) + cycles * CYCLE_MS;
	return r;
}

/* "+0800" is of mongoexport before 3.0. */
int
ejson_untime(struct slice text, int64_t *ms)
{
	char room[48];
	size_t n = text.len;

	if (n < 16 || n + 2 > sizeof(room) || memchr(text.ptr, '\0', n))
		return -EINVAL;
	memcpy(room, text.ptr, n);
	room[n] = '\0';
	if ((room[n - 5] == '+' || room[n - 5] == '-') &&
		strspn(room + n - 4, "0123456789") == 4) {
		memmove(room + n - 1, room + n - 2, 3);
		room[n - 2] = ':';
	}
	return untime_far(room, ms);
}

static int
renew_date(const json_t *v, json_t **ret, struct fault *why)
{
	const json_t *text = json_object_get(v, "$date");
	int64_t ms;

	(void)why;
	if (json_is_string(text) && ejson_untime(str(text), &ms) == 0)
		*ret = json_pack("{s:I}", "$date", (json_int_t)ms);
	return 0;
}

static json_t *
binary(struct slice base64, struct slice type)
{
	return json_pack("{s:{s:s%,s:s%}}", "$binary", "base64", base64.ptr,
		base64.len, "subType", type.ptr, type.len);
}

/* "$type" is two hex digits, or "ffffff80" of older tools; or a number. */
static int
renew_binary(const json_t *v, json_t **ret, struct fault *why)
{
	const json_t *data = json_object_get(v, "$binary");
	const json_t *type = json_object_get(v, "$type");
	char number[16] = "00";
	struct slice s = slice_of(number, 2);

	(void)why;
	if (!json_is_string(data))
		return 0;
	if (json_is_integer(type))
		(void)snprintf(number, sizeof(number), "%02x",
			(unsigned)json_integer_value(type) & 0xff);
	else if (json_is_string(type))
		s = str(type);
	if (s.len > 2)
		s = slice_of(s.ptr + s.len - 2, 2);
	*ret = binary(str(data), s);
	return 0;
}

static int
renew_regex(const json_t *v, json_t **ret, struct fault *why)
{
	const json_t *pattern = json_object_get(v, "$regex");
	const json_t *options = json_object_get(v, "$options");

	if (!json_is_string(pattern))
		return fault_set(
			why, ERR_DB_PARAM, "$regex: not a valid value");
	*ret = json_pack("{s:{s:s%,s:s}}", "$regularExpression", "pattern",
		json_string_value(pattern), json_string_length(pattern),
		"options",
		json_is_string(options) ? json_string_value(options) : "");
	return 0;
}

static int
renew_symbol(const json_t *v, json_t **ret, struct fault *why)
{
	json_t *text = json_object_get(v, "$symbol");

	(void)why;
	*ret = json_is_string(text) ? json_incref(text) : NULL;
	return 0;
}

#define REFUSES(name, tag) \
	static int name(const json_t *v, json_t **ret, struct fault *why) \
	{ \
		(void)v; \
		(void)ret; \
		return refuse(why, tag); \
	}
REFUSES(refuse_code, "$code")
REFUSES(refuse_ref, "$ref (a DBRef)")

static const struct renewal {
	const char *tag;
	renew_fn *renew;
} renewals[] = {
	{"$numberInt", renew_int},
	{"$numberLong", renew_long},
	{"$numberDouble", renew_double},
	{"$date", renew_date},
	{"$binary", renew_binary},
	{"$regex", renew_regex},
	{"$symbol", renew_symbol},
	{"$code", refuse_code},
	{"$ref", refuse_ref},
};

/* A tagged value has one member or two; $ref has three at the most. */
static int
renew_tagged(const json_t *v, json_t **ret, struct fault *why)
{
	if (json_object_size(v) == 0 || json_object_size(v) > 3)
		return 0;
	for (size_t i = 0; i < array_size(renewals); i++)
		if (json_object_get(v, renewals[i].tag))
			return renewals[i].renew(v, ret, why);
	return 0;
}

/* Where a walk is: keys, or places in arrays. */
struct step {
	const char *key;
	size_t at;
};

struct walk {
	struct fault *why;
	struct step way[SCAN_DEPTH + 1];
	size_t depth;
};

static int
fail(struct walk *w, int err)
{
	_buf_ struct buf path = {0};

	buf_init(&path, PATH_TOP);
	for (size_t i = 0; i < w->depth; i++)
		if (w->way[i].key)
			buf_printf(
				&path, "%s%.60s", i ? "." : "", w->way[i].key);
		else
			buf_printf(&path, "%s%zu", i ? "." : "", w->way[i].at);
	if (!path.len)
		return err;
	return fault_prefix(w->why, err, "%s: ", path.ptr);
}

static int renew_inside(struct walk *w, json_t *v);

/* *ret: what `v` becomes, or NULL. */
static int
renew(struct walk *w, struct step step, json_t *v, json_t **ret)
{
	int r = 0;

	*ret = NULL;
	if (w->depth > SCAN_DEPTH)
		return fault_set(w->why, ERR_DB_PARAM, "nested too deep");
	w->way[w->depth++] = step;
	if (json_is_object(v))
		r = renew_tagged(v, ret, w->why);
	if (r < 0)
		return fail(w, r);
	if (!*ret)
		r = renew_inside(w, v);
	w->depth--;
	return r;
}

static int
renew_array(struct walk *w, json_t *v)
{
	for (size_t i = 0; i < json_array_size(v); i++) {
		json_t *anew;
		int r = renew(
			w, (struct step){NULL, i}, json_array_get(v, i), &anew);

		if (r < 0)
			return r;
		if (anew)
			(void)json_array_set_new(v, i, anew);
	}
	return 0;
}

static int
renew_inside(struct walk *w, json_t *v)
{
	const char *key;
	json_t *item;
	void *at;

	if (json_is_array(v))
		return renew_array(w, v);
	if (!json_is_object(v))
		return 0;
	json_object_foreach_safe(v, at, key, item)
	{
		json_t *anew;
		int r = renew(w, (struct step){key, 0}, item, &anew);

		if (r < 0)
			return r;
		if (anew)
			(void)json_object_set_new_nocheck(v, key, anew);
	}
	return 0;
}

int
ejson_renew(json_t **v, struct fault *why)
{
	struct walk w = {.why = why};
	json_t *anew = NULL;
	int r = json_is_object(*v) ? renew_tagged(*v, &anew, why) : 0;

	if (r == 0 && !anew)
		r = renew_inside(&w, *v);
	if (r == 0 && anew) {
		json_decref(*v);
		*v = anew;
	}
	return r;
}
