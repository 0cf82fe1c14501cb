#pragma once

/*
 * Where a request's time went, by the steps of request.def.  The start of each
 * step is noted for every request, by the loop's clock (whole ms, no system
 * call), for the event about slow ones; exactly for a request that asks with
 * the header Mpcloud-Timeline where log.timeline allows it: its answer says so
 * in Server-Timing (https://www.w3.org/TR/server-timing/).
 */

#include "base/util.h"

struct request;

enum { TIMELINE_STEPS = 8 };

struct timeline {
	int64_t entered[TIMELINE_STEPS]; /* ns, of one clock; 0: never */
	bool exact;
};

/* At the head. */
void timeline_begin(struct request *r);
/* Now, in ns of the request's clock. */
int64_t timeline_now(const struct request *r);
/* A step begins; one that is entered again has begun already. */
static inline void
timeline_enter(struct timeline *t, int step, int64_t now)
{
	if (!t->entered[step])
		t->entered[step] = now;
}

/* Before the answer's headers leave. */
void timeline_say(struct request *r);
/* At the end; `ns`: it took. */
void timeline_end(const struct request *r, int status, int64_t ns);
