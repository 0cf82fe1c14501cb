#pragma once

/*
 * Read replicas (PostgreSQL's streaming replication): a pool each,
 * health-checked; reads that may be stale go there in turn.
 *
 * A session reads what it wrote: every check asks the primary how far its log
 * has come, so a replica that has replayed as much holds all that was written
 * before that check began.  A session whose last write is later than that
 * reads from the primary.  Writes are noted in the memory that gateways share;
 * several machines behind one balancer must keep a session on its machine.
 */

#include "base/shm.h"
#include "db/pool.h"

struct replicas;

struct replicas_conf {
	const char *const *urls; /* ended by NULL */
	struct pool_conf pool;   /* but for its url */
	uint64_t check_ms;       /* between two checks */
	int64_t lag_top_ms;      /* further behind: not used */
	struct shm *shm;         /* when sessions wrote; borrowed */
};

int replicas_new(struct replicas **ret, struct pool *primary,
	const struct replicas_conf *conf, struct fault *why) _must_check_;
struct replicas *replicas_free(struct replicas *r);
DEFINE_CLEANUP(struct replicas *, replicas_free)

/* The pool for a read of `session` (len 0: of somebody who has not written), or
 * NULL: the primary. */
struct pool *replicas_pick(struct replicas *r, struct slice session);
/* `session` wrote: call before its write is acknowledged. */
void replicas_wrote(struct replicas *r, struct slice session);
/* Those that would take a read just now. */
unsigned replicas_fit(const struct replicas *r);
