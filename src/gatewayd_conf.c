/*
 * A configuration with all that it names: parsed, the secret files read, the
 * keys understood.
 *
 * A reading is kept for a while after the next one has come, since calls that
 * began with it may still hold its strings.
 */
#include "base/clock.h"
#include "base/crypto.h"
#include "base/mem.h"
#include "base/paths.h"
#include "base/val.h"
#include "base/valkey.h"
#include "src/gatewayd.h"
#include "wechat/push.h"

#include <string.h>

enum { PEM_TOP = 256 * 1024, ROUTES_TOP = 8 * 1024 * 1024 };

static char *
wiped(char *s)
{
	if (s)
		mem_wipe(s, strlen(s));
	return mem_free(s);
}

/* Of all that a reading has read but certificates and routes, which may change
 * alone: NULL while none is under way. */
static struct digest *reading;

static void
note(const char *setting, const char *text)
{
	if (!reading || !text || strncmp(setting, "server.tls", 10) == 0)
		return;
	digest_add(reading, slice_of(setting, strlen(setting) + 1));
	digest_add(reading, slice_of(text, strlen(text) + 1));
}

static int
read_secret(
	const char *setting, const char *path, char **ret, struct fault *why)
{
	int e;

	if (!path || !*path)
		return 0;
	e = file_read_secret(path, ret, why);
	if (e == 0)
		note(setting, *ret);
	return e < 0 ? fault_prefix(why, e, "%s: ", setting) : 0;
}

static int
read_plain(const char *setting, const char *path, char **ret, struct fault *why)
{
	size_t len;
	int e;

	if (!path || !*path)
		return 0;
	e = file_read(path, PEM_TOP, ret, &len, why);
	if (e == 0)
		note(setting, *ret);
	return e < 0 ? fault_prefix(why, e, "%s: ", setting) : 0;
}

int
gatewayd_conf_secret(
	const char *setting, const char *path, char **ret, struct fault *why)
{
	return read_secret(setting, path, ret, why);
}

int
gatewayd_conf_file(
	const char *setting, const char *path, char **ret, struct fault *why)
{
	return read_plain(setting, path, ret, why);
}

static int
read_tokens(struct gatewayd_conf *c, struct fault *why)
{
	_free_ char *text = NULL;
	int e;

	e = read_secret("token.key_file", c->conf->token_key_file, &text, why);
	if (e < 0)
		return e;
	if (!text)
		return fault_set(why, ERR_CONFIG,
			"token.key_file: a file of signing keys is needed "
			"(`mpcloud token key` makes one)");
	e = token_keys_parse(&c->keys, slice_str(text), why);
	mem_wipe(text, strlen(text));
	if (e < 0)
		return fault_prefix(why, e, "token.key_file: ");
	token_keys_set_leeway(c->keys, c->conf->token_leeway / 1000);
	return 0;
}

static int
read_files(struct gatewayd_conf *c, struct fault *why)
{
	const struct conf *conf = c->conf;
	const struct {
		const char *setting, *path;
		char **to;
		bool plain;
	} files[] = {
		{"token.master_key_file", conf->token_master_key_file,
			&c->master_key, false},
		{"metrics.token_file", conf->metrics_token_file,
			&c->metrics_token, false},
		{"storage.s3_secret_key_file", conf->storage_s3_secret_key_file,
			&c->s3_secret, false},
		{"storage.origin_secret_file", conf->storage_origin_secret_file,
			&c->origin_secret, false},
		{"storage.cdn_key_file", conf->storage_cdn_key_file,
			&c->cdn_key, false},
		{"limits.valkey_password_file",
			conf->limits_valkey_password_file, &c->valkey_password,
			false},
		{"wechat.secret_file", conf->wechat_secret_file,
			&c->wechat_secret, false},
		{"server.tls_certificate", conf->server_tls_certificate,
			&c->tls_cert, true},
		{"server.tls_key", conf->server_tls_key, &c->tls_key, false},
	};

	for (size_t i = 0; i < array_size(files); i++) {
		int e = (files[i].plain ? read_plain : read_secret)(
			files[i].setting, files[i].path, files[i].to, why);

		if (e < 0)
			return e;
	}
	return read_tokens(c, why);
}

