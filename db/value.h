#pragma once

/*
 * Values as clients write them (EJSON canonical or relaxed, CloudBase's two
 * dialects) → the one form we store and answer: numbers plain, dates
 * {"$date": ms}, ObjectIds as their hex text, the other tagged types as they
 * are.  What has no meaning is refused by name.
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
	VALUE_NUMBER,
	VALUE_STRING,
	VALUE_DATE,
	VALUE_OTHER, /* object, array, another tagged type */
};

/* Appends the stored form.  now_ms: what server dates mean. */
int value_put(struct buf *to, const json_t *v, int64_t now_ms,
	struct fault *why) _must_check_;
/* The same into an arena. */
int value_get(struct slice *ret, const json_t *v, struct arena *arena,
	int64_t now_ms, struct fault *why) _must_check_;
/* Of a stored form. */
enum value_kind value_kind(struct slice stored);

/* A document: an object whose _id is left out (see value_id).  stamp: the text
 * of a member "_openid" to add, or NULL. */
int value_put_doc(struct buf *to, const json_t *v, const char *stamp,
	int64_t now_ms, struct fault *why) _must_check_;
/* The text of an _id: a string or an ObjectId. */
int value_id(
	const json_t *v, struct slice *ret, struct fault *why) _must_check_;

/* An object that is one tagged value ({"$date": …}), which is no operator. */
bool value_is_tagged(const json_t *v);
/* An integer in any of its forms. */
int value_int(const json_t *v, int64_t low, int64_t high, int64_t *ret,
	struct fault *why) _must_check_;
/* true, 1, {"$numberInt": "1"} …: what counts as yes. */
bool value_is_true(const json_t *v);
