#pragma once

/*
 * What the head of an upload says of the file: its type, its sums, how long it
 * lives, whether there may be one already.
 */

#include "gateway/file_door.h"

/* All but type and sums, which come from elsewhere in a form. */
int upload_head_read(struct request *r, const struct file_door *door,
	struct file_put *put) _must_check_;
/* Content-MD5, and the digests of RFC 9530 and RFC 3230. */
int upload_head_sums(struct request *r, struct file_put *put) _must_check_;
/* What says nothing is guessed from the path's end. */
int upload_head_type(struct file_put *put, struct slice type,
	struct fault *why) _must_check_;
/* What will be sent as a header later: printable ASCII, not too long. ERR_PARAM
 * names `what`. */
int upload_head_check(
	struct slice s, const char *what, struct fault *why) _must_check_;
