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
/* Removes a folder and what is in it; fine when it is not there. */
void tree_remove(const char *path);
