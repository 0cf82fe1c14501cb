#pragma once

/*
 * Extended JSON as MongoDB's tools read and write it, beside the dialects of
 * the SDKs that value.h knows: version 1's spellings on the way in, canonical
 * and relaxed version 2 on the way out of the stored form.
 */

#include "base/val.h"

enum ejson_form { EJSON_RELAXED, EJSON_CANONICAL };

/* Spellings of version 1, and types that have a plain meaning here, become
 * what value.h takes; *v may become another value.  ERR_DB_PARAM names the
 * field of a type that documents here do not have ($code, $ref). */
int ejson_renew(json_t **v, struct fault *why) _must_check_;
/* There is nothing to renew in JSON text that holds no "$…. */
bool ejson_is_plain(struct slice text);

/* After `text` was refused as JSON: when it is for an escape that means no
 * character (NUL, half a surrogate pair), says so, and in which field.  Returns
 * `err`. */
int ejson_blame(struct slice text, int err, struct fault *why);
/* Copies JSON text; whole numbers beyond 64 bits become doubles, as JavaScript
 * means them.  False: there is none. */
bool ejson_widen(struct buf *to, struct slice text);

/* "2018-06-08T10:34:56+08:00", also "…+0800", of any year to 9999, as ms since
 * 1970. */
int ejson_untime(struct slice text, int64_t *ms) _must_check_;
/* "2018-06-08T02:34:56Z", with milliseconds when there are some; false: not of
 * the years 1970 to 9999, nothing was put. */
bool ejson_put_time(struct buf *to, int64_t ms);

/* Appends a stored value (PostgreSQL's text of a jsonb). */
void ejson_put(struct buf *to, struct slice stored, enum ejson_form form);
/* A whole document, its _id first.  id: the stored _id when it is no text, or
 * len 0; then the key is it. */
void ejson_put_doc(struct buf *to, struct slice key, struct slice id,
	struct slice doc, enum ejson_form form);
