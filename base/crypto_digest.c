/*
 * Digests by name, for what an author asks for by name.  Not for our own
 * secrets: those have verbs of their own in crypto.h.
 */
#include "base/crypto.h"

#include "base/mem.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <strings.h>

static const struct {
	const char *name, *md;
} digests[] = {
	{"md5", "MD5"},
	{"sha1", "SHA1"},
	{"sha224", "SHA224"},
	{"sha256", "SHA256"},
	{"sha384", "SHA384"},
	{"sha512", "SHA512"},
};

static const char *
find(const char *name)
{
	for (size_t i = 0; i < array_size(digests); i++)
		if (strcasecmp(name, digests[i].name) == 0)
			return digests[i].md;
	return NULL;
}

int
crypto_digest(const char *name, struct slice in, uint8_t ret[DIGEST_TOP])
{
	const char *md = find(name);
	size_t len = 0;

	if (!md)
		return -EINVAL;
	if (EVP_Q_digest(NULL, md, NULL, in.ptr, in.len, ret, &len) == 1)
		return (int)len;
	ERR_clear_error();
	return -EIO;
}

int
crypto_hmac(const char *name, struct slice key, struct slice in,
	uint8_t ret[DIGEST_TOP])
{
	const char *md = find(name);
	size_t len = 0;

	if (!md)
		return -EINVAL;
	if (EVP_Q_mac(NULL, "HMAC", NULL, md, NULL, key.len ? key.ptr : "",
		    key.len, (const unsigned char *)in.ptr, in.len, ret,
		    DIGEST_TOP, &len))
		return (int)len;
	ERR_clear_error();
	return -EIO;
}

/* EVP_MD_CTX by another name. */
struct digest {
	EVP_MD_CTX *ctx;
};

struct digest *
digest_new(const char *name)
{
	struct digest *d = mem_new(struct digest);
	const char *md = find(name);
	EVP_MD *fetched = md ? EVP_MD_fetch(NULL, md, NULL) : NULL;

	d->ctx = EVP_MD_CTX_new();
	if (!fetched || !d->ctx ||
		EVP_DigestInit_ex2(d->ctx, fetched, NULL) != 1)
		abort();
	EVP_MD_free(fetched);
	return d;
}

struct digest *
digest_free(struct digest *d)
{
	if (d)
		EVP_MD_CTX_free(d->ctx);
	return mem_free(d);
}

void
digest_add(struct digest *d, struct slice in)
{
	if (in.len && EVP_DigestUpdate(d->ctx, in.ptr, in.len) != 1)
		abort();
}

size_t
digest_end(struct digest *d, uint8_t ret[DIGEST_TOP])
{
	unsigned len = 0;

	if (EVP_DigestFinal_ex(d->ctx, ret, &len) != 1)
		abort();
	return len;
}
