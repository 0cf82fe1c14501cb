/*
 * libcrypto behind the few verbs we need.  Algorithms are fetched once (a
 * fetch by name costs more than hashing a token), contexts are prepared once
 * and copied, and OpenSSL's error queue is left empty, because libcurl and
 * libpq read it too and would take our failures for theirs.
 */
#include "base/crypto.h"

#include "base/mem.h"
#include "base/text.h"

#include <assert.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>

enum { RSA_BITS = 2048, RSA_BYTES_TOP = 2048, POOL = 4096, KEY_BLOCK = 64 };

/* Libcrypto failing at what it cannot fail at (memory, a missing provider). */
static void
must(bool ok)
{
	if (ok)
		return;
	(void)fputs("libcrypto does not work\n", stderr);
	abort();
}

static int
crypto_fault(int err)
{
	ERR_clear_error();
	return err;
}

static const EVP_MD *
md_get(const char *name, EVP_MD **kept)
{
	if (!*kept)
		*kept = EVP_MD_fetch(NULL, name, NULL);
	must(*kept != NULL);
	return *kept;
}

static const EVP_MD *
sha256(void)
{
	static EVP_MD *md;

	return md_get("SHA256", &md);
}

static const EVP_CIPHER *
cipher_get(const char *name, EVP_CIPHER **kept)
{
	if (!*kept)
		*kept = EVP_CIPHER_fetch(NULL, name, NULL);
	must(*kept != NULL);
	return *kept;
}

DEFINE_CLEANUP(EVP_CIPHER_CTX *, EVP_CIPHER_CTX_free)
DEFINE_CLEANUP(EVP_PKEY *, EVP_PKEY_free)
DEFINE_CLEANUP(BIO *, BIO_free)

static void
random_now(void *to, size_t len)
{
	for (size_t at = 0; at < len;) {
		ssize_t n = getrandom((char *)to + at, len - at, 0);

		if (n < 0 && errno == EINTR)
			continue;
		must(n > 0);
		at += (size_t)n;
	}
}

/* Random bytes fetched ahead: a request id must not cost a system call.  The
 * kernel wipes the page in a forked child, whose `left` is then 0, so that two
 * processes never hand out the same bytes. */
struct pool {
	size_t left;
	uint8_t bytes[POOL - sizeof(size_t)];
};

static struct pool *
pool_get(void)
{
	static _Thread_local struct pool *pool;
	void *p;

	if (pool)
		return pool;
	p = mmap(NULL, sizeof(*pool), PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return NULL;
	if (madvise(p, sizeof(*pool), MADV_WIPEONFORK) < 0) {
		(void)munmap(p, sizeof(*pool));
		return NULL;
	}
	pool = p;
	return pool;
}

void
crypto_random(void *to, size_t len)
{
	struct pool *pool = len <= 64 ? pool_get() : NULL;

	if (!pool) {
		random_now(to, len);
		return;
	}
	if (pool->left < len) {
		random_now(pool->bytes, sizeof(pool->bytes));
		pool->left = sizeof(pool->bytes);
	}
	pool->left -= len;
	memcpy(to, pool->bytes + pool->left, len);
	mem_wipe(pool->bytes + pool->left, len);
}

bool
crypto_eq(struct slice a, struct slice b)
{
	return a.len == b.len &&
	       (a.len == 0 || CRYPTO_memcmp(a.ptr, b.ptr, a.len) == 0);
}

void
crypto_sha1(struct slice in, uint8_t ret[SHA1_LEN])
{
	static EVP_MD *md;

	must(EVP_Digest(in.ptr, in.len, ret, NULL, md_get("SHA1", &md), NULL));
}

void
crypto_sha256(struct slice in, uint8_t ret[SHA256_LEN])
{
	must(EVP_Digest(in.ptr, in.len, ret, NULL, sha256(), NULL));
}

struct hmac {
	EVP_MD_CTX *inner, *outer, *work;
};

/* A context that has hashed the key's pad (RFC 2104). */
static EVP_MD_CTX *
padded(const uint8_t key[KEY_BLOCK], uint8_t pad)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t block[KEY_BLOCK];

	for (size_t i = 0; i < KEY_BLOCK; i++)
		block[i] = key[i] ^ pad;
	must(ctx && EVP_DigestInit_ex(ctx, sha256(), NULL) &&
		EVP_DigestUpdate(ctx, block, KEY_BLOCK));
	mem_wipe(block, sizeof(block));
	return ctx;
}

