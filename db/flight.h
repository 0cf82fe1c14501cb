#pragma once

/*
 * One statement on its way: the ask's text and parameters, copied, so that the
 * asker may go away while the server still works.
 */

#include "base/list.h"
#include "base/slice.h"

struct ask;
struct pg;
struct pg_result;

/* Where its results stand; see pg.c. */
enum flight_phase { FLIGHT_PARSE, FLIGHT_RUN, FLIGHT_SYNC };

struct flight {
	struct list on;  /* pool->waiting, or pg->flying */
	struct ask *ask; /* NULL: nobody waits for it any more */
	struct pg *pg;   /* that it was sent on, or NULL */
	struct slice sql;
	bool is_read;
	bool prepare;   /* named statement; else parsed for this once */
	bool alone;     /* under a Sync of its own */
	bool sync;      /* a Sync follows it */
	bool seen_null; /* an end without a Sync came: once is fine */
	bool is_flood;  /* its answer is too large to be held */
	uint8_t tries;  /* times it was asked again */
	enum flight_phase phase;
	uint64_t stmt; /* number of the prepared statement, or 0 */
	struct pg_result *result;
	int count;
	const char **params; /* NUL-ended or NULL */
};

/* `copy`: the text too. */
struct flight *flight_new(struct ask *ask, struct slice sql, bool copy,
	const struct slice *params, int count) _returns_value_;
struct flight *flight_free(struct flight *f);
DEFINE_CLEANUP(struct flight *, flight_free)
