/*
 * Certificates.  The library asks for one at each handshake, so new ones need
 * no restart; a connection holds the one it was shown, because a handshake may
 * end after the certificate was replaced.
 *
 * Which one: the client says the name it wants (SNI, RFC 6066, 3), and the
 * certificates say theirs (subjectAltName, RFC 6125, 6.4).
 */
#include "http/http_inside.h"

#include "base/clock.h"
#include "base/mem.h"

#include <gnutls/ocsp.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_TOP = 256, NAMES_TOP = 200 };

static gnutls_datum_t
datum_of(const char *text)
{
	return (gnutls_datum_t){
		(unsigned char *)(uintptr_t)text, (unsigned)strlen(text)};
}

/* Do certificate and key belong together? */
static int
pair_check(const struct cert *c, struct fault *why)
{
	unsigned char a[64], b[64];
	size_t na = sizeof(a), nb = sizeof(b);
	gnutls_pubkey_t own = NULL;
	int r;

	r = gnutls_pubkey_init(&own);
	if (r >= 0)
		r = gnutls_pubkey_import_privkey(own, c->key, 0, 0);
	if (r >= 0)
		r = gnutls_pubkey_get_key_id(own, 0, a, &na);
	if (r >= 0)
		r = gnutls_pubkey_get_key_id(c->list[0].pubkey, 0, b, &nb);
	gnutls_pubkey_deinit(own);
	if (r >= 0 && na == nb && memcmp(a, b, na) == 0)
		return 0;
	return fault_set(
		why, ERR_CONFIG, "the TLS key is not that of the certificate");
}

static int
pair_load(struct cert *c, const char *cert, const char *key, struct fault *why)
{
	gnutls_datum_t text = datum_of(cert);
	unsigned n = array_size(c->list);
	int r;

	r = gnutls_pcert_list_import_x509_raw(c->list, &n, &text,
		GNUTLS_X509_FMT_PEM, GNUTLS_X509_CRT_LIST_FAIL_IF_UNSORTED);
	if (r < 0)
		return fault_set(why, ERR_CONFIG,
			"the TLS certificate cannot be read: %s",
			gnutls_strerror(r));
	c->count = n;
	text = datum_of(key);
	r = gnutls_privkey_init(&c->key);
	if (r >= 0)
		r = gnutls_privkey_import_x509_raw(
			c->key, &text, GNUTLS_X509_FMT_PEM, NULL, 0);
	if (r < 0)
		return fault_set(why, ERR_CONFIG,
			"the TLS key cannot be read: %s", gnutls_strerror(r));
	return pair_check(c, why);
}

