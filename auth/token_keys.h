#pragma once

/*
 * What a signing key is once it was read.  For token_keys.c, which reads the
 * file, and token.c, which uses the keys; others know the name only.
 */

#include "auth/token.h"
#include "base/crypto_ec.h"

enum {
	KEYS_TOP = 16,
	HEAD_TOP = 128,
	TOKEN_TOP = 4096, /* bytes of a token */
};

enum token_alg { TOKEN_HS256, TOKEN_ES256, TOKEN_ALGS };

struct token_key {
	enum token_alg alg;
	struct hmac *hmac; /* of HS256 */
	struct ec *ec;     /* of ES256 */
	bool verify_only;
	uint8_t seal[GCM_KEY]; /* for the sealed openid */
	char *kid;
	char head[HEAD_TOP]; /* "base64url(header)." */
	size_t head_len;
};

/* As the file and JOSE write it. */
extern const char *const token_alg_names[TOKEN_ALGS];

struct token_keys {
	struct token_key key[KEYS_TOP];
	int count;
	int signer;       /* the first that is not verify-only */
	int64_t leeway_s; /* iat may be so far ahead of our clock */
	struct buf claims, sealed, id, mac; /* work space */
};
