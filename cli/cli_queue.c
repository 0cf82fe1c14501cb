/*
 * `mpcloud queue`: calls that nobody waits for, their attempts, and what to do
 * about those that died.
 */
#include "cli/cli_db.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { ERROR_TOP = 60, PATH_TOP = 1024 };

/* "3 min", of a span that is not negative. */
static void
span_text(char *to, size_t size, int64_t ms)
{
	static const struct {
		int64_t ms;
		const char *unit;
	} units[] = {
		{172800000, "days"}, {7200000, "h"}, {120000, "min"}, {0, "s"}};
	static const int64_t per[] = {86400000, 3600000, 60000, 1000};
	size_t i = 0;

	while (ms < units[i].ms)
		i++;
	(void)snprintf(to, size, "%" PRId64 " %s", ms / per[i], units[i].unit);
}

/* What its time means in its state. */
static void
add_when(struct cells *c, const json_t *call)
{
	int64_t now = clock_now_ms();
	int64_t at = val_number(call, "runAt"),
		ended = val_number(call, "doneAt");
	char span[32];

	if (ended) {
		span_text(span, sizeof(span), max(now - ended, (int64_t)0));
		cells_add(c, "%s ago", span);
	} else if (!strcmp(val_text(call, "state"), "running")) {
		cells_add(c, "now");
	} else if (at > now) {
		span_text(span, sizeof(span), at - now);
		cells_add(c, "in %s", span);
	} else {
		cells_add(c, "due");
	}
}

static void
add_error(struct cells *c, const json_t *call)
{
	const char *error = val_text(call, "error");
	size_t len = strcspn(error, "\n");
	bool whole = len <= ERROR_TOP && !error[len];

	len = min(len, (size_t)ERROR_TOP);
	while (len && ((unsigned char)error[len] & 0xc0) == 0x80)
		len--; /* not inside a character */
	cells_add(c, "%.*s%s", (int)len, error, whole ? "" : "…");
}

static void
print_list(const json_t *calls)
{
	static const char *const heads[] = {"ID", "FUNCTION", "WHY", "STATE",
		"TRIES", "WHEN", "LAST ERROR"};
	_cleanup_(cells_done) struct cells c = {0};
	json_t *call;
	size_t i;

	cells_heads(&c, heads, array_size(heads));
	json_array_foreach (calls, i, call) {
		cells_add(&c, "%s", val_text(call, "id"));
		cells_add(&c, "%s", val_text(call, "function"));
		cells_add(&c, "%s", val_text(call, "kind"));
		cells_add(&c, "%s", val_text(call, "state"));
		cells_add(&c, "%" PRId64, val_number(call, "attempts"));
		add_when(&c, call);
		add_error(&c, call);
	}
	cells_print(&c, array_size(heads));
}

int
cli_queue_list(struct cli *cli)
{
	const struct {
		const char *name, *value;
	} parts[] = {
		{"function", cli->options[OPT_FUNCTION]},
		{"state", cli->options[OPT_STATE]},
		{"limit", cli->options[OPT_LIMIT]},
	};
	_buf_ struct buf path = {0};
	_json_ json_t *answer = NULL;
	json_t *calls;
	int64_t limit;
	int status = cli_number(cli, OPT_LIMIT, 1, 1000, 20, &limit);

	if (status != EXIT_OK)
		return status;
	buf_init(&path, PATH_TOP);
	buf_str(&path, "/ops/queue?");
	for (size_t i = 0; i < array_size(parts); i++) {
		if (!parts[i].value)
			continue;
		buf_printf(&path, "%s=", parts[i].name);
		text_url(&path, slice_str(parts[i].value));
		buf_char(&path, '&');
	}
	status = cli_ops_json(cli, "GET", path.ptr, SLICE(""), &answer);
	if (status != EXIT_OK)
		return status;
	calls = json_object_get(answer, "calls");
	if (cli->options[OPT_JSON])
		cli_print_json(calls);
	else if (json_array_size(calls))
		print_list(calls);
	else
		(void)fputs("the queue has no such call\n", stderr);
	return status;
}

static void
print_time(const char *what, int64_t ms)
{
	time_t s = (time_t)(ms / 1000);
	struct tm tm;
	char text[32];

	if (!ms || !localtime_r(&s, &tm))
		return;
	(void)strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm);
	(void)printf("%-10s %s\n", what, text);
}

static void
print_text(const char *what, const char *text)
{
	if (!*text)
		return;
	(void)printf("%-10s ", what);
	cli_put_text(text);
	(void)putchar('\n');
}

static void
print_tries(const json_t *tries)
{
	static const char *const heads[] = {
		"TRY", "BEGAN", "TOOK", "BY", "VERSION", "OUTCOME", "ERROR"};
	_cleanup_(cells_done) struct cells c = {0};
	json_t *one;
	size_t i;

	cells_heads(&c, heads, array_size(heads));
	json_array_foreach (tries, i, one) {
		int64_t began = val_number(one, "begunAt");
		int64_t ended = val_number(one, "endedAt");
		time_t s = (time_t)(began / 1000);
		struct tm tm = {0};
		char text[32];

		(void)localtime_r(&s, &tm);
		(void)strftime(text, sizeof(text), "%m-%d %H:%M:%S", &tm);
		cells_add(&c, "%" PRId64, val_number(one, "n"));
		cells_add(&c, "%s", text);
		if (ended)
			cells_add(&c, "%" PRId64 " ms", ended - began);
		else
			cells_add(&c, "runs");
		cells_add(&c, "%s/%" PRId64, val_text(one, "node"),
			val_number(one, "gateway"));
		if (val_number(one, "version"))
			cells_add(&c, "%" PRId64, val_number(one, "version"));
		else
			cells_add(&c, "-");
		cells_add(&c, "%s", val_text(one, "outcome"));
		cells_add(&c, "%s", val_text(one, "error"));
	}
	cells_print(&c, array_size(heads));
}

