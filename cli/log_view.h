#pragma once

/*
 * Lines of functions' logs, as somebody looks at them: which ones, and how they
 * are shown.
 */

#include "base/err.h"
#include "base/slice.h"

#include <stdint.h>
#include <stdio.h>

struct log_view {
	int level;           /* 0 debug … 3 error: at the least */
	const char *request; /* a part of the request id, NULL: any */
	const char *text;    /* a part of the message, capitals or not */
	char since[32];      /* as the lines' time; "" for any */
	const char *last;    /* a line of ours that begins so ends it all */
	FILE *to;            /* NULL: standard output */
	bool json;           /* as they are in the file */
	bool colour, names;  /* the function's name with each line */
};

/* debug, info, warn, error. */
int log_view_level(const char *word, int *ret) _must_check_;
/* "90s", "10m", "2h", "3d" before now, or a time as RFC 3339 writes it. */
int log_view_since(
	struct log_view *v, const char *word, struct fault *why) _must_check_;
/* Whether any line may be left out. */
bool log_view_selects(const struct log_view *v);
/* A line without its newline. */
bool log_view_takes(const struct log_view *v, struct slice line);
/* Of a line of ours: its time, for sorting; "" when it has none. */
struct slice log_view_time(struct slice line);
void log_view_print(const struct log_view *v, struct slice line);
/* Whether it is `last`. */
bool log_view_ends(const struct log_view *v, struct slice line);
