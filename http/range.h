#pragma once

/*
 * Parts of a representation (RFC 9110, section 14): which bytes a Range header
 * asks for, and the frame of a multipart/byteranges answer.  Where the RFC
 * leaves a choice the answer is nginx's.
 */

#include "base/arena.h"
#include "base/slice.h"

/* More parts than these are the whole, as with nginx's max_ranges. */
enum { RANGES_TOP = 100, RANGE_BOUNDARY = 20 };

struct range {
	uint64_t from, len; /* len is never 0 */
};

struct ranges {
	size_t count;
	struct range list[RANGES_TOP];
};

/* Status of the answer; *ret has parts with 206 only.  200: the header means
 * nothing here (another unit, more bytes than the whole has), 206, or 416. */
int range_parse(struct ranges *ret, struct slice header, uint64_t size);

/* "bytes 0-499/1234", for 416 (part NULL) "bytes *" "/1234". */
const char *range_content(struct arena *a, const struct range *part,
	uint64_t size) _returns_value_;

/* An answer of several parts.  Its body is, for each part, frames[i] and then
 * the part's bytes, and at the end frames[count]. */
struct range_frames {
	const char *content_type; /* "multipart/byteranges; boundary=…" */
	uint64_t size;            /* of the whole body */
	struct slice frames[RANGES_TOP + 1];
};

/* `type`: the representation's Content-Type, or NULL.  In the arena. */
struct range_frames *range_frames_new(struct arena *a,
	const struct ranges *ranges, const char *type,
	uint64_t size) _returns_value_;
