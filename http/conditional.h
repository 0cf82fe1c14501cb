#pragma once

/*
 * Conditional requests (RFC 9110, section 13) for a representation with an
 * entity tag, a date, or both: whether it is sent, wholly or in part.
 *
 * Decided as nginx decides it.  That differs from the RFC's order in two
 * places, each time to the careful side: with If-None-Match and
 * If-Modified-Since both must say "unchanged" for a 304, with If-Match and
 * If-Unmodified-Since both must hold; and If-Modified-Since compares for the
 * very date, so that a file that was set back is sent again.
 */

#include "http/range.h"

struct conditional {
	/* the representation */
	struct slice etag;  /* with its quotes; {NULL,0}: none */
	int64_t modified_s; /* since 1970; -1: not known */
	uint64_t size;
	/* the request; {NULL,0}: absent */
	struct slice if_match, if_none_match, if_modified_since,
		if_unmodified_since, if_range, range;
	bool is_get; /* GET or HEAD; others have no 304 but 412, no ranges */
};

/* The request's headers, from `header(request, name)`. */
void conditional_read(struct conditional *c,
	struct slice (*header)(const void *request, const char *name),
	const void *request);

/* The answer's status: 200, 206 (*ranges says which), 304, 412, 416. */
int conditional_check(
	const struct conditional *c, struct ranges *ranges) _must_check_;

/* Whether `list` ("*", or entity tags) names `etag`; `weak`: W/ of either does
 * not count (RFC 9110, 8.8.3.2). */
bool conditional_names(struct slice list, struct slice etag, bool weak);