struct hmac *
hmac_new(struct slice key)
{
	struct hmac *h = mem_new(struct hmac);
	uint8_t block[KEY_BLOCK] = {0};

	if (key.len > KEY_BLOCK)
		crypto_sha256(key, block);
	else if (key.len)
		memcpy(block, key.ptr, key.len);
	h->inner = padded(block, 0x36);
	h->outer = padded(block, 0x5c);
	h->work = EVP_MD_CTX_new();
	must(h->work != NULL);
	mem_wipe(block, sizeof(block));
	return h;
}

struct hmac *
hmac_free(struct hmac *h)
{
	if (!h)
		return NULL;
	EVP_MD_CTX_free(h->inner);
	EVP_MD_CTX_free(h->outer);
	EVP_MD_CTX_free(h->work);
	return mem_free(h);
}

void
hmac_sum(struct hmac *h, struct slice in, uint8_t ret[SHA256_LEN])
{
	must(EVP_MD_CTX_copy_ex(h->work, h->inner) &&
		EVP_DigestUpdate(h->work, in.ptr, in.len) &&
		EVP_DigestFinal_ex(h->work, ret, NULL));
	must(EVP_MD_CTX_copy_ex(h->work, h->outer) &&
		EVP_DigestUpdate(h->work, ret, SHA256_LEN) &&
		EVP_DigestFinal_ex(h->work, ret, NULL));
}

void
crypto_hmac_sha256(struct slice key, struct slice in, uint8_t ret[SHA256_LEN])
{
	_cleanup_(hmac_freep) struct hmac *h = hmac_new(key);

	hmac_sum(h, in, ret);
}

static const EVP_CIPHER *
gcm_of(size_t key_len)
{
	static EVP_CIPHER *small, *large;

	if (key_len == 16)
		return cipher_get("AES-128-GCM", &small);
	return key_len == 32 ? cipher_get("AES-256-GCM", &large) : NULL;
}

static const uint8_t *
bytes_of(struct slice s)
{
	return (const uint8_t *)s.ptr;
}

/* Sizes that fit OpenSSL's int. */
static bool
is_fit(struct slice a, struct slice b)
{
	return a.len < INT32_MAX / 2 && b.len < INT32_MAX / 2;
}

static EVP_CIPHER_CTX *
gcm_start(struct slice key, struct slice nonce, struct slice aad, int seal)
{
	const EVP_CIPHER *cipher = gcm_of(key.len);
	_cleanup_(EVP_CIPHER_CTX_freep) EVP_CIPHER_CTX *c = NULL;
	int n;

	if (!cipher || nonce.len == 0 || nonce.len > 128)
		return NULL;
	c = EVP_CIPHER_CTX_new();
	must(c != NULL);
	if (!EVP_CipherInit_ex(c, cipher, NULL, NULL, NULL, seal) ||
		!EVP_CIPHER_CTX_ctrl(
			c, EVP_CTRL_AEAD_SET_IVLEN, (int)nonce.len, NULL) ||
		!EVP_CipherInit_ex(
			c, NULL, NULL, bytes_of(key), bytes_of(nonce), seal))
		return NULL;
	if (aad.len &&
		!EVP_CipherUpdate(c, NULL, &n, bytes_of(aad), (int)aad.len))
		return NULL;
	return take(c);
}

int
crypto_gcm_seal(struct slice key, struct slice nonce, struct slice aad,
	struct slice plain, struct buf *to)
{
	_cleanup_(EVP_CIPHER_CTX_freep) EVP_CIPHER_CTX *c = NULL;
	uint8_t *at;
	int n = 0;

	if (!is_fit(aad, plain))
		return ERR_TOO_BIG;
	c = gcm_start(key, nonce, aad, 1);
	if (!c)
		return crypto_fault(-EINVAL);
	at = (uint8_t *)buf_reserve(to, plain.len + GCM_TAG);
	if (!at)
		return ERR_TOO_BIG;
	if (plain.len)
		must(EVP_CipherUpdate(
			c, at, &n, bytes_of(plain), (int)plain.len));
	must(EVP_CipherFinal_ex(c, at + n, &n) &&
		EVP_CIPHER_CTX_ctrl(
			c, EVP_CTRL_AEAD_GET_TAG, GCM_TAG, at + plain.len));
	buf_grown(to, plain.len + GCM_TAG);
	return 0;
}

int
crypto_gcm_open(struct slice key, struct slice nonce, struct slice aad,
	struct slice sealed, struct buf *to)
{
	_cleanup_(EVP_CIPHER_CTX_freep) EVP_CIPHER_CTX *c = NULL;
	uint8_t tag[GCM_TAG], *at;
	size_t len;
	int n = 0;

