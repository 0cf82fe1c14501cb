#pragma once

/*
 * The access line: one JSON line on stderr for each request, all lines of a
 * turn in one write.  Never tokens, openids, queries or bodies.
 */

#include "base/buf.h"
#include "base/loop.h"

struct access {
	struct loop *loop;
	struct buf lines;
	struct defer flush;
	int64_t second;    /* of `stamp` */
	char stamp[24];    /* "2026-11-20T23:47:04." */
	char constant[96]; /* what stands between the time and the id */
	size_t constant_len;
	bool on;
};

struct access_line {
	const char *request_id, *method, *path, *ip;
	const char *uid;      /* "" or NULL: left out */
	const char *function; /* the same */
	const char *action;   /* the same: a cloud call's */
	struct slice trace;   /* 32 hex digits, or empty */
	int status;
	size_t bytes;
	int64_t ns; /* it took */
};

void access_init(struct access *a, struct loop *loop, const char *who);
void access_done(struct access *a);
void access_write(struct access *a, const struct access_line *line);
/* What waits, now: before the process ends. */
void access_flush(struct access *a);
