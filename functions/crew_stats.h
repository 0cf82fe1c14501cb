#pragma once

/*
 * What happened to the calls of one function version in one gateway: counters
 * and histograms, cheap enough for every call (an addition each; one loop
 * writes and reads them).
 *
 * A histogram has four buckets for each power of two microseconds: bucket
 * number n holds durations below crew_stats_edge(n), so a percentile is at the
 * most a quarter too high.
 */

#include "base/buf.h"

#include <jansson.h>

/* How a call ended.  X(NAME, word, whether the function failed) */
#define CREW_ENDS \
	X(ENDED_OK, "ok", false) \
	X(ENDED_FAILED, "execute_fail", true) /* its code threw */ \
	X(ENDED_TIMEOUT, "timeout", true) \
	X(ENDED_MEMORY, "memory", true) \
	X(ENDED_CRASHED, "crashed", true) \
	X(ENDED_RESTING, "resting", true) /* refused after crashes */ \
	X(ENDED_BAD_ANSWER, "bad_answer", true) \
	X(ENDED_REFUSED, "refused", false) /* not taken: event too big … */ \
	X(ENDED_SHED, "shed", false)       /* no worker in time: 503, 429 */ \
	X(ENDED_LEFT, "left", false)       /* the caller went away */

enum crew_end {
#define X(name, word, failed) name,
	CREW_ENDS
#undef X
		ENDS_
};

enum { STATS_BUCKETS = 128 };

struct crew_hist {
	uint64_t count[STATS_BUCKETS];
	uint64_t sum_us;
};

struct crew_stats {
	uint64_t calls, failed;
	uint64_t ended[ENDS_];
	uint64_t starts;       /* of workers */
	uint64_t memory;       /* bytes, of the worker last looked at */
	uint64_t memory_top;   /* most of any worker */
	struct crew_hist wait; /* for a worker */
	struct crew_hist took; /* in the worker */
	struct crew_hist cold; /* start of a worker that a call waited for */
};

/* What an error code of ours counts as. */
enum crew_end crew_end_of(int err);
const char *crew_end_word(enum crew_end end);
bool crew_end_is_failure(enum crew_end end);

void crew_hist_add(struct crew_hist *h, int64_t ns);
uint64_t crew_hist_count(const struct crew_hist *h);
/* The duration in microseconds that `percent` of all are below; 0: none. */
uint64_t crew_hist_at(const struct crew_hist *h, unsigned percent);
/* Where bucket n ends, microseconds. */
uint64_t crew_stats_edge(unsigned n);

/* Adds what `from` counted. */
void crew_stats_add(struct crew_stats *to, const struct crew_stats *from);
/* {calls, failed, ended:{ok:…}, starts, memory, memoryTop, wait:HIST,
 *  took:HIST, cold:HIST}; HIST: {count, sumUs, p50Us, p99Us,
 *  buckets:[[edgeUs, count], …]} with the buckets that are not empty. */
json_t *crew_stats_build(const struct crew_stats *s) _returns_value_;
/* Adds what another gateway has built; what is not of its form counts as 0. */
void crew_stats_take(struct crew_stats *to, const json_t *from);
