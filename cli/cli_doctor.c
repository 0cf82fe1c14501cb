/*
 * `mpcloud doctor`: what an operator would check by hand, as a table of
 * checks; each says what it found and, when something is wrong, what to do.
 */
#include "cli/cli_doctor.h"
#include "cli/cli.h"
#include "cli/cli_db.h"
#include "src/gatewayd.h"

#include "base/clock.h"
#include "base/crypto.h"
#include "base/mem.h"
#include "base/paths.h"
#include "base/sock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const verdict_words[] = {
	[FINE] = "ok", [HINT] = "note", [WRONG] = "WRONG"};

struct check {
	const char *name;
	check_fn *run;
};

enum verdict
doctor_say(enum verdict v, struct fault *say, const char *text)
{
	(void)snprintf(say->text, sizeof(say->text), "%s", text);
	return v;
}

static enum verdict
check_conf(struct cli *cli, struct fault *say)
{
	return doctor_say(FINE, say, cli->conf_path);
}

/* First line of a command's output. */
static bool
first_line(const char *command, char *ret, size_t size)
{
	FILE *f = popen(command, "re");
	bool ok = f && fgets(ret, (int)size, f);

	if (f)
		ok = pclose(f) == 0 && ok;
	ret[ok ? strcspn(ret, "\n") : 0] = '\0';
	return ok;
}

static enum verdict
check_node(struct cli *cli, struct fault *say)
{
	const char *node = cli->conf->functions_node;
	char version[64];
	_free_ char *command = NULL;

	if (strpbrk(node, "'\"\\$` ;&|<>"))
		return doctor_say(WRONG, say, "functions.node: an odd path");
	command = str_printf("%s --version 2>/dev/null", node);
	if (!first_line(command, version, sizeof(version)))
		return doctor_say(HINT, say,
			"no Node.js: node functions cannot run; apt-get "
			"install nodejs, or set functions.node");
	if (atoi(version + 1) < 18)
		return doctor_say(WRONG, say, "Node.js 18 or newer is needed");
	return doctor_say(FINE, say, version);
}

static enum verdict
check_script(struct cli *cli, struct fault *say)
{
	_free_ char *program = path_program("mpcloud-script");

	(void)cli;
	if (access(program, X_OK) == 0)
		return doctor_say(FINE, say, program);
	return doctor_say(HINT, say,
		"this build is without it: apt-get install "
		"libjavascriptcoregtk-4.1-dev, configure and build again");
}

static enum verdict
check_secret(const char *name, const char *path, struct fault *say)
{
	_free_ char *text = NULL;
	struct fault why = {0};

	if (!*path) {
		(void)snprintf(
			say->text, sizeof(say->text), "%s is not set", name);
		return WRONG;
	}
	if (file_read_secret(path, &text, &why) < 0) {
		*say = why;
		return WRONG;
	}
	mem_wipe(text, strlen(text));
	return doctor_say(FINE, say, path);
}

static enum verdict
check_token_key(struct cli *cli, struct fault *say)
{
	return check_secret("token.key_file", cli->conf->token_key_file, say);
}

static enum verdict
check_master_key(struct cli *cli, struct fault *say)
{
	return check_secret(
		"token.master_key_file", cli->conf->token_master_key_file, say);
}

/* Every mini program's AppSecret, and the token and key of its messages. */
static enum verdict
check_apps(struct cli *cli, struct fault *say)
{
	struct gatewayd_conf c = {.conf = cli->conf};
	int e = gatewayd_conf_secret("wechat.secret_file",
		cli->conf->wechat_secret_file, &c.wechat_secret, say);

	if (e == 0)
		e = gatewayd_conf_apps(&c, say);
	if (e == 0)
		(void)snprintf(say->text, sizeof(say->text),
			"%zu mini program%s; message push is %s", c.apps->count,
			c.apps->count == 1 ? "" : "s",
			*c.apps->app[0]->push_token ? "on" : "off");
	apps_free(c.apps);
	if (c.wechat_secret)
		mem_wipe(c.wechat_secret, strlen(c.wechat_secret));
	mem_free(c.wechat_secret);
	return e == 0 ? FINE : WRONG;
}

static enum verdict
check_wechat(struct cli *cli, struct fault *say)
{
	if (!*cli->conf->wechat_appid)
		return doctor_say(HINT, say,
			"wechat.appid is not set: nobody can log in");
	if (!*cli->conf->wechat_secret_file)
		return doctor_say(WRONG, say, "wechat.secret_file is not set");
	return check_apps(cli, say);
}