	if (sealed.len < GCM_TAG || !is_fit(aad, sealed))
		return ERR_FORMAT;
	len = sealed.len - GCM_TAG;
	c = gcm_start(key, nonce, aad, 0);
	if (!c)
		return crypto_fault(-EINVAL);
	at = (uint8_t *)buf_reserve(to, len);
	if (!at)
		return ERR_TOO_BIG;
	memcpy(tag, sealed.ptr + len, GCM_TAG);
	if ((len && !EVP_CipherUpdate(c, at, &n, bytes_of(sealed), (int)len)) ||
		!EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, GCM_TAG, tag) ||
		!EVP_CipherFinal_ex(c, at + n, &n)) {
		mem_wipe(at, len);
		return crypto_fault(ERR_FORMAT);
	}
	buf_grown(to, len);
	return 0;
}

int
crypto_cbc_open(
	struct slice key, struct slice iv, struct slice sealed, struct buf *to)
{
	static EVP_CIPHER *kept;
	_cleanup_(EVP_CIPHER_CTX_freep) EVP_CIPHER_CTX *c = NULL;
	uint8_t *at;
	int n = 0, last = 0;

	if (key.len != 16 || iv.len != 16)
		return -EINVAL;
	if (sealed.len == 0 || sealed.len % 16 || !is_fit(sealed, iv))
		return ERR_FORMAT;
	at = (uint8_t *)buf_reserve(to, sealed.len + 16);
	if (!at)
		return ERR_TOO_BIG;
	c = EVP_CIPHER_CTX_new();
	must(c && EVP_DecryptInit_ex(c, cipher_get("AES-128-CBC", &kept), NULL,
			  bytes_of(key), bytes_of(iv)));
	if (!EVP_DecryptUpdate(c, at, &n, bytes_of(sealed), (int)sealed.len) ||
		!EVP_DecryptFinal_ex(c, at + n, &last)) {
		mem_wipe(at, sealed.len + 16);
		return crypto_fault(ERR_FORMAT);
	}
	buf_grown(to, (size_t)n + (size_t)last);
	return 0;
}

int
crypto_ecb_open(struct slice key, struct slice sealed, struct buf *to)
{
	static EVP_CIPHER *kept;
	_cleanup_(EVP_CIPHER_CTX_freep) EVP_CIPHER_CTX *c = NULL;
	uint8_t *at;
	int n = 0, last = 0;

	if (key.len != 32)
		return -EINVAL;
	if (sealed.len == 0 || sealed.len % 16 || !is_fit(sealed, key))
		return ERR_FORMAT;
	at = (uint8_t *)buf_reserve(to, sealed.len + 16);
	if (!at)
		return ERR_TOO_BIG;
	c = EVP_CIPHER_CTX_new();
	must(c && EVP_DecryptInit_ex(c, cipher_get("AES-256-ECB", &kept), NULL,
			  bytes_of(key), NULL));
	if (!EVP_DecryptUpdate(c, at, &n, bytes_of(sealed), (int)sealed.len) ||
		!EVP_DecryptFinal_ex(c, at + n, &last)) {
		mem_wipe(at, sealed.len + 16);
		return crypto_fault(ERR_FORMAT);
	}
	buf_grown(to, (size_t)n + (size_t)last);
	return 0;
}

/* The contexts are set up once and used for every signature. */
struct rsa {
	EVP_PKEY *key;
	EVP_PKEY_CTX *signer, *verifier;
};

struct rsa *
rsa_free(struct rsa *rsa)
{
	if (!rsa)
		return NULL;
	EVP_PKEY_CTX_free(rsa->signer);
	EVP_PKEY_CTX_free(rsa->verifier);
	EVP_PKEY_free(rsa->key);
	return mem_free(rsa);
}

/* Without this OpenSSL asks on the terminal. */
static int
no_passphrase(char *room, int size, int writing, void *arg)
{
	(void)room, (void)size, (void)writing, (void)arg;
	return -1;
}

static EVP_PKEY_CTX *
rsa_ctx(EVP_PKEY *key, int (*init)(EVP_PKEY_CTX *))
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);

	must(ctx && init(ctx) > 0 &&
		EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) > 0 &&
		EVP_PKEY_CTX_set_signature_md(ctx, sha256()) > 0);
	return ctx;
}

