/*
 * `mpcloud logs`: a function's log is a file of JSON lines that the gateways
 * append to; reading it needs no daemon.
 */
#include "src/cli.h"

#include "base/mem.h"
#include "functions/settings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const char *
member(const json_t *v, const char *key)
{
	const char *text = json_string_value(json_object_get(v, key));

	return text ? text : "";
}

/* What a function printed may be what a stranger sent it: nothing in it may
 * command the operator's terminal.  (C1 controls are 0xc2 0x80 to 0xc2 0x9f.)
 */
static void
print_text(const char *text)
{
	for (const unsigned char *at = (const unsigned char *)text; *at; at++) {
		bool c1 = at[0] == 0xc2 && at[1] >= 0x80 && at[1] < 0xa0;

		if (c1)
			at++;
		if (c1 || *at == 0x7f ||
			(*at < 0x20 && *at != '\n' && *at != '\t'))
			(void)printf("\\x%02x", *at);
		else
			(void)putchar(*at);
	}
}

static void
print_line(const struct cli *cli, const char *line, size_t len)
{
	_json_ json_t *v = NULL;

	if (cli->options[OPT_JSON] ||
		val_parse(&v, slice_of(line, len), NULL) < 0) {
		(void)fwrite(line, 1, len, stdout);
		(void)putchar('\n');
		return;
	}
	(void)printf("%s %-5s %s  ", member(v, "time"), member(v, "level"),
		member(v, "requestId"));
	print_text(member(v, "message"));
	(void)putchar('\n');
}

/* Where the last `lines` lines begin. */
static long
tail_at(FILE *f, int64_t lines)
{
	long at;

	(void)fseek(f, 0, SEEK_END);
	for (at = ftell(f); at > 0; at--) {
		(void)fseek(f, at - 1, SEEK_SET);
		if (fgetc(f) == '\n' && lines-- == 0)
			break;
	}
	return at;
}

static void
print_rest(const struct cli *cli, FILE *f)
{
	char *line = NULL;
	size_t room = 0;
	ssize_t n;

	while ((n = getline(&line, &room, f)) > 0) {
		if (line[n - 1] != '\n') { /* not whole yet */
			(void)fseek(f, -n, SEEK_CUR);
			break;
		}
		print_line(cli, line, (size_t)n - 1);
	}
	clearerr(f);
	(void)fflush(stdout);
	free(line);
}

/* Another file stands at the path now: it was rotated. */
static bool
was_rotated(FILE *f, const char *path)
{
	struct stat open_one, now;

	return stat(path, &now) == 0 && fstat(fileno(f), &open_one) == 0 &&
	       now.st_ino != open_one.st_ino;
}

static void
pause_a_little(void)
{
	const struct timespec pause = {.tv_nsec = 100000000};

	(void)nanosleep(&pause, NULL);
}

static void
follow(const struct cli *cli, FILE **f, const char *path)
{
	while (!ferror(stdout)) {
		print_rest(cli, *f);
		if (was_rotated(*f, path)) {
			FILE *next = fopen(path, "re");

			if (next) {
				(void)fclose(*f);
				*f = next;
			}
		}
		pause_a_little();
	}
}

static bool
is_deployed(const struct cli *cli)
{
	_free_ char *code = str_printf(
		"%s/functions/%s", cli->conf->server_state_dir, cli->words[0]);

	return access(code, F_OK) == 0;
}

static void
say_waiting(const struct cli *cli)
{
	(void)fprintf(stderr, "%s %s; waiting\n", cli->words[0],
		is_deployed(cli) ? "has logged nothing yet"
				 : "is not deployed yet");
}

/* With --follow, a log that will be there is waited for. */
static FILE *
open_log(const struct cli *cli, const char *path)
{
	FILE *f = fopen(path, "re");

	if (!f && errno == ENOENT && cli->options[OPT_FOLLOW]) {
		say_waiting(cli);
		f = fopen(path, "re");
	}
	while (!f && errno == ENOENT && cli->options[OPT_FOLLOW]) {
		pause_a_little();
		f = fopen(path, "re");
	}
	return f;
}

static int
nothing(const struct cli *cli, const char *path)
{
	if (errno != ENOENT)
		return cli_fail(EXIT_FAILED, "%s: %s", path, strerror(errno));
	if (!is_deployed(cli))
		return cli_fail(EXIT_FAILED,
			"no function \"%s\" is deployed; `mpcloud fn list` "
			"lists them",
			cli->words[0]);
	(void)fprintf(stderr, "%s has logged nothing yet\n", cli->words[0]);
	return EXIT_OK;
}

int
cli_logs(struct cli *cli)
{
	_free_ char *path = NULL;
	int64_t lines;
	int status = cli_conf(cli);
	FILE *f;

	if (status == EXIT_OK)
		status = cli_number(cli, OPT_LINES, 0, 1000000, 100, &lines);
	if (status != EXIT_OK)
		return status;
	if (!fn_name_is_valid(slice_str(cli->words[0])))
		return cli_fail(EXIT_USAGE, "%s is not a function's name",
			cli->words[0]);
	path = str_printf(
		"%s/logs/%s.jsonl", cli->conf->server_state_dir, cli->words[0]);
	f = open_log(cli, path);
	if (!f)
		return nothing(cli, path);
	(void)fseek(f, tail_at(f, lines), SEEK_SET);
	print_rest(cli, f);
	if (cli->options[OPT_FOLLOW])
		follow(cli, &f, path);
	(void)fclose(f);
	return EXIT_OK;
}