static void
print_call(const json_t *call)
{
	const json_t *tries = json_object_get(call, "tries");
	const char *state = val_text(call, "state");

	(void)printf("%-10s %s of %s, %s\n", "call", val_text(call, "kind"),
		val_text(call, "function"), state);
	print_text("qualifier", val_text(call, "qualifier"));
	print_text("request id", val_text(call, "requestId"));
	print_text("key", val_text(call, "key"));
	print_text(
		"openid", val_text(json_object_get(call, "caller"), "openid"));
	print_time("made", val_number(call, "createdAt"));
	if (!strcmp(state, "waiting"))
		print_time("runs", val_number(call, "runAt"));
	print_time("ended", val_number(call, "doneAt"));
	if (*val_text(call, "event"))
		print_text("event", val_text(call, "event"));
	else
		(void)printf("%-10s %" PRId64 " bytes, shown with --json\n",
			"event", val_number(call, "eventSize"));
	print_text("error", val_text(call, "error"));
	if (!strcmp(state, "dead"))
		(void)printf("%-10s mpcloud queue replay %s\n", "once more",
			val_text(call, "id"));
	if (json_array_size(tries))
		(void)printf("%-10s mpcloud logs %s --request %s\n", "its log",
			val_text(call, "function"),
			val_text(call, "requestId"));
	(void)putchar('\n');
	if (json_array_size(tries))
		print_tries(tries);
	else
		(void)puts("not tried yet");
}

static bool
is_id(const char *word)
{
	uint64_t id;

	return slice_to_u64(slice_str(word), INT64_MAX, &id) == 0;
}

int
cli_queue_show(struct cli *cli)
{
	_free_ char *path = NULL;
	_json_ json_t *call = NULL;
	int status;

	if (!is_id(cli->words[0]))
		return cli_fail(EXIT_USAGE,
			"%s: an id is a number, as `mpcloud queue list` shows "
			"it",
			cli->words[0]);
	path = str_printf("/ops/queue/%s", cli->words[0]);
	status = cli_ops_json(cli, "GET", path, SLICE(""), &call);
	if (status != EXIT_OK)
		return status;
	if (cli->options[OPT_JSON])
		cli_print_json(call);
	else
		print_call(call);
	return status;
}

/* {"ids": [the words]} */
static int
ids_of(const struct cli *cli, json_t *body)
{
	json_t *ids = json_array();

	(void)json_object_set_new(body, "ids", ids);
	for (int i = 0; i < cli->count; i++) {
		if (!is_id(cli->words[i]))
			return cli_fail(EXIT_USAGE,
				"%s: an id is a number, as `mpcloud queue "
				"list` shows it",
				cli->words[i]);
		(void)json_array_append_new(ids, json_string(cli->words[i]));
	}
	return EXIT_OK;
}

/* Asks; says how many of how many. */
static int
ask(struct cli *cli, const char *path, json_t *body, const char *done,
	const char *none)
{
	_json_ json_t *answer = NULL;
	int status = cli_db_post(cli, path, json_incref(body), &answer);
	int64_t n;

	if (status != EXIT_OK)
		return status;
	if (cli->options[OPT_JSON]) {
		cli_print_json(answer);
		return EXIT_OK;
	}
	n = val_number(answer, done);
	(void)printf("%" PRId64 " %s %s\n", n, n == 1 ? "call" : "calls", done);
	if (n < cli->count)
		(void)fprintf(stderr, "%s\n", none);
	return n < cli->count ? EXIT_FAILED : EXIT_OK;
}

int
cli_queue_replay(struct cli *cli)
{
	_json_ json_t *body = json_object();
	const char *function = cli->options[OPT_FUNCTION];
	int status = EXIT_OK;

	if (!cli->options[OPT_DEAD] == !cli->count)
		return cli_fail(EXIT_USAGE,
			"say which: ids, or --dead for all that are dead (with "
			"--function, of one function)");
	if (function && cli->count)
		return cli_fail(EXIT_USAGE, "--function goes with --dead");
	if (cli->count)
		status = ids_of(cli, body);
	if (status != EXIT_OK)
		return status;
	if (!cli->count)
		(void)json_object_set_new(body, "dead", json_true());
	if (function)
		(void)json_object_set_new(
			body, "function", json_string(function));
	return ask(cli, "/ops/queue/replay", body, "replayed",
		"only calls that are dead can be replayed");
}

int
cli_queue_drop(struct cli *cli)
{
	_json_ json_t *body = json_object();
	int status = ids_of(cli, body);

	if (status != EXIT_OK)
		return status;
	return ask(cli, "/ops/queue/drop", body, "dropped",
		"calls that run just now, or are not there, cannot be dropped");
}
