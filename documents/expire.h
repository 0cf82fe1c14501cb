#pragma once

/*
 * Removes the documents whose index says expireAfterSeconds, in small batches,
 * in the background.  Of several gateways one does it at a time.
 */

#include "db/pool.h"

struct expire;

/* check_ms: between two looks, once nothing was left. */
int expire_new(struct expire **ret, struct pool *pool, const char *env,
	uint64_t check_ms) _must_check_;
struct expire *expire_free(struct expire *e);
DEFINE_CLEANUP(struct expire *, expire_free)
