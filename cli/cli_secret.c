/*
 * Reading what must not stand on a command line, where every user of the
 * machine can read it and the shell keeps it: from the terminal without showing
 * it, from standard input, or from the file of --from.
 */
#include "base/paths.h"
#include "cli/cli.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

static struct termios shown; /* how the terminal was */

/* A terminal that shows nothing would outlive us. */
static void
on_interrupt(int number)
{
	(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
	(void)signal(number, SIG_DFL);
	(void)raise(number);
}

/* Without showing it. */
static ssize_t
ask(const char *what, char *to, size_t size)
{
	struct termios quiet;
	ssize_t n;

	if (tcgetattr(STDIN_FILENO, &shown) < 0)
		return -1;
	(void)signal(SIGINT, on_interrupt);
	(void)signal(SIGTERM, on_interrupt);
	(void)fprintf(stderr, "%s (not shown): ", what);
	quiet = shown;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
	n = read(STDIN_FILENO, to, size);
	(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
	(void)fputc('\n', stderr);
	return n;
}

int
cli_secret_read(const struct cli *cli, const char *what, char *to, size_t size,
	size_t *len)
{
	const char *file = cli->options[OPT_FROM];
	FILE *from = file ? fopen(file, "re") : NULL;
	ssize_t n;

	if (file && !from)
		return cli_fail(EXIT_FAILED, "%s: %s", file, strerror(errno));
	if (!file && isatty(STDIN_FILENO))
		n = ask(what, to, size);
	else
		n = file_fill(from ? fileno(from) : STDIN_FILENO, to, size);
	if (from)
		(void)fclose(from);
	if (n < 0)
		return cli_fail(EXIT_FAILED, "%s: %s",
			file ? file : "standard input", strerror(errno));
	/* An editor's or echo's newline is not part of it. */
	if (n && to[n - 1] == '\n')
		n--;
	*len = (size_t)n;
	return EXIT_OK;
}
