#pragma once

/*
 * The chunked coding of an answer's body (RFC 9112, 7.1), as it comes in
 * pieces.  Extensions and trailers are skipped; both have a ceiling.
 */

#include "base/err.h"
#include "base/slice.h"

struct http_chunk {
	unsigned char state; /* zeroed at first */
	bool digits;
	uint64_t left;  /* of the chunk */
	unsigned extra; /* bytes of extensions, of trailers */
};

/* The next piece of the body: `*data` (may be empty) lies in `*in`, from which
 * it and what came before it is taken.  1: the body is over, what is left in
 * `*in` is not its; 0: `*data` is empty when more is needed; ERR_UPSTREAM with
 * `why`. */
int http_chunk_next(struct http_chunk *c, struct slice *in, struct slice *data,
	struct fault *why) _must_check_;
