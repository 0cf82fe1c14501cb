#pragma once

/*
 * Read replicas: a pool each, health-checked; reads that may be stale go there.
 * A session that wrote goes on reading from the primary until a replica has
 * replayed its write.
 */

#include "db/pool.h"

struct replicas;

struct replicas_conf {
	const char *const *urls; /* ended by NULL */
	struct pool_conf pool;   /* but for its url */
	uint64_t check_ms;       /* between two health checks */
	int64_t lag_top_ms;      /* further behind: not used */
};

int replicas_new(struct replicas **ret, struct pool *primary,
	const struct replicas_conf *conf, struct fault *why) _must_check_;
struct replicas *replicas_free(struct replicas *r);
DEFINE_CLEANUP(struct replicas *, replicas_free)

/* The pool for a read of `session` (len 0: of nobody): a replica, or the
 * primary when none will do. */
struct pool *replicas_pick(struct replicas *r, struct slice session);
/* `session` wrote just now; call when its write is acknowledged. */
void replicas_wrote(struct replicas *r, struct slice session);
