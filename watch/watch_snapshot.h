#pragma once

/*
 * pg_current_snapshot(): which transactions a statement saw.
 */

#include "base/slice.h"

struct watch_snapshot {
	uint64_t low, high;  /* below: seen if they committed; from: not seen */
	uint64_t *under_way; /* between them, ascending: not seen either */
	size_t count;
};

/* "10:20:10,14"; ERR_FORMAT. */
int watch_snapshot_parse(
	struct watch_snapshot *ret, struct slice text) _must_check_;
void watch_snapshot_done(struct watch_snapshot *s);
/* Did it see what this transaction committed?  `xid` is its 32 bits, as the
 * change stream has them. */
bool watch_snapshot_saw(const struct watch_snapshot *s, uint32_t xid);
