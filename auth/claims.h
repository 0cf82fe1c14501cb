#pragma once

/*
 * The payload of one of our own tokens: one flat JSON object of plain strings
 * and whole numbers.
 */

#include "base/err.h"
#include "base/slice.h"

struct claims {
	struct slice iss, sub, app, sid, id; /* borrowed from the text */
	struct slice kind; /* "k"; the only one that may be absent */
	int64_t iat, exp;  /* unix seconds */
};

/* Every claim exactly once ("k" once at the most), in any order, nothing else.
 * Strings must be free of escapes, since ours never hold any.  ERR_FORMAT. */
int claims_parse(struct slice json, struct claims *ret) _must_check_;
