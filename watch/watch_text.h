#pragma once

/*
 * Documents as PostgreSQL writes them, compared and cut as text: what a client
 * sees of one, and what two of them differ in.  Numbers of any size stay as
 * they are, because nothing is parsed.
 */

#include "base/buf.h"

/* The members of an object, one after the other; false at its end. */
struct text_members {
	const char *at, *end;
};
struct text_members text_members(struct slice object);
/* The name with its quotes. */
bool text_member(
	struct text_members *m, struct slice *name, struct slice *value);
/* The elements of an array, likewise; begun by text_members. */
bool text_element(struct text_members *m, struct slice *value);

/* The member named `quoted` ("\"a\""); {NULL, 0} when there is none. */
struct slice text_field(struct slice object, const char *quoted);
/* A stored document as a client reads it: with its _id, which is `key` where
 * the document has none itself, without _openid. */
void text_shown(
	struct buf *to, struct slice key, struct slice doc, bool hides_openid);

/* {"a": 1, "b.c": 2} and ["x", "d.e"]: what leads from `old` to `new`, both
 * objects, by lodash's set and unset. */
enum text_change {
	TEXT_SAME,
	TEXT_PATHS,
	TEXT_WHOLE, /* a name in it cannot be part of such a path */
};
enum text_change text_diff(struct buf *updated, struct buf *removed,
	struct slice old, struct slice new);
