#pragma once

/*
 * One collection into one file, page by page in the order of the _ids.  The
 * file is FILE.part until it is whole; beside it FILE.resume says how much of
 * it is good and which _id came last, so that the same command goes on there.
 */

#include "cli/cli.h"
#include "cli/progress.h"

struct export_conf {
	const char *collection;
	const char *path;   /* NULL: standard output, which cannot go on */
	const char *fields; /* CSV with these columns; NULL: JSON lines */
	bool canonical, restart, quiet;
	int64_t documents; /* about, for the progress bar; -1: not known */
};

struct export_result {
	int64_t documents, before;
	double seconds;
	bool stopped; /* Ctrl-C */
};

/* EXIT_…, with the reason printed. */
int export_file(struct cli *cli, const struct export_conf *conf,
	struct export_result *ret) _must_check_;

/* --- the parts of it --- */

struct export
{
	struct cli *cli;
	const struct export_conf *conf;
	struct export_result *result;
	struct progress progress;
	int fd;
	char *part, *resume; /* paths, or NULL */
	struct buf after;    /* the _id's key that came last */
	int64_t bytes;       /* of the file */
	bool is_broken;      /* a page is there in part */
	int64_t kept_at;     /* ns: when FILE.resume was written */
};

/* export_out.c: where it goes.  EXIT_…, printed. */
int export_open(struct export *ex) _must_check_;
int export_write(struct export *ex, struct slice text) _must_check_;
/* What is written so far is good; once a second it is noted. */
int export_keep(struct export *ex, bool now) _must_check_;
/* It is whole. */
int export_close(struct export *ex) _must_check_;
/* export_csv.c: lines of canonical Extended JSON as records. */
void export_put_head(struct buf *to, const char *fields);
int export_put_records(struct buf *to, const char *fields, struct slice lines,
	struct fault *why) _must_check_;
