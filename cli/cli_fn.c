/*
 * `mpcloud fn`: the deployed functions, and calling one.
 */
#include "cli/cli_fn.h"

#include "base/mem.h"
#include "base/paths.h"
#include "base/text.h"
#include "cli/cli_fn_log.h"
#include "functions/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EVENT_TOP = 64 * 1024 * 1024, FN_COLUMNS = 6 };

static long long
int_of(const json_t *v, const char *key)
{
	return (long long)json_integer_value(json_object_get(v, key));
}

/* "8 (10%)", or that it was taken back. */
static char *
trial_of(const json_t *f)
{
	const json_t *gray =
		json_object_get(json_object_get(f, "release"), "gray");
	const json_t *trouble = json_object_get(f, "trouble");

	if (gray)
		return str_printf("%lld (%lld%%)", int_of(gray, "version"),
			int_of(gray, "percent"));
	if (trouble)
		return str_printf(
			"%lld taken back", int_of(trouble, "version"));
	return str_dup("");
}

/* The rest is for `fn versions` and --json. */
static char *
error_of(const json_t *f)
{
	const char *text = val_text(f, "error");

	if (!*text)
		text = val_text(f, "crashing");
	if (!*text)
		text = val_text(json_object_get(f, "trouble"), "why");
	return str_ndup(text, strcspn(text, "\n"));
}

static void
print_functions(const json_t *functions)
{
	size_t rows = json_array_size(functions) + 1, at;
	const char **cells = mem_array(rows * FN_COLUMNS, const char *);
	static const char *const head[FN_COLUMNS] = {
		"NAME", "VERSION", "RUNTIME", "STATE", "TRIAL", "ERROR"};
	json_t *f;

	memcpy(cells, head, sizeof(head));
	json_array_foreach (functions, at, f) {
		const char **row = cells + (at + 1) * FN_COLUMNS;

		row[0] = val_text(f, "name");
		row[1] = str_printf("%lld", int_of(f, "version"));
		row[2] = val_text(f, "runtime");
		row[3] = json_object_get(f, "crashing") ? "crashing"
							: val_text(f, "state");
		row[4] = trial_of(f);
		row[5] = error_of(f);
	}
	cli_table(cells, rows, FN_COLUMNS);
	for (at = 1; at < rows; at++) {
		free((void *)(uintptr_t)cells[at * FN_COLUMNS + 1]);
		free((void *)(uintptr_t)cells[at * FN_COLUMNS + 4]);
		free((void *)(uintptr_t)cells[at * FN_COLUMNS + 5]);
	}
	free(cells);
}

int
cli_fn_list(struct cli *cli)
{
	_json_ json_t *answer = NULL;
	json_t *functions;
	int status =
		cli_admin(cli, json_pack("{s:s}", "cmd", "status"), &answer);

	if (status != EXIT_OK)
		return status;
	functions = json_object_get(answer, "functions");
	cli_fn_add_trouble(cli, functions);
	if (cli->options[OPT_JSON])
		cli_print_json(functions);
	else if (json_array_size(functions) == 0)
		(void)puts("No function is deployed; `mpcloud deploy PROJECT` "
			   "deploys a project's.");
	else
		print_functions(functions);
	return EXIT_OK;
}

static int
read_input(struct buf *to)
{
	for (;;) {
		char *room = buf_reserve(to, 65536);
		size_t n = room ? fread(room, 1, 65536, stdin) : 0;

		if (!room)
			return cli_fail(EXIT_USAGE, "--data: over 64 MiB");
		if (n == 0)
			return EXIT_OK;
		buf_grown(to, n);
	}
}

/* --data's JSON, from the argument, @FILE or standard input. */
static int
read_event(const struct cli *cli, struct buf *to)
{
	const char *data = cli->options[OPT_DATA];
	_free_ char *text = NULL;
	struct fault why = {0};
	_json_ json_t *v = NULL;
	size_t len;

	if (!data)
		return EXIT_OK;
	if (!strcmp(data, "-")) {
		if (read_input(to) != EXIT_OK)
			return EXIT_USAGE;
	} else if (data[0] == '@') {
		if (file_read(data + 1, EVENT_TOP, &text, &len, &why) < 0)
			return cli_fail(EXIT_USAGE, "%s", why.text);
		buf_add(to, text, len);
	} else {
		buf_str(to, data);
	}
	if (val_parse(&v, buf_all(to), &why) < 0)
		return cli_fail(EXIT_USAGE, "--data: %s", why.text);
	return EXIT_OK;
}

