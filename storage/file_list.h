#pragma once

/*
 * Files by their paths' beginning, in the order of the bytes of their paths.
 * With a delimiter, what lies deeper is told as folders, each once, as S3 does.
 */

#include "storage/files.h"

enum { FILE_LIST_TOP = 1000 };

struct file_listing;

struct file_list {
	struct job job;
	struct arena *arena;
	struct file_scope scope;
	struct slice prefix; /* "" all */
	struct slice after; /* only paths behind this one; "": from the begin */
	struct slice delimiter; /* "/" or empty */
	int64_t limit;          /* 1 … FILE_LIST_TOP */
	/* The answer.  A user is told of what he may read. */
	struct file_info *files; /* path alone is set, with its delimiter, of a
				    folder */
	size_t count;
	const char *next; /* for `after`; NULL: that was all */
	struct file_listing *inside;
};
/* job_init and what stands before the answer first. */
void file_list(struct files *f, struct file_list *list);
