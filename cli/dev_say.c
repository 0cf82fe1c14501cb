/*
 * What `mpcloud dev` tells: lines for a person to paste, one JSON line for a
 * program, the last words of a part that did not start, and the environment of
 * a command run against the stack.
 */
#include "cli/dev.h"

#include "base/mem.h"
#include "base/paths.h"
#include "cli/project.h"
#include "cli/spawn.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LOG_TOP = 64 * 1024 * 1024 };

enum words { WORDS_NONE, WORDS_FOUND, WORDS_BEGIN };

/* A JSON line's "why", any other line as it is.  WORDS_BEGIN: what stands
 * before is another run's. */
static enum words
line_words(const char *line, char **ret)
{
	_json_ json_t *v = NULL;
	const char *why;

	if (*line != '{' || val_parse(&v, slice_str(line), NULL) < 0) {
		*ret = *line ? str_dup(line) : NULL;
		return *ret ? WORDS_FOUND : WORDS_NONE;
	}
	if (!strcmp(val_text(v, "event"), "conf.loaded"))
		return WORDS_BEGIN;
	why = json_string_value(json_object_get(v, "why"));
	*ret = why ? str_dup(why) : NULL;
	return why ? WORDS_FOUND : WORDS_NONE;
}

/* Of the last line that says why: children may have ended after it. */
static char *
last_words(const char *path)
{
	_free_ char *text = NULL;
	enum words found = WORDS_NONE;
	char *line, *words = NULL;
	size_t len = 0;

	if (file_read(path, LOG_TOP, &text, &len, NULL) < 0)
		return NULL;
	while (len && found == WORDS_NONE) {
		while (len && text[len - 1] == '\n')
			text[--len] = '\0';
		line = memrchr(text, '\n', len);
		line = line ? line + 1 : text;
		found = line_words(line, &words);
		*line = '\0';
		len = (size_t)(line - text);
	}
	return words;
}

int
dev_fail(const struct dev *dev, const char *what, const char *log)
{
	_free_ char *path = str_printf("%s/%s", dev->home, log);
	_free_ char *words = last_words(path);

	if (!words)
		return cli_fail(EXIT_FAILED, "%s: see %s", what, path);
	return cli_fail(EXIT_FAILED, "%s: %s\n(%s)", what, words, path);
}

int
dev_not_ready(const struct dev *dev)
{
	_free_ char *path = str_printf("%s/mpcloudd.log", dev->home);
	_free_ char *words = last_words(path);
	int status =
		dev_fail(dev, "mpcloudd did not get ready", "mpcloudd.log");

	if (words && strstr(words, strerror(EADDRINUSE)))
		(void)fputs("Another program has this port: choose one with "
			    "--port N (HTTPS: --tls-port N), or 0 for any free "
			    "one.\n",
			stderr);
	return status;
}

static const char *
sandbox_url(const struct dev *dev)
{
	const char *base =
		json_string_value(json_object_get(dev->wechat, "base"));

	return base ? base : "";
}

/* What another terminal can call us by. */
static char *
own_name(void)
{
	return strchr(program_invocation_name, '/') ? path_program("mpcloud")
						    : str_dup("mpcloud");
}

static char *
first_function(const struct dev *dev)
{
	struct project project = {0};
	struct fault why = {0};
	const char *name = NULL;
	char *ret;

	if (project_open(&project, dev->project, &why) == 0)
		name = json_string_value(json_array_get(project.names, 0));
	ret = str_dup(name ? name : "NAME");
	project_close(&project);
	return ret;
}

static void
print_addresses(const struct dev *dev)
{
	(void)printf("\nReady: %s\n", dev->url ? dev->url : "");
	if (dev->tls_url)
		(void)printf("       %s (curl --cacert %s)\n", dev->tls_url,
			dev->ca);
}

static void
print_inspector(const struct dev *dev)
{
	const char *what = dev->cli->options[OPT_INSPECT];
	const char *port = what ? strchr(what, ':') : NULL;

	if (what)
		(void)printf(
			"       debug %.*s: chrome://inspect or an editor, "
			"at 127.0.0.1:%s\n",
			(int)strcspn(what, ":"), what,
			port && port[1] ? port + 1 : "9229");
}

