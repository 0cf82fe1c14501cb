/*
 * `mpcloud sandbox`: the user who pays, WeChat's bank, and troubles on request,
 * for somebody who tries out a project by hand.
 */
#include "cli/cli_pay.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/sandbox_ask.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_TOP = 1024 };

/* Of --sandbox, the environment, or the configuration when it is one of
 * `mpcloud dev`.  NULL: there is none. */
static const char *
address_of(struct cli *cli)
{
	const char *given = cli->options[OPT_SANDBOX];
	const char *set = getenv("MPCLOUD_SANDBOX");

	if (given || (set && *set))
		return given ? given : set;
	if (cli_conf(cli) != EXIT_OK)
		return NULL;
	return strncmp(cli->conf->pay_api_base, "http://127.", 11) == 0
		       ? cli->conf->pay_api_base
		       : NULL;
}

/* EXIT_…, printed. */
static int
ask(struct cli *cli, const char *path, json_t *body, json_t **ret)
{
	const char *base = address_of(cli);
	struct fault why = {0};
	int r;

	if (!base) {
		json_decref(body);
		return cli_fail(EXIT_NO_DAEMON,
			"no WeChat sandbox: start `mpcloud dev` in the "
			"project's folder, or name one with --sandbox "
			"http://127.0.0.1:PORT");
	}
	r = sandbox_ask(base, path, body, ret, &why);
	if (r == ERR_PARAM)
		return cli_fail(EXIT_FAILED, "%s", fault_text(&why, r));
	if (r < 0)
		return cli_fail(EXIT_NO_DAEMON,
			"the WeChat sandbox at %s does not answer: %s", base,
			fault_text(&why, r));
	return EXIT_OK;
}

static void
member(json_t *to, const char *name, const char *value)
{
	if (value)
		(void)json_object_set_new(to, name, json_string(value));
}

/* ---- pay ---- */

static int
print_paid(const struct cli *cli, const json_t *answer)
{
	if (cli->options[OPT_JSON])
		cli_print_json(answer);
	else if (*val_text(answer, "transaction_id"))
		(void)printf("%s is paid: transaction %s. WeChat calls back "
			     "now; `mpcloud sandbox callbacks %s` shows how "
			     "that went.\n",
			val_text(answer, "out_trade_no"),
			val_text(answer, "transaction_id"),
			val_text(answer, "out_trade_no"));
	else
		(void)printf("%s is not paid: the user went back (%s).\n",
			val_text(answer, "out_trade_no"),
			val_text(answer, "errMsg"));
	return EXIT_OK;
}

int
cli_sandbox_pay(struct cli *cli)
{
	_json_ json_t *answer = NULL;
	json_t *body = json_pack("{s:s}", "out_trade_no", cli->words[0]);
	int status;

	member(body, "mchid", cli->options[OPT_MCHID]);
	member(body, "result", cli->options[OPT_CANCEL] ? "fail" : NULL);
	status = ask(cli, "/sandbox/pay", body, &answer);
	return status == EXIT_OK ? print_paid(cli, answer) : status;
}

/* ---- lists ---- */

/* "/sandbox/orders?state=…&" */
static void
path_build(struct buf *to, const char *path, const char *const (*parts)[2],
	size_t count)
{
	buf_printf(to, "%s?", path);
	for (size_t i = 0; i < count; i++) {
		if (!parts[i][1])
			continue;
		buf_printf(to, "%s=", parts[i][0]);
		text_url(to, slice_str(parts[i][1]));
		buf_char(to, '&');
	}
}

static void
add_yuan(struct cells *c, int64_t fen)
{
	_free_ char *text = pay_money(fen, "CNY");

	cells_add(c, "%s", fen ? text : "-");
}

/* WeChat's text of a time, as the other commands show times. */
static void
add_time(struct cells *c, const char *text)
{
	int64_t ns;

	cells_add_ms(
		c, text_untime(slice_str(text), &ns) == 0 ? ns / CLOCK_MS : 0);
}

