#pragma once

/*
 * The database connections of imports and exports: their own, so that no
 * client's small statement waits behind a batch.  Opened when first needed,
 * closed after a minute without use.
 */

#include "gateway/gateway.h"

struct lane;

/* g->lane's pool, until lane_put. */
int lane_take(
	struct gateway *g, struct pool **ret, struct fault *why) _must_check_;
void lane_put(struct gateway *g);
struct lane *lane_free(struct lane *lane);
