#pragma once

/*
 * Open data: what a mini program's page gets about its user, encrypted by
 * WeChat under the user's session_key.  Pure: keys and texts in, plain JSON
 * out.
 *
 * Source: developers.weixin.qq.com, "Signature verification, encryption and
 * decryption of open data".
 */

#include "auth/session_key.h"
#include "base/buf.h"
#include "base/val.h"

enum { OPENDATA_TOP = 64 * 1024, OPENDATA_PLAIN_TOP = 48 * 1024 };

struct opendata_ask {
	struct slice appid, openid; /* whose data it must be */
	/* As the page got them; ptr NULL: not given.  Either pair or both. */
	struct slice encrypted, iv;
	struct slice raw, signature;
	int64_t now_s;
	int64_t age_s; /* the watermark may be so old; 0: any age */
};

/* Tries the keys, newest first; *ret is the decrypted object, NULL when only
 * the signature was asked about.  ERR_OPEN_DATA_… */
int opendata_open(const struct session_keys *keys,
	const struct opendata_ask *ask, json_t **ret,
	struct fault *why) _must_check_;

/* For user signatures of WeChat's API ("signature" beside "openid"): lower-case
 * hex HMAC-SHA256 of `message` under the key's text. */
void opendata_sign(const struct session_key *key, struct slice message,
	char ret[2 * 32 + 1]);
