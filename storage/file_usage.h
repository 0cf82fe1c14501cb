#pragma once

/*
 * What files come to: all of them, and those of the users who have most.
 */

#include "storage/files.h"

enum { FILE_USAGE_TOP = 100 };

struct file_usage {
	struct job job;
	struct arena *arena;
	/* The answer. */
	int64_t bytes, files;
	struct file_usage_of {
		const char *owner; /* openid or uid; "": nobody's */
		int64_t bytes, files;
	} * owners; /* the largest first */
	size_t count;
	struct file_usage_asking *inside;
};
/* job_init and arena first. */
void file_usage(struct files *f, struct file_usage *u);
