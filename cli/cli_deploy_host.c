/*
 * `mpcloud deploy --host`: the project is sent to the server by rsync, which
 * moves what changed only, and deployed there by the server's own mpcloud.  No
 * port and no key of ours: who may log in there by ssh may deploy.
 */
#include "cli/cli_deploy.h"

#include "base/buf.h"
#include "base/crypto.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/dev.h"
#include "cli/spawn.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { COMMAND_TOP = 64 * 1024, NOT_FOUND = 127, SSH_FAILED = 255 };

/* A name for the folder there: the same for the same project of the same
 * machine, so that the next time only what changed is sent. */
static char *
staging_of(const char *project)
{
	const char *name = strrchr(project, '/');
	char host[256] = "";
	uint8_t sum[SHA256_LEN];
	_buf_ struct buf from = {0}, text = {0};

	(void)gethostname(host, sizeof(host) - 1);
	buf_init(&from, 8192);
	buf_printf(&from, "%s:%s", host, project);
	crypto_sha256(buf_all(&from), sum);
	buf_init(&text, 1024);
	buf_str(&text, ".mpcloud-deploy-");
	for (name = name ? name + 1 : project; *name && text.len < 64; name++)
		buf_char(&text, isalnum((unsigned char)*name) ? *name : '_');
	buf_char(&text, '-');
	text_hex(&text, slice_of(sum, 4));
	return str_ndup(text.ptr, text.len);
}

/* A word as the shell there reads it. */
static void
put_quoted(struct buf *to, const char *word)
{
	buf_char(to, '\'');
	for (; *word; word++)
		if (*word == '\'')
			buf_str(to, "'\\''");
		else
			buf_char(to, *word);
	buf_char(to, '\'');
}

static void
put_command(const struct cli *cli, const char *staging, struct buf *to)
{
	static const enum cli_option passed[] = {OPT_GRAY, OPT_HEADER,
		OPT_OPENID, OPT_ERRORS, OPT_LATENCY, OPT_CALLS, OPT_JSON};

	buf_str(to, "mpcloud deploy ");
	put_quoted(to, staging);
	for (int i = 1; i < cli->count; i++) {
		buf_char(to, ' ');
		put_quoted(to, cli->words[i]);
	}
	for (size_t i = 0; i < array_size(passed); i++) {
		const char *value = cli->options[passed[i]];

		if (!value)
			continue;
		buf_printf(to, " --%s", cli_options[passed[i]].word);
		if (cli_options[passed[i]].arg) {
			buf_char(to, ' ');
			put_quoted(to, value);
		}
	}
}

static int
run(const char *const *argv, int *status)
{
	struct spawn s = {.argv = argv, .uid = (uid_t)-1, .gid = (gid_t)-1};
	struct fault why = {0};

	if (spawn_run(&s, status, &why) < 0)
		return cli_fail(EXIT_FAILED, "%s: %s", argv[0], why.text);
	return EXIT_OK;
}

static int
send_project(const struct cli *cli, const char *project, const char *staging)
{
	const char *host = cli->options[OPT_HOST];
	bool shows = isatty(STDERR_FILENO) && !cli->options[OPT_JSON];
	_free_ char *from = str_printf("%s/", project);
	_free_ char *to = str_printf("%s:%s/", host, staging);
	const char *const argv[] = {"rsync", "-az", "--delete",
		"--exclude=.git", "--exclude=.mpcloud", "--exclude=.DS_Store",
		shows ? "--info=progress2" : "--quiet", "--", from, to, NULL};
	int status = 0, r = run(argv, &status);

	if (r != EXIT_OK || status == 0)
		return r;
	if (status == NOT_FOUND)
		return cli_fail(EXIT_FAILED,
			"rsync sends the project: install it here and on %s "
			"(apt-get install rsync)",
			host);
	return cli_fail(EXIT_FAILED,
		"the project was not sent to %s (rsync's status %d): can you "
		"log in with `ssh %s`, and is rsync installed there?",
		host, status, host);
}

static int
deploy_there(const struct cli *cli, const char *staging)
{
	const char *host = cli->options[OPT_HOST];
	_buf_ struct buf command = {0};
	const char *argv[] = {"ssh", "--", host, NULL, NULL};
	int status = 0, r;

	buf_init(&command, COMMAND_TOP);
	put_command(cli, staging, &command);
	if (command.full)
		return cli_fail(EXIT_USAGE, "too many words");
	argv[3] = command.ptr;
	r = run(argv, &status);
	if (r != EXIT_OK)
		return r;
	if (status == NOT_FOUND)
		return cli_fail(EXIT_FAILED,
			"mpcloud is not installed on %s, or not in the PATH of "
			"a command that ssh runs there",
			host);
	if (status == SSH_FAILED)
		return cli_fail(EXIT_FAILED,
			"ssh to %s failed; can you log in with `ssh %s`?", host,
			host);
	return status;
}

int
cli_deploy_host(struct cli *cli)
{
	const char *host = cli->options[OPT_HOST];
	_free_ char *project = realpath(cli->project, NULL);
	_free_ char *staging = NULL;
	int status = deploy_check(cli->project);

	if (status != EXIT_OK)
		return status;
	if (!project || !*host || *host == '-' || strchr(host, ':') ||
		strchr(host, ' '))
		return cli_fail(EXIT_USAGE,
			"--host: USER@SERVER is wanted, or a name of "
			"~/.ssh/config; not \"%s\"",
			host);
	staging = staging_of(project);
	status = send_project(cli, project, staging);
	return status == EXIT_OK ? deploy_there(cli, staging) : status;
}
