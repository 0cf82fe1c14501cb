/*
 * A development configuration: keys are made once, the rest is written anew at
 * each start, so that mpcloud.conf always says what runs.
 */
#include "cli/dev.h"

#include "base/crypto.h"
#include "base/mem.h"
#include "base/paths.h"
#include "base/text.h"
#include "cli/spawn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CONF_TOP = 64 * 1024, PAIRS = 96 };

struct pairs {
	const char *list[PAIRS][2];
	size_t count;
	char *owned[PAIRS];
	size_t owned_count;
};

static void
pair(struct pairs *p, const char *name, const char *value)
{
	if (p->count == PAIRS)
		return;
	p->list[p->count][0] = name;
	p->list[p->count++][1] = value ? value : "";
}

static const char *
own(struct pairs *p, char *value)
{
	return p->owned[p->owned_count++] = value;
}

static void
pairs_done(struct pairs *p)
{
	for (size_t i = 0; i < p->owned_count; i++)
		free(p->owned[i]);
}

int
dev_conf_text(struct buf *to, const char *const (*pairs)[2], size_t count,
	struct fault *why)
{
	const char *section = "";

	for (size_t i = 0; i < count; i++)
		if (!conf_find(pairs[i][0]))
			return fault_set(why, ERR_CONFIG,
				"no setting \"%s\"; `mpcloud config explain` "
				"lists them",
				pairs[i][0]);
	for (size_t r = 0; r < conf_count; r++) {
		const struct conf_row *row = &conf_rows[r];
		const char *value = NULL;

		for (size_t i = 0; i < count; i++)
			if (conf_find(pairs[i][0]) == row)
				value = pairs[i][1];
		if (!value)
			continue;
		if (strcmp(section, row->section) != 0)
			buf_printf(to, "[%s]\n", row->section);
		section = row->section;
		buf_printf(to, "%s = %s\n", row->name, value);
	}
	return buf_check(to);
}

static int
secret_file(struct dev *dev, const char *name, struct slice text, char **ret)
{
	struct fault why = {0};

	*ret = str_printf("%s/keys/%s", dev->home, name);
	if (access(*ret, F_OK) == 0)
		return EXIT_OK;
	if (file_write(*ret, text.ptr, text.len, 0600, &why) < 0)
		return cli_fail(EXIT_FAILED, "%s", why.text);
	if (dev->uid != (uid_t)-1 && lchown(*ret, dev->uid, dev->gid) < 0)
		return cli_fail(EXIT_FAILED, "%s: chown", *ret);
	return EXIT_OK;
}

/* token.keys and master.key, made at the first start. */
static int
make_keys(struct dev *dev, struct pairs *p)
{
	uint8_t key[32];
	char kid[9], *path;
	_buf_ struct buf line = {0};
	_free_ char *folder = NULL;
	int status = dev_folder(dev, "keys", &folder);

	buf_init(&line, 256);
	text_random_hex(kid, 4);
	crypto_random(key, sizeof(key));
	buf_printf(&line, "%s ", kid);
	text_base64url(&line, slice_of(key, sizeof(key)));
	buf_char(&line, '\n');
	if (status == EXIT_OK)
		status = secret_file(dev, "token.keys", buf_all(&line), &path);
	if (status != EXIT_OK)
		return status;
	pair(p, "token.key_file", own(p, path));
	buf_clear(&line);
	crypto_random(key, sizeof(key));
	text_hex(&line, slice_of(key, sizeof(key)));
	status = secret_file(dev, "master.key", buf_all(&line), &path);
	pair(p, "token.master_key_file", own(p, path));
	return status;
}

static int
openssl_certificate(struct dev *dev, const char *key, const char *cert)
{
	_free_ char *log = str_printf("%s/openssl.log", dev->home);
	const char *const argv[] = {"openssl", "req", "-x509", "-newkey", "ec",
		"-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days",
		"3650", "-subj", "/CN=mpcloud development", "-addext",
		"subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key,
		"-out", cert, NULL};
	struct fault why = {0};
	int status = 0;
	struct spawn s = {.argv = argv,
		.uid = dev->uid,
		.gid = dev->gid,
		.dir = "/",
		.log = log};

	if (spawn_run(&s, &status, &why) < 0 || status != 0)
		return cli_fail(EXIT_FAILED,
			"openssl could not make a certificate: see %s", log);
	return EXIT_OK;
}

static int
make_tls(struct dev *dev, struct pairs *p)
{
	_free_ char *folder = NULL;
	char *key, *cert;
	int status;

	if (dev->tls_port < 0)
		return EXIT_OK;
	status = dev_folder(dev, "tls", &folder);
	key = str_printf("%s/tls/key.pem", dev->home);
	cert = str_printf("%s/tls/cert.pem", dev->home);
	pair(p, "server.tls_key", own(p, key));
	pair(p, "server.tls_certificate", own(p, cert));
	pair(p, "server.listen_tls",
		own(p, str_printf("127.0.0.1:%lld", (long long)dev->tls_port)));
	dev->ca = str_dup(cert);
	if (status == EXIT_OK && access(cert, F_OK) < 0)
		status = openssl_certificate(dev, key, cert);
	return status;
}

/* Which member of the sandbox's description is which setting. */
static const char *const wechat_members[][2] = {
	{"wechat.api_base", "base"},
	{"wechat.appid", "appid"},
	{"wechat.secret_file", "secretFile"},
	{"wechat.push_token_file", "pushTokenFile"},
	{"wechat.push_key_file", "pushKeyFile"},
	{"pay.api_base", "base"},
	{"pay.mchid", "mchid"},
	{"pay.serial", "serial"},
	{"pay.private_key_file", "privateKeyFile"},
	{"pay.apiv3_key_file", "apiv3KeyFile"},
	{"pay.public_key_file", "publicKeyFile"},
	{"pay.public_key_id", "publicKeyId"},
	{"pay.v2_key_file", "v2KeyFile"},
	{"pay.v2_certificate_file", "certificateFile"},
};

