/*
 * `mpcloud pay refund`, `close`, `query`, `inbox`, `release`, `settle`.
 */
#include "cli/cli_pay.h"

#include "base/mem.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_TOP = 1024 };

static int
print_refund(const struct cli *cli, const json_t *r)
{
	_free_ char *amount =
		pay_money(val_number(r, "amount"), val_text(r, "currency"));
	const char *state = val_text(r, "state");
	char until[32];

	if (cli->options[OPT_JSON]) {
		cli_print_json(r);
		return EXIT_OK;
	}
	(void)printf("refund %s of %s: %s, %s\n", val_text(r, "outRefundNo"),
		val_text(r, "outTradeNo"), amount, state);
	if (*val_text(r, "why")) {
		(void)fputs("  ", stdout);
		cli_put_text(val_text(r, "why"));
		(void)putchar('\n');
	}
	if (cli_time_text(until, val_number(r, "waitsUntil")))
		(void)printf("  WeChat Pay takes one refund of an order a "
			     "minute: the daemon asks for this one at %s\n",
			until);
	else if (!strcmp(state, "CREATED"))
		(void)puts("  WeChat Pay has not confirmed it yet; the daemon "
			   "goes on asking, with the same number");
	else if (!strcmp(state, "PROCESSING"))
		(void)puts("  WeChat Pay has taken it; the money is on its "
			   "way");
	else if (!strcmp(state, "ABNORMAL"))
		(void)puts("  the user's account did not take the money: "
			   "finish it in the merchant platform");
	return EXIT_OK;
}

int
cli_pay_refund(struct cli *cli)
{
	json_t *body = json_object();
	_json_ json_t *answer = NULL;
	int64_t amount;
	int status = pay_amount(cli, &amount);

	if (status != EXIT_OK) {
		json_decref(body);
		return status;
	}
	(void)json_object_set_new(
		body, "outTradeNo", json_string(cli->words[0]));
	if (amount)
		(void)json_object_set_new(body, "amount", json_integer(amount));
	pay_set_option(cli, OPT_REASON, "reason", body);
	pay_set_option(cli, OPT_KEY, "key", body);
	pay_set_option(cli, OPT_MCHID, "mchid", body);
	status = pay_post(cli, "/ops/pay/refund", body, &answer);
	return status == EXIT_OK ? print_refund(cli, answer) : status;
}

static int
print_order(const struct cli *cli, const json_t *o)
{
	_free_ char *total =
		pay_money(val_number(o, "total"), val_text(o, "currency"));

	if (cli->options[OPT_JSON])
		cli_print_json(o);
	else
		(void)printf("order %s: %s, %s\n", val_text(o, "outTradeNo"),
			total, val_text(o, "state"));
	return EXIT_OK;
}

static int
order_post(struct cli *cli, const char *path)
{
	_json_ json_t *answer = NULL;
	json_t *body = json_pack("{s:s}", "outTradeNo", cli->words[0]);
	int status;

	pay_set_option(cli, OPT_MCHID, "mchid", body);
	status = pay_post(cli, path, body, &answer);
	return status == EXIT_OK ? print_order(cli, answer) : status;
}

int
cli_pay_close(struct cli *cli)
{
	return order_post(cli, "/ops/pay/close");
}

int
cli_pay_query(struct cli *cli)
{
	_json_ json_t *answer = NULL;
	json_t *body;
	int status;

	if (!cli->options[OPT_REFUND])
		return order_post(cli, "/ops/pay/query");
	body = json_pack("{s:s}", "outRefundNo", cli->words[0]);
	pay_set_option(cli, OPT_MCHID, "mchid", body);
	status = pay_post(cli, "/ops/pay/query", body, &answer);
	return status == EXIT_OK ? print_refund(cli, answer) : status;
}

