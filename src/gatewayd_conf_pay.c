/*
 * The merchants of a configuration: [pay] and each [pay MCHID], with the files
 * they name.  The keys are loaded here, so that a configuration whose keys do
 * not fit is refused before anything has changed.
 */
#include "base/mem.h"
#include "src/gatewayd.h"

#include <string.h>

enum { FILES = 5 };

/* What the files of one section hold. */
struct files {
	char *private_key, *certificate, *public_key, *apiv3_key, *v2_key;
};

static void
forget(char *s)
{
	if (s)
		mem_wipe(s, strlen(s));
	mem_free(s);
}

static void
files_done(struct files *f)
{
	forget(f->private_key);
	forget(f->apiv3_key);
	forget(f->v2_key);
	mem_free(f->certificate);
	mem_free(f->public_key);
}

static int
files_read(struct files *f, const struct conf *c, struct fault *why)
{
	const struct {
		const char *setting, *path;
		char **to;
		bool plain;
	} rows[FILES] = {
		{"private_key_file", c->pay_private_key_file, &f->private_key,
			false},
		{"apiv3_key_file", c->pay_apiv3_key_file, &f->apiv3_key, false},
		{"v2_key_file", c->pay_v2_key_file, &f->v2_key, false},
		{"v2_certificate_file", c->pay_v2_certificate_file,
			&f->certificate, true},
		{"public_key_file", c->pay_public_key_file, &f->public_key,
			true},
	};

	for (size_t i = 0; i < FILES; i++) {
		int e = (rows[i].plain ? gatewayd_conf_file
				       : gatewayd_conf_secret)(
			rows[i].setting, rows[i].path, rows[i].to, why);

		if (e < 0)
			return fault_prefix(why, e, "[pay] %s: ", c->pay_mchid);
	}
	return 0;
}

static int
merchant_add(struct gatewayd_conf *all, const struct conf *c, struct fault *why)
{
	_cleanup_(files_done) struct files f = {0};
	const char *apps = c->pay_appid;
	struct merchant *m;
	int e = files_read(&f, c, why);

	if (e < 0)
		return e;
	if (!*apps)
		apps = all->conf->wechat_appid;
	e = merchant_new(&m,
		&(struct merchant_conf){
			.mchid = c->pay_mchid,
			.serial = c->pay_serial,
			.appids = apps,
			.notify_url = c->pay_notify_url,
			.api_base = c->pay_api_base,
			.api_backup = c->pay_api_backup,
			.private_key_pem = f.private_key,
			.certificate_pem = f.certificate,
			.public_key_pem = f.public_key,
			.public_key_id = c->pay_public_key_id,
			.certificates = c->pay_certificates,
			.apiv3_key = f.apiv3_key,
			.api = c->pay_api,
			.v2_key = f.v2_key,
			.v2_sign = c->pay_v2_sign,
		},
		why);
	return e < 0 ? e : merchants_add(all->merchants, m, why);
}

int
gatewayd_conf_merchants(struct gatewayd_conf *c, struct fault *why)
{
	int e = 0;

	c->merchants = merchants_new();
	if (*c->conf->pay_mchid)
		e = merchant_add(c, c->conf, why);
	for (const struct conf *more = conf_more(c->conf, "pay", NULL);
		e == 0 && more; more = conf_more(c->conf, "pay", more))
		e = merchant_add(c, more, why);
	return e;
}
