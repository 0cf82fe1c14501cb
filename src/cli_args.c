/*
 * From argv to a command and its checked arguments.  Options may stand
 * anywhere before "--"; unknown ones name the nearest we know.
 */
#include "src/cli.h"

#include "base/mem.h"
#include "base/paths.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool
cli_takes(const struct cli_command *command, const char *option)
{
	struct slice rest = slice_str(command->options), word;

	if (!strcmp(option, "config") || !strcmp(option, "help"))
		return true;
	while (slice_split(&rest, ' ', &word))
		if (slice_is(word, option))
			return true;
	return false;
}

/* How many words of `words` are the command's own; 0: not this one. */
static int
match(const struct cli_command *command, char **words, int count)
{
	struct slice rest = slice_str(command->words), word;
	int n = 0;

	while (slice_split(&rest, ' ', &word)) {
		if (n >= count || !slice_is(word, words[n]))
			return 0;
		n++;
	}
	return n;
}

static int
find_command(struct cli *cli)
{
	for (size_t i = 0; i < cli_command_count; i++) {
		int n = match(&cli_commands[i], cli->words, cli->count);

		if (n == 0)
			continue;
		cli->command = &cli_commands[i];
		cli->words += n;
		cli->count -= n;
		return EXIT_OK;
	}
	return cli_fail(EXIT_USAGE,
		"unknown command \"%s\"; `mpcloud help` lists them",
		cli->count ? cli->words[0] : "");
}

static const char *const shorts[][2] = {
	{"-h", "--help"},
	{"-f", "--follow"},
	{"-n", "--lines"},
	{"-d", "--data"},
	{"-c", "--config"},
};

static const char *
long_form(const char *arg)
{
	for (size_t i = 0; i < array_size(shorts); i++)
		if (!strcmp(arg, shorts[i][0]))
			return shorts[i][1];
	return arg;
}

/* The option of "--name" or "--name=value", or -1. */
static int
find_option(const char *arg, const char **value)
{
	for (int i = 0; i < OPT_COUNT_; i++) {
		size_t n = strlen(cli_options[i].word);

		if (strncmp(arg + 2, cli_options[i].word, n) != 0)
			continue;
		if (arg[2 + n] != '\0' && arg[2 + n] != '=')
			continue;
		*value = arg[2 + n] == '=' ? arg + 3 + n : NULL;
		return i;
	}
	return -1;
}

static int
take_option(struct cli *cli, int argc, char **argv, int *at)
{
	const char *arg = long_form(argv[*at]), *value = NULL;
	int i = strncmp(arg, "--", 2) == 0 ? find_option(arg, &value) : -1;

	if (i < 0)
		return cli_fail(EXIT_USAGE, "unknown option %s", argv[*at]);
	if (!cli_options[i].arg && value)
		return cli_fail(
			EXIT_USAGE, "--%s takes no value", cli_options[i].word);
	if (cli_options[i].arg && !value && *at + 1 < argc)
		value = argv[++*at];
	if (cli_options[i].arg && !value)
		return cli_fail(EXIT_USAGE, "--%s needs %s",
			cli_options[i].word, cli_options[i].arg);
	cli->options[i] = value ? value : "";
	return EXIT_OK;
}

/* Words to the front of argv, options to cli. */
static int
sort_args(struct cli *cli, int argc, char **argv)
{
	int status = EXIT_OK;

	cli->words = argv + 1;
	for (int i = 1; i < argc && status == EXIT_OK; i++) {
		if (!strcmp(argv[i], "--")) {
			cli->rest = argv + i + 1;
			break;
		}
		if (argv[i][0] == '-' && argv[i][1])
			status = take_option(cli, argc, argv, &i);
		else
			cli->words[cli->count++] = argv[i];
	}
	return status;
}

static int
check_options(const struct cli *cli)
{
	for (int i = 0; i < OPT_COUNT_; i++)
		if (cli->options[i] &&
			!cli_takes(cli->command, cli_options[i].word))
			return cli_fail(EXIT_USAGE,
				"`mpcloud %s` takes no --%s; see `mpcloud help "
				"%s`",
				cli->command->words, cli_options[i].word,
				cli->command->words);
	return EXIT_OK;
}

/* "[A] B [C…]": how many words at the least and at the most. */
static int
check_count(const struct cli *cli)
{
	struct slice rest = slice_str(cli->command->args), word;
	int least = 0, most = 0;

	while (cli->command->args[0] && slice_split(&rest, ' ', &word)) {
		if (slice_is(word, "[--") || slice_is(word, "COMMAND…]"))
			continue;
		least += word.ptr[0] != '[';
		most += memmem(word.ptr, word.len, "…", strlen("…")) ? 1000 : 1;
	}
	if (cli->count >= least && cli->count <= most)
		return EXIT_OK;
	return cli_fail(EXIT_USAGE, "usage: mpcloud %s %s", cli->command->words,
		cli->command->args);
}

int
cli_parse(struct cli *cli, int argc, char **argv)
{
	static char help[] = "help";
	static char *no_words[] = {help, NULL};
	int status = sort_args(cli, argc, argv);

	if (status != EXIT_OK)
		return status;
	if (cli->count == 0) {
		cli->words = no_words;
		cli->count = 1;
	}
	if (cli->options[OPT_HELP]) {
		cli->command = &cli_commands[cli_command_count - 1];
		return EXIT_OK;
	}
	status = find_command(cli);
	if (status == EXIT_OK)
		status = check_options(cli);
	if (status == EXIT_OK)
		status = check_count(cli);
	return status;
}

int
cli_number(const struct cli *cli, enum cli_option option, int64_t low,
	int64_t high, int64_t preset, int64_t *ret)
{
	uint64_t n;

	*ret = preset;
	if (!cli->options[option])
		return EXIT_OK;
	if (slice_to_u64(slice_str(cli->options[option]), (uint64_t)high, &n) <
			0 ||
		(int64_t)n < low)
		return cli_fail(EXIT_USAGE,
			"--%s: a whole number from %lld to %lld",
			cli_options[option].word, (long long)low,
			(long long)high);
	*ret = (int64_t)n;
	return EXIT_OK;
}

/* .mpcloud/mpcloud.conf here or in a folder above, or NULL. */
static char *
find_project_conf(void)
{
	_free_ char *dir = getcwd(NULL, 0);

	while (dir && *dir) {
		_free_ char *path = str_printf("%s/.mpcloud/mpcloud.conf", dir);
		char *slash = strrchr(dir, '/');

		if (access(path, R_OK) == 0)
			return take(path);
		if (!slash)
			break;
		*slash = '\0';
	}
	return NULL;
}

static char *
conf_path_of(const struct cli *cli)
{
	const char *env = getenv("MPCLOUD_CONFIG");
	char *found;

	if (cli->options[OPT_CONFIG])
		return str_dup(cli->options[OPT_CONFIG]);
	if (env && *env)
		return str_dup(env);
	found = find_project_conf();
	return found ? found : str_dup(SYSCONFDIR "/mpcloud/mpcloud.conf");
}

int
cli_conf(struct cli *cli)
{
	struct fault why = {0};
	int r;

	if (cli->conf)
		return EXIT_OK;
	cli->conf_path = conf_path_of(cli);
	r = conf_load(&cli->conf, cli->conf_path, &why);
	if (r < 0)
		return cli_fail(EXIT_CONFIG, "%s", fault_text(&why, r));
	return EXIT_OK;
}
