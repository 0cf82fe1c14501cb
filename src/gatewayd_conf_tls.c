/*
 * Certificates and trusted proxies of a configuration: server.tls_certificate
 * and each [tls NAME], with their files.
 */
#include "base/mem.h"
#include "base/paths.h"
#include "http/trust.h"
#include "src/gatewayd.h"

#include <string.h>

enum { OCSP_TOP = 64 * 1024 };

static int
read_ocsp(struct http_cert *to, const char *path, struct fault *why)
{
	char *text;
	size_t len;
	int e;

	if (!*path)
		return 0;
	e = file_read(path, OCSP_TOP, &text, &len, why);
	if (e == 0)
		to->ocsp = slice_of(text, len);
	return e;
}

/* Certificate and key of [tls NAME]. */
static int
read_named(struct http_cert *to, const struct conf *conf, struct fault *why)
{
	char *cert = NULL, *key = NULL;
	int e;

	if (!*conf->tls_certificate || !*conf->tls_key)
		return fault_set(
			why, ERR_CONFIG, "certificate and key are both needed");
	e = gatewayd_conf_file(
		"certificate", conf->tls_certificate, &cert, why);
	to->cert = cert;
	if (e == 0)
		e = gatewayd_conf_secret("key", conf->tls_key, &key, why);
	to->key = key;
	if (e == 0) {
		e = read_ocsp(to, conf->tls_ocsp, why);
		if (e < 0)
			e = fault_prefix(why, e, "ocsp: ");
	}
	return e;
}

int
gatewayd_conf_tls(struct gatewayd_conf *c, struct fault *why)
{
	const struct conf *conf = c->conf;
	const struct conf *more = NULL;
	size_t count = 1;
	int e;

	e = trust_new(&c->trust, conf->server_trusted_proxies,
		conf->server_forwarded_header, why);
	if (e < 0)
		return e;
	while ((more = conf_more(conf, "tls", more)))
		count++;
	if (!c->tls_cert)
		return count == 1
			       ? 0
			       : fault_set(why, ERR_CONFIG,
					 "[tls NAME]: server.tls_certificate "
					 "is needed too: it is for clients "
					 "that name none");
	c->certs = mem_array(count, struct http_cert);
	c->certs[0].cert = str_dup(c->tls_cert);
	c->certs[0].key = str_dup(c->tls_key);
	c->cert_count = 1;
	e = read_ocsp(&c->certs[0], conf->server_tls_ocsp, why);
	if (e < 0)
		return fault_prefix(why, e, "server.tls_ocsp: ");
	while (e == 0 && (more = conf_more(conf, "tls", more))) {
		c->certs[c->cert_count].name = more->title;
		e = read_named(&c->certs[c->cert_count++], more, why);
		if (e < 0)
			e = fault_prefix(why, e, "[tls %s] ", more->title);
	}
	return e;
}

static void
forget(const char *text, size_t len)
{
	char *own = (char *)(uintptr_t)text;

	if (own)
		mem_wipe(own, len);
	(void)mem_free(own);
}

void
gatewayd_conf_tls_done(struct gatewayd_conf *c)
{
	for (size_t i = 0; i < c->cert_count; i++) {
		const struct http_cert *one = &c->certs[i];

		forget(one->cert, 0);
		forget(one->key, one->key ? strlen(one->key) : 0);
		forget(one->ocsp.ptr, 0);
	}
	c->certs = mem_free(c->certs);
	c->trust = trust_free(c->trust);
}