static void
print_requests(const struct dev *dev, const char *function)
{
	const char *url = dev->url ? dev->url : "";

	(void)printf("  # a login code, as wx.login would give it\n"
		     "  CODE=$(curl -s -X POST %s/sandbox/code | "
		     "sed 's/.*\"code\":\"\\([^\"]*\\).*/\\1/')\n"
		     "  # log in: our own tokens, no openid, no session_key\n"
		     "  TOKEN=$(curl -s -X POST %s/v1/login -d "
		     "\"{\\\"code\\\":\\\"$CODE\\\"}\" | "
		     "sed 's/.*\"accessToken\":\"\\([^\"]*\\).*/\\1/')\n"
		     "  # who is that?\n"
		     "  curl -s -H \"Authorization: Bearer $TOKEN\" "
		     "%s/v1/session; echo\n",
		sandbox_url(dev), url, url);
	(void)printf("  # a cloud function\n"
		     "  curl -s -X POST -H \"Authorization: Bearer $TOKEN\" "
		     "%s/v1/functions/%s -d '{}'; echo\n",
		url, function);
}

/* What to try next, in lines that can be pasted. */
void
dev_print_next(const struct dev *dev)
{
	_free_ char *program = own_name();
	_free_ char *function = first_function(dev);

	print_addresses(dev);
	print_inspector(dev);
	(void)printf("\nTry, in another terminal:\n\n");
	print_requests(dev, function);
	(void)printf("  # look at it as its operator\n"
		     "  export MPCLOUD_CONFIG=%s\n"
		     "  %s status\n"
		     "  %s fn invoke %s\n"
		     "  # pay an order as its user would, at the sandbox\n"
		     "  %s sandbox pay ORDER\n"
		     "  # what functions log, until Ctrl-C\n"
		     "  %s logs -f\n"
		     "\nLogs of the programs: %s/*.log\n",
		dev->cli->conf_path, program, program, function, program,
		program, dev->home);
	(void)fflush(stdout);
}

void
dev_print_stop(const struct dev *dev)
{
	_free_ char *program = own_name();

	(void)printf("It runs in the background; `%s dev %s --stop` stops "
		     "it.\n",
		program, dev->project);
	(void)fflush(stdout);
}

/* One line that a program reads: addresses and pids. */
void
dev_print_partial(void)
{
	(void)puts("Not everything was deployed; mend it and save.");
}

void
dev_print_json(const struct dev *dev)
{
	_json_ json_t *v = json_pack("{s:s?,s:s?,s:s?,s:s,s:s,s:s,s:s,s:i,s:i,"
				     "s:i,s:b}",
		"url", dev->url, "tlsUrl", dev->tls_url, "ca", dev->ca,
		"sandbox", sandbox_url(dev), "config", dev->cli->conf_path,
		"home", dev->home, "run", dev->run, "pid", (int)dev->daemon,
		"postgresPid", (int)dev->pg, "sandboxPid", (int)dev->sandbox,
		"partial", dev->partial);
	char *text = json_dumps(v, JSON_COMPACT);

	(void)puts(text ? text : "{}");
	(void)fflush(stdout);
	free(text);
}

/* The command after "--", with the addresses in its environment. */
int
dev_command(struct dev *dev, pid_t *ret)
{
	_free_ char *url = str_printf("MPCLOUD_URL=%s", dev->url);
	_free_ char *box = str_printf("MPCLOUD_SANDBOX=%s", sandbox_url(dev));
	_free_ char *conf =
		str_printf("MPCLOUD_CONFIG=%s", dev->cli->conf_path);
	_free_ char *tls = str_printf(
		"MPCLOUD_TLS_URL=%s", dev->tls_url ? dev->tls_url : "");
	_free_ char *ca = str_printf("MPCLOUD_CA=%s", dev->ca ? dev->ca : "");
	const char *const env[] = {url, box, conf, tls, ca, NULL};
	struct fault why = {0};
	struct spawn s = {.argv = (const char *const *)dev->cli->rest,
		.env = env,
		.uid = (uid_t)-1,
		.gid = (gid_t)-1,
		.death_signal = SIGTERM};

	if (spawn_start(&s, ret, &why) < 0)
		return cli_fail(EXIT_FAILED, "%s", why.text);
	return EXIT_OK;
}
