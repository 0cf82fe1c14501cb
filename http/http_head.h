#pragma once

/*
 * The head of an HTTP/1.1 answer (RFC 9112), and where its body ends.  Strict:
 * what two readers could understand differently is refused.
 */

#include "base/err.h"
#include "base/slice.h"

#include <sys/types.h>

enum { HTTP_HEAD_TOP = 64 * 1024 }; /* bytes */

enum http_body {
	HTTP_BODY_NONE,
	HTTP_BODY_LENGTH,
	HTTP_BODY_CHUNKED,
	HTTP_BODY_CLOSE, /* it ends with the connection */
};

struct http_head {
	int status; /* 100 to 599; 101: what follows is no HTTP */
	bool old;   /* HTTP/1.0 */
	bool close; /* the connection is not to be used again */
	bool chunked;
	int64_t length; /* Content-Length; -1: not said */
	enum http_body body;
};

/* Reads the head at the start of `in`; `is_head`: the answer is to HEAD.
 * Returns its bytes with the empty line; 0: it is not complete; ERR_UPSTREAM
 * with `why`: it is no answer, or nobody can say where it ends.  `*seen` is how
 * much was looked through for the end before: 0 first, kept by the caller. */
ssize_t http_head_read(struct http_head *ret, struct slice in, size_t *seen,
	bool is_head, struct fault *why) _must_check_;
