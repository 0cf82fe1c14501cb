#pragma once

/*
 * Who comes to a stored file, by which door: with a token, by a signed link, or
 * nobody; and the other way round, the links that are given out.
 */

#include "gateway/request.h"
#include "storage/file_link.h"
#include "storage/files.h"

struct call;

/* The host of links that functions are given for their own use: it leads to
 * their gateway's socket (functions/node/preload.cjs). */
#define FILE_INSIDE_URL "http://cos.mpcloud.internal"

struct file_door {
	struct slice path;
	struct file_scope scope;
	struct caller caller; /* scope's */
	bool linked;
};

/* r->param is the path.  A link to read lets whoever has it; one to upload, and
 * one to read that names somebody, lets whom it names, by the rules and quotas
 * that hold now.  ERR_FILE_LINK,
 * ERR_PARAM (the path), ERR_UNIMPLEMENTED (no storage here). */
int file_door(struct request *r, enum file_link_may may,
	struct file_door *ret) _must_check_;

/* Where clients of `r` reach this server: storage.public_url, or the request's
 * own scheme and host; of a function (r NULL, or on its socket)
 * storage.public_url, or the first address served. */
const char *file_base(const struct gateway *g, struct arena *arena,
	const struct request *r) _returns_value_;

/* Of what file_base says to functions, "host:port". */
const char *file_host(
	const struct gateway *g, struct arena *arena) _returns_value_;

/* "BASE/v1/files/PATH?sign=…&t=…"; with storage.cdn_url a link to read is the
 * CDN's.  `who`: the uploader (FILE_LINK_PUT). */
const char *file_url(const struct gateway *g, struct arena *arena,
	const char *base, const struct file_link *link) _returns_value_;
/* A link to what waits for its content check, for the function that does it:
 * never the CDN's. */
const char *file_check_url(const struct gateway *g, struct arena *arena,
	struct slice path, int64_t until_s) _returns_value_;
/* A caller as a link to upload by says him. */
struct slice file_who(struct arena *arena, const struct caller *caller);
