/*
 * `mpcloud wechat token`: how the mini programs' access tokens stand.  The
 * tokens themselves are not in what the daemon answers.
 */
#include "cli/cli.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMNS = 6 };

/* "12 s", "34 min", "1 h 58 min", "3 d 4 h". */
static char *
span_text(int64_t ms)
{
	int64_t s = max(ms, (int64_t)0) / 1000;

	if (s < 60)
		return str_printf("%lld s", (long long)s);
	if (s < 3600)
		return str_printf("%lld min", (long long)(s / 60));
	if (s < 86400)
		return str_printf("%lld h %lld min", (long long)(s / 3600),
			(long long)(s / 60 % 60));
	return str_printf("%lld d %lld h", (long long)(s / 86400),
		(long long)(s / 3600 % 24));
}

static const char *
state_of(const json_t *t)
{
	bool good = json_is_true(json_object_get(t, "isGood"));

	if (json_is_true(json_object_get(t, "isAsking")))
		return good ? "good, being renewed" : "being fetched";
	if (json_object_get(t, "restUntil"))
		return good ? "good, renewal failed" : "failed";
	if (good)
		return "good";
	return val_number(t, "fetches") ? "expired" : "not needed yet";
}

/* "40164 the address …", without the 0 of no answer at all. */
static char *
failure_text(const json_t *t, int64_t now)
{
	const char *text = json_string_value(json_object_get(t, "failure"));
	_free_ char *ago = NULL;

	if (!text)
		return str_dup("-");
	if (strncmp(text, "0 ", 2) == 0)
		text += 2;
	ago = span_text(now - val_number(t, "failedAt"));
	return str_printf("%s ago: %s", ago, text);
}

static void
row_fill(char **cells, const json_t *t, int64_t now)
{
	bool good = json_is_true(json_object_get(t, "isGood"));

	cells[0] = str_dup(json_string_value(json_object_get(t, "appid")));
	cells[1] = str_dup(state_of(t));
	cells[2] = good ? span_text(now - val_number(t, "fetchedAt"))
			: str_dup("-");
	cells[3] = good ? span_text(val_number(t, "expiresAt") - now)
			: str_dup("-");
	cells[4] = str_printf("%lld", (long long)val_number(t, "fetches"));
	cells[5] = failure_text(t, now);
}

static void
print_tokens(const json_t *answer)
{
	static const char *const heads[COLUMNS] = {
		"APPID", "TOKEN", "AGE", "LEFT", "FETCHES", "LAST FAILURE"};
	const json_t *all = json_object_get(answer, "tokens"), *t;
	size_t rows = json_array_size(all) + 1, at;
	char **cells = mem_array(rows * COLUMNS, char *);

	for (size_t i = 0; i < COLUMNS; i++)
		cells[i] = str_dup(heads[i]);
	json_array_foreach (all, at, t)
		row_fill(cells + (at + 1) * COLUMNS, t,
			val_number(answer, "now"));
	cli_table((const char *const *)cells, rows, COLUMNS);
	for (size_t i = 0; i < rows * COLUMNS; i++)
		(void)mem_free(cells[i]);
	(void)mem_free(cells);
}

int
cli_wechat_token(struct cli *cli)
{
	_json_ json_t *answer = NULL;
	int status = cli_ops_json(
		cli, "GET", "/ops/wechat/tokens", slice_of("", 0), &answer);

	if (status != EXIT_OK)
		return status;
	if (cli->options[OPT_JSON])
		cli_print_json(answer);
	else if (!json_array_size(json_object_get(answer, "tokens")))
		(void)puts("no mini program: [wechat] appid is not set");
	else
		print_tokens(answer);
	return EXIT_OK;
}
