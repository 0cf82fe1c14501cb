#pragma once

/*
 * Which function answers at a path: the "http" triggers of the versions that
 * answer, as one gateway knows them.
 */

#include "base/slice.h"

#include <jansson.h>

struct http_paths;

struct http_path {
	char *path; /* as http_path_check wants it */
	char *function;
	unsigned methods; /* bits of functions/http_path.h */
	bool auth;        /* an access token is needed */
};

struct http_paths *http_paths_new(void) _returns_value_;
struct http_paths *http_paths_free(struct http_paths *paths);

/* The function's triggers are these (NULL: none); those of other types, and
 * what is not well-formed, are passed over. */
void http_paths_set(
	struct http_paths *paths, const char *function, const json_t *triggers);

/* What fits best: the longest path, exact by segments.  0, ERR_NOT_FOUND, or
 * ERR_METHOD with the methods that are taken there.  Borrowed until the next
 * http_paths_set. */
int http_paths_find(const struct http_paths *paths, struct slice path,
	struct slice method, const struct http_path **ret,
	unsigned *allowed) _must_check_;
size_t http_paths_count(const struct http_paths *paths);
