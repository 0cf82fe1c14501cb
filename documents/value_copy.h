#pragma once

/*
 * Between value.c, which walks objects and arrays, and value_tag.c, which knows
 * the tagged values.
 */

#include "documents/value.h"

/* One step of the way from the top: a member's name or an element's number. */
struct value_step {
	const char *key; /* or NULL */
	size_t index;
};

struct value_copy {
	struct buf *to;
	int64_t now_ms;
	struct fault *why;
	unsigned depth;
	struct value_step way[VALUE_DEPTH_TOP + 2];
};

/* ERR_DB_PARAM: "a.b.3: …". */
int value_fail(struct value_copy *c, const char *fmt, ...) _printf_(2, 3);
int value_put_text(struct value_copy *c, struct slice s);
void value_put_double(struct buf *to, double d);

/* Copies one tagged value; -ENOENT when `v` is none. */
int value_put_tag(struct value_copy *c, const json_t *v) _must_check_;

/* "2020-01-01T08:00:00.123+08:00", years 0 to 9999, to ms since 1970; a date
 * alone is its midnight in UTC.  -EINVAL. */
int value_date(struct slice text, int64_t *ms) _must_check_;

static inline struct slice
value_slice(const json_t *v)
{
	return slice_of(json_string_value(v), json_string_length(v));
}
