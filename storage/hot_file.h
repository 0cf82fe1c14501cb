#pragma once

/*
 * A file as it is kept (hot.h): its row and its bytes, or a descriptor.  Never
 * changed; whoever sends it holds a reference.
 */

#include "storage/files.h"

struct hot_file {
	unsigned refs;
	struct file_info info; /* strings live as long as this */
	int fd;                /* ours; -1: bytes */
	struct slice bytes;    /* {NULL,0}: fd */
	size_t size;           /* of all this in memory */
};

/* With copies of the strings and what `fd` holds, its bytes when `in_memory`,
 * else another descriptor of it; NULL: it cannot be read. */
struct hot_file *hot_file_new(
	const struct file_info *info, int fd, bool in_memory);
struct hot_file *hot_file_ref(struct hot_file *file) _returns_value_;
struct hot_file *hot_file_unref(struct hot_file *file);
/* Is it of a row that says just this? */
bool hot_file_is(const struct hot_file *file, const struct file_info *info);
