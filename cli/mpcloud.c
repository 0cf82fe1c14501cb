/*
 * mpcloud(1): the operator's and developer's command line.  Commands are rows
 * of cli.def; this file only finds the row and runs it.
 */
#include "cli/cli.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

const struct cli_command cli_commands[] = {
#define X(words, fn, args, options, text, more) \
	{words, fn, args, options, text, more},
#include "cli/cli.def"
#undef X
};

const size_t cli_command_count = array_size(cli_commands);

const struct cli_option_row cli_options[OPT_COUNT_] = {
#define X(name, word, letter, arg, text) {word, letter, arg, text},
#include "cli/cli_option.def"
#undef X
};

int
main(int argc, char **argv)
{
	struct cli cli = {0};
	int status = cli_parse(&cli, argc, argv);

	(void)signal(SIGPIPE, SIG_IGN);
	if (status == EXIT_OK)
		status = cli.command->run(&cli);
	(void)conf_free(cli.conf);
	free(cli.conf_path);
	if (fflush(stdout) != 0 && status == EXIT_OK)
		status = EXIT_FAILED;
	return status;
}
