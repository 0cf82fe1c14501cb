/*
 * Counted settings of a merchant, and the list of them: see merchant.h.  What
 * may be wrong with them is merchant_check.c's.
 */
#include "pay/merchant.h"

#include "base/clock.h"
#include "base/mem.h"
#include "pay/certs.h"
#include "pay/merchant_check.h"

#include <string.h>

#define REAL_BASE   "https://api.mch.weixin.qq.com"
#define REAL_BACKUP "https://api2.mch.weixin.qq.com"

#define KEY_ID "PUB_KEY_ID_"

static bool
is_key_id(const char *id)
{
	return slice_starts(slice_str(id), KEY_ID);
}

static char *
copy(const char *s)
{
	return str_dup(s ? s : "");
}

static int
keys_load(struct merchant *m, const struct merchant_conf *c, struct fault *why)
{
	int r;

	if (m->private_key_pem[0]) {
		r = rsa_load_private(
			&m->private_key, slice_str(m->private_key_pem), why);
		if (r < 0)
			return fault_prefix(
				why, ERR_CONFIG, "private_key_file: ");
	}
	if (m->public_key_id[0]) {
		r = rsa_load_public(
			&m->public_key, slice_str(c->public_key_pem), why);
		if (r < 0)
			return fault_prefix(
				why, ERR_CONFIG, "public_key_file: ");
	}
	return merchant_check_keys(m, c, why);
}

/* The real backup host stands beside the real host only. */
static const char *
backup_of(const struct merchant_conf *c)
{
	const char *backup = c->api_backup ? c->api_backup : "";

	if (strcmp(backup, REAL_BACKUP) == 0 &&
		strcmp(c->api_base, REAL_BASE) != 0)
		return "";
	return backup;
}

static int
apps_read(struct merchant *m, const char *appids, struct fault *why)
{
	size_t n = 0;

	m->appids = mem_array(MERCHANT_APPS_TOP + 1, char *);
	while (*(appids += strspn(appids, " ,\t"))) {
		size_t len = strcspn(appids, " ,\t");

		if (n == MERCHANT_APPS_TOP)
			return fault_set(why, ERR_CONFIG, "appid: more than %d",
				MERCHANT_APPS_TOP);
		m->appids[n++] = str_ndup(appids, len);
		appids += len;
	}
	m->appid = m->appids[0];
	if (!n)
		return fault_set(why, ERR_CONFIG, "appid is empty");
	return 0;
}

static void
words_copy(struct merchant *m, const struct merchant_conf *c)
{
	m->mchid = copy(c->mchid);
	m->serial = copy(c->serial);
	m->notify_url = copy(c->notify_url);
	m->api_base = copy(c->api_base);
	m->api_backup = copy(backup_of(c));
	m->public_key_id = copy(c->public_key_id);
	m->apiv3_key = copy(c->apiv3_key);
	m->v2_key = copy(c->v2_key);
	m->certificate_pem = copy(c->certificate_pem);
	m->private_key_pem = copy(c->private_key_pem);
	m->api =
		c->api && strcmp(c->api, "v2") == 0 ? MERCHANT_V2 : MERCHANT_V3;
	m->v2_sign = c->v2_sign && strcmp(c->v2_sign, "HMAC-SHA256") == 0
			     ? MERCHANT_HMAC_SHA256
			     : MERCHANT_MD5;
}

/* A public key alone: downloads would keep WeChat Pay from ending the change
 * to public keys (they count as traffic that is not with them). */
static bool
wants_certificates(const struct merchant *m, const struct merchant_conf *c)
{
	if (!merchant_has_v3(m))
		return false;
	if (c->certificates && strcmp(c->certificates, "auto") != 0)
		return strcmp(c->certificates, "yes") == 0;
	return !is_key_id(m->public_key_id);
}

static int
merchant_read(
	struct merchant *m, const struct merchant_conf *c, struct fault *why)
{
	int r = merchant_check(c, why);

	if (r < 0)
		return r;
	words_copy(m, c);
	r = apps_read(m, c->appids, why);
	if (r == 0)
		r = keys_load(m, c, why);
	if (r < 0)
		return r;
	if (wants_certificates(m, c))
		m->certs = certs_new(m->mchid);
	if (merchant_has_v3(m) && !m->public_key && !m->certs)
		return fault_set(why, ERR_CONFIG,
			"certificates = no needs public_key_file and "
			"public_key_id: nothing else verifies an answer");
	return 0;
}

int
merchant_new(struct merchant **ret, const struct merchant_conf *conf,
	struct fault *why)
{
	_cleanup_(merchant_unrefp) struct merchant *m =
		mem_new(struct merchant);
	int r;

	m->refs = 1;
	r = merchant_read(m, conf, why);
	if (r < 0)
		return fault_prefix(why, r, "[pay] %s: ", conf->mchid);
	*ret = take(m);
	return 0;
}

struct merchant *
merchant_ref(struct merchant *m)
{
	m->refs++;
	return m;
}

static void
forget(char *secret)
{
	if (secret)
		mem_wipe(secret, strlen(secret));
	mem_free(secret);
}

struct merchant *
merchant_unref(struct merchant *m)
{
	if (!m || --m->refs)
		return NULL;
	rsa_free(m->private_key);
	rsa_free(m->public_key);
	certs_unref(m->certs);
	for (size_t i = 0; m->appids && m->appids[i]; i++)
		mem_free(m->appids[i]);
	mem_free(m->appids);
	mem_free(m->mchid);
	mem_free(m->serial);
	mem_free(m->notify_url);
	mem_free(m->api_base);
	mem_free(m->api_backup);
	mem_free(m->public_key_id);
	mem_free(m->certificate_pem);
	forget(m->apiv3_key);
	forget(m->v2_key);
	forget(m->private_key_pem);
	return mem_free(m);
}

bool
merchant_has_app(const struct merchant *m, struct slice appid)
{
	for (size_t i = 0; m->appids[i]; i++)
		if (slice_is(appid, m->appids[i]))
			return true;
	return false;
}

const char *
merchant_own_app(const struct merchant *m, const char *appid)
{
	for (size_t i = 0; m->appids[i]; i++)
		if (strcmp(appid, m->appids[i]) == 0)
			return m->appids[i];
	return NULL;
}

bool
merchant_has_v3(const struct merchant *m)
{
	return m->apiv3_key[0] != '\0';
}

bool
merchant_has_v2(const struct merchant *m)
{
	return m->v2_key[0] != '\0';
}

struct rsa *
merchant_key(const struct merchant *m, struct slice serial)
{
	bool is_id = slice_starts(serial, KEY_ID);

	if (m->public_key &&
		(slice_is(serial, m->public_key_id) ||
			(!is_id && !is_key_id(m->public_key_id) &&
				cert_serial_is(serial, m->public_key_id))))
		return m->public_key;
	if (is_id || !m->certs)
		return NULL;
	return certs_find(m->certs, serial, clock_now_ms());
}

const char *
merchant_wants_serial(const struct merchant *m)
{
	const struct cert *cert;

	if (m->public_key)
		return m->public_key_id;
	cert = m->certs ? certs_newest(m->certs, clock_now_ms()) : NULL;
	return cert ? cert->facts.serial : "";
}
