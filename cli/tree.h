#pragma once

/*
 * Copying a folder into another place: regular files, folders and symbolic
 * links that stay inside; anything else is an error that names it.  Readable by
 * everybody, because the function's own user reads it.
 */

#include "base/err.h"

#include <jansson.h>

struct progress;

struct tree_limits {
	uint64_t files, bytes; /* ceilings; counted down */
};

/* `to` is made and must not exist.  Names in `skip` (NULL-ended) are left out
 * at the top. */
int tree_copy(const char *from, const char *to, const char *const *skip,
	struct tree_limits *limits, struct fault *why) _must_check_;
/* The same with more to it. */
struct tree_lay {
	const char *const *skip; /* as above, or NULL */
	const json_t *ignore;    /* globs, see tree_ignores; or NULL */
	/* The same tree as it was laid the last time, or NULL: what has the
	 * same content there is linked, not copied. */
	const char *before;
	struct progress *progress; /* done is counted; or NULL */
	struct tree_limits *limits;
	uint64_t changed, kept; /* files copied, and linked to `before` */
};
int tree_lay(struct tree_lay *lay, const char *from, const char *to,
	struct fault *why) _must_check_;
/* How many files that will be. */
uint64_t tree_count(const struct tree_lay *lay, const char *from);

/* Whether both are the same in all that a version has: names, contents, modes
 * and the targets of links.  What cannot be read is not. */
bool tree_equal(const char *a, const char *b);

/* Whether a glob of CloudBase's "ignore" takes out `path`, relative to the
 * folder.  Without a slash it is a name at any depth; a double asterisk stands
 * for any folders, and alone behind the last slash for all that is inside; "!"
 * before it takes back.  The last one that fits counts. */
bool tree_ignores(const json_t *globs, const char *path);

/* As tree_copy with hard links where they can be made: for files that stay as
 * they are as long as anybody has them. */
int tree_link(const char *from, const char *to, struct tree_limits *limits,
	struct fault *why) _must_check_;
/* What was written there is on the disk.  Once for a whole tree: a sync for
 * each of a node_modules' files would take minutes. */
int tree_sync(const char *path, struct fault *why) _must_check_;
/* Removes a folder and what is in it; fine when it is not there. */
void tree_remove(const char *path);
