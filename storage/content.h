#pragma once

/*
 * A content while it is written: bytes are collected, written and summed in
 * libuv's threads.  Whoever writes faster than the disk is told to wait.
 *
 *   content_new → content_add … → content_end → step, content_error 0
 *   then content_keep (its row is there) or content_drop (it goes away again)
 */

#include "storage/place.h"

struct content;
typedef void content_fn(struct content *c, void *owner);

enum { CONTENT_WAIT = 1 };

struct content_sums {
	char name[CONTENT_NAME + 1];
	char md5[33], sha256[65]; /* hex */
	int64_t size;
};

/* step: something was written, or all is; never called from inside a call. */
struct content *content_new(
	struct place *p, content_fn *step, void *owner) _returns_value_;
/* It will be a part of an upload (uploads/NAME), not a content. */
void content_set_part(struct content *c);
/* Instead of content_add: its bytes are those of these parts, read in threads
 * by content_end.  Copied. */
void content_join(struct content *c, const char *const *parts, size_t count);
/* 0: taken; CONTENT_WAIT: nothing was, step will be called; or an error. */
int content_add(struct content *c, struct slice data) _must_check_;
/* No more follows: 0, and step is called when the content is durable or has
 * failed; or the error that happened before. */
int content_end(struct content *c) _must_check_;
/* Is it durable? */
bool content_is_whole(const struct content *c);
/* 0, or what went wrong with writing. */
int content_error(const struct content *c);
int64_t content_size(const struct content *c);
/* After the end. */
const struct content_sums *content_sums(
	const struct content *c) _returns_value_;
/* Forget it: what was written stays, or is taken away, in a thread.  step is
 * not called any more. */
void content_keep(struct content *c);
void content_drop(struct content *c);
