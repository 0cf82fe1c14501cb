#pragma once

/*
 * Requests signed with an API key, which then never travels:
 *
 *   Authorization: MPCLOUD-HMAC-SHA256 key="0123456789abcdef",
 *     timestamp="1795132800", nonce="5f1c…", signature="<64 hex digits>"
 *
 * The signature is HMAC-SHA256, in hex, under the whole key (mpk_…) of these
 * seven lines with a line feed between them:
 *
 *   MPCLOUD-HMAC-SHA256
 *   POST                        the method
 *   /shop/orders/a%20b          the path as it is sent
 *   page=2&x=%2F                the query as it is sent, without "?"; or empty
 *   1795132800                  the timestamp: seconds since 1970
 *   5f1c…                       the nonce: 16 to 64 letters, digits, - and _
 *   e3b0c442…                   SHA-256 of the body in hex
 *
 * The timestamp may be five minutes off, and a nonce is taken once.  Pure.
 */

#include "base/err.h"
#include "base/slice.h"

enum { API_SIGN_WINDOW_S = 300, API_NONCE_LEAST = 16, API_NONCE_TOP = 64 };

struct api_sign {
	char key_id[17];
	struct slice nonce;
	int64_t timestamp_s;
	uint8_t signature[32];
};

/* Is it one at all? */
bool api_sign_is(struct slice authorization);
/* `authorization` is borrowed.  ERR_API_KEY. */
int api_sign_parse(struct api_sign *ret, struct slice authorization,
	struct fault *why) _must_check_;

struct api_signed {
	struct slice method, target, body; /* target: as sent, "/a?b" */
};
/* ERR_API_KEY: the time is off, or it does not verify. */
int api_sign_check(const struct api_sign *s, const struct api_signed *what,
	struct slice key_text, int64_t now_s, struct fault *why) _must_check_;
