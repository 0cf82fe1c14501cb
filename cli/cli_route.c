/*
 * `mpcloud route`: the declared routes in force, whether a file is right, and
 * which route answers a request and why.
 */
#include "cli/cli.h"

#include "base/mem.h"
#include "base/paths.h"
#include "cli/spawn.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { COLUMNS = 5, BODY_TOP = 64 * 1024 };

static void
print_routes(const json_t *routes)
{
	size_t rows = json_array_size(routes) + 1, i;
	const char **cells = mem_array(rows * COLUMNS, const char *);
	static const char *const heads[COLUMNS] = {
		"ROUTE", "METHODS", "HOST", "PATH", "TO"};
	const json_t *r;

	memcpy(cells, heads, sizeof(heads));
	json_array_foreach (routes, i, r) {
		const char **row = cells + (i + 1) * COLUMNS;

		row[0] = val_text(r, "route");
		row[1] = val_text(r, "methods");
		row[2] = *val_text(r, "host") ? val_text(r, "host") : "any";
		row[3] = val_text(r, "path");
		row[4] = val_text(r, "to");
	}
	cli_table(cells, rows, COLUMNS);
	free(cells);
}

int
cli_route_list(struct cli *cli)
{
	_json_ json_t *answer = NULL;
	const json_t *routes;
	int status =
		cli_ops_json(cli, "GET", "/ops/routes", SLICE(""), &answer);

	if (status != EXIT_OK)
		return status;
	routes = json_object_get(answer, "routes");
	if (cli->options[OPT_JSON])
		cli_print_json(answer);
	else if (!json_array_size(routes))
		(void)puts("No routes are declared. A project does it in "
			   "routes.json beside cloudbaserc.json, the operator "
			   "in the file that server.routes names.");
	else
		print_routes(routes);
	return EXIT_OK;
}

int
cli_route_check(struct cli *cli)
{
	const char *file = cli->count ? cli->words[0] : "routes.json";
	_free_ char *program = path_program("mpcloud-gateway");
	const char *const argv[] = {program, "--check-routes", file, NULL};
	struct spawn s = {.argv = argv, .uid = (uid_t)-1, .gid = (gid_t)-1};
	struct fault why = {0};
	int status = 0;

	if (access(file, R_OK) < 0)
		return cli_fail(EXIT_USAGE,
			"%s: %s; name the file: mpcloud route check FILE", file,
			strerror(errno));
	if (spawn_run(&s, &status, &why) < 0)
		return cli_fail(EXIT_FAILED, "%s: %s", program, why.text);
	return status == 0 ? EXIT_OK : EXIT_FAILED;
}

/* --- test --- */

static void
print_route(const json_t *r)
{
	(void)printf("%s %s -> %s", val_text(r, "methods"), val_text(r, "path"),
		val_text(r, "to"));
	if (*val_text(r, "host"))
		(void)printf(", host %s", val_text(r, "host"));
	(void)printf(
		", auth %s  (%s)\n", val_text(r, "auth"), val_text(r, "place"));
}

static void
print_captures(const json_t *captures)
{
	const char *name;
	json_t *v;

	json_object_foreach ((json_t *)(uintptr_t)captures, name, v) {
		(void)printf("    {%s} = \"", name);
		cli_put_text(json_string_value(v));
		(void)puts("\"");
	}
}

static void
print_candidates(const json_t *answer)
{
	const json_t *list = json_object_get(answer, "candidates"), *r;
	size_t shown = json_array_size(list), i;
	int64_t all = val_number(answer, "others");
	bool first = true;

	json_array_foreach (list, i, r) {
		if (json_is_true(json_object_get(r, "answers")))
			continue;
		if (first)
			(void)puts("\nNot these, whose path fits too:");
		first = false;
		(void)printf("  %s: ", val_text(r, "route"));
		cli_put_text(val_text(r, "why"));
		(void)printf("  (%s)\n", val_text(r, "place"));
	}
	all -= (int64_t)shown;
	if (all == 1)
		(void)puts("\nThe path of one other declared route does not "
			   "fit.");
	else if (all > 1)
		(void)printf("\nThe paths of %lld other declared routes do "
			     "not fit.\n",
			(long long)all);
}