/* Result on standard output, errors with their stack as the author wrote. */
static int
print_call(const struct cli *cli, int http, struct buf *answer)
{
	_json_ json_t *v = NULL;
	struct fault why = {0};
	const char *code, *request;

	if (val_parse(&v, buf_all(answer), &why) < 0)
		return cli_fail(EXIT_FAILED, "the answer: %s", why.text);
	code = val_text(v, "code");
	request = val_text(v, "requestId");
	if (http < 400 || cli->options[OPT_JSON])
		cli_print_json(v);
	if (http < 400)
		return EXIT_OK;
	if (!strcmp(code, "FUNCTION_NOT_FOUND") && !cli->options[OPT_QUALIFIER])
		return cli_fail(EXIT_FAILED,
			"%s: no function \"%s\" is deployed; `mpcloud fn list` "
			"lists them",
			code, cli->words[0]);
	if (!strncmp(code, "FUNCTIONS_", strlen("FUNCTIONS_")) &&
		!cli->options[OPT_LOG])
		return cli_fail(EXIT_FAILED,
			"%s: %s\n(what it wrote: mpcloud logs %s%s%s)", code,
			val_text(v, "message"), cli->words[0],
			*request ? " --request " : "", request);
	return cli_fail(EXIT_FAILED, "%s: %s", code, val_text(v, "message"));
}

static void
query_add(struct buf *query, const char *name, const char *value)
{
	if (!value)
		return;
	buf_printf(query, "%c%s=", query->len ? '&' : '?', name);
	text_url(query, slice_str(value));
}

/* --at says a time or how long from now. */
static const char *
at_name(const char *at)
{
	return at && !strchr(at, 'T') && strspn(at, "0123456789") < 11
		       ? "delay"
		       : "runAt";
}

static int
async_query(const struct cli *cli, struct buf *query)
{
	const char *at = cli->options[OPT_AT];

	if (!cli->options[OPT_ASYNC])
		return at || cli->options[OPT_RETRIES]
			       ? cli_fail(EXIT_USAGE,
					 "--at and --retries go with --async")
			       : EXIT_OK;
	if (at && (*at < '0' || *at > '9'))
		return cli_fail(EXIT_USAGE,
			"--at: a time like 2026-12-31T08:00:00+08:00, or how "
			"long from now: 10s, 5m, 2h");
	query_add(query, "async", "true");
	query_add(query, at_name(at), at);
	query_add(query, "retries", cli->options[OPT_RETRIES]);
	return EXIT_OK;
}

static int
print_queued(const struct cli *cli, struct buf *answer)
{
	_json_ json_t *v = NULL;

	if (val_parse(&v, buf_all(answer), NULL) < 0)
		return cli_fail(EXIT_FAILED, "the answer is not JSON");
	if (cli->options[OPT_JSON])
		cli_print_json(v);
	else
		(void)printf("queued as %s; mpcloud queue show %s tells what "
			     "became of it\n",
			val_text(v, "id"), val_text(v, "id"));
	return EXIT_OK;
}

int
cli_fn_invoke(struct cli *cli)
{
	_buf_ struct buf event = {0}, answer = {0}, query = {0};
	struct log_files *files = NULL;
	_free_ char *path = NULL;
	int http = 0, status;

	buf_init(&event, EVENT_TOP);
	buf_init(&answer, EVENT_TOP);
	if (!fn_name_is_valid(slice_str(cli->words[0])))
		return cli_fail(EXIT_USAGE, "%s is not a function's name",
			cli->words[0]);
	status = read_event(cli, &event);
	if (status != EXIT_OK)
		return status;
	buf_init(&query, 4096);
	query_add(&query, "openid", cli->options[OPT_OPENID]);
	query_add(&query, "qualifier", cli->options[OPT_QUALIFIER]);
	status = async_query(cli, &query);
	if (status != EXIT_OK)
		return status;
	path = str_printf("/v1/functions/%s%s", cli->words[0],
		query.len ? query.ptr : "");
	status = cli_conf(cli);
	if (status != EXIT_OK)
		return status;
	if (cli->options[OPT_LOG])
		files = fn_log_begin(cli, cli->words[0]);
	status = cli_ops(cli, "POST", path, buf_all(&event), &http, &answer);
	if (files)
		fn_log_end(files, cli_ops_request());
	if (status == EXIT_OK && http == 202)
		return print_queued(cli, &answer);
	return status == EXIT_OK ? print_call(cli, http, &answer) : status;
}