static int64_t
refunded(const json_t *order)
{
	const json_t *refunds = json_object_get(order, "refunds");
	int64_t sum = 0;

	for (size_t i = 0; i < json_array_size(refunds); i++) {
		const json_t *one = json_array_get(refunds, i);

		if (strcmp(val_text(one, "status"), "CLOSED") != 0)
			sum += val_number(one, "refund");
	}
	return sum;
}

static void
print_orders(const json_t *orders)
{
	static const char *const heads[] = {"ORDER", "STATE", "TOTAL",
		"REFUNDED", "PLACED", "OPENID", "DESCRIPTION"};
	_cleanup_(cells_done) struct cells c = {0};
	json_t *one;
	size_t i;

	cells_heads(&c, heads, array_size(heads));
	json_array_foreach (orders, i, one) {
		cells_add(&c, "%s", val_text(one, "out_trade_no"));
		cells_add(&c, "%s", val_text(one, "trade_state"));
		add_yuan(&c,
			val_number(json_object_get(one, "amount"), "total"));
		add_yuan(&c, refunded(one));
		add_time(&c, val_text(one, "create_time"));
		cells_add(&c, "%s", val_text(one, "openid"));
		cells_add(&c, "%s", val_text(one, "description"));
	}
	cells_print(&c, array_size(heads));
}

int
cli_sandbox_orders(struct cli *cli)
{
	const char *const parts[][2] = {
		{"state", cli->options[OPT_STATE]},
		{"mchid", cli->options[OPT_MCHID]},
		{"limit", cli->options[OPT_LIMIT] ? cli->options[OPT_LIMIT]
						  : "20"},
	};
	_json_ json_t *answer = NULL;
	_buf_ struct buf path = {0};
	int64_t limit;
	int status = cli_number(cli, OPT_LIMIT, 1, 10000, 20, &limit);

	if (status != EXIT_OK)
		return status;
	buf_init(&path, PATH_TOP);
	path_build(&path, "/sandbox/orders", parts, array_size(parts));
	status = ask(cli, path.ptr, NULL, &answer);
	if (status != EXIT_OK)
		return status;
	if (cli->options[OPT_JSON])
		cli_print_json(answer);
	else if (json_array_size(answer))
		print_orders(answer);
	else
		(void)fputs("the sandbox has no such order\n", stderr);
	return EXIT_OK;
}

static void
print_deliveries(const json_t *list)
{
	static const char *const heads[] = {"SENT", "EVENT", "ORDER", "REFUND",
		"TRY", "ANSWER", "TOOK", "FAULT", "ERROR"};
	_cleanup_(cells_done) struct cells c = {0};
	json_t *one;
	size_t i;

	cells_heads(&c, heads, array_size(heads));
	json_array_foreach (list, i, one) {
		const char *fault = val_text(one, "fault");

		add_time(&c, val_text(one, "at"));
		cells_add(&c, "%s", val_text(one, "event"));
		cells_add(&c, "%s", val_text(one, "out_trade_no"));
		cells_add(&c, "%s", val_text(one, "out_refund_no"));
		cells_add(&c, "%" PRId64, val_number(one, "attempt"));
		if (val_number(one, "status"))
			cells_add(&c, "%" PRId64, val_number(one, "status"));
		else
			cells_add(&c, "-");
		cells_add(&c, "%" PRId64 " ms", val_number(one, "took_ms"));
		cells_add(&c, "%s", strcmp(fault, "none") ? fault : "");
		cells_add(&c, "%s", val_text(one, "error"));
	}
	cells_print(&c, array_size(heads));
}

