/*
 * What an X.509 certificate says of itself.  Whether to believe it is not
 * decided here: WeChat Pay's come sealed with the merchant's own key.
 */
#include "base/crypto.h"

#include <openssl/asn1.h>
#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <time.h>

DEFINE_CLEANUP(X509 *, X509_free)
DEFINE_CLEANUP(BIO *, BIO_free)

/* Without this OpenSSL asks on the terminal. */
static int
no_passphrase(char *room, int size, int writing, void *arg)
{
	(void)room, (void)size, (void)writing, (void)arg;
	return -1;
}

static bool
serial_put(const X509 *x, char ret[CERT_SERIAL_TOP + 1])
{
	BIGNUM *n = ASN1_INTEGER_to_BN(X509_get0_serialNumber(x), NULL);
	char *hex = n ? BN_bn2hex(n) : NULL;
	bool fits = hex && hex[0] != '-' && strlen(hex) <= CERT_SERIAL_TOP;

	if (fits)
		memcpy(ret, hex, strlen(hex) + 1);
	OPENSSL_free(hex);
	BN_free(n);
	return fits;
}

static bool
time_put(const ASN1_TIME *t, int64_t *ret_ms)
{
	struct tm tm;

	if (!ASN1_TIME_to_tm(t, &tm))
		return false;
	*ret_ms = (int64_t)timegm(&tm) * 1000;
	return true;
}

int
cert_read(struct cert_facts *ret, struct slice pem, struct fault *why)
{
	_cleanup_(BIO_freep) BIO *bio =
		BIO_new_mem_buf(pem.ptr ? pem.ptr : "", (int)pem.len);
	_cleanup_(X509_freep) X509 *x =
		bio ? PEM_read_bio_X509(bio, NULL, no_passphrase, NULL) : NULL;
	struct cert_facts facts;
	bool ok = x && serial_put(x, facts.serial) &&
		  time_put(X509_get0_notBefore(x), &facts.from_ms) &&
		  time_put(X509_get0_notAfter(x), &facts.to_ms);

	ERR_clear_error();
	if (!ok)
		return fault_set(why, ERR_FORMAT,
			"not a certificate in PEM form (BEGIN CERTIFICATE)");
	*ret = facts;
	return 0;
}
