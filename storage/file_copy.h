#pragma once

/*
 * A file is copied or moved: no byte of its content is, both rows name the
 * same.
 */

#include "storage/files.h"

struct file_copying;

struct file_copy {
	/* ERR_FILE_NONE, ERR_FILE_DENIED, ERR_CONFLICT (there is one already,
	 * and not `overwrite`), ERR_FILE_QUOTA, ERR_FILE_ARCHIVED */
	struct job job;
	struct arena *arena;
	struct file_scope scope;
	struct slice from, to;
	bool overwrite, move;
	struct file_copying *inside;
};
/* job_init and what stands before `inside` first. */
void file_copy(struct files *f, struct file_copy *copy);