/* Takes the key. */
static int
rsa_make(struct rsa **ret, EVP_PKEY *key, bool sign, struct fault *why)
{
	_cleanup_(rsa_freep) struct rsa *rsa = mem_new(struct rsa);

	rsa->key = key;
	if (!EVP_PKEY_is_a(key, "RSA"))
		return fault_set(why, ERR_FORMAT, "not an RSA key");
	if (EVP_PKEY_get_bits(key) < RSA_BITS ||
		EVP_PKEY_get_size(key) > RSA_BYTES_TOP)
		return fault_set(why, ERR_FORMAT,
			"an RSA key of %d bits: 2048 at least are needed",
			EVP_PKEY_get_bits(key));
	rsa->verifier = rsa_ctx(key, EVP_PKEY_verify_init);
	if (sign)
		rsa->signer = rsa_ctx(key, EVP_PKEY_sign_init);
	*ret = take(rsa);
	return 0;
}

static BIO *
pem_bio(struct slice pem)
{
	BIO *bio = BIO_new_mem_buf(pem.ptr ? pem.ptr : "", (int)pem.len);

	must(bio != NULL);
	return bio;
}

int
rsa_load_private(struct rsa **ret, struct slice pem, struct fault *why)
{
	_cleanup_(BIO_freep) BIO *bio = pem_bio(pem);
	EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);

	ERR_clear_error();
	if (!key)
		return fault_set(why, ERR_FORMAT,
			"not a private key in PEM form (BEGIN PRIVATE KEY, "
			"without a passphrase)");
	return rsa_make(ret, key, true, why);
}

static EVP_PKEY *
certificate_key(struct slice pem)
{
	_cleanup_(BIO_freep) BIO *bio = pem_bio(pem);
	X509 *x = PEM_read_bio_X509(bio, NULL, no_passphrase, NULL);
	EVP_PKEY *key = x ? X509_get_pubkey(x) : NULL;

	X509_free(x);
	return key;
}

int
rsa_load_public(struct rsa **ret, struct slice pem, struct fault *why)
{
	_cleanup_(BIO_freep) BIO *bio = pem_bio(pem);
	EVP_PKEY *key = PEM_read_bio_PUBKEY(bio, NULL, no_passphrase, NULL);

	if (!key)
		key = certificate_key(pem);
	ERR_clear_error();
	if (!key)
		return fault_set(why, ERR_FORMAT,
			"not a public key or certificate in PEM form (BEGIN "
			"PUBLIC KEY or BEGIN CERTIFICATE)");
	return rsa_make(ret, key, false, why);
}

int
rsa_sign(struct rsa *rsa, struct slice in, struct buf *to)
{
	uint8_t sum[SHA256_LEN], signature[RSA_BYTES_TOP];
	size_t len = sizeof(signature);

	if (!rsa->signer)
		return -EINVAL;
	crypto_sha256(in, sum);
	if (EVP_PKEY_sign(rsa->signer, signature, &len, sum, sizeof(sum)) <= 0)
		return crypto_fault(-EIO);
	text_base64(to, slice_of(signature, len));
	return buf_check(to);
}

int
rsa_verify(struct rsa *rsa, struct slice in, struct slice signature)
{
	uint8_t sum[SHA256_LEN];
	_buf_ struct buf raw;

	buf_init(&raw, RSA_BYTES_TOP);
	if (text_unbase64(&raw, signature) < 0)
		return ERR_FORMAT;
	crypto_sha256(in, sum);
	if (EVP_PKEY_verify(rsa->verifier, bytes_of(buf_all(&raw)), raw.len,
		    sum, sizeof(sum)) <= 0)
		return crypto_fault(ERR_FORMAT);
	return 0;
}

bool
rsa_is_pair(struct rsa *private_key, struct rsa *public_key)
{
	return EVP_PKEY_eq(private_key->key, public_key->key) == 1;
}

static int
pem_take(struct buf *to, BIO *bio, int written)
{
	char *text = NULL;
	long len = BIO_get_mem_data(bio, &text);

	if (written <= 0 || len <= 0)
		return crypto_fault(-EIO);
	buf_add(to, text, (size_t)len);
	return buf_check(to);
}

int
rsa_generate(struct buf *private_pem, struct buf *public_pem)
{
	_cleanup_(BIO_freep) BIO *secret = BIO_new(BIO_s_secmem());
	_cleanup_(BIO_freep) BIO *open = BIO_new(BIO_s_mem());
	EVP_PKEY *key = EVP_RSA_gen(RSA_BITS);
	int r, s;

	must(secret && open && key);
	r = PEM_write_bio_PKCS8PrivateKey(
		secret, key, NULL, NULL, 0, NULL, NULL);
	s = PEM_write_bio_PUBKEY(open, key);
	EVP_PKEY_free(key);
	r = pem_take(private_pem, secret, r);
	return r < 0 ? r : pem_take(public_pem, open, s);
}
