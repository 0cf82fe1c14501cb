/*
 * `mpcloud env` and `mpcloud secret`: variables of functions.  A secret's value
 * comes from standard input or a file: what stands on a command line is read by
 * every user of the machine, and kept by the shell.
 */
#include "cli/cli.h"

#include "base/mem.h"
#include "base/paths.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { SECRET_TOP = 8 * 1024, COLUMNS = 3 };

/* --- setting --- */

static int
print_failed(const json_t *answer)
{
	const json_t *failed = json_object_get(answer, "failed"), *one;
	size_t i;

	json_array_foreach (failed, i, one)
		(void)cli_fail(EXIT_FAILED,
			"%s goes on with the variables it had: %s",
			json_string_value(json_object_get(one, "name")),
			json_string_value(json_object_get(one, "error")));
	return json_array_size(failed) ? EXIT_FAILED : EXIT_OK;
}

/* Takes `values`. */
static int
send(struct cli *cli, const char *cmd, json_t *values, const char *says)
{
	const char *function = cli->options[OPT_FUNCTION];
	json_t *command = json_pack("{s:s, s:o}", "cmd", cmd, "values", values);
	_json_ json_t *answer = NULL;
	int status;

	if (function)
		(void)json_object_set_new(
			command, "name", json_string(function));
	status = cli_admin(cli, command, &answer);
	if (status != EXIT_OK)
		return status;
	if (cli->options[OPT_JSON])
		cli_print_json(json_object_get(answer, "failed"));
	else
		(void)printf("%s for %s%s\n", says,
			function ? "function " : "all functions",
			function ? function : "");
	return print_failed(answer);
}

static int
add_word(json_t *values, const char *word)
{
	const char *equals = strchr(word, '=');

	if (!equals || equals == word)
		return cli_fail(EXIT_USAGE,
			"%s: NAME=VALUE is wanted; a secret is set with "
			"`mpcloud secret set NAME`",
			word);
	if (json_object_setn_new(values, word, (size_t)(equals - word),
		    json_string(equals + 1)) < 0)
		return cli_fail(EXIT_USAGE, "%.*s: the value is not UTF-8",
			(int)(equals - word), word);
	return EXIT_OK;
}

int
cli_env_set(struct cli *cli)
{
	_json_ json_t *values = json_object();

	for (int i = 0; i < cli->count; i++) {
		int status = add_word(values, cli->words[i]);

		if (status != EXIT_OK)
			return status;
	}
	return send(cli, "env-set", json_incref(values), "set");
}

static json_t *
nulls(const struct cli *cli)
{
	json_t *values = json_object();

	for (int i = 0; i < cli->count; i++)
		(void)json_object_set_new(values, cli->words[i], json_null());
	return values;
}

int
cli_env_unset(struct cli *cli)
{
	return send(cli, "env-set", nulls(cli), "taken away");
}

int
cli_secret_unset(struct cli *cli)
{
	return send(cli, "secret-set", nulls(cli), "taken away");
}

/* --- a secret's value --- */

static int
read_secret(const struct cli *cli, char *to, size_t size, size_t *len)
{
	_free_ char *what = str_printf("Value of %s", cli->words[0]);
	int status = cli_secret_read(cli, what, to, size, len);

	if (status != EXIT_OK)
		return status;
	if (*len > SECRET_TOP)
		return cli_fail(EXIT_USAGE, "%s: over %d bytes", cli->words[0],
			(int)SECRET_TOP);
	if (*len == 0)
		return cli_fail(EXIT_USAGE,
			"%s: the value is empty; `mpcloud secret unset` takes "
			"a secret away",
			cli->words[0]);
	return EXIT_OK;
}

int
cli_secret_set(struct cli *cli)
{
	char text[SECRET_TOP + 2];
	_json_ json_t *values = json_object();
	json_t *value;
	size_t len = 0;
	int status;

	if (strchr(cli->words[0], '='))
		return cli_fail(EXIT_USAGE,
			"the value does not stand on the command line, where "
			"others can read it: `mpcloud secret set NAME` takes "
			"it from standard input or --from FILE");
	status = read_secret(cli, text, sizeof(text), &len);
	if (status != EXIT_OK)
		return status;
	value = json_stringn(text, len);
	mem_wipe(text, sizeof(text));
	if (!value)
		return cli_fail(EXIT_USAGE, "%s: the value is not UTF-8",
			cli->words[0]);
	(void)json_object_set_new(values, cli->words[0], value);
	return send(cli, "secret-set", json_incref(values), "set");
}

/* --- listing --- */

struct table {
	const char **cells;
	size_t rows, room;
};

static void
add_row(struct table *t, const char *function, const char *name,
	const char *value)
{
	if ((t->rows + 1) * COLUMNS > t->room) {
		t->room = t->room * 2 + 30 * COLUMNS;
		t->cells = mem_resize(t->cells, t->room * sizeof(char *));
	}
	t->cells[t->rows * COLUMNS] = function;
	t->cells[t->rows * COLUMNS + 1] = name;
	t->cells[t->rows * COLUMNS + 2] = value;
	t->rows++;
}

static void
add_side(struct table *t, const char *function, const json_t *side)
{
	json_t *all = (json_t *)(uintptr_t)side, *value;
	const char *name;
	size_t i;

	json_object_foreach (all, name, value)
		add_row(t, function, name, json_string_value(value));
	json_array_foreach (all, i, value)
		add_row(t, function, json_string_value(value), "(sealed)");
}

static void
print_table(const struct cli *cli, const json_t *all)
{
	const char *only = cli->options[OPT_FUNCTION], *function;
	struct table t = {0};
	json_t *side;

	add_row(&t, "FUNCTION", "NAME", "VALUE");
	add_side(&t, "(all)", json_object_get(all, "global"));
	json_object_foreach (json_object_get(all, "functions"), function, side)
		if (!only || !strcmp(only, function))
			add_side(&t, function, side);
	if (t.rows > 1)
		cli_table(t.cells, t.rows, COLUMNS);
	else
		(void)puts("None is set.");
	free(t.cells);
}

static int
list(struct cli *cli, const char *which)
{
	_json_ json_t *answer = NULL;
	int status = cli_admin(cli, json_pack("{s:s}", "cmd", "env"), &answer);
	const json_t *all = json_object_get(answer, which);

	if (status != EXIT_OK)
		return status;
	if (cli->options[OPT_JSON])
		cli_print_json(all);
	else
		print_table(cli, all);
	return EXIT_OK;
}

int
cli_env_list(struct cli *cli)
{
	return list(cli, "variables");
}

int
cli_secret_list(struct cli *cli)
{
	return list(cli, "secrets");
}
