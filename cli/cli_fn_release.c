/*
 * `mpcloud fn` about versions: what there is, who answers, going back, trials.
 */
#include "cli/cli.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/quantity.h"
#include "functions/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	VERSION_TOP = 1000000000,
	COLUMNS = 4,
	NOTE_TOP = 4096,
	GUARD_MS_TOP = 900000,
	GUARD_CALLS_TOP = 10000,
};

static long long
int_of(const json_t *v, const char *key)
{
	return (long long)json_integer_value(json_object_get(v, key));
}

/* The command's first word as a function's name. */
static int
check_name(const struct cli *cli)
{
	if (fn_name_is_valid(slice_str(cli->words[0])))
		return EXIT_OK;
	return cli_fail(
		EXIT_USAGE, "%s is not a function's name", cli->words[0]);
}

/* "7" or "v7" */
static int
take_version(const char *word, json_t *command)
{
	uint64_t n;

	if (slice_to_u64(slice_str(word + (*word == 'v')), VERSION_TOP, &n) <
			0 ||
		n == 0)
		return cli_fail(EXIT_USAGE,
			"%s is not a version: a number is wanted, as `mpcloud "
			"fn versions` lists them",
			word);
	(void)json_object_set_new(
		command, "version", json_integer((json_int_t)n));
	return EXIT_OK;
}

/* --- versions --- */

static void
put_when(char *to, size_t size, long long ms)
{
	time_t s = (time_t)(ms / 1000);
	struct tm tm;

	to[0] = '\0';
	if (ms && localtime_r(&s, &tm))
		(void)strftime(to, size, "%Y-%m-%d %H:%M:%S", &tm);
}

/* "10% of callers, x-gray: yes, 2 users" */
static void
put_trial(struct buf *to, const json_t *release)
{
	const json_t *gray = json_object_get(release, "gray");
	const json_t *guard = json_object_get(release, "guard");
	size_t openids = json_array_size(json_object_get(gray, "openids"));

	buf_printf(to, "%lld%% of callers", int_of(gray, "percent"));
	if (*val_text(gray, "header"))
		buf_printf(to, ", who sends %s", val_text(gray, "header"));
	if (openids)
		buf_printf(to, ", %zu user%s", openids, openids > 1 ? "s" : "");
	if (int_of(guard, "errors"))
		buf_printf(to, "; until over %lld%% of %lld calls fail",
			int_of(guard, "errors"), int_of(guard, "calls"));
	if (int_of(guard, "latency_ms"))
		buf_printf(to, "; until half of %lld calls take over %lld ms",
			int_of(guard, "calls"), int_of(guard, "latency_ms"));
}

static void
put_aliases(struct buf *to, const json_t *release, long long version)
{
	json_t *aliases = json_object_get(release, "aliases"), *v;
	const char *name;

	json_object_foreach (aliases, name, v)
		if (json_integer_value(v) == version)
			buf_printf(to, "%s%s", to->len ? ", " : "", name);
}

static void
put_first_line(struct buf *to, const char *text)
{
	buf_add(to, text, strcspn(text, "\n"));
}

static void
put_note(struct buf *to, const json_t *v, const json_t *release)
{
	if (!strcmp(val_text(v, "state"), "gray"))
		put_trial(to, release);
	else
		put_first_line(to, val_text(v, "error"));
}

static void
print_versions(const json_t *answer)
{
	const json_t *release = json_object_get(answer, "release");
	const json_t *list = json_object_get(answer, "versions");
	size_t rows = json_array_size(list) + 1, at;
	const char **cells = mem_array(rows * COLUMNS, const char *);
	static const char *const head[COLUMNS] = {
		"VERSION", "STATE", "DEPLOYED", "NOTE"};
	json_t *v;

	memcpy(cells, head, sizeof(head));
	json_array_foreach (list, at, v) {
		const char **row = cells + (at + 1) * COLUMNS;
		struct buf states = {0}, note = {0};
		char when[32];

		buf_init(&states, NOTE_TOP);
		buf_init(&note, NOTE_TOP);
		if (strcmp(val_text(v, "state"), "alias") != 0)
			buf_str(&states, val_text(v, "state"));
		put_aliases(&states, release, int_of(v, "version"));
		put_note(&note, v, release);
		put_when(when, sizeof(when), int_of(v, "at"));
		row[0] = str_printf("%lld", int_of(v, "version"));
		row[1] = states.len ? states.ptr : str_dup("");
		row[2] = str_dup(when);
		row[3] = note.len ? note.ptr : str_dup("");
		if (!states.len)
			buf_done(&states);
		if (!note.len)
			buf_done(&note);
	}
	cli_table(cells, rows, COLUMNS);
	for (size_t i = COLUMNS; i < rows * COLUMNS; i++)
		free((void *)(uintptr_t)cells[i]);
	free(cells);
}