/* The token and key of message push, as they stand in their files. */
struct push_secrets {
	char *token, *key;
};

static void
push_secrets_done(struct push_secrets *p)
{
	p->token = wiped(p->token);
	p->key = wiped(p->key);
}

static int
push_secrets_read(
	struct push_secrets *p, const struct conf *conf, struct fault *why)
{
	int e = read_secret("wechat.push_token_file",
		conf->wechat_push_token_file, &p->token, why);

	if (e == 0)
		e = read_secret("wechat.push_key_file",
			conf->wechat_push_key_file, &p->key, why);
	if (e < 0)
		return e;
	if (p->key && !p->token)
		return fault_set(why, ERR_CONFIG,
			"wechat.push_key_file: wechat.push_token_file is "
			"needed too");
	if (p->token && !*conf->wechat_appid)
		return fault_set(why, ERR_CONFIG,
			"wechat.push_token_file: wechat.appid is needed too");
	if (p->key)
		e = push_key_check(slice_str(p->key), why);
	return e < 0 ? fault_prefix(why, e, "wechat.push_key_file: ") : 0;
}

static int
app_add(struct gatewayd_conf *c, const struct conf *conf, const char *secret,
	struct fault *why)
{
	_cleanup_(push_secrets_done) struct push_secrets push = {0};
	int e = push_secrets_read(&push, conf, why);

	if (e < 0)
		return e;
	return apps_add(c->apps,
		app_new(&(struct app_conf){
			.appid = conf->wechat_appid,
			.secret = secret,
			.api_base = conf->wechat_api_base,
			.push_token = push.token,
			.push_key = push.key,
		}),
		why);
}

int
gatewayd_conf_apps(struct gatewayd_conf *c, struct fault *why)
{
	int e;

	c->apps = apps_new();
	e = app_add(c, c->conf, c->wechat_secret, why);
	for (const struct conf *more = conf_more(c->conf, "wechat", NULL);
		e == 0 && more; more = conf_more(c->conf, "wechat", more)) {
		char *secret = NULL;

		e = read_secret("wechat.secret_file", more->wechat_secret_file,
			&secret, why);
		if (e == 0)
			e = app_add(c, more, secret, why);
		if (e < 0)
			e = fault_prefix(why, e, "[wechat %s] ", more->title);
		(void)wiped(secret);
	}
	return e;
}

bool
gatewayd_conf_pays(const struct gatewayd_conf *c)
{
	return c->merchants->count > 0;
}

static int
check(const struct gatewayd_conf *c, struct fault *why)
{
	if (!c->master_key)
		return fault_set(why, ERR_CONFIG,
			"token.master_key_file: a file with 64 hex digits is "
			"needed");
	if (!c->tls_cert != !c->tls_key)
		return fault_set(why, ERR_CONFIG,
			"server.tls_certificate and server.tls_key go "
			"together");
	if (*c->conf->limits_valkey &&
		valkey_check(c->conf->limits_valkey, why) < 0)
		return fault_prefix(why, ERR_CONFIG, "limits.valkey: ");
	return 0;
}

/* The operator's routes.json: that it is JSON; what it says is found out when
 * its table is made, which also changes nothing when it is wrong. */
static int
read_routes(struct gatewayd_conf *c, struct fault *why)
{
	const char *path = c->conf->server_routes;
	_free_ char *text = NULL;
	size_t len;
	int e;

	if (!*path)
		return 0;
	e = file_read(path, ROUTES_TOP, &text, &len, why);
	if (e < 0)
		return fault_prefix(why, e, "server.routes: ");
	e = val_parse(&c->routes, slice_of(text, len), why);
	return e < 0 ? fault_prefix(why, e, "server.routes: %s: ", path) : 0;
}

static void
swap(void *a, void *b, size_t size)
{
	char room[16];

	memcpy(room, a, size);
	memcpy(a, b, size);
	memcpy(b, room, size);
}

