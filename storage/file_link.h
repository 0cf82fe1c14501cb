#pragma once

/*
 * Signed links: who has one may do one thing with one path until it expires,
 * without a login.  `?sign=…&t=…` on /v1/files/PATH: t is when it expires (unix
 * seconds, hex), sign an HMAC-SHA256 over the method, the path and t under a key
 * that is derived from the master key, so that all nodes and restarts agree.
 */

#include "base/arena.h"
#include "base/err.h"
#include "base/slice.h"

struct files;

enum file_link_may { FILE_LINK_GET, FILE_LINK_PUT };

struct file_link {
	enum file_link_may may;
	struct slice path;
	int64_t until_s; /* unix seconds */
	struct slice who; /* FILE_LINK_PUT: whose the file becomes; or empty */
};

/* The query without its "?", in the arena. */
const char *file_link_make(const struct files *f, struct arena *arena,
	const struct file_link *link) _returns_value_;
/* ERR_FILE_LINK: forged, expired (the text says which), of another path. */
int file_link_check(const struct files *f, struct file_link *link,
	struct slice query, int64_t now_s, struct fault *why) _must_check_;