int
cli_sandbox_callbacks(struct cli *cli)
{
	const char *const parts[][2] = {
		{"out_trade_no", cli->count ? cli->words[0] : NULL},
		{"limit", "10000"},
	};
	_json_ json_t *answer = NULL;
	_buf_ struct buf path = {0};
	json_t *list;
	int status;

	buf_init(&path, PATH_TOP);
	path_build(&path, "/sandbox/notifications", parts, array_size(parts));
	status = ask(cli, path.ptr, NULL, &answer);
	if (status != EXIT_OK)
		return status;
	list = json_object_get(answer, "deliveries");
	if (cli->options[OPT_JSON]) {
		cli_print_json(answer);
		return EXIT_OK;
	}
	if (json_array_size(list))
		print_deliveries(list);
	else
		(void)fputs("no callback has been sent\n", stderr);
	if (val_number(answer, "waiting"))
		(void)printf("%" PRId64 " not taken yet: `mpcloud sandbox "
			     "notify` sends them at once.\n",
			val_number(answer, "waiting"));
	return EXIT_OK;
}

/* ---- what WeChat does next ---- */

int
cli_sandbox_notify(struct cli *cli)
{
	_json_ json_t *answer = NULL;
	json_t *body = json_object();
	int status;

	if (cli->count) {
		member(body, "out_trade_no", cli->words[0]);
		member(body, "mchid", cli->options[OPT_MCHID]);
	}
	status = ask(cli, "/sandbox/notify", body, &answer);
	if (status != EXIT_OK)
		return status;
	if (cli->options[OPT_JSON])
		cli_print_json(answer);
	else
		(void)printf("%" PRId64 " sent\n", val_number(answer, "sent"));
	return EXIT_OK;
}

int
cli_sandbox_refund(struct cli *cli)
{
	_json_ json_t *answer = NULL;
	json_t *body = json_pack("{s:s}", "out_refund_no", cli->words[0]);
	int status;

	member(body, "mchid", cli->options[OPT_MCHID]);
	member(body, "status", cli->options[OPT_STATE]);
	status = ask(cli, "/sandbox/refund", body, &answer);
	if (status != EXIT_OK)
		return status;
	if (cli->options[OPT_JSON])
		cli_print_json(answer);
	else
		(void)printf("%s is %s\n", val_text(answer, "out_refund_no"),
			val_text(answer, "status"));
	return EXIT_OK;
}

/* How often, of a fault that may come more than once. */
static int
fault_count(struct cli *cli, int at, json_t *body)
{
	uint64_t n;

	if (cli->count <= at)
		return EXIT_OK;
	if (slice_to_u64(slice_str(cli->words[at]), 1000000, &n) < 0 || n == 0)
		return cli_fail(EXIT_USAGE,
			"COUNT: a number from 1 to 1000000 is wanted, not "
			"\"%s\"",
			cli->words[at]);
	(void)json_object_set_new(body, "count", json_integer((json_int_t)n));
	return EXIT_OK;
}

/* What was asked for, in words. */
static int
print_fault(const struct cli *cli, const json_t *answer, bool request)
{
	int at = request ? 2 : 1;

	if (cli->options[OPT_JSON])
		cli_print_json(answer);
	else if (!strcmp(cli->words[0], "none"))
		(void)puts("All troubles are taken back.");
	else
		(void)printf("%s: the next %s of the %s will meet it.\n",
			cli->words[0], cli->count > at ? cli->words[at] : "one",
			request ? "requests to that address" : "callbacks");
	return EXIT_OK;
}

/* "none" takes back those of callbacks and those of requests. */
int
cli_sandbox_fault(struct cli *cli)
{
	bool request = cli->count > 1 && cli->words[1][0] == '/';
	bool all = !request && !strcmp(cli->words[0], "none");
	json_t *body = json_pack("{s:s}", "kind", cli->words[0]);
	_json_ json_t *answer = NULL, *also = NULL;
	int status = fault_count(cli, request ? 2 : 1, body);

	if (status != EXIT_OK) {
		json_decref(body);
		return status;
	}
	if (request)
		member(body, "path", cli->words[1]);
	status = ask(cli, request ? "/sandbox/fault" : "/sandbox/notify-fault",
		body, &answer);
	if (status == EXIT_OK && all)
		status = ask(cli, "/sandbox/fault",
			json_pack("{s:s}", "kind", "none"), &also);
	return status == EXIT_OK ? print_fault(cli, answer, request) : status;
}
