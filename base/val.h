#pragma once

/*
 * Polite access to Jansson values: typed get with the path in the error, and
 * parsing with our ceilings (depth, size, duplicate keys refused).
 */

#include "base/buf.h"
#include "base/err.h"

#include <jansson.h>

static inline void
json_freep(json_t **v)
{
	json_decref(*v);
}
#define _json_ _cleanup_(json_freep)

/* Any JSON value; the error says line and column. */
int val_parse(json_t **ret, struct slice text, struct fault *why) _must_check_;
/* For what strangers send: building costs time and memory by the value, up to
 * a hundred times the text's.  At most *left values, which is made less by
 * their number; else ERR_TOO_BIG. */
int val_parse_some(json_t **ret, struct slice text, size_t *left,
	struct fault *why) _must_check_;

/* Values in all that one request may have built, and about the bytes of one. */
enum { VAL_REQUEST_TOP = 200000, VAL_WEIGHT = 128 };
/* Compact, slashes unescaped; NULL is written as null. */
void val_put(struct buf *to, const json_t *v);
/* `,"name":…` of an object under way: nothing when `text` is empty, `ms` (since
 * 1970; written as text_time does) is 0. */
void val_put_text(struct buf *to, const char *name, struct slice text);
void val_put_time(struct buf *to, const char *name, int64_t ms);

/* `obj` must be an object.  Absent or null with *_or: the preset. */
int val_str(const json_t *obj, const char *key, size_t top, struct slice *ret,
	struct fault *why) _must_check_;
int val_str_or(const json_t *obj, const char *key, size_t top,
	struct slice preset, struct slice *ret, struct fault *why) _must_check_;
int val_int(const json_t *obj, const char *key, int64_t low, int64_t high,
	int64_t *ret, struct fault *why) _must_check_;
int val_int_or(const json_t *obj, const char *key, int64_t low, int64_t high,
	int64_t preset, int64_t *ret, struct fault *why) _must_check_;
int val_bool_or(const json_t *obj, const char *key, bool preset, bool *ret,
	struct fault *why) _must_check_;
int val_obj(const json_t *obj, const char *key, json_t **ret,
	struct fault *why) _must_check_; /* borrowed */

/* Of what is ours already and only read: "" and 0 when it is absent or of
 * another type.  Borrowed. */
static inline const char *
val_text(const json_t *obj, const char *key)
{
	const char *s = json_string_value(json_object_get(obj, key));

	return s ? s : "";
}

static inline int64_t
val_number(const json_t *obj, const char *key)
{
	return json_integer_value(json_object_get(obj, key));
}

/* Where a value stands in JSON text without building it: the bytes of member
 * `key` of the object `text` (top level only).  -ENOENT when absent. */
int val_find_raw(
	struct slice text, const char *key, struct slice *ret) _must_check_;
/* 0 when `text` is one JSON value and nothing else (RFC 8259), checked without
 * building it; depth to 512. */
int val_check(struct slice text) _must_check_;
