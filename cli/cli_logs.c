/*
 * `mpcloud logs`: functions' logs are files of JSON lines that the gateways
 * append to; reading them needs no daemon.
 */
#include "cli/cli.h"

#include "base/mem.h"
#include "cli/log_files.h"
#include "functions/settings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static bool
is_deployed(const struct cli *cli, const char *name)
{
	_free_ char *code = str_printf(
		"%s/functions/%s", cli->conf->server_state_dir, name);

	return access(code, F_OK) == 0;
}

static int
read_view(const struct cli *cli, struct log_view *v)
{
	struct fault why = {0};

	*v = (struct log_view){
		.request = cli->options[OPT_REQUEST],
		.text = cli->options[OPT_GREP],
		.json = cli->options[OPT_JSON] != NULL,
		.colour = isatty(STDOUT_FILENO) && !getenv("NO_COLOR"),
		.names = cli->count != 1,
	};
	if (cli->options[OPT_LEVEL] &&
		log_view_level(cli->options[OPT_LEVEL], &v->level) < 0)
		return cli_fail(EXIT_USAGE,
			"--level: \"%s\" is none of debug, info, warn, error",
			cli->options[OPT_LEVEL]);
	if (cli->options[OPT_SINCE] &&
		log_view_since(v, cli->options[OPT_SINCE], &why) < 0)
		return cli_fail(EXIT_USAGE, "%s", why.text);
	return EXIT_OK;
}

static int
check_names(const struct cli *cli)
{
	for (int i = 0; i < cli->count; i++) {
		const char *name = cli->words[i];
		_free_ char *log = str_printf(
			"%s/logs/%s.jsonl", cli->conf->server_state_dir, name);

		if (!fn_name_is_valid(slice_str(name)))
			return cli_fail(EXIT_USAGE,
				"%s is not a function's name", name);
		if (!is_deployed(cli, name) && access(log, F_OK) < 0 &&
			!cli->options[OPT_FOLLOW])
			return cli_fail(EXIT_FAILED,
				"no function \"%s\" is deployed; `mpcloud fn "
				"list` lists them",
				name);
	}
	return EXIT_OK;
}

/* An empty screen would look like a broken command. */
static void
say_nothing(const struct cli *cli)
{
	const char *name = cli->count ? cli->words[0] : "no function";
	bool follow = cli->options[OPT_FOLLOW] != NULL;

	if (cli->count && !is_deployed(cli, name))
		(void)fprintf(
			stderr, "%s is not deployed yet; waiting\n", name);
	else
		(void)fprintf(stderr, "%s has logged %s yet%s\n", name,
			cli->count ? "nothing" : "anything",
			follow ? "; waiting" : "");
}

static void
follow(struct log_files *files, const struct log_view *view)
{
	const struct timespec pause = {.tv_nsec = 100000000};

	while (!ferror(stdout)) {
		(void)nanosleep(&pause, NULL);
		(void)log_files_more(files, view);
	}
}

int
cli_logs(struct cli *cli)
{
	_cleanup_(log_files_freep) struct log_files *files = NULL;
	_free_ char *dir = NULL;
	char **names;
	struct log_view view;
	int64_t lines;
	int status = cli_conf(cli);

	if (status == EXIT_OK)
		status = cli_number(cli, OPT_LINES, 0, 1000000, 100, &lines);
	if (status == EXIT_OK)
		status = read_view(cli, &view);
	if (status == EXIT_OK)
		status = check_names(cli);
	if (status != EXIT_OK)
		return status;
	dir = str_printf("%s/logs", cli->conf->server_state_dir);
	if (access(dir, R_OK) < 0 && errno != ENOENT)
		return cli_fail(EXIT_FAILED, "%s: %s", dir, strerror(errno));
	names = mem_alloc(((size_t)cli->count + 1) * sizeof(names[0]));
	for (int i = 0; i < cli->count; i++)
		names[i] = cli->words[i];
	names[cli->count] = NULL;
	files = log_files_new(dir, names);
	mem_free(names);
	if (!log_files_count(files))
		say_nothing(cli);
	log_files_tail(files, &view, (size_t)lines);
	if (cli->options[OPT_FOLLOW])
		follow(files, &view);
	return EXIT_OK;
}