/* As a gateway reads them, so that what it would refuse is said here. */
static enum verdict
check_pay(struct cli *cli, struct fault *say)
{
	struct gatewayd_conf c = {.conf = cli->conf};
	int e;

	if (!*cli->conf->pay_mchid)
		return doctor_say(FINE, say, "payment is off (pay.mchid)");
	e = gatewayd_conf_merchants(&c, say);
	if (e == 0)
		(void)snprintf(say->text, sizeof(say->text),
			"%zu merchant%s, keys and settings fit each other; "
			"`mpcloud pay selftest` asks WeChat Pay",
			c.merchants->count, c.merchants->count == 1 ? "" : "s");
	merchants_free(c.merchants);
	return e == 0 ? FINE : WRONG;
}

/* The one that ends first. */
static enum verdict
check_ends(
	const struct cli *cli, const struct gatewayd_conf *c, struct fault *say)
{
	const struct conf *conf = cli->conf;
	int64_t first = INT64_MAX, left;
	char until[32];

	for (size_t i = 0; i < c->cert_count; i++) {
		struct cert_facts facts;

		if (cert_read(&facts, slice_str(c->certs[i].cert), NULL) == 0)
			first = min(first, facts.to_ms);
	}
	left = first - clock_now_ms();
	if (first == INT64_MAX || !cli_time_text(until, first))
		until[0] = '\0';
	(void)snprintf(say->text, sizeof(say->text),
		"%zu certificate%s: %s%s%s%s", c->cert_count,
		c->cert_count == 1 ? "" : "s", conf->server_tls_certificate,
		c->cert_count == 1 ? "" : " and [tls …]",
		!*until     ? ""
		: left <= 0 ? "; expired "
			    : "; good until ",
		until);
	if (left <= 0)
		return WRONG;
	return left < conf->alerts_certificate ? HINT : FINE;
}

static enum verdict
check_tls(struct cli *cli, struct fault *say)
{
	struct gatewayd_conf c = {.conf = cli->conf};
	enum verdict v = WRONG;
	int e;

	if (!*cli->conf->server_listen_tls)
		return doctor_say(HINT, say,
			"no HTTPS address: mini programs need https; set "
			"server.listen_tls, or put a proxy in front");
	e = gatewayd_conf_file("server.tls_certificate",
		cli->conf->server_tls_certificate, &c.tls_cert, say);
	if (e == 0)
		e = gatewayd_conf_secret("server.tls_key",
			cli->conf->server_tls_key, &c.tls_key, say);
	if (e == 0)
		e = gatewayd_conf_tls(&c, say);
	if (e == 0)
		v = check_ends(cli, &c, say);
	gatewayd_conf_tls_done(&c);
	if (c.tls_key)
		mem_wipe(c.tls_key, strlen(c.tls_key));
	(void)mem_free(c.tls_key);
	(void)mem_free(c.tls_cert);
	return v;
}

static enum verdict
check_daemon(struct cli *cli, struct fault *say)
{
	_free_ char *path =
		str_printf("%s/admin.sock", cli->conf->server_run_dir);
	_close_ int fd = -1;

	if (sock_connect_unix(path, &fd) == 0)
		return doctor_say(FINE, say, path);
	return doctor_say(HINT, say, "mpcloudd is not running");
}

static const struct check checks[] = {
	{"configuration", check_conf},
	{"Node.js", check_node},
	{"runtime script", check_script},
	{"kernel", doctor_kernel},
	{"namespaces", doctor_namespaces},
	{"tmpfs", doctor_tmpfs},
	{"seccomp", doctor_seccomp},
	{"Landlock", doctor_landlock},
	{"cgroup", doctor_cgroup},
	{"token keys", check_token_key},
	{"master key", check_master_key},
	{"WeChat", check_wechat},
	{"WeChat Pay", check_pay},
	{"HTTPS", check_tls},
	{"database", doctor_database},
	{"watch", doctor_watch},
	{"stored files", doctor_storage},
	{"S3 store", doctor_s3},
	{"Valkey", doctor_valkey},
	{"daemon", check_daemon},
};

int
cli_doctor(struct cli *cli)
{
	_json_ json_t *all = json_array();
	int status = cli_conf(cli);

	if (status != EXIT_OK)
		return status;
	for (size_t i = 0; i < array_size(checks); i++) {
		struct fault say = {0};
		enum verdict v = checks[i].run(cli, &say);

		if (v == WRONG)
			status = EXIT_FAILED;
		(void)json_array_append_new(all,
			json_pack("{s:s,s:s,s:s}", "check", checks[i].name,
				"verdict", verdict_words[v], "text", say.text));
		if (!cli->options[OPT_JSON])
			(void)printf("%-6s %-16s %s\n", verdict_words[v],
				checks[i].name, say.text);
	}
	if (cli->options[OPT_JSON])
		cli_print_json(all);
	return status;
}
