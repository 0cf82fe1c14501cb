#pragma once

/*
 * Bytes that somebody else owns: a pointer and a length, not ended by NUL.
 */

#include "base/util.h"

#include <string.h>

struct slice {
	const char *ptr;
	size_t len;
};

#define SLICE_INIT(lit) \
	{ \
		"" lit, sizeof(lit) - 1 \
	}
#define SLICE(lit) ((struct slice)SLICE_INIT(lit))

/* For "%.*s". */
#define SLICE_ARG(s) (int)(s).len, (s).ptr

static inline struct slice
slice_of(const void *ptr, size_t len)
{
	return (struct slice){ptr, len};
}

static inline struct slice
slice_str(const char *s)
{
	return (struct slice){s, s ? strlen(s) : 0};
}

bool slice_eq(struct slice a, struct slice b);
bool slice_is(struct slice a, const char *s);
/* ASCII letters of either case are the same. */
bool slice_eq_nocase(struct slice a, struct slice b);
bool slice_is_nocase(struct slice a, const char *s);
bool slice_starts(struct slice a, const char *prefix);
/* Spaces and tabs off both ends. */
struct slice slice_trim(struct slice a);
/* The part before the first `sep`; *rest gets what follows (empty at the end).
 * False when `*rest` had nothing left. */
bool slice_split(struct slice *rest, char sep, struct slice *ret);
/* Whether `word` is one of those that `list` has between its commas, in letters
 * of either case: "keep-alive, Upgrade" lists "upgrade". */
bool slice_lists(struct slice list, struct slice word);
/* How many letters must change to make one of the other (Levenshtein);
 * SIZE_MAX past 64 letters. */
size_t slice_distance(struct slice a, struct slice b);
/* The length of the UTF-8 sequence (RFC 3629) at the start of `a`, which is not
 * empty; 0 when there is none. */
size_t slice_utf8(struct slice a);
/* Decimal, digits only, no sign; -ERANGE past `top`, -EINVAL else. */
int slice_to_u64(struct slice a, uint64_t top, uint64_t *ret) _must_check_;