static void
print_trouble(const json_t *answer)
{
	const json_t *trouble = json_object_get(answer, "trouble");
	char when[32];

	if (!trouble)
		return;
	put_when(when, sizeof(when), int_of(trouble, "at"));
	(void)printf("version %lld was taken back %s: %s\n",
		int_of(trouble, "version"), when, val_text(trouble, "why"));
}

int
cli_fn_versions(struct cli *cli)
{
	_json_ json_t *answer = NULL;
	int status = check_name(cli);

	if (status == EXIT_OK)
		status = cli_admin(cli,
			json_pack("{s:s, s:s}", "cmd", "versions", "name",
				cli->words[0]),
			&answer);
	if (status != EXIT_OK)
		return status;
	(void)json_object_del(answer, "ok");
	if (cli->options[OPT_JSON]) {
		cli_print_json(answer);
		return EXIT_OK;
	}
	print_versions(answer);
	print_trouble(answer);
	return EXIT_OK;
}

/* --- changes --- */

static json_t *
command_of(const struct cli *cli, const char *cmd)
{
	return json_pack("{s:s, s:s}", "cmd", cmd, "name", cli->words[0]);
}

/* Sends it; `says` has one %s and one %lld, the function and the version. */
static int
change(struct cli *cli, json_t *command, const char *says)
{
	_json_ json_t *answer = NULL;
	int status = cli_admin(cli, command, &answer);

	if (status != EXIT_OK)
		return status;
	(void)json_object_del(answer, "ok");
	if (cli->options[OPT_JSON])
		cli_print_json(answer);
	else
		(void)printf("%s: version %lld %s\n", cli->words[0],
			int_of(answer, "version"), says);
	return EXIT_OK;
}

int
cli_fn_rollback(struct cli *cli)
{
	_json_ json_t *command = NULL;
	int status = check_name(cli);

	if (status != EXIT_OK)
		return status;
	command = command_of(cli, "rollback");
	if (cli->count > 1)
		status = take_version(cli->words[1], command);
	return status == EXIT_OK
		       ? change(cli, json_incref(command), "answers again")
		       : status;
}

int
cli_fn_promote(struct cli *cli)
{
	int status = check_name(cli);

	return status == EXIT_OK ? change(cli, command_of(cli, "promote"),
					   "is the stable one now")
				 : status;
}

int
cli_fn_restart(struct cli *cli)
{
	int status = check_name(cli);

	return status == EXIT_OK ? change(cli, command_of(cli, "restart"),
					   "was started afresh")
				 : status;
}

int
cli_fn_alias(struct cli *cli)
{
	_json_ json_t *command = NULL;
	_free_ char *says = NULL;
	int status = check_name(cli);

	if (status != EXIT_OK)
		return status;
	if ((cli->count < 3) != (cli->options[OPT_END] != NULL))
		return cli_fail(EXIT_USAGE,
			"`mpcloud fn alias FUNCTION ALIAS VERSION` sets an "
			"alias, `mpcloud fn alias FUNCTION ALIAS --end` takes "
			"it away");
	command = command_of(cli, "alias");
	(void)json_object_set_new(command, "alias", json_string(cli->words[1]));
	if (cli->count > 2)
		status = take_version(cli->words[2], command);
	if (status != EXIT_OK)
		return status;
	says = cli->count > 2
		       ? str_printf("is %s", cli->words[1])
		       : str_printf("answers; %s is gone", cli->words[1]);
	return change(cli, json_incref(command), says);
}

/* --- trials --- */

static void
put_openids(const struct cli *cli, json_t *gray)
{
	struct slice rest = slice_str(cli->options[OPT_OPENID]), one;
	json_t *list = json_array();

	while (slice_split(&rest, ',', &one)) {
		one = slice_trim(one);
		if (one.len)
			(void)json_array_append_new(
				list, json_stringn(one.ptr, one.len));
	}
	(void)json_object_set_new(gray, "openids", list);
}

