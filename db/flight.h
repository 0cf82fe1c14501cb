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
struct sqlstate_row;

/* Where its results stand; see pg.c. */
enum flight_phase { FLIGHT_PARSE, FLIGHT_RUN, FLIGHT_SYNC };

struct flight {
	struct list on;  /* pool->waiting, or pg->flying */
	struct ask *ask; /* NULL: nobody waits for it any more */
	struct pg *pg;   /* that it was sent on, or NULL */
	struct slice sql;
	bool is_read;
	bool prepare;     /* named statement; else parsed for this once */
	bool alone;       /* under a Sync of its own */
	bool shares;      /* a write that may stand under others' Sync */
	bool undone;      /* its neighbour failed: it has done nothing */
	bool sync;        /* a Sync follows it */
	bool seen_null;   /* an end without a Sync came: once is fine */
	bool is_flood;    /* its answer is too large to be held */
	uint8_t tries;    /* times it was asked again */
	uint8_t mark;     /* its owner's */
	bool evicted;     /* a cancel was asked for because of it */
	uint32_t took_ms; /* from its turn to its answer */
	uint64_t hash;    /* stmt_hash(sql) */
	uint64_t row;     /* that it writes, hashed; else 0 */
	uint64_t home;    /* whose connection it takes; 0: any */
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

/* What its error means. */
const struct sqlstate_row *flight_judge(const struct flight *f) _returns_value_;
/* The asker, if there is one still, gets the result or the error; the flight is
 * freed. */
void flight_answer(struct flight *f, int err);
/* The same with the server's error in ask->sqlstate and job.why. */
void flight_refuse(struct flight *f, const struct sqlstate_row *row);
