#pragma once

/*
 * Signed links: who has one may do one thing with one path until it expires,
 * without a login.  `?sign=…&t=…` on /v1/files/PATH: t is when it expires (unix
 * seconds, hex), sign an HMAC-SHA256 over the method, the path and t under a
 * key that is derived from the master key, so that all nodes and restarts
 * agree. A link to upload by also has `w`, the sealed caller whose upload it
 * is: rules and quotas hold when the bytes come, and nobody reads an openid
 * from a link.
 *
 *   sign = base64url(HMAC-SHA256(key, "GET\n" PATH "\n" t "\n" w))
 */

#include "base/arena.h"
#include "base/err.h"
#include "base/slice.h"

enum file_link_may { FILE_LINK_GET, FILE_LINK_PUT };

enum { FILE_LINK_KEY = 32, FILE_LINK_WHO_TOP = 1024 };

struct file_link {
	enum file_link_may may;
	struct slice path;
	int64_t until_s;  /* unix seconds */
	struct slice who; /* whom it lets, in the words of whoever makes and
			     reads links; or empty: of FILE_LINK_GET, all */
};

/* The key of links, from the master key (32 bytes). */
void file_link_key(struct slice master, uint8_t ret[FILE_LINK_KEY]);
/* The query without its "?", in the arena. */
const char *file_link_make(struct slice key, struct arena *arena,
	const struct file_link *link) _returns_value_;
/* What a query says; absent ones are empty. */
struct file_link_query {
	struct slice sign, t, w;
};
/* may and path are asked for, until_s and who (in the arena) are filled.
 * ERR_FILE_LINK: forged, expired (the text says which), of another path. */
int file_link_check(struct slice key, struct arena *arena,
	struct file_link *link, const struct file_link_query *query,
	int64_t now_s, struct fault *why) _must_check_;

/*
 * Links that a CDN checks by itself, by Tencent Cloud CDN's signature type D
 * (the form of CloudBase's own temporary links): sign = md5hex(KEY + "/" + the
 * path as it stands in the link + t), t in seconds, from when on the validity
 * counts that is set at the CDN.  Source:
 * tencentcloud.com/document/product/228/35225.
 */
const char *file_link_cdn(struct slice key, struct arena *arena,
	struct slice url_path, int64_t t_s) _returns_value_;
