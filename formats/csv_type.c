/*
 * Each type knows what may be written for it, and writes it as Extended JSON.
 */
#include "formats/csv_type.h"

#include "base/scan.h"
#include "base/text.h"
#include "documents/ejson.h"
#include "formats/csv_guess.h"

#include <stdio.h>

typedef int put_fn(struct buf *to, struct slice s, struct fault *why);

struct csv_type {
	const char *name;
	put_fn *put; /* NULL: guess */
};

static int
not_a(struct slice s, const char *what, struct fault *why)
{
	return fault_set(why, ERR_PARAM, "\"%.*s\" is no %s",
		(int)min(s.len, (size_t)40), s.ptr, what);
}

static int
put_text(struct buf *to, struct slice s, struct fault *why)
{
	if (memchr(s.ptr, '\0', s.len))
		return fault_set(why, ERR_PARAM, "holds a NUL byte");
	if (!text_is_utf8(s))
		return fault_set(why, ERR_PARAM,
			"is not UTF-8: save the file in that encoding");
	buf_json(to, s);
	return 0;
}

static int
put_int(struct buf *to, struct slice s, struct fault *why)
{
	if (csv_guess(s, false) != CSV_INT)
		return not_a(s, "whole number of 64 bits", why);
	buf_slice(to, s);
	return 0;
}

static int
put_double(struct buf *to, struct slice s, struct fault *why)
{
	enum csv_guess g = csv_guess(s, false);

	if (g != CSV_INT && g != CSV_DOUBLE)
		return not_a(s, "number", why);
	buf_printf(to, "{\"$numberDouble\":\"%.*s\"}", SLICE_ARG(s));
	return 0;
}

static int
put_decimal(struct buf *to, struct slice s, struct fault *why)
{
	enum csv_guess g = csv_guess(s, false);

	if (g != CSV_INT && g != CSV_DOUBLE)
		return not_a(s, "number", why);
	buf_printf(to, "{\"$numberDecimal\":\"%.*s\"}", SLICE_ARG(s));
	return 0;
}

static int
put_bool(struct buf *to, struct slice s, struct fault *why)
{
	bool yes = slice_is_nocase(s, "true") || slice_is(s, "1");

	if (!yes && !slice_is_nocase(s, "false") && !slice_is(s, "0"))
		return not_a(s, "truth value (true, false, 1, 0)", why);
	buf_str(to, yes ? "true" : "false");
	return 0;
}

static int
put_date(struct buf *to, struct slice s, struct fault *why)
{
	int64_t ms;
	char day[32];

	if (s.len && csv_guess(s, false) == CSV_INT) {
		buf_printf(to, "{\"$date\":{\"$numberLong\":\"%.*s\"}}",
			SLICE_ARG(s));
		return 0;
	}
	if (s.len == 10) {
		(void)snprintf(
			day, sizeof(day), "%.*sT00:00:00Z", SLICE_ARG(s));
		s = slice_str(day);
	}
	if (ejson_untime(s, &ms) < 0)
		return not_a(s,
			"date (2018-08-31T17:30:00.882Z, 2018-08-31, or "
			"milliseconds since 1970)",
			why);
	buf_printf(to, "{\"$date\":{\"$numberLong\":\"%lld\"}}", (long long)ms);
	return 0;
}

static int
put_oid(struct buf *to, struct slice s, struct fault *why)
{
	struct slice oid = csv_oid(s);

	if (!oid.len)
		return not_a(s, "ObjectId", why);
	buf_printf(to, "{\"$oid\":\"%.*s\"}", SLICE_ARG(oid));
	return 0;
}

/* On one line: JSON may have line ends, ours may not. */
static int
put_json(struct buf *to, struct slice s, struct fault *why)
{
	if (scan_text(s) < 0)
		return not_a(s, "JSON value", why);
	for (size_t i = 0; i < s.len; i++)
		buf_char(to,
			s.ptr[i] == '\n' || s.ptr[i] == '\r' ? ' ' : s.ptr[i]);
	return 0;
}

static const struct csv_type types[] = {
	{"auto", NULL},
	{"string", put_text},
	{"int", put_int},
	{"long", put_int},
	{"double", put_double},
	{"decimal", put_decimal},
	{"bool", put_bool},
	{"date", put_date},
	{"oid", put_oid},
	{"json", put_json},
};

static put_fn *const guessed[] = {
	[CSV_TEXT] = put_text,
	[CSV_BOOL] = put_bool,
	[CSV_INT] = put_int,
	[CSV_DOUBLE] = put_double,
	[CSV_DATE] = put_date,
	[CSV_OID] = put_oid,
	[CSV_NULL] = put_json,
	[CSV_JSON] = put_json,
};

const struct csv_type *
csv_type_find(struct slice name)
{
	for (size_t i = 0; i < array_size(types); i++)
		if (slice_is(name, types[i].name))
			return &types[i];
	return NULL;
}

int
csv_put_typed(struct buf *to, const struct csv_type *type, struct slice s,
	bool quoted, struct fault *why)
{
	put_fn *put = type->put ? type->put : guessed[csv_guess(s, quoted)];

	return put(to, s, why);
}
