/*
 * `mpcloud config`: the rows of conf.def, as they are, as they should be, and
 * what they mean.
 */
#include "cli/cli.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const type_names[] = {
	[CONF_INT] = "whole number",
	[CONF_BOOL] = "yes or no",
	[CONF_TEXT] = "text",
	[CONF_PATH] = "path",
	[CONF_ADDRESSES] = "addresses",
	[CONF_TIME_MS] = "time (ms, s, m, h, d)",
	[CONF_BYTES] = "size (k, m, g)",
	[CONF_CHOICE] = "one of",
};

/* Is this row among the words (a setting or a whole section), or are there
 * none? */
static bool
wanted(const struct cli *cli, const struct conf_row *row)
{
	_free_ char *full = str_printf("%s.%s", row->section, row->name);

	for (int i = 0; i < cli->count; i++)
		if (!strcmp(cli->words[i], full) ||
			!strcmp(cli->words[i], row->section))
			return true;
	return cli->count == 0;
}

static int
check_words(const struct cli *cli)
{
	for (int i = 0; i < cli->count; i++) {
		bool known = conf_find(cli->words[i]) != NULL;

		for (size_t j = 0; j < conf_count && !known; j++)
			known = !strcmp(conf_rows[j].section, cli->words[i]);
		if (!known)
			return cli_fail(EXIT_USAGE,
				"no setting or section \"%s\"; `mpcloud config "
				"explain` lists them",
				cli->words[i]);
	}
	return EXIT_OK;
}

int
cli_config_show(struct cli *cli)
{
	_json_ json_t *all = json_object();
	int status = check_words(cli);

	if (status == EXIT_OK)
		status = cli_conf(cli);
	for (size_t i = 0; status == EXIT_OK && i < conf_count; i++) {
		const struct conf_row *row = &conf_rows[i];
		_free_ char *value = conf_show(cli->conf, row);
		_free_ char *name =
			str_printf("%s.%s", row->section, row->name);

		if (!wanted(cli, row))
			continue;
		if (cli->options[OPT_JSON])
			(void)json_object_set_new(
				all, name, json_string(value));
		else
			(void)printf("%s = %s\n", name, value);
	}
	if (status == EXIT_OK && cli->options[OPT_JSON])
		cli_print_json(all);
	return status;
}

static int
say_valid(const struct cli *cli, const char *path)
{
	_json_ json_t *v = json_pack("{s:s,s:b}", "file", path, "valid", 1);

	if (cli->options[OPT_JSON])
		cli_print_json(v);
	else
		(void)printf("%s is valid; `mpcloud doctor` looks into the "
			     "files that it names\n",
			path);
	return EXIT_OK;
}

int
cli_config_check(struct cli *cli)
{
	struct fault why = {0};
	struct conf *conf = NULL;
	int r;

	if (cli->count == 0) {
		int status = cli_conf(cli);

		return status == EXIT_OK ? say_valid(cli, cli->conf_path)
					 : status;
	}
	r = conf_load(&conf, cli->words[0], &why);
	(void)conf_free(conf);
	if (r < 0)
		return cli_fail(EXIT_CONFIG, "%s", fault_text(&why, r));
	return say_valid(cli, cli->words[0]);
}

static json_t *
row_json(const struct conf_row *row)
{
	return json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:b}", "section",
		row->section, "name", row->name, "type", type_names[row->type],
		"default", row->preset, "unit", row->unit, "text", row->text,
		"reload", row->reload);
}

static void
print_row(const struct conf_row *row)
{
	(void)printf(
		"%s.%s  (%s", row->section, row->name, type_names[row->type]);
	if (row->type == CONF_INT && row->high)
		(void)printf(", %lld to %lld", (long long)row->low,
			(long long)row->high);
	if (*row->unit)
		(void)printf("%s %s", row->type == CONF_CHOICE ? "" : ",",
			row->unit);
	(void)printf("; default: %s; %s)\n    %s\n\n",
		*row->preset ? row->preset : "none",
		row->reload ? "taken up by a reload" : "needs a restart",
		row->text);
}

int
cli_config_explain(struct cli *cli)
{
	_json_ json_t *all = json_array();
	int status = check_words(cli);

	for (size_t i = 0; status == EXIT_OK && i < conf_count; i++) {
		if (!wanted(cli, &conf_rows[i]))
			continue;
		if (cli->options[OPT_JSON])
			(void)json_array_append_new(
				all, row_json(&conf_rows[i]));
		else
			print_row(&conf_rows[i]);
	}
	if (status == EXIT_OK && cli->options[OPT_JSON])
		cli_print_json(all);
	return status;
}
