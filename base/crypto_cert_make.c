/*
 * X.509 certificates of our own making, for programs that play WeChat Pay and
 * for tests: signed by the very key they are about, because their readers look
 * at the serial number and the key and have no chain to check.
 */
#include "base/crypto.h"

#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdlib.h>

static void
x509_drop(X509 **x)
{
	X509_free(*x);
}

static void
pkey_drop(EVP_PKEY **key)
{
	EVP_PKEY_free(*key);
}

static void
bio_drop(BIO **bio)
{
	BIO_free(*bio);
}

static EVP_PKEY *
key_read(struct slice pem)
{
	_cleanup_(bio_drop) BIO *bio = BIO_new_mem_buf(pem.ptr, (int)pem.len);

	return bio ? PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL) : NULL;
}

static bool
serial_set(X509 *x, const char *hex)
{
	BIGNUM *number = NULL;
	bool good = BN_hex2bn(&number, hex) > 0 &&
		    BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x));

	BN_free(number);
	return good;
}

static bool
name_add(X509_NAME *name, const char *field, const char *value)
{
	return X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8,
		(const unsigned char *)value, -1, -1, 0);
}

static bool
fields_set(X509 *x, const struct cert_ask *ask, EVP_PKEY *key)
{
	X509_NAME *name = X509_get_subject_name(x);

	return X509_set_version(x, 2) && serial_set(x, ask->serial) &&
	       ASN1_TIME_set(X509_getm_notBefore(x), ask->from_s) &&
	       ASN1_TIME_set(X509_getm_notAfter(x), ask->until_s) &&
	       name_add(name, "C", "CN") &&
	       name_add(name, "O", ask->organization) &&
	       name_add(name, "CN", ask->name) &&
	       X509_set_issuer_name(x, name) && X509_set_pubkey(x, key) &&
	       X509_sign(x, key, EVP_sha256());
}

int
cert_make(struct buf *to, const struct cert_ask *ask)
{
	_cleanup_(pkey_drop) EVP_PKEY *key = key_read(ask->private_pem);
	_cleanup_(x509_drop) X509 *x = X509_new();
	_cleanup_(bio_drop) BIO *bio = BIO_new(BIO_s_mem());
	char *text = NULL;
	long len;

	if (!key || !x || !bio || !fields_set(x, ask, key) ||
		!PEM_write_bio_X509(bio, x)) {
		ERR_clear_error();
		return ERR_FORMAT;
	}
	len = BIO_get_mem_data(bio, &text);
	buf_add(to, text, (size_t)len);
	return buf_check(to);
}
