/*
 * `mpcloud status`, `reload`, `version`: the daemon as a whole.
 */
#include "cli/cli_fn.h"

#include <stdio.h>

static long long
int_of(const json_t *v, const char *key)
{
	return json_integer_value(json_object_get(v, key));
}

static void
print_listeners(const json_t *listeners)
{
	size_t at;
	json_t *l;

	json_array_foreach (listeners, at, l) {
		if (json_is_string(l))
			(void)printf("listening  %s\n", json_string_value(l));
		else
			(void)printf("listening  %-5s %s\n",
				val_text(l, "kind"), val_text(l, "address"));
	}
}

static void
print_gateways(const json_t *gateways)
{
	size_t at;
	json_t *g;

	json_array_foreach (gateways, at, g)
		(void)printf("gateway %lld  pid %lld  %s  restarts %lld\n",
			int_of(g, "index"), int_of(g, "pid"),
			val_text(g, "state"), int_of(g, "restarts"));
}

static void
print_missing(const json_t *f)
{
	json_t *missing = json_object_get(f, "missing"), *m;
	size_t at;

	json_array_foreach (missing, at, m)
		(void)printf(
			"    isolation missing: %s\n", json_string_value(m));
}

static void
print_functions(const json_t *functions)
{
	size_t at;
	json_t *f;

	json_array_foreach (functions, at, f) {
		(void)printf("function %-20s v%lld  %-6s %s",
			val_text(f, "name"), int_of(f, "version"),
			val_text(f, "runtime"), val_text(f, "state"));
		if (*val_text(f, "error"))
			(void)printf("  %s", val_text(f, "error"));
		else if (*val_text(f, "crashing"))
			(void)printf("  %s", val_text(f, "crashing"));
		(void)putchar('\n');
		print_missing(f);
	}
	if (json_array_size(functions) == 0)
		(void)puts("no function is deployed");
}

static void
print_counters(const json_t *counters)
{
	const char *name;
	json_t *n;

	json_object_foreach ((json_t *)(uintptr_t)counters, name, n)
		if (json_integer_value(n))
			(void)printf("%-14s %lld\n", name,
				(long long)json_integer_value(n));
}

/* Settings that were changed and that no reload takes up. */
static void
print_pending(const json_t *pending, const char *before)
{
	size_t at;
	json_t *v;

	json_array_foreach (pending, at, v)
		(void)printf("%s%s", at ? ", " : before, json_string_value(v));
	if (json_array_size(pending))
		(void)putchar('\n');
}

int
cli_status(struct cli *cli)
{
	_json_ json_t *answer = NULL;
	int status =
		cli_admin(cli, json_pack("{s:s}", "cmd", "status"), &answer);

	if (status != EXIT_OK)
		return status;
	cli_fn_add_trouble(cli, json_object_get(answer, "functions"));
	if (cli->options[OPT_JSON]) {
		cli_print_json(answer);
		return EXIT_OK;
	}
	(void)printf("mpcloud %s  pid %lld  up %lld s\n",
		val_text(answer, "version"), int_of(answer, "pid"),
		int_of(answer, "uptime"));
	print_listeners(json_object_get(answer, "listeners"));
	print_gateways(json_object_get(answer, "gateways"));
	print_functions(json_object_get(answer, "functions"));
	print_counters(json_object_get(answer, "counters"));
	print_pending(json_object_get(answer, "pending"),
		"changed, but need a restart: ");
	return EXIT_OK;
}

int
cli_reload(struct cli *cli)
{
	_json_ json_t *answer = NULL;
	int status =
		cli_admin(cli, json_pack("{s:s}", "cmd", "reload"), &answer);

	if (status != EXIT_OK)
		return status;
	if (cli->options[OPT_JSON]) {
		cli_print_json(answer);
		return EXIT_OK;
	}
	(void)puts("reloaded");
	print_pending(json_object_get(answer, "pending"),
		"changed, but need a restart: ");
	return EXIT_OK;
}

int
cli_version(struct cli *cli)
{
	if (cli->options[OPT_JSON])
		(void)puts("{\"version\":\"" PACKAGE_VERSION "\"}");
	else
		(void)puts("mpcloud " PACKAGE_VERSION);
	return EXIT_OK;
}
