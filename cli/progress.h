#pragma once

/*
 * How far a long work is: on a terminal one line that is written again and
 * again, elsewhere a line every few seconds.  On standard error.
 */

#include "base/util.h"

struct progress {
	const char *name; /* of what is moved */
	const char *unit; /* of `documents`, NULL: "document" */
	bool quiet;       /* say nothing */
	/* set by the owner before progress_show */
	int64_t documents;
	int64_t done, total; /* bytes or documents; total -1: not known */
	bool by_bytes;
	/* its own */
	int64_t began, said, first; /* ns; `done` when it began */
	int64_t before;             /* documents when it began */
	bool is_terminal, is_shown;
};

void progress_begin(struct progress *p);
void progress_show(struct progress *p);
/* Clears the line, so that something else can be written. */
void progress_clear(struct progress *p);
/* Seconds since the beginning, and documents a second. */
double progress_seconds(const struct progress *p);
double progress_rate(const struct progress *p);
/* "1 document", "1,234 documents"; rooms as progress_number's. */
const char *progress_documents(int64_t n);
const char *progress_count(int64_t n, const char *unit);
/* 1234567 as "1,234,567", in one of a few rooms used in turn. */
const char *progress_number(int64_t n);
