#pragma once

/*
 * A stored file as the answer of a request: found, let through by the rules,
 * sent with its headers (ranges, conditionals, caching, checksums).  Used by
 * GET /v1/files/PATH, by declared routes whose target is a stored file, and for
 * a CDN's origin pulls.
 */

#include "gateway/request.h"
#include "storage/files.h"

/* An endpoint's whole work: STEP_WAIT.  `path` lies as long as the request. */
int file_serve(struct request *r, struct slice path,
	const struct file_scope *scope) _must_check_;
/* The endpoint of a declared route's stored file (declared.h): the project says
 * that it is served, so no rule is asked. */
int file_serve_declared(struct request *r);
/* True: `r` is a CDN's, known by the header X-Origin-Secret
 * (storage.origin_secret_file). */
bool file_serve_is_origin_pull(const struct request *r);
