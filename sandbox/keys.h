#pragma once

/*
 * Who the sandbox says everybody is: one mini program, one merchant, WeChat
 * Pay's own key.  Made at the first start in a directory of mode 0700, the same
 * ever after, so that tokens and orders survive a restart of `mpcloud dev`.
 */

#include "base/crypto.h"
#include "base/val.h"

struct keys {
	char *appid, *secret; /* the mini program */
	char *mchid, *serial; /* the merchant and his certificate */
	char *public_key_id;  /* PUB_KEY_ID_…: WeChat Pay's key */
	char *apiv3_key;      /* 32 characters */
	char *merchant_pem;   /* public keys, SPKI */
	char *platform_pem;
	struct rsa *merchant; /* verifies */
	struct rsa *platform; /* signs */
};

/* Reads sandbox.json and the files beside it, or makes them all.  `dir` exists
 * and is absolute. */
int keys_open(
	struct keys *ret, const char *dir, struct fault *why) _must_check_;
/* What a program that configures a server needs: the names and where the files
 * with the secrets are, not the secrets. */
json_t *keys_describe(const struct keys *k, const char *dir);
void keys_done(struct keys *k);
