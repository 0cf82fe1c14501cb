#pragma once

/*
 * Timers of functions.  Their definitions are rows of mpcloud.triggers (type
 * "timer"), their next times rows of mpcloud.timers.  Every gateway of every
 * node looks at them, not in step; what is due goes into mpcloud.queue in the
 * statement that moves its next time on, if that is still the one that was
 * seen: so each run is put there exactly once, whoever dies when.
 *
 * Times that passed while nobody looked are made up for within a grace; beyond
 * it as the timer's "missed" says: "skip" (the preset), "once" (the latest of
 * them), "all" (TIMERS_ALL_TOP at the most, the latest).
 */

#include "base/job.h"
#include "base/slice.h"
#include "db/pool.h"

enum { TIMERS_ALL_TOP = 1000 };

struct queue;
struct timers;

struct timers_conf {
	struct pool *pool;
	struct queue *queue; /* told of what is put there; may be NULL */
	const char *env;
	uint64_t check_ms; /* looks at least so often */
	int64_t grace_ms;
};

struct timers *timers_new(const struct timers_conf *conf) _returns_value_;
struct timers *timers_free(struct timers *timers);
/* Put nothing more into the queue. */
void timers_stop(struct timers *timers);
/* Triggers have changed: look now. */
void timers_kick(struct timers *timers);
