/*
 * `mpcloud pay reconcile` and `mpcloud pay bill`: a day's trade bill, compared
 * or as it is.  Days are China's.
 */
#include "cli/cli_pay.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/paths.h"
#include "base/text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { PATH_TOP = 256, DAY = 11, DAYS_TOP = 92, CHINA_MS = 8 * 3600000 };
#define DAY_MS   86400000LL
#define BILL_TOP (256u << 20)

/* What each kind means to whoever reads the table. */
static const struct {
	const char *kind, *text;
} kinds[] = {
	{"unpaid_here", "paid there, not here"},
	{"unknown_order", "paid there, no such order here"},
	{"missing_there", "paid here, not in the bill"},
	{"amount", "another amount"},
	{"transaction", "another transaction"},
	{"twice", "twice in the bill"},
	{"refund_unfinished", "refunded there, not here"},
	{"refund_unknown", "refunded there, not asked for here"},
	{"refund_missing", "refunded here, not in the bill"},
	{"refund_amount", "another amount refunded"},
	{"refund_state", "refund failed there, done here"},
	{"refund_twice", "refunded twice in the bill"},
};

static const char *
kind_text(const char *kind)
{
	for (size_t i = 0; i < array_size(kinds); i++)
		if (!strcmp(kind, kinds[i].kind))
			return kinds[i].text;
	return kind;
}

/* Its day in China. */
static void
day_of(char ret[DAY], int64_t ms)
{
	_buf_ struct buf text = {0};

	buf_init(&text, 64);
	text_time(&text, (ms + CHINA_MS) * CLOCK_MS);
	(void)snprintf(ret, DAY, "%.10s", text.ptr);
}

static int
day_read(const char *word, int64_t *ret)
{
	char text[64], again[DAY];
	int64_t ns = 0;

	(void)snprintf(text, sizeof(text), "%.20sT12:00:00+08:00", word);
	if (text_untime(slice_str(text), &ns) == 0) {
		day_of(again, ns / CLOCK_MS);
		*ret = ns / CLOCK_MS;
		if (!strcmp(again, word))
			return EXIT_OK;
	}
	return cli_fail(EXIT_USAGE,
		"\"%s\" is not a day as 2026-11-20 (China's)", word);
}

/* The days meant: [DAY [DAY]], yesterday by itself. */
static int
days_read(const struct cli *cli, int64_t *from, int64_t *to)
{
	int status = EXIT_OK;

	*from = *to = clock_now_ms() - DAY_MS;
	if (cli->count > 0)
		status = day_read(cli->words[0], from);
	if (cli->count > 0)
		*to = *from;
	if (status == EXIT_OK && cli->count > 1)
		status = day_read(cli->words[1], to);
	if (status == EXIT_OK &&
		(*to < *from || (*to - *from) / DAY_MS >= DAYS_TOP))
		return cli_fail(EXIT_USAGE,
			"the second day is before the first, or more than %d "
			"days after it",
			DAYS_TOP);
	return status;
}

/* "¥12.34 NOTPAY 4200…" of one side. */
static void
add_side(struct cells *c, const json_t *side)
{
	const char *state = val_text(side, "state");
	const char *id = val_text(side, "transactionId");
	int64_t fen = val_number(side, "total");
	_free_ char *money = NULL;

	if (!json_is_object(side)) {
		cells_add(c, "-");
		return;
	}
	if (json_object_get(side, "refund")) {
		fen = val_number(side, "refund");
		id = val_text(side, "refundId");
	}
	money = pay_money(fen, "");
	if (json_object_get(side, "lines"))
		cells_add(c, "%" PRId64 " lines, %s", val_number(side, "lines"),
			money);
	else
		cells_add(c, "%s%s%s%s%s", money, *state ? " " : "", state,
			*id ? " " : "", id);
}

static void
print_differences(const json_t *list)
{
	static const char *const heads[] = {
		"DAY", "ORDER", "WHAT", "OURS", "WECHAT'S", "SETTLED"};
	_cleanup_(cells_done) struct cells c = {0};
	json_t *d;
	size_t i;

	cells_heads(&c, heads, array_size(heads));
	json_array_foreach (list, i, d) {
		const char *by = val_text(d, "settledBy");

		cells_add(&c, "%s", val_text(d, "day"));
		cells_add(&c, "%s", val_text(d, "outTradeNo"));
		cells_add(&c, "%s", kind_text(val_text(d, "kind")));
		add_side(&c, json_object_get(d, "ours"));
		add_side(&c, json_object_get(d, "theirs"));
		cells_add(&c, "%s",
			!*by                      ? "no"
			: !strcmp(by, "bill")     ? "repaired"
			: !strcmp(by, "operator") ? "by hand"
						  : "gone");
	}
	(void)putchar('\n');
	cells_print(&c, array_size(heads));
}

