/*
 * `mpcloud pay order`: all that is known about one order: its row, what WeChat
 * Pay said of it and when, its refunds, and whether the functions that had to
 * hear of it did.
 */
#include "cli/cli_pay.h"

#include "base/mem.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { PATH_TOP = 512 };

static void
heading(const char *what)
{
	(void)printf("\n%s\n", what);
}

/* Who brought the news. */
static const char *
teller(const char *by)
{
	static const struct {
		const char *by, *text;
	} rows[] = {
		{"notify", ", told by a callback"},
		{"query", ", told when WeChat Pay was asked"},
		{"bill", ", told by the bill"},
	};

	for (size_t i = 0; i < array_size(rows); i++)
		if (!strcmp(by, rows[i].by))
			return rows[i].text;
	return "";
}

static void
print_row(const json_t *o)
{
	_free_ char *total =
		pay_money(val_number(o, "total"), val_text(o, "currency"));
	_free_ char *refunded =
		pay_money(val_number(o, "refunded"), val_text(o, "currency"));
	_free_ char *payer =
		pay_money(val_number(o, "payerTotal"), val_text(o, "currency"));

	pay_line("order", "%s", val_text(o, "outTradeNo"));
	pay_line("state", "%s%s", val_text(o, "state"),
		teller(val_text(o, "toldBy")));
	pay_line("total", "%s", total);
	if (val_number(o, "payerTotal") &&
		val_number(o, "payerTotal") != val_number(o, "total"))
		pay_line("paid by user", "%s (the rest is coupons)", payer);
	if (val_number(o, "refunded"))
		pay_line("refunded", "%s", refunded);
	pay_line_text("for", o, "description");
	pay_line_text("attach", o, "attach");
	pay_line_text("openid", o, "openid");
	pay_line("merchant", "%s (API %s), mini program %s",
		val_text(o, "mchid"), val_text(o, "api"), val_text(o, "appid"));
	pay_line_text("transaction", o, "transactionId");
	pay_line_text("bank", o, "bankType");
	pay_line_text("function", o, "function");
	pay_line_time("created", o, "createdAt");
	pay_line_time("expires", o, "expiresAt");
	pay_line_time("paid", o, "paidAt");
	pay_line_time("closed", o, "closedAt");
	pay_line_time("asked next", o, "pollAt");
}

static void
print_refunds(const json_t *refunds)
{
	static const char *const heads[] = {
		"REFUND", "STATE", "AMOUNT", "CREATED", "REFUNDED", "WHY"};
	_cleanup_(cells_done) struct cells c = {0};
	json_t *r;
	size_t i;

	if (!json_array_size(refunds))
		return;
	heading("Refunds");
	cells_heads(&c, heads, array_size(heads));
	json_array_foreach (refunds, i, r) {
		const char *why = val_text(r, "why");

		cells_add(&c, "%s", val_text(r, "outRefundNo"));
		cells_add(&c, "%s", val_text(r, "state"));
		cells_add_money(&c, r, "amount");
		cells_add_time(&c, r, "createdAt");
		cells_add_time(&c, r, "refundedAt");
		cells_add(&c, "%s", *why ? why : val_text(r, "reason"));
	}
	cells_print(&c, array_size(heads));
}

static void
print_news(const json_t *news)
{
	static const char *const heads[] = {
		"ID", "RECEIVED", "CALLBACK", "OUTCOME", "REPEATS", "WHY"};
	_cleanup_(cells_done) struct cells c = {0};
	json_t *n;
	size_t i;

	if (!json_array_size(news))
		return;
	heading("What WeChat Pay said");
	cells_heads(&c, heads, array_size(heads));
	json_array_foreach (news, i, n) {
		cells_add(&c, "%" PRId64, val_number(n, "id"));
		cells_add_time(&c, n, "receivedAt");
		cells_add(&c, "%s", val_text(n, "kind"));
		cells_add(&c, "%s", val_text(n, "outcome"));
		cells_add(&c, "%" PRId64, val_number(n, "repeats"));
		cells_add(&c, "%s", val_text(n, "why"));
	}
	cells_print(&c, array_size(heads));
}

static void
print_calls(const json_t *calls)
{
	static const char *const heads[] = {
		"CALL", "FUNCTION", "STATE", "TRIES", "LAST ERROR"};
	_cleanup_(cells_done) struct cells c = {0};
	json_t *q;
	size_t i;

	if (!json_array_size(calls))
		return;
	heading("Functions that hear of it (mpcloud queue show CALL)");
	cells_heads(&c, heads, array_size(heads));
	json_array_foreach (calls, i, q) {
		cells_add(&c, "%s", val_text(q, "id"));
		cells_add(&c, "%s", val_text(q, "function"));
		cells_add(&c, "%s", val_text(q, "state"));
		cells_add(&c, "%" PRId64, val_number(q, "attempts"));
		cells_add(&c, "%s", val_text(q, "error"));
	}
	cells_print(&c, array_size(heads));
}

static void
print_differences(const json_t *list)
{
	json_t *d;
	size_t i;

	if (!json_array_size(list))
		return;
	heading("Differences from WeChat Pay's bills (mpcloud pay reconcile)");
	json_array_foreach (list, i, d)
		pay_line(val_text(d, "day"), "%s%s%s", val_text(d, "kind"),
			*val_text(d, "settledBy") ? ", settled by " : ", open",
			val_text(d, "settledBy"));
}

int
cli_pay_order(struct cli *cli)
{
	_buf_ struct buf path = {0};
	_json_ json_t *o = NULL;
	int status;

	buf_init(&path, PATH_TOP);
	buf_str(&path, "/ops/pay/orders/");
	text_url(&path, slice_str(cli->words[0]));
	buf_char(&path, '?');
	pay_put_option(cli, OPT_MCHID, "mchid", &path);
	status = cli_ops_json(cli, "GET", path.ptr, SLICE(""), &o);
	if (status != EXIT_OK)
		return status;
	if (cli->options[OPT_JSON]) {
		cli_print_json(o);
		return EXIT_OK;
	}
	print_row(o);
	print_refunds(json_object_get(o, "refunds"));
	print_news(json_object_get(o, "news"));
	print_calls(json_object_get(o, "calls"));
	print_differences(json_object_get(o, "differences"));
	return EXIT_OK;
}
