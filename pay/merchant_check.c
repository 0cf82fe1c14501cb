/*
 * Checking the settings of a merchant when they are read, so that what WeChat
 * would refuse at the first order (or, worse, never call back) is said at
 * start, with the name of the setting.
 */
#include "pay/merchant_check.h"

#include "pay/address.h"
#include "pay/certs.h"

#include <stdlib.h>

enum { NOTIFY_TOP = 255, V2_KEY = 32, PEM_LINE = 64 };

#define KEY_ID "PUB_KEY_ID_"

static bool
is_set(const char *s)
{
	return s && s[0];
}

bool
merchant_conf_has_v3(const struct merchant_conf *c)
{
	return is_set(c->serial) || is_set(c->apiv3_key);
}

bool
merchant_conf_is_sandbox(const struct merchant_conf *c)
{
	return slice_starts(slice_str(c->api_base), "http://");
}

static int
check_set(const char *value, const char *name, const char *words,
	struct fault *why)
{
	if (is_set(value))
		return 0;
	return fault_set(why, ERR_CONFIG, "%s is not set: %s", name, words);
}

static int
check_needed(const struct merchant_conf *c, struct fault *why)
{
	bool v2 = c->api && strcmp(c->api, "v2") == 0;
	bool v3 = !v2 || merchant_conf_has_v3(c);
	const struct {
		bool needed;
		const char *value, *name, *words;
	} rows[] = {
		{true, c->appids, "appid",
			"the mini programs that pay through this merchant "
			"([wechat] appid when there is one only)"},
		{true, c->notify_url, "notify_url",
			"the https address at which WeChat Pay reports "
			"payments"},
		{true, c->api_base, "api_base", "WeChat Pay's address"},
		{v3, c->serial, "serial",
			"the serial number of the merchant API certificate"},
		{v3, c->private_key_pem, "private_key_file",
			"the merchant's private key (apiclient_key.pem)"},
		{v3, c->apiv3_key, "apiv3_key_file",
			"the APIv3 key (without one in the merchant platform, "
			"WeChat Pay calls nobody back)"},
		{is_set(c->public_key_id), c->public_key_pem, "public_key_file",
			"it belongs to public_key_id; without both, platform "
			"certificates are downloaded"},
		{is_set(c->public_key_pem), c->public_key_id, "public_key_id",
			"the id of public_key_file (PUB_KEY_ID_…)"},
		{v2, c->v2_key, "v2_key_file", "api = v2 needs the v2 key"},
		{is_set(c->certificate_pem), c->private_key_pem,
			"private_key_file",
			"it belongs to v2_certificate_file"},
	};

	for (size_t i = 0; i < array_size(rows); i++) {
		int r = rows[i].needed ? check_set(rows[i].value, rows[i].name,
						 rows[i].words, why)
				       : 0;

		if (r < 0)
			return r;
	}
	return 0;
}

/* They go into a quoted header. */
static int
check_words(const struct merchant_conf *c, struct fault *why)
{
	static const char letters[] =
		"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"_-";
	static const char hex[] = "0123456789abcdefABCDEF";
	const char *serial = c->serial ? c->serial : "";
	const char *id = c->public_key_id ? c->public_key_id : "";

	if (c->mchid[strspn(c->mchid, letters)])
		return fault_set(
			why, ERR_CONFIG, "mchid must be the merchant id alone");
	if (serial[strspn(serial, hex)])
		return fault_set(why, ERR_CONFIG,
			"serial must be the serial number alone, in hex digits "
			"(openssl x509 -in apiclient_cert.pem -noout -serial)");
	if (id[strspn(id, letters)] ||
		(*id && !slice_starts(slice_str(id), KEY_ID) &&
			id[strspn(id, hex)]))
		return fault_set(why, ERR_CONFIG,
			"public_key_id must be " KEY_ID "… as the merchant "
			"platform shows it, or a platform certificate's serial "
			"number");
	if (c->appids[strspn(c->appids, letters)] &&
		strpbrk(c->appids, "\"\\'"))
		return fault_set(why, ERR_CONFIG,
			"appid must be appids with spaces between them");
	return 0;
}

static int
check_lengths(const struct merchant_conf *c, struct fault *why)
{
	if (is_set(c->apiv3_key) && strlen(c->apiv3_key) != APIV3_KEY)
		return fault_set(why, ERR_CONFIG,
			"apiv3_key_file: the key has %d characters, and the "
			"file has %zu",
			APIV3_KEY, strlen(c->apiv3_key));
	if (is_set(c->v2_key) && strlen(c->v2_key) != V2_KEY)
		return fault_set(why, ERR_CONFIG,
			"v2_key_file: the key has %d characters, and the file "
			"has %zu",
			V2_KEY, strlen(c->v2_key));
	return 0;
}

/* WeChat calls public https addresses without a query only; beside a sandbox on
 * this machine anything will do. */
static int
check_reachable(const struct merchant_conf *c, struct fault *why)
{
	struct slice url = slice_str(c->notify_url), host = {0};

	if (merchant_conf_is_sandbox(c) && slice_starts(url, "http://"))
		return 0;
	if (!slice_starts(url, "https://"))
		return fault_set(why, ERR_CONFIG,
			"notify_url must be a full https address: WeChat Pay "
			"calls no other");
	if (!address_host(url, &host))
		return fault_set(why, ERR_CONFIG,
			"notify_url names no host: it must be like "
			"https://example.com/v1/pay/notify");
	if (!merchant_conf_is_sandbox(c) && address_is_private(host))
		return fault_set(why, ERR_CONFIG,
			"notify_url: WeChat Pay cannot reach %.*s, an address "
			"of your own network",
			SLICE_ARG(host));
	return 0;
}

