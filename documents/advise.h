#pragma once

/*
 * Which indexes are missing, and which are of no use: from the shapes of slow
 * requests (db/slow.h) and what PostgreSQL counted.
 */

#include "base/buf.h"
#include "base/err.h"

/* facts: the JSON of mpcloud.advise_facts.  Appends {"missing": [{"collection",
 * "definition", "command", "seen", "totalMs", "why"}], "unused":
 * [{"collection", "name", "bytes", "command"}], "others": [{"collection",
 * "verb", "why", …}]}: others are slow for reasons that no index mends. */
int advise_put(struct buf *to, struct slice facts, int64_t now_ms,
	struct fault *why) _must_check_;
