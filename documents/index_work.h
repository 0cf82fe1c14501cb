#pragma once

/*
 * Builds and drops the indexes that mpcloud.indexes says shall be (or no longer
 * be), in the background: on a connection of its own that is there only while
 * there is work, without the time-out of ordinary statements.  Several gateways
 * may do this at once; each index belongs to the one whose session holds its
 * lock, and what a dead one left behind is begun anew by another.
 */

#include "db/pool.h"

struct index_work;

struct index_work_conf {
	const char *url;   /* as the pool's */
	uint64_t check_ms; /* between two looks for what others left */
};

int index_work_new(struct index_work **ret, struct pool *pool,
	const struct index_work_conf *conf) _must_check_;
struct index_work *index_work_free(struct index_work *w);
DEFINE_CLEANUP(struct index_work *, index_work_free)

/* There is something to do now. */
void index_work_kick(struct index_work *w);
/* Nothing is under way here. */
bool index_work_is_idle(const struct index_work *w);
