#pragma once

/*
 * The answer's content coding: r->answer becomes gzip or br when the client
 * takes it and it gains.
 */

#include "base/util.h"

struct request;

enum {
	/* More would hold up the loop for milliseconds. */
	ANSWER_CODE_TOP = 256 * 1024,
};

/* For an answer in memory whose headers are all there, of at least `least`
 * bytes.  Adds Content-Encoding and Vary; a strong ETag becomes a weak one.
 * What has a coding, says no-transform, or is no text stays. */
void answer_code(struct request *r, size_t least);
