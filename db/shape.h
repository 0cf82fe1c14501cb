#pragma once

/*
 * Which statements take long, by the hash of their text: what was slow a moment
 * ago is expected to be slow again.  A few kilobytes; collisions only cost
 * time.
 */

#include "base/util.h"

enum { SHAPES = 512 };

struct shapes {
	struct {
		uint32_t name; /* the hash's upper half */
		uint8_t score;
	} cell[SHAPES];
};

bool shape_is_slow(const struct shapes *all, uint64_t hash);
/* One run of it: slow, or not. */
void shape_note(struct shapes *all, uint64_t hash, bool slow);
