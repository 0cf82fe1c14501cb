#pragma once

/*
 * Request targets (RFC 9112, section 3.2) and their query.  Pure: bytes in,
 * bytes out; the only place that decodes %XX of a path.
 */

#include "base/arena.h"
#include "base/err.h"

struct target {
	const char *path;   /* decoded, ended by NUL, "*" for the asterisk */
	struct slice query; /* behind the '?', as received */
	struct slice authority; /* of an absolute form; {NULL,0}: origin form */
};

/* Origin form, absolute form of http and https, and "*".  Bytes that must not
 * stand in a target, %00, a % without two hex digits in the path, a fragment,
 * and the authority form: ERR_BAD_REQUEST. */
int target_parse(struct target *ret, struct arena *a, struct slice raw,
	struct fault *why) _must_check_;
/* First value of `name`, decoded as forms are ('+' is a space, a % without two
 * hex digits stands for itself).  {NULL,0}: absent, or the arena is full. */
struct slice target_query(
	struct arena *a, struct slice query, const char *name);
/* The next pair of a query, decoded the same way; *rest moves behind it.  False
 * at the end, or when the arena is full. */
bool target_pair(struct arena *a, struct slice *rest, struct slice *name,
	struct slice *value);
/* A Host header's or an absolute form's authority: host or [address], port. */
bool target_authority_is_valid(struct slice s);