static void
print_inbox(const json_t *news)
{
	static const char *const heads[] = {"ID", "RECEIVED", "CALLBACK",
		"ORDER", "OUTCOME", "REPEATS", "WHY"};
	_cleanup_(cells_done) struct cells c = {0};
	json_t *n;
	size_t i;

	cells_heads(&c, heads, array_size(heads));
	json_array_foreach (news, i, n) {
		cells_add(&c, "%" PRId64, val_number(n, "id"));
		cells_add_time(&c, n, "receivedAt");
		cells_add(&c, "%s", val_text(n, "kind"));
		cells_add(&c, "%s", val_text(n, "outTradeNo"));
		cells_add(&c, "%s", val_text(n, "outcome"));
		cells_add(&c, "%" PRId64, val_number(n, "repeats"));
		cells_add(&c, "%s", val_text(n, "why"));
	}
	cells_print(&c, array_size(heads));
}

int
cli_pay_inbox(struct cli *cli)
{
	_json_ json_t *answer = NULL;
	_buf_ struct buf query = {0};
	json_t *news;
	int64_t limit;
	int status = cli_number(cli, OPT_LIMIT, 1, 1000, 20, &limit);

	buf_init(&query, PATH_TOP);
	buf_str(&query, "/ops/pay/inbox?");
	if (status == EXIT_OK)
		status = pay_put_time(cli, OPT_SINCE, "since", &query);
	pay_put_option(cli, OPT_MCHID, "mchid", &query);
	buf_printf(&query, "%slimit=%" PRId64,
		cli->options[OPT_QUARANTINED] ? "outcome=quarantined&" : "",
		limit);
	if (status == EXIT_OK)
		status =
			cli_ops_json(cli, "GET", query.ptr, SLICE(""), &answer);
	if (status != EXIT_OK)
		return status;
	news = json_object_get(answer, "news");
	if (cli->options[OPT_JSON])
		cli_print_json(news);
	else if (json_array_size(news))
		print_inbox(news);
	else
		(void)fputs(cli->options[OPT_QUARANTINED]
				    ? "nothing is quarantined\n"
				    : "WeChat Pay has not called yet\n",
			stderr);
	return EXIT_OK;
}

int
cli_pay_release(struct cli *cli)
{
	_json_ json_t *answer = NULL;
	json_t *body;
	char *end;
	long long id = strtoll(cli->words[0], &end, 10);
	int status;

	if (*end || id < 1)
		return cli_fail(EXIT_USAGE,
			"ID: a number, as `mpcloud pay inbox` shows it");
	body = json_pack("{s:I}", "id", (json_int_t)id);
	pay_set_option(cli, OPT_REASON, "why", body);
	status = pay_post(cli, "/ops/pay/release", body, &answer);
	if (status != EXIT_OK)
		return status;
	if (cli->options[OPT_JSON])
		cli_print_json(answer);
	else if (json_is_true(json_object_get(answer, "released")))
		(void)printf("released %lld (order %s): it is settled, and "
			     "changes nothing\n",
			id, val_text(answer, "outTradeNo"));
	else
		return cli_fail(EXIT_FAILED, "%lld is not quarantined, but %s",
			id, val_text(answer, "outcome"));
	return EXIT_OK;
}

int
cli_pay_settle(struct cli *cli)
{
	_json_ json_t *answer = NULL;
	json_t *body = json_pack("{s:s}", "outTradeNo", cli->words[0]);
	int status;

	pay_set_option(cli, OPT_MCHID, "mchid", body);
	status = pay_post(cli, "/ops/pay/settle", body, &answer);
	if (status != EXIT_OK)
		return status;
	if (cli->options[OPT_JSON])
		cli_print_json(answer);
	else if (!val_number(answer, "settled"))
		return cli_fail(EXIT_FAILED, "order %s has no open difference",
			cli->words[0]);
	else
		(void)printf("settled %" PRId64 " of order %s\n",
			val_number(answer, "settled"), cli->words[0]);
	return EXIT_OK;
}
