#pragma once

/*
 * What a signing key is once it was read.  For token_keys.c, which reads the
 * file, and token.c, which uses the keys; others know the name only.
 */

#include "auth/token.h"
#include "base/crypto.h"

enum {
	KEYS_TOP = 16,
	HEAD_TOP = 128,
	TOKEN_TOP = 4096, /* bytes of a token */
};

struct token_key {
	struct hmac *hmac;
	uint8_t seal[GCM_KEY]; /* for the sealed openid */
	char *kid;
	char head[HEAD_TOP]; /* "base64url(header)." */
	size_t head_len;
};

struct token_keys {
	struct token_key key[KEYS_TOP]; /* the first one signs */
	int count;
	struct buf claims, sealed, id, mac; /* work space */
};