/* The names that stand in the certificate itself, not in its chain. */
static void
names_load(struct cert *c)
{
	gnutls_x509_crt_t crt = NULL;
	char name[NAME_TOP];
	size_t count = 0;

	c->names = mem_alloc((NAMES_TOP + 1) * sizeof(*c->names));
	if (gnutls_x509_crt_init(&crt) < 0)
		return;
	if (gnutls_x509_crt_import(crt, &c->list[0].cert, GNUTLS_X509_FMT_DER) <
		0)
		goto out;
	for (unsigned i = 0; count < NAMES_TOP; i++) {
		size_t len = sizeof(name);
		int r = gnutls_x509_crt_get_subject_alt_name(
			crt, i, name, &len, NULL);

		if (r == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
			break;
		if (r == GNUTLS_SAN_DNSNAME && len < sizeof(name) &&
			!memchr(name, '\0', len)) {
			name[len] = '\0';
			c->names[count++] = mem_dup(name, len + 1);
		}
	}
out:
	gnutls_x509_crt_deinit(crt);
}

/* Of another certificate it would turn away clients that look at it. */
static int
ocsp_is_of(gnutls_ocsp_resp_t resp, const struct cert *c)
{
	gnutls_x509_crt_t crt = NULL;
	int r = gnutls_x509_crt_init(&crt);

	if (r < 0)
		return r;
	r = gnutls_x509_crt_import(crt, &c->list[0].cert, GNUTLS_X509_FMT_DER);
	if (r >= 0)
		r = gnutls_ocsp_resp_check_crt(resp, 0, crt);
	gnutls_x509_crt_deinit(crt);
	return r;
}

/* What an OCSP responder said; until when, from itself. */
static int
ocsp_load(struct cert *c, struct slice ocsp, struct fault *why)
{
	gnutls_datum_t text = {
		(unsigned char *)(uintptr_t)ocsp.ptr, (unsigned)ocsp.len};
	gnutls_ocsp_resp_t resp = NULL;
	time_t next = -1;
	unsigned status = 0;
	int r;

	if (!ocsp.len)
		return 0;
	r = gnutls_ocsp_resp_init(&resp);
	if (r >= 0)
		r = gnutls_ocsp_resp_import(resp, &text);
	if (r >= 0)
		r = gnutls_ocsp_resp_get_single(resp, 0, NULL, NULL, NULL, NULL,
			&status, NULL, &next, NULL, NULL);
	if (r >= 0 && status != GNUTLS_OCSP_CERT_GOOD)
		r = GNUTLS_E_OCSP_RESPONSE_ERROR;
	if (r >= 0)
		r = ocsp_is_of(resp, c);
	gnutls_ocsp_resp_deinit(resp);
	if (r < 0)
		return fault_set(why, ERR_CONFIG,
			"the OCSP response cannot be used: %s",
			gnutls_strerror(r));
	c->ocsp.response.data = mem_dup(ocsp.ptr, ocsp.len);
	c->ocsp.response.size = (unsigned)ocsp.len;
	c->ocsp.exptime = next;
	return 0;
}

static int
cert_new(struct cert **ret, const struct http_cert *from, struct fault *why)
{
	struct cert *c = mem_new(struct cert);
	int r;

	c->refs = 1;
	r = pair_load(c, from->cert, from->key, why);
	if (r == 0) {
		names_load(c);
		r = ocsp_load(c, from->ocsp, why);
	}
	if (r < 0) {
		(void)cert_unref(c);
		return r;
	}
	*ret = c;
	return 0;
}

struct cert *
cert_unref(struct cert *c)
{
	if (!c || --c->refs)
		return NULL;
	for (unsigned i = 0; i < c->count; i++)
		gnutls_pcert_deinit(&c->list[i]);
	if (c->key)
		gnutls_privkey_deinit(c->key);
	for (char **name = c->names; name && *name; name++)
		(void)mem_free(*name);
	(void)mem_free(c->names);
	(void)mem_free(c->ocsp.response.data);
	return mem_free(c);
}

int
http_certs_new(struct certs **ret, const struct http_cert *from, size_t count,
	struct fault *why)
{
	struct certs *all =
		mem_alloc(sizeof(*all) + count * sizeof(*all->cert));

	for (; all->count < count; all->count++) {
		int r = cert_new(
			&all->cert[all->count], &from[all->count], why);

		if (r < 0) {
			if (from[all->count].name)
				(void)fault_prefix(why, r, "[tls %s] ",
					from[all->count].name);
			(void)http_certs_free(all);
			return r;
		}
	}
	*ret = all;
	return 0;
}

struct certs *
http_certs_free(struct certs *certs)
{
	for (size_t i = 0; certs && i < certs->count; i++)
		(void)cert_unref(certs->cert[i]);
	return mem_free(certs);
}

/* 2: the name itself, 1: a wildcard for its first label, 0: neither. */
static unsigned
name_fits(const char *name, struct slice asked)
{
	const char *dot;

	if (slice_is_nocase(asked, name))
		return 2;
	if (strncmp(name, "*.", 2) != 0)
		return 0;
	dot = memchr(asked.ptr, '.', asked.len);
	if (!dot || dot == asked.ptr)
		return 0;
	return slice_is_nocase(
		slice_of(dot, asked.len - (size_t)(dot - asked.ptr)), name + 1);
}

static struct cert *
cert_for(const struct certs *certs, struct slice asked)
{
	struct cert *found = certs->cert[0];
	unsigned best = 0;

	for (size_t i = 0; i < certs->count && asked.len; i++)
		for (char **name = certs->cert[i]->names; *name; name++) {
			unsigned fit = name_fits(*name, asked);

			if (fit <= best)
				continue;
			best = fit;
			found = certs->cert[i];
		}
	return found;
}

static struct slice
name_asked(gnutls_session_t session, char room[NAME_TOP])
{
	size_t len = NAME_TOP;
	unsigned type;

	if (gnutls_server_name_get(session, room, &len, &type, 0) < 0 ||
		type != GNUTLS_NAME_DNS)
		return SLICE("");
	return slice_of(room, strnlen(room, len));
}

int
cert_show(gnutls_session_t session, const struct gnutls_cert_retr_st *info,
	gnutls_pcert_st **ret, unsigned *ret_len, gnutls_ocsp_data_st **ocsp,
	unsigned *ocsp_len, gnutls_privkey_t *ret_key, unsigned *flags)
{
	struct conn *c = gnutls_session_get_ptr(session);
	char room[NAME_TOP];

	(void)info, (void)flags;
	if (!c->cert) {
		c->cert = cert_for(c->http->certs, name_asked(session, room));
		c->cert->refs++;
	}
	*ret = c->cert->list;
	*ret_len = c->cert->count;
	*ret_key = c->cert->key;
	*ocsp_len = 0;
	/* One that has expired would turn clients away. */
	if (c->cert->ocsp.response.size &&
		(c->cert->ocsp.exptime == -1 ||
			c->cert->ocsp.exptime > clock_now_s())) {
		*ocsp = &c->cert->ocsp;
		*ocsp_len = 1;
	}
	return 0;
}
