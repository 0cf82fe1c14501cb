#pragma once

/*
 * PostgreSQL's plan in words: how documents are found, by which indexes, and
 * whether they must be sorted.
 */

#include "base/buf.h"
#include "base/err.h"

/* plan: what EXPLAIN (FORMAT JSON) answers.  Appends a JSON object: {"summary":
 * ["…"], "indexes": ["price_1"], "scansAll": false, "sorts": false, "cost": 12,
 * "rows": 3}. */
int explain_tell(
	struct buf *to, struct slice plan, struct fault *why) _must_check_;
