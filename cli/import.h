#pragma once

/*
 * One file into one collection.  The file is cut into parts; each is written
 * by one statement that also notes the part, so that the same command, run
 * again after whatever ended it, goes on with the parts that are missing.
 */

#include "cli/cli.h"
#include "cli/progress.h"
#include "formats/format.h"

struct import_conf {
	const char *collection, *path;
	const char *mode;            /* insert, upsert, replace, skip */
	const char *types;           /* of CSV, or NULL */
	const struct format *format; /* NULL: find it */
	bool keep_going, restart, quiet;
};

/* What came of it. */
struct import_result {
	int64_t documents, before; /* in now; of these, by earlier runs */
	int64_t written, refused;
	double seconds;
	bool stopped; /* Ctrl-C */
	bool is_bad;  /* a document was refused, which ended it */
	char id[65];
};

/* EXIT_…, with the reason printed. */
int import_file(struct cli *cli, const struct import_conf *conf,
	struct import_result *ret) _must_check_;

/* All files of a command are in: only now what was noted of them is forgotten,
 * so that the same command passes over those that are. */
int import_end(struct cli *cli, json_t *ids) _must_check_;

/* Ctrl-C asks to stop; once more ends the program. */
void import_catch_signals(void);
bool import_is_stopped(void);

/* --- the parts of it --- */

/* A document on its way. */
struct import_line {
	size_t from, raw;     /* where it begins in body and raw */
	int64_t line, offset; /* in the file; number among its documents */
	int64_t number;
	int64_t end;  /* where the file goes on after it */
	uint32_t sum; /* CRC-32 of the file from the part's first byte to end */
};

struct import_part {
	struct import_part *next;
	struct buf body, raw;
	struct import_line *lines;
	size_t count, room;
	int64_t first, last;
	int64_t number; /* of its first document */
	uint32_t sum;   /* of all its bytes */
};

struct import_part *import_part_new(void) _returns_value_;
struct import_part *import_part_free(struct import_part *p);
DEFINE_CLEANUP(struct import_part *, import_part_free)
/* A document ends at body.len; where the file is now. */
void import_part_add(struct import_part *p, const struct import_line *line);
/* Its text without the line end. */
struct slice import_part_line(const struct import_part *p, size_t at);
struct slice import_part_raw(const struct import_part *p, size_t at);
void import_part_del(struct import_part *p, size_t at);
/* The lines from `at` on become a part of their own. */
struct import_part *import_part_split(
	struct import_part *p, size_t at) _returns_value_;

/* Parts that are in, as the database noted them. */
struct import_done {
	int64_t first, last, documents;
	uint32_t sum;
};

enum { IMPORT_SLOTS = 2 };

struct import_slot {
	struct import_part *part; /* NULL: free */
	int fd;                   /* -1: must be sent (again) */
};

struct import {
	struct cli *cli;
	const struct import_conf *conf;
	struct import_result *result;
	struct input *in;
	struct reader reader;
	struct progress progress;
	char id[65];
	int64_t started_at;
	struct import_done *done;
	size_t done_count, done_at;
	int64_t number; /* documents read */
	bool at_end;
	struct import_slot slot[IMPORT_SLOTS];
	unsigned slots;           /* that are used */
	struct import_part *todo; /* pieces of parts that were refused */
	struct buf refused;       /* path of the file of refused documents */
	int refused_fd;
	int64_t told;   /* refusals printed */
	bool is_failed; /* one error was told, others are not */
};

/* import_read.c: the next part, NULL at the end. */
int import_read(struct import *im, struct import_part **ret) _must_check_;
/* import_send.c: everything there is. */
int import_send(struct import *im) _must_check_;
/* import_refuse.c: a document that cannot be taken.  EXIT_OK when the import
 * goes on without it. */
int import_refuse(struct import *im, const struct import_line *where,
	struct slice raw, const char *why) _must_check_;
