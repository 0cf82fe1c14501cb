/*
 * `mpcloud alerts list`: what is wrong now, and what was; `mpcloud alerts test`
 * tries the way a notice takes.
 */
#include "cli/cli.h"

#include "base/mem.h"
#include "base/val.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMNS = 5 };

/* "14 min ago" */
static char *
ago(int64_t now, int64_t then)
{
	int64_t s = max(now - then, (int64_t)0) / 1000;

	if (!then)
		return str_dup("-");
	if (s < 120)
		return str_printf("%lld s ago", (long long)s);
	if (s < 7200)
		return str_printf("%lld min ago", (long long)(s / 60));
	if (s < 172800)
		return str_printf("%lld h ago", (long long)(s / 3600));
	return str_printf("%lld d ago", (long long)(s / 86400));
}

/* Has it been told?  A webhook that does not take it is worth a word. */
static char *
told(const json_t *a, int64_t now)
{
	const char *failure = val_text(a, "failure");

	if (*failure && *val_text(a, "notice"))
		return str_printf("not yet: %s", failure);
	if (*val_text(a, "notice"))
		return str_dup("not yet");
	return ago(now, val_number(a, "toldAt"));
}

static void
row_fill(char **cells, const json_t *a, int64_t now)
{
	const char *node = val_text(a, "node");

	cells[0] = str_dup(val_text(a, "status"));
	cells[1] = *node ? str_printf("%s on %s", val_text(a, "name"), node)
			 : str_dup(val_text(a, "name"));
	cells[2] = ago(now, val_number(a, "startedAt"));
	cells[3] = told(a, now);
	cells[4] = str_dup(val_text(a, "text"));
}

static void
print_alerts(const json_t *all, int64_t now)
{
	static const char *const heads[COLUMNS] = {
		"STATE", "ALERT", "SINCE", "TOLD", "WHAT WAS SEEN"};
	size_t rows = json_array_size(all) + 1, at;
	char **cells = mem_array(rows * COLUMNS, char *);
	json_t *a;

	for (size_t i = 0; i < COLUMNS; i++)
		cells[i] = str_dup(heads[i]);
	json_array_foreach (all, at, a)
		row_fill(cells + (at + 1) * COLUMNS, a, now);
	cli_table((const char *const *)cells, rows, COLUMNS);
	for (size_t i = 0; i < rows * COLUMNS; i++)
		(void)mem_free(cells[i]);
	(void)mem_free(cells);
}

int
cli_alerts(struct cli *cli)
{
	_json_ json_t *answer = NULL;
	int status = cli_ops_json(
		cli, "GET", "/ops/alerts", slice_of("", 0), &answer);
	const json_t *all;

	if (status != EXIT_OK)
		return status;
	all = json_object_get(answer, "alerts");
	if (cli->options[OPT_JSON])
		cli_print_json(all);
	else if (!json_array_size(all))
		(void)puts("Nothing is wrong, and nothing was.");
	else
		print_alerts(all, val_number(answer, "now"));
	return EXIT_OK;
}

int
cli_alerts_test(struct cli *cli)
{
	_json_ json_t *answer = NULL;
	int status = cli_ops_json(
		cli, "POST", "/ops/alerts/test", SLICE("{}"), &answer);

	if (status == EXIT_OK)
		(void)puts("the webhook took a test notice");
	return status;
}
