#pragma once

/*
 * A file is removed: its row now, its content after the commit.  Whoever has it
 * open reads on.
 */

#include "storage/files.h"

struct file_removing;

struct file_remove {
	struct job job; /* ERR_FILE_NONE, ERR_FILE_DENIED */
	struct arena *arena;
	struct file_scope scope;
	struct slice path;
	struct file_removing *inside;
};
/* job_init, arena, scope, path first. */
void file_remove(struct files *f, struct file_remove *rm);
