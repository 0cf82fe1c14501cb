/*
 * P-256.  OpenSSL speaks DER where JOSE has two numbers side by side, so most
 * of this is turning one into the other; the checks of the numbers' ranges are
 * OpenSSL's, but for the lower half.
 */
#include "base/crypto_ec.h"

#include "base/mem.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <stdlib.h>

enum { POINT = 1 + 2 * EC_NUMBER, DER_TOP = 80 };

DEFINE_CLEANUP(BIGNUM *, BN_clear_free)
DEFINE_CLEANUP(EC_GROUP *, EC_GROUP_free)
DEFINE_CLEANUP(EC_POINT *, EC_POINT_free)
DEFINE_CLEANUP(ECDSA_SIG *, ECDSA_SIG_free)
DEFINE_CLEANUP(EVP_PKEY_CTX *, EVP_PKEY_CTX_free)
DEFINE_CLEANUP(OSSL_PARAM_BLD *, OSSL_PARAM_BLD_free)
DEFINE_CLEANUP(OSSL_PARAM *, OSSL_PARAM_free)

struct ec {
	EVP_PKEY *key;
	EVP_PKEY_CTX *signer, *verifier;
	BIGNUM *order, *half;
	uint8_t point[POINT];
};

/* Libcrypto failing at what it cannot fail at. */
static void
must(bool ok)
{
	if (!ok)
		abort();
}

struct ec *
ec_free(struct ec *ec)
{
	if (!ec)
		return NULL;
	EVP_PKEY_CTX_free(ec->signer);
	EVP_PKEY_CTX_free(ec->verifier);
	EVP_PKEY_free(ec->key);
	BN_free(ec->order);
	BN_free(ec->half);
	return mem_free(ec);
}

static EC_GROUP *
group_new(void)
{
	EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);

	must(group != NULL);
	return group;
}

static EVP_PKEY *
key_new(const uint8_t point[POINT], const BIGNUM *number)
{
	_cleanup_(OSSL_PARAM_BLD_freep) OSSL_PARAM_BLD *bld =
		OSSL_PARAM_BLD_new();
	_cleanup_(EVP_PKEY_CTX_freep) EVP_PKEY_CTX *ctx =
		EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	_cleanup_(OSSL_PARAM_freep) OSSL_PARAM *params = NULL;
	EVP_PKEY *key = NULL;

	must(bld && ctx &&
		OSSL_PARAM_BLD_push_utf8_string(
			bld, OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0) &&
		OSSL_PARAM_BLD_push_octet_string(
			bld, OSSL_PKEY_PARAM_PUB_KEY, point, POINT));
	if (number)
		must(OSSL_PARAM_BLD_push_BN(
			bld, OSSL_PKEY_PARAM_PRIV_KEY, number));
	params = OSSL_PARAM_BLD_to_param(bld);
	must(params && EVP_PKEY_fromdata_init(ctx) > 0);
	if (EVP_PKEY_fromdata(ctx, &key,
		    number ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY,
		    params) <= 0)
		key = NULL;
	ERR_clear_error();
	return key;
}

static EVP_PKEY_CTX *
ctx_new(EVP_PKEY *key, int (*init)(EVP_PKEY_CTX *))
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);

	must(ctx && init(ctx) > 0);
	return ctx;
}

static int
ec_make(struct ec **ret, const EC_GROUP *group, const uint8_t point[POINT],
	const BIGNUM *number)
{
	_cleanup_(ec_freep) struct ec *ec = mem_new(struct ec);

	ec->key = key_new(point, number);
	if (!ec->key)
		return ERR_FORMAT;
	memcpy(ec->point, point, POINT);
	ec->verifier = ctx_new(ec->key, EVP_PKEY_verify_init);
	if (number)
		ec->signer = ctx_new(ec->key, EVP_PKEY_sign_init);
	ec->order = BN_dup(EC_GROUP_get0_order(group));
	ec->half = BN_new();
	must(ec->order && ec->half && BN_rshift1(ec->half, ec->order));
	*ret = take(ec);
	return 0;
}

int
ec_load_private(struct ec **ret, struct slice number)
{
	_cleanup_(EC_GROUP_freep) EC_GROUP *group = group_new();
	_cleanup_(EC_POINT_freep) EC_POINT *point = EC_POINT_new(group);
	_cleanup_(BN_clear_freep) BIGNUM *n = NULL;
	uint8_t text[POINT];

	if (number.len != EC_NUMBER)
		return ERR_FORMAT;
	n = BN_bin2bn((const uint8_t *)number.ptr, EC_NUMBER, NULL);
	must(point && n);
	BN_set_flags(n, BN_FLG_CONSTTIME);
	if (BN_is_zero(n) || BN_cmp(n, EC_GROUP_get0_order(group)) >= 0)
		return ERR_FORMAT;
	must(EC_POINT_mul(group, point, n, NULL, NULL, NULL) &&
		EC_POINT_point2oct(group, point, POINT_CONVERSION_UNCOMPRESSED,
			text, POINT, NULL) == POINT);
	return ec_make(ret, group, text, n);
}

