#pragma once

/*
 * Copying a folder into another place: regular files, folders and symbolic
 * links that stay inside; anything else is an error that names it.  Readable by
 * everybody, because the function's own user reads it.
 */

#include "base/err.h"

struct tree_limits {
	uint64_t files, bytes; /* ceilings; counted down */
};

/* `to` is made and must not exist.  Names in `skip` (NULL-ended) are left out
 * at the top. */
int tree_copy(const char *from, const char *to, const char *const *skip,
	struct tree_limits *limits, struct fault *why) _must_check_;
/* The same with hard links where they can be made: for files that stay as they
 * are as long as anybody has them. */
int tree_link(const char *from, const char *to, struct tree_limits *limits,
	struct fault *why) _must_check_;
/* What was written there is on the disk.  Once for a whole tree: a sync for
 * each of a node_modules' files would take minutes. */
int tree_sync(const char *path, struct fault *why) _must_check_;
/* Removes a folder and what is in it; fine when it is not there. */
void tree_remove(const char *path);
