#pragma once

/* How a runtime makes workers; one row per runtime. */

#include "base/slice.h"

struct keeper;
struct proc;
struct link;

struct engine {
	/* Begin to load; answers with keeper_loaded or keeper_failed. */
	void (*start)(struct keeper *k);
	/* A worker for a gateway: keeper_give or keeper_refuse, now or later.
	 */
	void (*spawn)(struct keeper *k, struct link *link, uint32_t id);
	/* `p` has ended: get its status, then keeper_over. */
	void (*ended)(struct keeper *k, struct proc *p);
	/* After keeper_over, for processes that were no gateway's. */
	void (*lost)(struct keeper *k, struct proc *p, int status);
	void (*stop)(struct keeper *k);
};

extern const struct engine engine_native, engine_node;
