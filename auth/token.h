#pragma once

/*
 * Access tokens: JWT (RFC 7519) signed HS256 or ES256 (RFC 7515, RFC 7518) with
 * a key id, checked without a database read.  The openid travels sealed
 * (AES-256-GCM under a key derived from the signing key): the client holds it
 * but cannot read it. Claims: iss "mpcloud", sub uid, app, sid (hex), iat, exp,
 * id (sealed openid NUL unionid NUL custom_id), k (how he logged in).
 */

#include "auth/caller.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

struct token_keys;
/* Lines `KID [HS256|ES256] KEY [verify-only]`, the newest first; KEY is the
 * base64url of 32 bytes, of ES256 the private number.  The first one that is
 * not verify-only signs. */
int token_keys_parse(struct token_keys **ret, struct slice text,
	struct fault *why) _must_check_;
struct token_keys *token_keys_free(struct token_keys *k);
DEFINE_CLEANUP(struct token_keys *, token_keys_free)

/* A token may be issued by a clock so far ahead of ours; 60 when not set. */
void token_keys_set_leeway(struct token_keys *keys, int64_t leeway_s);
/* Appends {"keys": […]} (RFC 7517): the public halves of the ES256 keys. */
int token_keys_put_set(
	const struct token_keys *keys, struct buf *to) _must_check_;

/* Appends the token for `who` (uid, appid, openid, unionid, custom_id, kind,
 * sid). */
int token_issue(struct token_keys *keys, const struct caller *who,
	int64_t now_s, int64_t ttl_s, struct buf *to) _must_check_;
/* ERR_TOKEN_BAD, ERR_TOKEN_EXPIRED.  Strings go to the arena. */
int token_check(struct token_keys *keys, struct slice token, int64_t now_s,
	struct arena *arena, struct caller *ret) _must_check_;
/* A JWS of RFC 7515 checked under a raw key: for known answers. */
int token_verify_raw(struct slice key, struct slice jws) _must_check_;
