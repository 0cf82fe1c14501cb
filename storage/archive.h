#pragma once

/*
 * The archive class: a content's bytes lie in another folder (DIR/archive,
 * which may be a link to a slow and cheap disk) and are not to be read until it
 * is restored.
 */

#include "storage/files.h"

struct archiving;

struct archive {
	struct job job;
	struct archiving *inside;
};
/* job_init first.  Contents that are named here go to the archive, as long as
 * every row of theirs says it may. */
void archive_contents(struct files *f, struct archive *a,
	const char *const *contents, size_t count);
/* One file's content comes back: 0 also when it was not archived;
 * ERR_FILE_NONE. */
void archive_restore(struct files *f, struct archive *a, struct slice path);

enum { ARCHIVE_TOP = 50 };