/* "3 paid ¥12.00, 1 refunded ¥2.00" */
static void
add_sums(struct cells *c, const json_t *sums)
{
	_free_ char *total = pay_money(val_number(sums, "total"), "");
	_free_ char *refunded = pay_money(val_number(sums, "refunded"), "");

	cells_add(c, "%" PRId64 " paid %s, %" PRId64 " refunded %s",
		val_number(sums, "paid"), total, val_number(sums, "refunds"),
		refunded);
}

static void
print_days(const json_t *days)
{
	static const char *const heads[] = {
		"DAY", "MERCHANT", "BILL", "OURS", "WECHAT'S"};
	_cleanup_(cells_done) struct cells c = {0};
	json_t *d;
	size_t i;

	cells_heads(&c, heads, array_size(heads));
	json_array_foreach (days, i, d) {
		const json_t *sums = json_object_get(d, "sums");

		cells_add(&c, "%s", val_text(d, "day"));
		cells_add(&c, "%s", val_text(d, "mchid"));
		cells_add(&c, "%s%s%s", val_text(d, "state"),
			*val_text(d, "why") ? ": " : "", val_text(d, "why"));
		add_sums(&c, json_object_get(sums, "ours"));
		add_sums(&c, json_object_get(sums, "theirs"));
	}
	cells_print(&c, array_size(heads));
}

/* How many wait for somebody. */
static size_t
open_count(const json_t *differences)
{
	size_t i, n = 0;
	json_t *d;

	json_array_foreach (differences, i, d)
		n += !val_number(d, "settledAt");
	return n;
}

static int
day_compare(struct cli *cli, const char *day)
{
	json_t *body = json_pack("{s:s}", "day", day);
	_json_ json_t *answer = NULL;
	int status;

	pay_set_option(cli, OPT_MCHID, "mchid", body);
	status = pay_post(cli, "/ops/pay/reconcile", body, &answer);
	if (status == EXIT_OK &&
		json_is_false(json_object_get(answer, "ready")))
		return cli_fail(EXIT_FAILED,
			"WeChat Pay is still making the bill of %s; it is "
			"there at about 10:00 (China) of the next day, and "
			"compared by itself then",
			day);
	return status;
}

static int
show(struct cli *cli, const char *from, const char *to)
{
	_json_ json_t *answer = NULL;
	_buf_ struct buf path = {0};
	json_t *differences;
	size_t open;
	int status;

	buf_init(&path, PATH_TOP);
	buf_printf(&path, "/ops/pay/bills?from=%s&to=%s&", from, to);
	pay_put_option(cli, OPT_MCHID, "mchid", &path);
	status = cli_ops_json(cli, "GET", path.ptr, SLICE(""), &answer);
	if (status != EXIT_OK)
		return status;
	differences = json_object_get(answer, "differences");
	open = open_count(differences);
	if (cli->options[OPT_JSON]) {
		cli_print_json(answer);
		return open ? EXIT_FAILED : EXIT_OK;
	}
	print_days(json_object_get(answer, "days"));
	if (json_array_size(differences))
		print_differences(differences);
	if (open)
		(void)printf("\n%zu open: look at each with `mpcloud pay order "
			     "ORDER`, then `mpcloud pay settle ORDER`\n",
			open);
	else
		(void)puts("\nno open differences");
	return open ? EXIT_FAILED : EXIT_OK;
}

int
cli_pay_reconcile(struct cli *cli)
{
	int64_t from, to;
	char first[DAY], day[DAY];
	int status = days_read(cli, &from, &to);

	if (status != EXIT_OK)
		return status;
	day_of(first, from);
	for (int64_t at = from; at <= to && status == EXIT_OK; at += DAY_MS) {
		day_of(day, at);
		status = day_compare(cli, day);
	}
	return status == EXIT_OK ? show(cli, first, day) : status;
}

int
cli_pay_bill(struct cli *cli)
{
	const char *output = cli->options[OPT_OUTPUT];
	_buf_ struct buf path = {0}, answer = {0};
	int64_t day;
	int http, status = day_read(cli->words[0], &day);

	if (status != EXIT_OK)
		return status;
	buf_init(&path, PATH_TOP);
	buf_init(&answer, BILL_TOP);
	buf_printf(&path, "/ops/pay/bill?day=%s&", cli->words[0]);
	pay_put_option(cli, OPT_MCHID, "mchid", &path);
	status = cli_ops(cli, "GET", path.ptr, SLICE(""), &http, &answer);
	if (status != EXIT_OK)
		return status;
	if (http != 200) {
		_json_ json_t *v = NULL;

		if (val_parse(&v, buf_all(&answer), NULL) < 0)
			v = NULL;
		return cli_fail(EXIT_FAILED, "%s%s", val_text(v, "message"),
			strstr(val_text(v, "message"), "NO_STATEMENT_EXIST")
				? " (nothing was paid or refunded that day)"
				: "");
	}
	if (output) {
		struct fault why = {0};

		if (file_write(output, answer.ptr, answer.len, 0600, &why) < 0)
			return cli_fail(EXIT_FAILED, "%s", why.text);
		return EXIT_OK;
	}
	(void)fwrite(answer.ptr, 1, answer.len, stdout);
	return EXIT_OK;
}
