/*
 * `mpcloud pay orders` and `refunds`, and what all of `mpcloud pay` says alike:
 * money as yuan, times as this machine's clock shows them (--json gives fen and
 * milliseconds).
 */
#include "cli/cli_pay.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PATH_TOP = 2048, AMOUNT_DIGITS = 11, AGO_TOP = 100000 };

char *
pay_money(int64_t fen, const char *currency)
{
	bool is_yuan = !*currency || !strcmp(currency, "CNY");

	return str_printf("%s%s%" PRId64 ".%02" PRId64 "%s%s",
		fen < 0 ? "-" : "", is_yuan ? "¥" : "",
		(fen < 0 ? -fen : fen) / 100, (fen < 0 ? -fen : fen) % 100,
		is_yuan ? "" : " ", is_yuan ? "" : currency);
}

void
cells_add_money(struct cells *c, const json_t *v, const char *key)
{
	int64_t fen = val_number(v, key);
	_free_ char *text = pay_money(fen, val_text(v, "currency"));

	cells_add(c, "%s", fen ? text : "-");
}

void
cells_add_time(struct cells *c, const json_t *v, const char *key)
{
	cells_add_ms(c, val_number(v, key));
}

void
pay_line(const char *what, const char *fmt, ...)
{
	_free_ char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		abort();
	va_end(ap);
	(void)printf("%-13s ", what);
	cli_put_text(text);
	(void)putchar('\n');
}

void
pay_line_text(const char *what, const json_t *v, const char *key)
{
	if (*val_text(v, key))
		pay_line(what, "%s", val_text(v, key));
}

void
pay_line_time(const char *what, const json_t *v, const char *key)
{
	char text[32];

	if (cli_time_text(text, val_number(v, key)))
		pay_line(what, "%s", text);
}

/* "2h" is two hours ago. */
static bool
is_ago(struct slice s, int64_t *ret)
{
	static const struct {
		char letter;
		int64_t ms;
	} units[] = {
		{'s', 1000}, {'m', 60000}, {'h', 3600000}, {'d', 86400000}};
	uint64_t n;

	for (size_t i = 0; s.len > 1 && i < array_size(units); i++)
		if (s.ptr[s.len - 1] == units[i].letter &&
			slice_to_u64(slice_of(s.ptr, s.len - 1), AGO_TOP, &n) ==
				0) {
			*ret = clock_now_ms() - (int64_t)n * units[i].ms;
			return true;
		}
	return false;
}

/* "2026-11-20" is that day's midnight here. */
static bool
is_date(const char *word, int64_t *ret)
{
	struct tm tm = {.tm_isdst = -1};
	const char *end = strptime(word, "%Y-%m-%d", &tm);
	time_t s;

	if (!end || *end)
		return false;
	tm.tm_isdst = -1;
	s = mktime(&tm);
	*ret = (int64_t)s * 1000;
	return s != (time_t)-1;
}

int
pay_put_time(const struct cli *cli, enum cli_option option, const char *name,
	struct buf *query)
{
	const char *word = cli->options[option];
	int64_t ms, ns;

	if (!word)
		return EXIT_OK;
	if (!is_ago(slice_str(word), &ms) && !is_date(word, &ms)) {
		if (text_untime(slice_str(word), &ns) < 0)
			return cli_fail(EXIT_USAGE,
				"--%s: \"%s\" is neither a while as 90s, 10m, "
				"2h, 3d, nor a date as 2026-11-20, nor a time "
				"as 2026-11-20T23:47:04Z",
				cli_options[option].word, word);
		ms = ns / CLOCK_MS;
	}
	buf_printf(query, "%s=%" PRId64 "&", name, ms);
	return EXIT_OK;
}

void
pay_put_option(const struct cli *cli, enum cli_option option, const char *name,
	struct buf *query)
{
	if (!cli->options[option])
		return;
	buf_printf(query, "%s=", name);
	text_url(query, slice_str(cli->options[option]));
	buf_char(query, '&');
}

int
pay_amount(const struct cli *cli, int64_t *ret)
{
	const char *word = cli->options[OPT_AMOUNT], *p = word;
	int64_t fen = 0;
	int digits = 0, decimals = -1;

	*ret = 0;
	if (!word)
		return EXIT_OK;
	if (!strncmp(p, "¥", strlen("¥")))
		p += strlen("¥");
	for (; *p; p++) {
		if (*p == '.' && decimals < 0 && digits) {
			decimals = 0;
			continue;
		}
		if (*p < '0' || *p > '9' || digits == AMOUNT_DIGITS ||
			decimals == 2)
			break;
		fen = fen * 10 + (*p - '0');
		digits++;
		decimals += decimals >= 0;
	}
	for (int i = max(decimals, 0); i < 2; i++)
		fen *= 10;
	if (*p || !digits || !decimals || !fen)
		return cli_fail(EXIT_USAGE,
			"--amount: \"%s\" is no amount of yuan as 12.34", word);
	*ret = fen;
	return EXIT_OK;
}

void
pay_set_option(const struct cli *cli, enum cli_option option, const char *name,
	json_t *body)
{
	if (cli->options[option])
		(void)json_object_set_new(
			body, name, json_string(cli->options[option]));
}

/* What users are told as text, --json tells as all lists do: in ms. */
static void
times_as_ms(json_t *o)
{
	static const char *const names[] = {"createdAt", "expiresAt", "paidAt",
		"closedAt", "refundedAt", "waitsUntil"};
	int64_t ns;

	for (size_t i = 0; i < array_size(names); i++)
		if (text_untime(slice_str(val_text(o, names[i])), &ns) == 0)
			(void)json_object_set_new(
				o, names[i], json_integer(ns / 1000000));
}

