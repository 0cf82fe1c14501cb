#pragma once

/*
 * An opened file, or its bytes, as the answer: conditional requests and ranges
 * (RFC 9110, sections 13 and 14) as nginx answers them, one range or the whole
 * by sendfile, several as multipart/byteranges.
 */

#include "gateway/request.h"

struct file_body {
	int fd; /* ours from now on, and closed, whatever happens; -1: bytes */
	struct slice bytes; /* stay until r->end */
	uint64_t size;
	const char *type;   /* Content-Type; lives as long as the request */
	struct slice etag;  /* with its quotes; {NULL,0}: none */
	int64_t modified_s; /* since 1970; -1: not known */
};

/* Adds ETag, Last-Modified, Accept-Ranges and what the answer needs, and sets
 * r->status and r->send: the step ANSWER sends it.  ERR_PRECONDITION,
 * ERR_FILE_RANGE (Content-Range is added then).  At most once a request. */
int file_send(struct request *r, const struct file_body *body) _must_check_;
