#pragma once

/* How often something may happen in one process, for one that is at hand: no
 * table, no other process (those are base/gcra.h's). */

#include "base/util.h"

struct pace {
	uint64_t at; /* ms up to which it is used up; 0 at birth */
};

/* `burst` at once, one more each `each_ms`; now_ms never goes back. */
bool pace_ask(struct pace *p, uint64_t now_ms, uint64_t each_ms,
	uint64_t burst) _must_check_;
