#pragma once

/*
 * Values as clients write them (EJSON canonical or relaxed, CloudBase's two
 * dialects) → the one form we store: numbers plain, dates {"$date": ms}, the
 * other tagged types in one spelling each.  What has no meaning is refused by
 * the name of its field.
 */

#include "base/arena.h"
#include "base/val.h"

enum {
	VALUE_DEPTH_TOP = 100,
	VALUE_SIZE_TOP = 16 << 20, /* bytes of one document, one value */
	VALUE_ID_TOP = 1024,       /* bytes of an _id */
};

enum value_kind {
	VALUE_NULL,
	VALUE_BOOL,
	VALUE_NUMBER, /* finite */
	VALUE_STRING,
	VALUE_DATE,
	VALUE_OID,
	VALUE_REGEX,
	VALUE_OTHER, /* object, array, another tagged type */
};

/* Appends the stored form.  now_ms: what server dates mean. */
int value_put(struct buf *to, const json_t *v, int64_t now_ms,
	struct fault *why) _must_check_;
/* The same into an arena. */
int value_get(struct slice *ret, const json_t *v, struct arena *arena,
	int64_t now_ms, struct fault *why) _must_check_;
/* Of a stored form as value_put writes it. */
enum value_kind value_kind(struct slice stored);

/* A document: an object whose _id is left out when it is a text, which the
 * key (value_key) says as well.  stamp: the text of a member "_openid" to add,
 * or NULL. */
int value_put_doc(struct buf *to, const json_t *v, const char *stamp,
	int64_t now_ms, struct fault *why) _must_check_;
/* What stands in column _id: of a text itself, of an ObjectId its hex digits,
 * of another value U+0001 and its stored form with whole numbers as integers
 * and members in order, so that equal values have one key. */
int value_key(struct slice *ret, const json_t *v, struct arena *arena,
	int64_t now_ms, struct fault *why) _must_check_;

/* An object that is one tagged value ({"$date": …}), which is no operator. */
bool value_is_tagged(const json_t *v);
/* A regular expression in either dialect. */
bool value_is_regex(const json_t *v);
/* {"$undefined": true}: a member that is not there. */
bool value_is_undefined(const json_t *v);
/* An integer in any of its forms. */
int value_int(const json_t *v, int64_t low, int64_t high, int64_t *ret,
	struct fault *why) _must_check_;
/* A finite number in any of its forms. */
int value_double(const json_t *v, double *ret, struct fault *why) _must_check_;
/* true, 1, {"$numberInt": "1"} …: what counts as yes. */
bool value_is_true(const json_t *v);
