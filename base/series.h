#pragma once

/*
 * Counts and latencies of answers by a label, in memory that one process writes
 * and others read (shm.h).  A label has a row for as long as the memory lives;
 * when all rows are taken the first one counts what is left.
 */

#include "base/slice.h"
#include "base/util.h"

enum {
	SERIES_ROWS = 512,
	SERIES_LABEL = 160, /* bytes of a label, with its NUL */
	SERIES_EDGES = 14,
	SERIES_CLASSES = 5, /* 1xx … 5xx */
};

struct series {
	uint64_t answers[SERIES_CLASSES];
	uint64_t below[SERIES_EDGES + 1]; /* one each; the last: slower */
	uint64_t sum_us;
	_Atomic uint32_t len; /* of the label; 0: the row is free */
	char label[SERIES_LABEL];
};

struct series_table {
	struct series row[SERIES_ROWS];
};

/* Upper edges of `below`, in microseconds. */
extern const uint32_t series_edges[SERIES_EDGES];

/* The label's row, made when there is none; longer ones are cut.  The first row
 * when all are taken. */
struct series *series_find(
	struct series_table *t, struct slice label) _returns_value_;
/* One answer of `status` that took `ns`. */
void series_add(struct series *s, int status, int64_t ns);