static void
wechat_pairs(struct dev *dev, struct pairs *p)
{
	for (size_t i = 0; i < array_size(wechat_members); i++)
		pair(p, wechat_members[i][0],
			json_string_value(json_object_get(
				dev->wechat, wechat_members[i][1])));
	pair(p, "pay.notify_url", "https://example.com/v1/pay/notify");
}

static const char *
project_name(const struct dev *dev)
{
	const char *slash = strrchr(dev->project, '/');

	return slash && slash[1] ? slash + 1 : "default";
}

static void
server_pairs(struct dev *dev, struct pairs *p)
{
	pair(p, "server.listen",
		own(p, str_printf("127.0.0.1:%lld", (long long)dev->port)));
	pair(p, "server.gateways",
		own(p, str_printf("%lld", (long long)dev->gateways)));
	if (*dev->user) {
		pair(p, "server.user", dev->user);
		pair(p, "functions.uid_first",
			own(p, str_printf("%lld", (long long)dev->uid_first)));
		pair(p, "functions.uid_count",
			own(p, str_printf("%d", DEV_UIDS)));
	}
	pair(p, "server.state_dir", own(p, str_printf("%s/state", dev->home)));
	pair(p, "server.run_dir", own(p, str_printf("%s/run", dev->run)));
	pair(p, "server.env", project_name(dev));
	pair(p, "auth.anonymous", "yes");
	/* pages of the author's own web server */
	pair(p, "server.web_origins", "http://localhost:* http://127.0.0.1:*");
	pair(p, "log.timeline", "yes");
	if (dev->cli->options[OPT_INSPECT])
		pair(p, "functions.inspect", "yes");
	pair(p, "database.url",
		own(p, str_printf("host=%s/pg dbname=postgres user=mpcloud",
			       dev->run)));
}

static int
set_usage(struct slice one)
{
	return cli_fail(EXIT_USAGE,
		"--set \"%.*s\": SECTION.NAME=VALUE is wanted, several "
		"separated by semicolons: "
		"--set 'limits.ip_rate=0;limits.user_rate=0'",
		SLICE_ARG(one));
}

static int
no_setting(const char *name)
{
	_free_ char *best = NULL;
	size_t least = 5;

	for (size_t i = 0; i < conf_count; i++) {
		_free_ char *full = str_printf(
			"%s.%s", conf_rows[i].section, conf_rows[i].name);
		size_t d = slice_distance(slice_str(name), slice_str(full));

		if (d >= least)
			continue;
		least = d;
		(void)mem_free(best);
		best = take(full);
	}
	return cli_fail(EXIT_CONFIG, "--set: no setting \"%s\"; %s%s%s", name,
		best ? "did you mean " : "`mpcloud config explain` lists them",
		best ? best : "", best ? "?" : "");
}

int
dev_check(const struct dev *dev)
{
	const char *set = dev->cli->options[OPT_SET];
	struct slice rest = {set, set ? strlen(set) : 0}, one;

	while (slice_split(&rest, ';', &one)) {
		struct slice trimmed = slice_trim(one);
		_free_ char *name = str_ndup(trimmed.ptr, trimmed.len);
		char *equal = strchr(name, '=');

		if (!equal)
			return set_usage(one);
		*equal = '\0';
		if (!conf_find(name))
			return no_setting(name);
	}
	return deploy_check(dev->project);
}

/* --set "a.b=c;d.e=f" */
static int
set_pairs(struct dev *dev, struct pairs *p)
{
	const char *set = dev->cli->options[OPT_SET];
	struct slice rest = slice_str(set), one;

	while (set && slice_split(&rest, ';', &one)) {
		struct slice trimmed = slice_trim(one);
		char *text = str_ndup(trimmed.ptr, trimmed.len);
		char *equal = strchr(own(p, text), '=');

		if (!equal || p->owned_count + 2 > PAIRS)
			return set_usage(one);
		*equal = '\0';
		pair(p, text, equal + 1);
	}
	return EXIT_OK;
}

static int
write_conf(struct dev *dev, const struct pairs *p)
{
	_free_ char *path = str_printf("%s/mpcloud.conf", dev->home);
	struct cli *cli = dev->cli;
	struct fault why = {0};
	_buf_ struct buf text = {0};
	int r;

	buf_init(&text, CONF_TOP);
	buf_str(&text, "# Written by `mpcloud dev` at each start.\n");
	r = dev_conf_text(&text, p->list, p->count, &why);
	if (r == 0)
		r = conf_parse(&cli->conf, path, buf_all(&text), &why);
	if (r < 0)
		return cli_fail(EXIT_CONFIG, "%s", fault_text(&why, r));
	if (file_write(path, text.ptr, text.len, 0644, &why) < 0)
		return cli_fail(EXIT_FAILED, "%s", why.text);
	(void)mem_free(cli->conf_path);
	cli->conf_path = take(path);
	return EXIT_OK;
}

int
dev_conf(struct dev *dev)
{
	struct pairs p = {0};
	int status;

	server_pairs(dev, &p);
	wechat_pairs(dev, &p);
	status = make_keys(dev, &p);
	if (status == EXIT_OK)
		status = make_tls(dev, &p);
	if (status == EXIT_OK)
		status = set_pairs(dev, &p);
	if (status == EXIT_OK)
		status = write_conf(dev, &p);
	pairs_done(&p);
	return status;
}
