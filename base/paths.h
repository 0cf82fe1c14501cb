#pragma once

/*
 * Where our own programs and files are: beside the running program in a build
 * tree, else where `make install` put them.
 */

#include "base/err.h"

#include <string.h>
#include <sys/types.h>

/* What every folder holds: "." and "..". */
static inline bool
path_is_dot(const char *name)
{
	return !strcmp(name, ".") || !strcmp(name, "..");
}

/* "mpcloud-gateway": an absolute path; the caller frees. */
char *path_program(const char *name) _returns_value_;
/* "functions/node/runner.mjs" of $MPCLOUD_DATA, the source tree or
 * $(pkgdatadir); the caller frees. */
char *path_data(const char *name) _returns_value_;
/* A whole file, at most `top` bytes. */
int file_read(const char *path, size_t top, char **ret, size_t *len,
	struct fault *why) _must_check_;
/* Reads until `size` bytes are there or the file is at its end: how many, or -1
 * with errno. */
ssize_t file_fill(int fd, char *to, size_t size);
/* Written beside, synced, renamed: whole or not at all. */
int file_write(const char *path, const void *p, size_t len, unsigned mode,
	struct fault *why) _must_check_;
int dir_make(const char *path, unsigned mode, struct fault *why) _must_check_;
/* A secret's file: trimmed of the last newline, refused when others than the
 * owner and group may read it. */
int file_read_secret(
	const char *path, char **ret, struct fault *why) _must_check_;