int
pay_post(struct cli *cli, const char *path, json_t *body, json_t **ret)
{
	_buf_ struct buf text = {0};
	int status;

	buf_init(&text, PATH_TOP);
	val_put(&text, body);
	json_decref(body);
	status = cli_ops_json(cli, "POST", path, buf_all(&text), ret);
	if (status == EXIT_OK)
		times_as_ms(*ret);
	return status;
}

/* --state is one of `states`, in upper or lower case. */
static int
state_check(struct cli *cli, const char *const *states)
{
	const char *given = cli->options[OPT_STATE];
	_buf_ struct buf all = {0};

	if (!given)
		return EXIT_OK;
	buf_init(&all, PATH_TOP);
	for (size_t i = 0; states[i]; i++) {
		if (strcasecmp(given, states[i]) == 0) {
			cli->options[OPT_STATE] = states[i];
			return EXIT_OK;
		}
		buf_printf(&all, "%s%s", i ? ", " : "", states[i]);
	}
	return cli_fail(EXIT_USAGE, "--state: one of %s is wanted, not \"%s\"",
		all.ptr, given);
}

/* The list named `what`, by the options. */
static int
list_get(struct cli *cli, const char *path, const char *what, json_t **ret)
{
	_buf_ struct buf query = {0};
	_json_ json_t *answer = NULL;
	int64_t limit;
	int status = cli_number(cli, OPT_LIMIT, 1, 1000, 20, &limit);

	buf_init(&query, PATH_TOP);
	buf_printf(&query, "%s?", path);
	if (status == EXIT_OK)
		status = pay_put_time(cli, OPT_SINCE, "since", &query);
	if (status == EXIT_OK)
		status = pay_put_time(cli, OPT_UNTIL, "until", &query);
	pay_put_option(cli, OPT_STATE, "state", &query);
	pay_put_option(cli, OPT_OPENID, "openid", &query);
	pay_put_option(cli, OPT_MCHID, "mchid", &query);
	buf_printf(&query, "limit=%" PRId64, limit);
	if (status == EXIT_OK)
		status =
			cli_ops_json(cli, "GET", query.ptr, SLICE(""), &answer);
	if (status == EXIT_OK)
		*ret = json_incref(json_object_get(answer, what));
	return status;
}

static void
print_orders(const json_t *orders)
{
	static const char *const heads[] = {"ORDER", "STATE", "TOTAL",
		"REFUNDED", "CREATED", "PAID", "FOR"};
	_cleanup_(cells_done) struct cells c = {0};
	json_t *o;
	size_t i;

	cells_heads(&c, heads, array_size(heads));
	json_array_foreach (orders, i, o) {
		cells_add(&c, "%s", val_text(o, "outTradeNo"));
		cells_add(&c, "%s", val_text(o, "state"));
		cells_add_money(&c, o, "total");
		cells_add_money(&c, o, "refunded");
		cells_add_time(&c, o, "createdAt");
		cells_add_time(&c, o, "paidAt");
		cells_add(&c, "%s", val_text(o, "description"));
	}
	cells_print(&c, array_size(heads));
}

int
cli_pay_orders(struct cli *cli)
{
	static const char *const states[] = {
		"CREATED", "NOTPAY", "SUCCESS", "REFUND", "CLOSED", NULL};
	_json_ json_t *orders = NULL;
	int status = state_check(cli, states);

	if (status == EXIT_OK)
		status = list_get(cli, "/ops/pay/orders", "orders", &orders);

	if (status != EXIT_OK)
		return status;
	if (cli->options[OPT_JSON])
		cli_print_json(orders);
	else if (json_array_size(orders))
		print_orders(orders);
	else
		(void)fputs("there is no such order\n", stderr);
	return EXIT_OK;
}

static void
print_refunds(const json_t *refunds)
{
	static const char *const heads[] = {"REFUND", "ORDER", "STATE",
		"AMOUNT", "CREATED", "REFUNDED", "WHY"};
	_cleanup_(cells_done) struct cells c = {0};
	json_t *r;
	size_t i;

	cells_heads(&c, heads, array_size(heads));
	json_array_foreach (refunds, i, r) {
		const char *why = val_text(r, "why");

		cells_add(&c, "%s", val_text(r, "outRefundNo"));
		cells_add(&c, "%s", val_text(r, "outTradeNo"));
		cells_add(&c, "%s", val_text(r, "state"));
		cells_add_money(&c, r, "amount");
		cells_add_time(&c, r, "createdAt");
		cells_add_time(&c, r, "refundedAt");
		cells_add(&c, "%s", *why ? why : val_text(r, "reason"));
	}
	cells_print(&c, array_size(heads));
}

int
cli_pay_refunds(struct cli *cli)
{
	static const char *const states[] = {
		"CREATED", "PROCESSING", "SUCCESS", "CLOSED", "ABNORMAL", NULL};
	_json_ json_t *refunds = NULL;
	int status = state_check(cli, states);

	if (status == EXIT_OK)
		status = list_get(cli, "/ops/pay/refunds", "refunds", &refunds);

	if (status != EXIT_OK)
		return status;
	if (cli->options[OPT_JSON])
		cli_print_json(refunds);
	else if (json_array_size(refunds))
		print_refunds(refunds);
	else
		(void)fputs("there is no such refund\n", stderr);
	return EXIT_OK;
}
