#pragma once

/*
 * Load shedding: when a gateway cannot keep up, the least important requests
 * are refused at once, so that the others are answered in time.
 *
 * What is measured is how long a turn of the loop takes: an event that comes
 * meanwhile waits so long.  As with CoDel (RFC 8289) it is the least of an
 * interval that counts, so that a single long turn means nothing: while it
 * stays above the target, from the third interval on each refuses a little
 * more, and below it a little less.  Besides, so many requests may be under way
 * at once.
 *
 * In order: SHED_LOW, then SHED_NORMAL; the others never.  Pure: the clock is
 * passed in.
 */

#include "base/err.h"
#include "base/slice.h"

enum shed_priority {
	SHED_UNSAID, /* of a route: by the request */
	SHED_LOW,    /* anonymous reads */
	SHED_NORMAL, /* users' calls */
	SHED_HIGH,   /* payments, WeChat's callbacks, who has just ordered */
};

enum {
	SHED_STEPS = 8,            /* from none of a priority to all of it */
	SHED_TOP = 2 * SHED_STEPS, /* all of both */
	SHED_INTERVAL_MS = 100,
	SHED_LATE = 3, /* intervals in a row before anything is refused */
};

struct shed {
	int64_t target_ns;  /* 0: off */
	unsigned under_way; /* requests at once; 0: any number */
	/* its own */
	unsigned level; /* 0 … SHED_TOP: so many steps are refused */
	unsigned late;  /* intervals in a row */
	int64_t interval_ends, least_ns;
	unsigned turns;
	unsigned owed[2]; /* by priority, in steps */
};

/* "low", "normal", "high"; ERR_CONFIG. */
int shed_priority_parse(enum shed_priority *ret, struct slice word,
	struct fault *why) _must_check_;
/* At the end of a turn that took `busy_ns`; a turn with nothing to do counts as
 * well.  `busy` requests are under way. */
void shed_turn(struct shed *s, int64_t now, int64_t busy_ns, unsigned busy);
/* May this one come in?  Refuses evenly: of a level of 2 steps each fourth. */
bool shed_allows(struct shed *s, enum shed_priority p);
