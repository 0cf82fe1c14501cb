/*
 * AES-CBC without OpenSSL's padding: message push pads to blocks of 32 bytes,
 * which no library knows, so whoever asks pads and checks himself.
 */
#include "base/crypto.h"

#include "base/mem.h"

#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/evp.h>

enum { BLOCK = 16 };

static void
cipher_ctx_free(EVP_CIPHER_CTX **c)
{
	EVP_CIPHER_CTX_free(*c);
}

static const uint8_t *
bytes_of(struct slice s)
{
	return (const uint8_t *)s.ptr;
}

static int
run(struct slice key, struct slice iv, struct slice in, int seal,
	struct buf *to)
{
	_cleanup_(cipher_ctx_free) EVP_CIPHER_CTX *c = NULL;
	const EVP_CIPHER *cipher =
		key.len == 32 ? EVP_aes_256_cbc() : EVP_aes_128_cbc();
	uint8_t *at;
	int n = 0, last = 0;

	if ((key.len != 16 && key.len != 32) || iv.len != BLOCK)
		return -EINVAL;
	if (in.len == 0 || in.len % BLOCK || in.len > INT_MAX - BLOCK)
		return ERR_FORMAT;
	at = (uint8_t *)buf_reserve(to, in.len + BLOCK);
	if (!at)
		return ERR_TOO_BIG;
	c = EVP_CIPHER_CTX_new();
	if (!c ||
		!EVP_CipherInit_ex(
			c, cipher, NULL, bytes_of(key), bytes_of(iv), seal) ||
		!EVP_CIPHER_CTX_set_padding(c, 0) ||
		!EVP_CipherUpdate(c, at, &n, bytes_of(in), (int)in.len) ||
		!EVP_CipherFinal_ex(c, at + n, &last)) {
		ERR_clear_error();
		mem_wipe(at, in.len);
		return ERR_FORMAT;
	}
	buf_grown(to, (size_t)n + (size_t)last);
	return 0;
}

int
crypto_cbc_raw_open(
	struct slice key, struct slice iv, struct slice sealed, struct buf *to)
{
	return run(key, iv, sealed, 0, to);
}

int
crypto_cbc_raw_seal(
	struct slice key, struct slice iv, struct slice plain, struct buf *to)
{
	return run(key, iv, plain, 1, to);
}
