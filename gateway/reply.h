#pragma once

/*
 * Answers as bytes: the error envelope {"code","message","requestId"}, the
 * cloud calls' {"requestId","data":…}, and JSON strings put together in an
 * arena without a copy more than needed.
 */

#include "base/arena.h"
#include "base/err.h"

#define REPLY_JSON "application/json; charset=utf-8"

/* {"code":…,"message":…,"requestId":…}.  Errors of ours (errno) say only that
 * one happened; `why` may be NULL. */
struct slice reply_error(struct arena *arena, int err, const struct fault *why,
	const char *request_id);
/* {"error":…,"error_description":…,"request_id":…} (RFC 6749, section 5.2, with
 * the words of CloudBase's /auth/v1). */
struct slice reply_error_auth(struct arena *arena, int err,
	const struct fault *why, const char *request_id);
/* Seconds for Retry-After where `status` wants one (503), else 0. */
int reply_retry_s(int status);

/* A writer into the arena whose length is known before: measure with
 * reply_quoted, get room once, then put.  .ptr NULL: past the ceiling. */
struct reply {
	char *ptr, *at;
};

struct reply reply_room(struct arena *arena, size_t len);
/* As a JSON string; exactly reply_quoted(s) bytes.  `s` is UTF-8. */
void reply_quote(struct reply *r, struct slice s);
size_t reply_quoted(struct slice s);
void reply_number(struct reply *r, int64_t n); /* 20 bytes at most */

static inline void
reply_put(struct reply *r, struct slice s)
{
	if (s.len)
		memcpy(r->at, s.ptr, s.len);
	r->at += s.len;
}

static inline void
reply_str(struct reply *r, const char *s)
{
	reply_put(r, slice_str(s));
}

static inline struct slice
reply_done(const struct reply *r)
{
	return slice_of(r->ptr, (size_t)(r->at - r->ptr));
}
