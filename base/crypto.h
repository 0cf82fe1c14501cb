#pragma once

/*
 * What we need of libcrypto; the only user of EVP.  All comparisons of secrets
 * go through crypto_eq.
 */

#include "base/buf.h"
#include "base/err.h"

enum {
	SHA1_LEN = 20,
	SHA256_LEN = 32,
	GCM_KEY = 32,
	GCM_NONCE = 12,
	GCM_TAG = 16
};

void crypto_random(void *to, size_t len); /* aborts when the kernel has none */
/* Constant time; unequal lengths are unequal. */
bool crypto_eq(struct slice a, struct slice b);

void crypto_sha1(struct slice in, uint8_t ret[SHA1_LEN]);
void crypto_sha256(struct slice in, uint8_t ret[SHA256_LEN]);
void crypto_hmac_sha256(
	struct slice key, struct slice in, uint8_t ret[SHA256_LEN]);

/* By name, of either case: md5 sha1 sha224 sha256 sha384 sha512.  How many
 * bytes of `ret` are the sum; -EINVAL: another name. */
enum { DIGEST_TOP = 64 };
int crypto_digest(const char *name, struct slice in,
	uint8_t ret[DIGEST_TOP]) _must_check_;
int crypto_hmac(const char *name, struct slice key, struct slice in,
	uint8_t ret[DIGEST_TOP]) _must_check_;

/* The sum of what comes in pieces.  The name as above, one of ours: aborts for
 * another. */
struct digest;
struct digest *digest_new(const char *name) _returns_value_;
struct digest *digest_free(struct digest *d);
DEFINE_CLEANUP(struct digest *, digest_free)
void digest_add(struct digest *d, struct slice in);
/* Once; the bytes of `ret` that are the sum. */
size_t digest_end(struct digest *d, uint8_t ret[DIGEST_TOP]);

/* HMAC-SHA256 with the pads hashed once (RFC 2104): 0.25 µs a token. */
struct hmac;
struct hmac *hmac_new(struct slice key) _returns_value_;
struct hmac *hmac_free(struct hmac *h);
DEFINE_CLEANUP(struct hmac *, hmac_free)
void hmac_sum(struct hmac *h, struct slice in, uint8_t ret[SHA256_LEN]);

/* AES-GCM; the key is 16 or 32 bytes, the tag is the last 16 bytes of the
 * sealed text.  Opening gives ERR_FORMAT and no plaintext when it is forged. */
int crypto_gcm_seal(struct slice key, struct slice nonce, struct slice aad,
	struct slice plain, struct buf *to) _must_check_;
int crypto_gcm_open(struct slice key, struct slice nonce, struct slice aad,
	struct slice sealed, struct buf *to) _must_check_;
/* AES-128-CBC with PKCS#7, fully checked. */
int crypto_cbc_open(struct slice key, struct slice iv, struct slice sealed,
	struct buf *to) _must_check_;
/* AES-CBC with a key of 16 or 32 bytes and no padding: whole blocks of 16, the
 * caller pads and checks.  ERR_FORMAT. */
int crypto_cbc_raw_open(struct slice key, struct slice iv, struct slice sealed,
	struct buf *to) _must_check_;
int crypto_cbc_raw_seal(struct slice key, struct slice iv, struct slice plain,
	struct buf *to) _must_check_;
/* AES-256-ECB with PKCS#7, fully checked: what WeChat Pay v2 seals its news of
 * refunds with.  The key is 32 bytes. */
int crypto_ecb_open(
	struct slice key, struct slice sealed, struct buf *to) _must_check_;

/* RSASSA-PKCS1-v1_5 with SHA-256. */
struct rsa;
int rsa_load_private(
	struct rsa **ret, struct slice pem, struct fault *why) _must_check_;
/* SPKI public key or X.509 certificate. */
int rsa_load_public(
	struct rsa **ret, struct slice pem, struct fault *why) _must_check_;
struct rsa *rsa_free(struct rsa *rsa);
DEFINE_CLEANUP(struct rsa *, rsa_free)
/* Appends base64 without line breaks. */
int rsa_sign(struct rsa *rsa, struct slice in, struct buf *to) _must_check_;
/* `signature` is base64.  ERR_FORMAT when it does not verify. */
int rsa_verify(
	struct rsa *rsa, struct slice in, struct slice signature) _must_check_;
/* Do the two halves belong together? */
bool rsa_is_pair(struct rsa *private_key, struct rsa *public_key);
/* An X.509 certificate's own words: its serial number in upper-case hex, and
 * when it is good, in ms since 1970. */
enum { CERT_SERIAL_TOP = 64 };
struct cert_facts {
	char serial[CERT_SERIAL_TOP + 1];
	int64_t from_ms, to_ms;
};
int cert_read(struct cert_facts *ret, struct slice pem,
	struct fault *why) _must_check_;
/* A new key pair of 2048 bits, appended as PEM: PKCS#8 and SPKI.  50 ms and
 * more: not for the loop of a gateway. */
int rsa_generate(struct buf *private_pem, struct buf *public_pem) _must_check_;

/* A certificate signed by its own key, appended as PEM. */
struct cert_ask {
	struct slice private_pem;
	const char *serial; /* hex */
	const char *organization, *name;
	int64_t from_s, until_s; /* unix seconds */
};
int cert_make(struct buf *to, const struct cert_ask *ask) _must_check_;