static int
put_latency(const struct cli *cli, json_t *guard)
{
	const char *text = cli->options[OPT_LATENCY];
	int64_t ms;

	if (!text)
		return EXIT_OK;
	if (quantity_time(slice_str(text), &ms) < 0 || ms < 1 ||
		ms > GUARD_MS_TOP)
		return cli_fail(EXIT_USAGE,
			"--latency: a time with its unit from 1ms to 900s is "
			"wanted, as 800ms");
	(void)json_object_set_new(guard, "latency_ms", json_integer(ms));
	return EXIT_OK;
}

static int
put_number(const struct cli *cli, enum cli_option option, int64_t low,
	int64_t high, json_t *to, const char *key)
{
	int64_t n;
	int status;

	if (!cli->options[option])
		return EXIT_OK;
	status = cli_number(cli, option, low, high, 0, &n);
	if (status == EXIT_OK)
		(void)json_object_set_new(to, key, json_integer(n));
	return status;
}

/* {gray, guard} of the options; `percent`: which of them is the share. */
int
cli_trial(const struct cli *cli, enum cli_option percent, json_t **ret)
{
	_json_ json_t *gray = json_object(), *guard = json_object();
	int status = put_number(cli, percent, 0, 100, gray, "percent");

	if (status == EXIT_OK)
		status = put_number(cli, OPT_ERRORS, 0, 100, guard, "errors");
	if (status == EXIT_OK)
		status = put_number(
			cli, OPT_CALLS, 1, GUARD_CALLS_TOP, guard, "calls");
	if (status == EXIT_OK)
		status = put_latency(cli, guard);
	if (status != EXIT_OK)
		return status;
	if (cli->options[OPT_HEADER])
		(void)json_object_set_new(
			gray, "header", json_string(cli->options[OPT_HEADER]));
	if (cli->options[OPT_OPENID])
		put_openids(cli, gray);
	if (cli->options[OPT_CALLS] && json_object_size(guard) < 2)
		return cli_fail(EXIT_USAGE,
			"--calls says over how many calls --errors or "
			"--latency looks: give one of them");
	*ret = json_pack("{s:O, s:O}", "gray", gray, "guard", guard);
	return EXIT_OK;
}

static int
begin_trial(struct cli *cli)
{
	_json_ json_t *command = command_of(cli, "gray"), *trial = NULL;
	_buf_ struct buf says = {0};
	int status = take_version(cli->words[1], command);

	if (status == EXIT_OK)
		status = cli_trial(cli, OPT_PERCENT, &trial);
	if (status != EXIT_OK)
		return status;
	if (!json_object_size(json_object_get(trial, "gray")))
		return cli_fail(EXIT_USAGE,
			"who is to get version %s? Give --percent, --header or "
			"--openid",
			cli->words[1]);
	(void)json_object_set(command, "trial", trial);
	buf_init(&says, NOTE_TOP);
	buf_str(&says, "is on trial: ");
	put_trial(&says, trial);
	return change(cli, json_incref(command), says.ptr);
}

int
cli_fn_gray(struct cli *cli)
{
	int status = check_name(cli);

	if (status != EXIT_OK)
		return status;
	if ((cli->count < 2) != (cli->options[OPT_END] != NULL))
		return cli_fail(EXIT_USAGE,
			"`mpcloud fn gray FUNCTION VERSION --percent N` begins "
			"or changes a trial, `mpcloud fn gray FUNCTION --end` "
			"ends it; `mpcloud fn versions FUNCTION` shows it");
	if (cli->count < 2)
		return change(cli, command_of(cli, "gray"),
			"answers all calls; the trial has ended");
	return begin_trial(cli);
}

int
cli_fn_delete(struct cli *cli)
{
	_json_ json_t *answer = NULL;
	int status = check_name(cli);

	if (status == EXIT_OK)
		status = cli_admin(cli, command_of(cli, "delete"), &answer);
	if (status != EXIT_OK)
		return status;
	if (cli->options[OPT_JSON])
		cli_print_json(answer);
	else
		(void)printf("%s answers no more calls; its files stay, "
			     "`mpcloud deploy` brings it back\n",
			cli->words[0]);
	return EXIT_OK;
}
