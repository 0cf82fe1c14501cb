/*
 * From argv to a command and its checked arguments.  Options may stand
 * anywhere before "--"; unknown ones name the nearest we know.
 */
#include "cli/cli.h"

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

/* Keeps the nearest of the words offered one after the other. */
struct nearest {
	struct slice wanted;
	const char *best;
	size_t least;
};

static struct nearest
nearest_to(const char *wanted)
{
	struct slice s = slice_str(wanted);

	return (struct nearest){s, NULL, min(s.len, (size_t)4) / 2 + 1};
}

static void
offer(struct nearest *n, const char *word)
{
	size_t d = slice_distance(n->wanted, slice_str(word));

	if (d >= n->least)
		return;
	n->least = d;
	n->best = word;
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

/* "list, invoke, logs" for "fn"; empty when no command begins so. */
static char *
second_words(const char *first)
{
	_buf_ struct buf all = {0};

	buf_init(&all, 4096);
	for (size_t i = 0; i < cli_command_count; i++) {
		struct slice rest = slice_str(cli_commands[i].words), word;

		if (slice_split(&rest, ' ', &word) && slice_is(word, first) &&
			rest.len)
			buf_printf(&all, "%s%.*s", all.len ? ", " : "",
				SLICE_ARG(rest));
	}
	return str_ndup(all.ptr, all.len);
}

static int
unknown_command(const struct cli *cli)
{
	const char *word = cli->words[0];
	struct nearest near = nearest_to(word);
	_free_ char *second = second_words(word);

	if (*second && cli->count == 1)
		return cli_fail(EXIT_USAGE, "`mpcloud %s` needs one of: %s",
			word, second);
	if (*second)
		return cli_fail(EXIT_USAGE,
			"unknown command \"%s %s\"; after `mpcloud %s` comes "
			"one of: %s",
			word, cli->words[1], word, second);
	for (size_t i = 0; i < cli_command_count; i++)
		offer(&near, cli_commands[i].words);
	if (near.best)
		return cli_fail(EXIT_USAGE,
			"unknown command \"%s\"; did you mean `mpcloud %s`? "
			"`mpcloud help` lists all",
			word, near.best);
	return cli_fail(EXIT_USAGE,
		"unknown command \"%s\"; `mpcloud help` lists them", word);
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
	return unknown_command(cli);
}

/* The option of "-n", "--name" or "--name=value", or -1. */
static int
find_option(const char *arg, const char **value)
{
	for (int i = 0; i < OPT_COUNT_; i++) {
		size_t n = strlen(cli_options[i].word);

		if (arg[1] == cli_options[i].letter && arg[1] && !arg[2])
			return i;
		if (arg[1] != '-' ||
			strncmp(arg + 2, cli_options[i].word, n) != 0)
			continue;
		if (arg[2 + n] != '\0' && arg[2 + n] != '=')
			continue;
		*value = arg[2 + n] == '=' ? arg + 3 + n : NULL;
		return i;
	}
	return -1;
}

static int
unknown_option(const char *arg)
{
	struct nearest near = nearest_to(arg + strspn(arg, "-"));

	for (int i = 0; i < OPT_COUNT_; i++)
		offer(&near, cli_options[i].word);
	if (near.best)
		return cli_fail(EXIT_USAGE,
			"unknown option %s; did you mean --%s?", arg,
			near.best);
	return cli_fail(EXIT_USAGE,
		"unknown option %s; `mpcloud help COMMAND` lists a command's",
		arg);
}

static int
take_option(struct cli *cli, int argc, char **argv, int *at)
{
	const char *value = NULL;
	int i = find_option(argv[*at], &value);

	if (i < 0)
		return unknown_option(argv[*at]);
	if (!cli_options[i].arg && value)
		return cli_fail(
			EXIT_USAGE, "--%s takes no value", cli_options[i].word);
	if (cli_options[i].arg && !value && *at + 1 < argc)
		value = argv[++*at];
	if (cli_options[i].arg && !value)
		return cli_fail(EXIT_USAGE, "--%s needs %s",
			cli_options[i].word, cli_options[i].arg);
	if (i == OPT_SET && cli->options[i])
		return cli_fail(EXIT_USAGE,
			"--set is there twice: say all settings in one, "
			"separated by semicolons: "
			"--set 'limits.ip_rate=0;limits.user_rate=0'");
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
	return cli_fail(EXIT_USAGE,
		"usage: mpcloud %s%s%s; see `mpcloud help %s`",
		cli->command->words, *cli->command->args ? " " : "",
		cli->command->args, cli->command->words);
}

int
cli_parse(struct cli *cli, int argc, char **argv)
{
	static char help[] = "help", version[] = "version";
	static char *no_words[] = {help, NULL}, *version_words[] = {version};
	int status;

	if (argc == 2 &&
		(!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V"))) {
		cli->words = version_words;
		cli->count = 1;
		return find_command(cli);
	}
	status = sort_args(cli, argc, argv);
	if (status != EXIT_OK)
		return status;
	if (cli->options[OPT_HELP]) { /* of the words, or all */
		cli->command = &cli_commands[cli_command_count - 1];
		return EXIT_OK;
	}
	if (cli->count == 0) {
		cli->words = no_words;
		cli->count = 1;
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

static char *
project_conf(const char *dir)
{
	_free_ char *path = str_printf("%s/.mpcloud/mpcloud.conf", dir);

	return access(path, R_OK) == 0 ? take(path) : NULL;
}

/* .mpcloud/mpcloud.conf here or in a folder above, or NULL. */
static char *
find_project_conf(void)
{
	_free_ char *dir = getcwd(NULL, 0);

	while (dir && *dir) {
		char *found = project_conf(dir);
		char *slash = strrchr(dir, '/');

		if (found)
			return found;
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
	/* `mpcloud deploy PROJECT` where only that project runs. */
	if (!found && cli->project && access(SYSTEM_CONF, F_OK) < 0)
		found = project_conf(cli->project);
	return found ? found : str_dup(SYSTEM_CONF);
}

/* A stranger's first wrong step: no daemon's configuration was meant. */
static int
no_conf(const struct cli *cli, const char *why)
{
	const char *env = getenv("MPCLOUD_CONFIG");

	if (cli->options[OPT_CONFIG] || (env && *env) ||
		access(cli->conf_path, F_OK) == 0)
		return cli_fail(EXIT_CONFIG, "%s%s", why,
			!cli->options[OPT_CONFIG] && env && *env
				? " (from $MPCLOUD_CONFIG)"
				: "");
	return cli_fail(EXIT_CONFIG,
		"%s; for a project that `mpcloud dev` runs, go into its "
		"folder or set MPCLOUD_CONFIG=PROJECT/.mpcloud/mpcloud.conf",
		why);
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
	return r < 0 ? no_conf(cli, fault_text(&why, r)) : EXIT_OK;
}