static void
print_declared(const json_t *answer)
{
	const json_t *r;
	size_t i;

	json_array_foreach (json_object_get(answer, "candidates"), i, r) {
		if (!json_is_true(json_object_get(r, "answers")))
			continue;
		(void)printf("Route \"%s\" answers:\n  ", val_text(r, "route"));
		print_route(r);
		if (json_is_true(json_object_get(r, "missing")))
			(void)puts("  Its folder is not on this machine: run "
				   "mpcloud deploy here.");
	}
	print_captures(json_object_get(answer, "captures"));
}

static void
print_verdict(const json_t *answer)
{
	const char *kind = val_text(answer, "kind");

	if (!strcmp(kind, "declared"))
		print_declared(answer);
	else if (!strcmp(kind, "built-in") && *val_text(answer, "pattern"))
		(void)printf("The server itself answers: %s.  Its own paths "
			     "come before all routes.\n",
			val_text(answer, "pattern"));
	else if (!strcmp(kind, "built-in"))
		(void)printf(
			"405: the path is the server's own, and takes %s.\n",
			val_text(answer, "allowed"));
	else if (!strcmp(kind, "trigger"))
		(void)printf("The function %s answers, by its http trigger for "
			     "%s.  No declared route fits.\n",
			val_text(answer, "function"),
			val_text(answer, "pattern"));
	else if (!strcmp(kind, "method") || !strcmp(kind, "trigger-method"))
		(void)puts("405: the path fits, the method does not.");
	else if (!strcmp(kind, "dots"))
		(void)puts("400: a segment is \".\" or \"..\".");
	else if (!strcmp(kind, "evades"))
		(void)printf("400: a program might read the path as one of "
			     "route \"%s\", which asks for more.\n",
			val_text(answer, "evaded"));
	else
		(void)puts("404: nothing answers there.");
}

/* "X-Beta: 1" */
static int
put_header(const char *header, json_t *to)
{
	const char *colon = strchr(header, ':');
	struct slice value;
	_free_ char *name = NULL;

	if (!colon || colon == header)
		return cli_fail(EXIT_USAGE,
			"--header: 'Name: value' is wanted, not \"%s\"",
			header);
	name = str_ndup(header, (size_t)(colon - header));
	value = slice_trim(slice_str(colon + 1));
	(void)json_object_set_new(to, name, json_stringn(value.ptr, value.len));
	return EXIT_OK;
}

int
cli_route_test(struct cli *cli)
{
	const char *header = cli->options[OPT_HEADER];
	_json_ json_t *headers = json_object(), *answer = NULL;
	_json_ json_t *ask = json_pack("{s:s, s:s, s:O}", "method",
		cli->words[0], "url", cli->words[1], "headers", headers);
	_buf_ struct buf body = {0};
	int status = header ? put_header(header, headers) : EXIT_OK;
	const char *url = cli->words[1];

	if (status != EXIT_OK)
		return status;
	if (*url != '/' && !slice_starts(slice_str(url), "http://") &&
		!slice_starts(slice_str(url), "https://"))
		return cli_fail(EXIT_USAGE,
			"\"%s\": a path begins with a slash, as /api/items, an "
			"address with http:// or https://",
			url);
	if (!ask)
		return cli_fail(EXIT_USAGE, "the words are not UTF-8 text");
	buf_init(&body, BODY_TOP);
	val_put(&body, ask);
	status = cli_ops_json(
		cli, "POST", "/ops/routes/test", buf_all(&body), &answer);
	if (status != EXIT_OK)
		return status;
	if (cli->options[OPT_JSON]) {
		cli_print_json(answer);
		return EXIT_OK;
	}
	print_verdict(answer);
	print_candidates(answer);
	return EXIT_OK;
}
