#pragma once

/*
 * From a name (cloud.openapi.wxacode.getUnlimited) and members to one request
 * of api.weixin.qq.com.  Pure; the call itself is wxapi.h's.
 *
 * What is not in openapi.def is asked by its path: "/wxa/business/…",
 * "cgi-bin/…", with "GET " before it where WeChat wants that.
 */

#include "base/buf.h"
#include "base/err.h"

enum openapi_how { OPENAPI_JSON, OPENAPI_QUERY, OPENAPI_FORM, OPENAPI_USER };

enum { OPENAPI_PATH_TOP = 128 };

struct openapi_route {
	enum openapi_how how;
	char path[OPENAPI_PATH_TOP + 2]; /* with its first slash */
};

/* ERR_NOT_FOUND: neither a known name nor a path.  ERR_FORBIDDEN: what answers
 * with secrets of the mini program's or of its users'. */
int openapi_find(struct openapi_route *ret, struct slice name,
	struct fault *why) _must_check_;
/* Two names of one API: a path's first slash does not count. */
bool openapi_same(struct slice a, struct slice b);

/* A member.  `value` is JSON, or a file's bytes when there is a filename. */
struct openapi_pair {
	struct slice key, value, filename;
	struct slice type; /* of a file; empty: by its name */
};

/* The request as wxapi_ask wants it. */
struct openapi_request {
	const char *method;
	struct buf query, body;
	char content_type[96]; /* "": JSON's */
};

/* Ceilings: of the body, `top` bytes.  ERR_PARAM, ERR_TOO_BIG. */
int openapi_build(struct openapi_request *ret,
	const struct openapi_route *route, const struct openapi_pair *pairs,
	size_t count, const char *openid, size_t top,
	struct fault *why) _must_check_;
void openapi_request_done(struct openapi_request *r);