static int
read_noted(struct gatewayd_conf *c, struct slice text, struct fault *why)
{
	int e = conf_parse(&c->conf, "mpcloud.conf", text, why);

	digest_add(reading, text);
	if (e == 0)
		e = read_files(c, why);
	if (e == 0)
		e = check(c, why);
	if (e == 0)
		e = gatewayd_conf_apps(c, why);
	return e == 0 ? gatewayd_conf_merchants(c, why) : e;
}

int
gatewayd_conf_read(
	struct gatewayd_conf **ret, struct slice text, struct fault *why)
{
	_cleanup_(gatewayd_conf_freep) struct gatewayd_conf *c =
		mem_new(struct gatewayd_conf);
	int e;

	reading = digest_new("sha256");
	e = read_noted(c, text, why);
	(void)digest_end(reading, c->sum);
	reading = digest_free(reading);
	if (e == 0)
		e = read_routes(c, why);
	if (e == 0)
		e = gatewayd_conf_tls(c, why);
	if (e < 0)
		return e;
	*ret = take(c);
	return 0;
}

bool
gatewayd_conf_same(const struct gatewayd_conf *a, const struct gatewayd_conf *b)
{
	return memcmp(a->sum, b->sum, sizeof(a->sum)) == 0;
}

void
gatewayd_conf_inherit(struct gatewayd_conf *c, struct gatewayd_conf *fresh)
{
	swap(&c->tls_cert, &fresh->tls_cert, sizeof(c->tls_cert));
	swap(&c->tls_key, &fresh->tls_key, sizeof(c->tls_key));
	swap(&c->certs, &fresh->certs, sizeof(c->certs));
	swap(&c->cert_count, &fresh->cert_count, sizeof(c->cert_count));
	swap(&c->routes, &fresh->routes, sizeof(c->routes));
}

struct gatewayd_conf *
gatewayd_conf_free(struct gatewayd_conf *c)
{
	if (!c)
		return NULL;
	conf_free(c->conf);
	token_keys_free(c->keys);
	c->apps = apps_free(c->apps);
	c->merchants = merchants_free(c->merchants);
	c->wechat_secret = wiped(c->wechat_secret);
	c->master_key = wiped(c->master_key);
	c->valkey_password = wiped(c->valkey_password);
	c->metrics_token = wiped(c->metrics_token);
	c->origin_secret = wiped(c->origin_secret);
	c->cdn_key = wiped(c->cdn_key);
	c->s3_secret = wiped(c->s3_secret);
	c->tls_key = wiped(c->tls_key);
	gatewayd_conf_tls_done(c);
	mem_free(c->tls_cert);
	json_decref(c->routes);
	return mem_free(c);
}

void
gatewayd_conf_keep(struct gatewayd_conf *c, struct gatewayd_conf *old)
{
	for (size_t i = 0; i < conf_count; i++) {
		const struct conf_row *row = &conf_rows[i];
		bool is_number =
			row->type == CONF_INT || row->type == CONF_BOOL ||
			row->type == CONF_TIME_MS || row->type == CONF_BYTES;

		if (row->reload)
			continue;
		swap((char *)c->conf + row->at, (char *)old->conf + row->at,
			is_number ? sizeof(int64_t) : sizeof(char *));
	}
}

struct auth_conf
gatewayd_conf_auth(const struct gatewayd_conf *c)
{
	return (struct auth_conf){
		.apps = c->apps,
		.access_ttl_s = c->conf->token_access_ttl / 1000,
		.refresh_ttl_s = c->conf->token_refresh_ttl / 1000,
		.env = c->conf->server_env,
		.password_memory_kib =
			(uint32_t)(c->conf->auth_password_memory / 1024),
		.password_iterations =
			(uint32_t)c->conf->auth_password_iterations,
		.password_lanes = (uint32_t)c->conf->auth_password_lanes,
		.password_waiting = (unsigned)c->conf->auth_password_waiting,
	};
}
