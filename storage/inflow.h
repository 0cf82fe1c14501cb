#pragma once

/*
 * Bytes of parts on their way into one gateway, by whose they will be.  Parts
 * are charged to quotas when they are committed; meanwhile this is what keeps
 * one user's many connections from filling the disk.
 */

#include "base/list.h"
#include "base/util.h"

struct inflow {
	struct list on;
	unsigned refs; /* parts */
	int64_t bytes;
	char owner[];
};

struct inflows {
	struct list list;
	int64_t bytes; /* of all */
};

void inflows_init(struct inflows *all);
/* That of `owner`, made when it is his first; inflow_leave in the end. */
struct inflow *inflow_join(struct inflows *all, const char *owner) _must_check_;
void inflow_add(struct inflows *all, struct inflow *f, int64_t bytes);
/* `bytes` that this part had added are on their way no longer. */
struct inflow *inflow_leave(
	struct inflows *all, struct inflow *f, int64_t bytes);
