/*
 * Checking the [pay] settings when they are read, so that what WeChat would
 * refuse at the first order (or, worse, never call back) is said at start.
 */
#include "pay/merchant.h"

#include "base/mem.h"

enum { APIV3_KEY = 32, NOTIFY_TOP = 255 };

static int
check_set(const char *value, const char *name, struct fault *why)
{
	if (value && value[0])
		return 0;
	return fault_set(why, ERR_CONFIG,
		"[pay] %s is not set (all of [pay] is needed once mchid is)",
		name);
}

static int
check_all(const struct pay_conf *c, struct fault *why)
{
	const struct {
		const char *value, *name;
	} rows[] = {
		{c->serial, "serial"},
		{c->private_key_pem, "private_key_file"},
		{c->apiv3_key, "apiv3_key_file"},
		{c->public_key_pem, "public_key_file"},
		{c->public_key_id, "public_key_id"},
		{c->notify_url, "notify_url"},
		{c->api_base, "api_base"},
	};

	for (size_t i = 0; i < array_size(rows); i++) {
		int r = check_set(rows[i].value, rows[i].name, why);

		if (r < 0)
			return r;
	}
	if (!c->appid || !c->appid[0])
		return fault_set(why, ERR_CONFIG,
			"[wechat] appid is not set, and [pay] needs it");
	return 0;
}

/* WeChat calls https addresses without a query only; beside a sandbox on this
 * machine (api_base is http) plain http will do. */
static int
check_notify_url(const struct pay_conf *c, struct fault *why)
{
	struct slice url = slice_str(c->notify_url);
	bool sandbox = slice_starts(slice_str(c->api_base), "http://");

	if (url.len > NOTIFY_TOP || strpbrk(c->notify_url, "?# \"\\") ||
		(!slice_starts(url, "https://") &&
			!(sandbox && slice_starts(url, "http://"))))
		return fault_set(why, ERR_CONFIG,
			"[pay] notify_url must be a full https address of at "
			"most %d characters, without a query",
			NOTIFY_TOP);
	return 0;
}

/* They go into a quoted header. */
static int
check_words(const struct pay_conf *c, struct fault *why)
{
	static const char letters[] =
		"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"_-";

	if (c->mchid[strspn(c->mchid, letters)])
		return fault_set(why, ERR_CONFIG,
			"[pay] mchid must be the merchant id alone");
	if (c->serial[strspn(c->serial, letters)])
		return fault_set(why, ERR_CONFIG,
			"[pay] serial must be the serial number alone, "
			"in hex digits");
	if (c->public_key_id[strspn(c->public_key_id, letters)])
		return fault_set(why, ERR_CONFIG,
			"[pay] public_key_id must be PUB_KEY_ID_... or the "
			"certificate's serial number");
	return 0;
}

static int
check_values(const struct pay_conf *c, struct fault *why)
{
	int r;

	if (strlen(c->apiv3_key) != APIV3_KEY)
		return fault_set(why, ERR_CONFIG,
			"[pay] apiv3_key_file: the key has %d characters",
			APIV3_KEY);
	r = check_words(c, why);
	return r < 0 ? r : check_notify_url(c, why);
}

static int
keys_load(struct merchant *m, const struct pay_conf *conf, struct fault *why)
{
	int r = rsa_load_private(
		&m->private_key, slice_str(conf->private_key_pem), why);

	if (r < 0)
		return fault_prefix(why, ERR_CONFIG, "[pay] private_key_file");
	r = rsa_load_public(
		&m->public_key, slice_str(conf->public_key_pem), why);
	if (r < 0)
		return fault_prefix(why, ERR_CONFIG, "[pay] public_key_file");
	return 0;
}

static char *
copy(const char *s)
{
	return str_dup(s ? s : "");
}

int
merchant_new(
	struct merchant **ret, const struct pay_conf *conf, struct fault *why)
{
	_cleanup_(merchant_unrefp) struct merchant *m =
		mem_new(struct merchant);
	int r;

	m->refs = 1;
	m->mchid = copy(conf->mchid);
	if (merchant_is_on(m)) {
		r = check_all(conf, why);
		if (r == 0)
			r = check_values(conf, why);
		if (r == 0)
			r = keys_load(m, conf, why);
		if (r < 0)
			return r;
	}
	m->appid = copy(conf->appid);
	m->serial = copy(conf->serial);
	m->notify_url = copy(conf->notify_url);
	m->api_base = copy(conf->api_base);
	m->public_key_id = copy(conf->public_key_id);
	*ret = take(m);
	return 0;
}

struct merchant *
merchant_ref(struct merchant *m)
{
	m->refs++;
	return m;
}

struct merchant *
merchant_unref(struct merchant *m)
{
	if (!m || --m->refs)
		return NULL;
	rsa_free(m->private_key);
	rsa_free(m->public_key);
	mem_free(m->appid);
	mem_free(m->mchid);
	mem_free(m->serial);
	mem_free(m->notify_url);
	mem_free(m->api_base);
	mem_free(m->public_key_id);
	return mem_free(m);
}

bool
merchant_is_on(const struct merchant *m)
{
	return m->mchid[0] != '\0';
}