static bool
ends(const char *url, const char *tail)
{
	size_t n = strlen(url), k = strlen(tail);

	return n >= k && strcmp(url + n - k, tail) == 0;
}

static int
check_notify_url(const struct merchant_conf *c, struct fault *why)
{
	bool v2 = c->api && strcmp(c->api, "v2") == 0;

	if (strlen(c->notify_url) > NOTIFY_TOP ||
		strpbrk(c->notify_url, "?# \"\\<>"))
		return fault_set(why, ERR_CONFIG,
			"notify_url must be a full https address of at "
			"most %d characters, without a query",
			NOTIFY_TOP);
	if (v2 && ends(c->notify_url, "/v1/pay/notify"))
		return fault_set(why, ERR_CONFIG,
			"notify_url is where callbacks of v3 come: with "
			"api = v2 it ends in /v1/pay/notify-v2/%s",
			c->mchid);
	if (!v2 && strstr(c->notify_url, "/v1/pay/notify-v2/"))
		return fault_set(why, ERR_CONFIG,
			"notify_url is where callbacks of v2 come: with "
			"api = v3 it ends in /v1/pay/notify/%s",
			c->mchid);
	return check_reachable(c, why);
}

static bool
pem_has(const char *pem, const char *what)
{
	char line[PEM_LINE];

	(void)snprintf(line, sizeof(line), "-----BEGIN %s-----", what);
	return pem && strstr(pem, line);
}

/* The files are easily mixed up: seven have similar names. */
static int
check_files(const struct merchant_conf *c, struct fault *why)
{
	bool is_id = slice_starts(slice_str(c->public_key_id), KEY_ID);

	if (pem_has(c->public_key_pem, "PRIVATE KEY") ||
		pem_has(c->public_key_pem, "RSA PRIVATE KEY"))
		return fault_set(why, ERR_CONFIG,
			"public_key_file holds a private key: it must be "
			"WeChat Pay's public key (pub_key.pem)");
	if (is_id && pem_has(c->public_key_pem, "CERTIFICATE"))
		return fault_set(why, ERR_CONFIG,
			"public_key_file holds a certificate, and "
			"public_key_id is of a public key: it must be "
			"pub_key.pem");
	if (is_set(c->public_key_pem) && !is_id &&
		!pem_has(c->public_key_pem, "CERTIFICATE"))
		return fault_set(why, ERR_CONFIG,
			"public_key_file holds no certificate, and "
			"public_key_id is a certificate's serial number: a "
			"public key's id begins with " KEY_ID);
	if (pem_has(c->private_key_pem, "CERTIFICATE"))
		return fault_set(why, ERR_CONFIG,
			"private_key_file holds a certificate: it must be "
			"apiclient_key.pem");
	return 0;
}

int
merchant_check(const struct merchant_conf *c, struct fault *why)
{
	int r = check_needed(c, why);

	if (r == 0)
		r = check_words(c, why);
	if (r == 0)
		r = check_lengths(c, why);
	if (r == 0)
		r = check_files(c, why);
	return r < 0 ? r : check_notify_url(c, why);
}

/* A platform certificate that the operator put there by hand. */
static int
check_public(const struct merchant *m, const struct merchant_conf *c,
	struct fault *why)
{
	struct cert_facts facts;
	int r;

	if (m->private_key && rsa_is_pair(m->private_key, m->public_key))
		return fault_set(why, ERR_CONFIG,
			"public_key_file holds the merchant's own key or "
			"certificate (apiclient_cert.pem): it must be WeChat "
			"Pay's");
	if (slice_starts(slice_str(m->public_key_id), KEY_ID))
		return 0;
	r = cert_read(&facts, slice_str(c->public_key_pem), why);
	if (r < 0)
		return fault_prefix(why, ERR_CONFIG, "public_key_file: ");
	if (!cert_serial_is(slice_str(m->public_key_id), facts.serial))
		return fault_set(why, ERR_CONFIG,
			"public_key_id is not the serial number of the "
			"certificate in public_key_file, which is %s",
			facts.serial);
	return 0;
}

static int
check_own(const struct merchant *m, const struct merchant_conf *c,
	struct fault *why)
{
	_cleanup_(rsa_freep) struct rsa *own = NULL;
	struct cert_facts facts;
	int r = cert_read(&facts, slice_str(c->certificate_pem), why);

	if (r == 0)
		r = rsa_load_public(&own, slice_str(c->certificate_pem), why);
	if (r < 0)
		return fault_prefix(why, ERR_CONFIG, "v2_certificate_file: ");
	if (!rsa_is_pair(m->private_key, own))
		return fault_set(why, ERR_CONFIG,
			"private_key_file and v2_certificate_file do not "
			"belong together");
	if (m->serial[0] && !cert_serial_is(slice_str(m->serial), facts.serial))
		return fault_set(why, ERR_CONFIG,
			"serial is not the serial number of "
			"v2_certificate_file, which is %s",
			facts.serial);
	return 0;
}

int
merchant_check_keys(const struct merchant *m, const struct merchant_conf *c,
	struct fault *why)
{
	int r = m->public_key ? check_public(m, c, why) : 0;

	if (r == 0 && m->certificate_pem[0])
		r = check_own(m, c, why);
	return r;
}
