#pragma once

/*
 * Several files at once, each with an outcome of its own: what CloudBase's
 * batch calls are made of.  One refused file leaves the others alone.
 */

#include "storage/file_copy.h"
#include "storage/file_remove.h"
#include "storage/files.h"

enum file_verb {
	FILE_VERB_LOOK,   /* may it be read? */
	FILE_VERB_UPLOAD, /* may it be written? */
	FILE_VERB_REMOVE,
	FILE_VERB_COPY,
};

struct file_batch;

struct file_task {
	enum file_verb verb;
	struct slice path, to; /* `to`: of a copy */
	bool overwrite, move;
	int64_t age_s;  /* the asker's own: how long its link is good */
	const char *id; /* the asker's own: its name there */
	/* The outcome.  Set before the start, err says that it is not tried. */
	int err;
	struct fault why;
	struct file_info info; /* LOOK */
	/* file_batch.c's */
	struct file_batch *batch;
	union {
		struct file_get get;
		struct file_put put;
		struct file_remove remove;
		struct file_copy copy;
	} op;
};

struct file_batch {
	struct job job; /* always 0; the tasks' err says the rest */
	struct arena *arena;
	struct file_scope scope;
	struct file_task *task;
	size_t count;
	/* file_batch.c's */
	size_t left;
};

/* job_init and what stands before `left` first; all lie as long as the job. */
void file_batch_run(
	struct files *f, struct loop *loop, struct file_batch *batch);
