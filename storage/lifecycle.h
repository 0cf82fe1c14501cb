#pragma once

/*
 * What happens to files by itself: those whose time is over are removed, others
 * go to the archive, abandoned uploads end, contents without a row and rows
 * without a content are looked for.  One gateway of all machines does it, who
 * holds the lease.
 *
 * A project says what it wants in its storage rules ("lifecycle"): a list whose
 * first entry that fits a path holds for it,
 *
 *   [{"prefix": "tmp/", "expire": "1d"}, {"prefix": "logs/", "archive": "30d"}]
 *
 * counted from the last change, of the archive also from when it was restored.
 */

#include "base/val.h"
#include "storage/sweep.h"

struct lifecycle;

enum {
	LIFECYCLE_EVERY_MS = 60 * 1000,
	LIFECYCLE_SWEEP_MS = 24 * 3600 * 1000,
	LIFECYCLE_UPLOAD_MS = 24 * 3600 * 1000, /* untouched for so long */
	LIFECYCLE_RULES = 100,
};

struct lifecycle *lifecycle_new(struct files *f) _returns_value_;
struct lifecycle *lifecycle_free(struct lifecycle *l);

/* A round at once, with a sweep, whoever has the lease: for the operator. */
struct lifecycle_run {
	struct job job;
	struct sweep_counts counts;
	int64_t expired, archived, uploads;
	struct lifecycle *inside;
};
void lifecycle_run(struct files *f, struct lifecycle_run *run);

/* The entries as the database has them, appended to `to`: times in ms.
 * ERR_PARAM says which entry is wrong. */
int lifecycle_parse(
	struct buf *to, const json_t *list, struct fault *why) _must_check_;