int
ec_load_public(struct ec **ret, struct slice x, struct slice y)
{
	_cleanup_(EC_GROUP_freep) EC_GROUP *group = group_new();
	_cleanup_(EC_POINT_freep) EC_POINT *point = EC_POINT_new(group);
	uint8_t text[POINT] = {POINT_CONVERSION_UNCOMPRESSED};

	if (x.len != EC_NUMBER || y.len != EC_NUMBER)
		return ERR_FORMAT;
	memcpy(text + 1, x.ptr, EC_NUMBER);
	memcpy(text + 1 + EC_NUMBER, y.ptr, EC_NUMBER);
	must(point != NULL);
	if (!EC_POINT_oct2point(group, point, text, POINT, NULL)) {
		ERR_clear_error();
		return ERR_FORMAT;
	}
	return ec_make(ret, group, text, NULL);
}

void
ec_point(const struct ec *ec, uint8_t x[EC_NUMBER], uint8_t y[EC_NUMBER])
{
	memcpy(x, ec->point + 1, EC_NUMBER);
	memcpy(y, ec->point + 1 + EC_NUMBER, EC_NUMBER);
}

void
ec_generate(uint8_t ret[EC_NUMBER])
{
	struct ec *ec = NULL;

	/* all but one in 2^32 numbers are below the order */
	do
		crypto_random(ret, EC_NUMBER);
	while (ec_load_private(&ec, slice_of(ret, EC_NUMBER)) < 0);
	(void)ec_free(ec);
}

/* r and s of the DER, s in the lower half. */
static int
numbers_of(const struct ec *ec, const uint8_t *der, size_t len,
	uint8_t ret[EC_SIGNATURE])
{
	_cleanup_(ECDSA_SIG_freep) ECDSA_SIG *sig =
		d2i_ECDSA_SIG(NULL, &der, (long)len);
	_cleanup_(BN_clear_freep) BIGNUM *low = BN_new();
	const BIGNUM *r, *s;

	must(sig && low);
	ECDSA_SIG_get0(sig, &r, &s);
	if (BN_cmp(s, ec->half) > 0)
		must(BN_sub(low, ec->order, s));
	else
		must(BN_copy(low, s) != NULL);
	must(BN_bn2binpad(r, ret, EC_NUMBER) == EC_NUMBER &&
		BN_bn2binpad(low, ret + EC_NUMBER, EC_NUMBER) == EC_NUMBER);
	return 0;
}

int
ec_sign(struct ec *ec, struct slice in, uint8_t ret[EC_SIGNATURE])
{
	uint8_t sum[SHA256_LEN], der[DER_TOP];
	size_t len = sizeof(der);

	if (!ec->signer)
		return -EINVAL;
	crypto_sha256(in, sum);
	if (EVP_PKEY_sign(ec->signer, der, &len, sum, sizeof(sum)) <= 0) {
		ERR_clear_error();
		return -EIO;
	}
	return numbers_of(ec, der, len, ret);
}

int
ec_verify(struct ec *ec, struct slice in, struct slice signature)
{
	_cleanup_(ECDSA_SIG_freep) ECDSA_SIG *sig = ECDSA_SIG_new();
	const uint8_t *raw = (const uint8_t *)signature.ptr;
	uint8_t sum[SHA256_LEN], der[DER_TOP], *at = der;
	BIGNUM *r, *s;
	int len;

	if (signature.len != EC_SIGNATURE)
		return ERR_FORMAT;
	r = BN_bin2bn(raw, EC_NUMBER, NULL);
	s = BN_bin2bn(raw + EC_NUMBER, EC_NUMBER, NULL);
	must(sig && r && s && ECDSA_SIG_set0(sig, r, s));
	if (BN_cmp(s, ec->half) > 0)
		return ERR_FORMAT;
	len = i2d_ECDSA_SIG(sig, &at);
	must(len > 0 && len <= DER_TOP);
	crypto_sha256(in, sum);
	if (EVP_PKEY_verify(ec->verifier, der, (size_t)len, sum, sizeof(sum)) <=
		0) {
		ERR_clear_error();
		return ERR_FORMAT;
	}
	return 0;
}
