/*
 * What changes an order: each state, each misfit, twice and at once.
 */
#include "pay/ledger.h"

#include "base/event.h"
#include "db/schema.h"
#include "tests/lib/pg.h"
#include "tests/unit/test.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { GATEWAYS = 2 };
#define T0      1800000000000LL
#define T0_TEXT "1800000000000"

static struct testpg *pg;
static struct loop loop;
static struct pool *pools[GATEWAYS];

static const char *_printf_(1, 2) sql(const char *fmt, ...)
{
	static char text[4096];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	return testpg_query(pg, text);
}

static int
group_setup(void **state)
{
	struct fault why = {0};

	(void)state;
	event_init("test", EVENT_ERROR);
	pg = testpg_new();
	if (schema_migrate(testpg_url(pg), &why) < 0) {
		(void)fprintf(stderr, "%s\n", why.text);
		return -1;
	}
	return 0;
}

static int
group_teardown(void **state)
{
	(void)state;
	pg = testpg_free(pg);
	return 0;
}

static void
order_put(const char *no, const char *more, const char *values)
{
	(void)sql("INSERT INTO mpcloud.orders (mchid, out_trade_no, appid,"
		  " openid, uid, description, total, attach, state, created_at,"
		  " updated_at, poll_at, expires_at%s) VALUES ('1900', '%s',"
		  " 'wx1', 'oA', 'u1', 'apples', 100, 'cart', 'NOTPAY', 1, 1,"
		  " 5, %lld%s)",
		more, no, T0 + 7 * 86400000LL, values);
}

static int
setup(void **state)
{
	const struct pool_conf conf = {
		.url = testpg_url(pg),
		.connections = 1,
		.writers = 2,
		.timeout_ms = 10000,
		.waiting_top = 1000,
	};

	(void)state;
	assert_int_equal(loop_init(&loop), 0);
	for (int i = 0; i < GATEWAYS; i++)
		assert_int_equal(pool_new(&pools[i], &loop, &conf, NULL), 0);
	(void)sql("TRUNCATE mpcloud.orders, mpcloud.refunds, mpcloud.pay_inbox,"
		  " mpcloud.queue, mpcloud.attempts, mpcloud.triggers");
	(void)sql(
		"INSERT INTO mpcloud.triggers VALUES ('main', 'fulfil',"
		" 'on-pay', 'pay', '{\"name\":\"on-pay\",\"type\":\"pay\"}')");
	order_put("order1", ", function, env", ", 'paid_cb', 'main'");
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	for (int i = 0; i < GATEWAYS; i++)
		pools[i] = pool_free(pools[i]);
	loop_done(&loop);
	return 0;
}

/* As WeChat says that order1 is paid. */
static struct notify
paid(void)
{
	return (struct notify){
		.kind = NOTIFY_PAID,
		.event_id = "EV-1",
		.event_type = "TRANSACTION.SUCCESS",
		.mchid = "1900",
		.appid = "wx1",
		.out_trade_no = "order1",
		.transaction_id = "4200001",
		.openid = "oA",
		.currency = "CNY",
		.trade_type = "JSAPI",
		.bank_type = "OTHERS",
		.attach = "cart",
		.total = 100,
		.payer_total = 90,
		.state = "SUCCESS",
		.at_ms = T0 - 5000,
		.out_refund_no = "",
		.refund_id = "",
		.resource = "{\"trade_state\":\"SUCCESS\"}",
	};
}

static struct notify
of_state(const char *state)
{
	struct notify n = paid();

	n.state = state;
	n.transaction_id = "";
	n.at_ms = 0;
	n.openid = n.currency = n.trade_type = n.bank_type = "";
	n.total = 0;
	n.payer_total = -1;
	return n;
}

struct apply {
	struct ask ask;
	bool done;
	enum ledger_outcome outcome;
	char why[256];
};

static void
on_applied(struct job *job)
{
	struct apply *a = container_of(
		container_of(job, struct ask, job), struct apply, ask);
	struct slice why;

	a->done = true;
	assert_int_equal(job->err, 0);
	assert_int_equal(ledger_read(&a->ask, &a->outcome, &why), 0);
	(void)snprintf(a->why, sizeof(a->why), "%.*s", SLICE_ARG(why));
}

static void
apply_start(int gateway, struct apply *a, const struct notify *n,
	const char *told_by, int64_t now)
{
	memset(a, 0, sizeof(*a));
	job_init(&a->ask.job, on_applied);
	ledger_apply(pools[gateway], &a->ask, n, "main", told_by,
		SLICE("{\"raw\":\"\\u0000\"}"), SLICE("PUB_KEY_ID_1"), now);
}

static struct apply last;

static enum ledger_outcome
apply(const struct notify *n, const char *told_by, int64_t now)
{
	apply_start(0, &last, n, told_by, now);
	while (!last.done)
		loop_turn(&loop, true);
	return last.outcome;
}

#define assert_sql(value, ...) assert_string_equal(sql(__VA_ARGS__), value)

static const char *
state_of(const char *no)
{
	return sql("SELECT state FROM mpcloud.orders WHERE out_trade_no = '%s'",
		no);
}

static void
a_callback_pays_the_order_and_queues_both_functions(void **state)
{
	struct notify n = paid();

	(void)state;
	assert_int_equal(apply(&n, "notify", T0), LEDGER_APPLIED);
	assert_string_equal(last.why, "");
	assert_sql("SUCCESS|4200001|1799999995000|90|OTHERS|JSAPI|notify|",
		"SELECT concat_ws('|', state, transaction_id, paid_at,"
		" payer_total, bank_type, trade_type, told_by,"
		" coalesce(poll_at::text, '')) FROM mpcloud.orders");
	assert_sql("EV-1|TRANSACTION.SUCCESS|order1|4200001|PUB_KEY_ID_1|"
		   "applied|0|" T0_TEXT,
		"SELECT concat_ws('|', event_id, kind, out_trade_no,"
		" transaction_id, serial, outcome, repeats, received_at)"
		" FROM mpcloud.pay_inbox");
	assert_sql("{\"raw\":\"\\u0000\"}",
		"SELECT convert_from(raw, 'UTF8') FROM mpcloud.pay_inbox");
	assert_sql("cloudpay paid_cb 300,pay fulfil 300",
		"SELECT string_agg(concat_ws(' ', kind, function,"
		" coalesce(retries::text, '')), ',' ORDER BY kind)"
		" FROM mpcloud.queue");
	assert_sql("wx_paycallback oA wx1 u1",
		"SELECT concat_ws(' ', caller->>'source', caller->>'openid',"
		" caller->>'appid', caller->>'uid') FROM mpcloud.queue"
		" WHERE kind = 'cloudpay'");
	assert_sql("SUCCESS SUCCESS wx1 1900 1900 oA oA order1 4200001 100 90 "
		   "10 CNY JSAPI OTHERS cart 20270115155955 oA",
		"SELECT concat_ws(' ', e->>'returnCode', e->>'resultCode',"
		" e->>'appid', e->>'mchId', e->>'subMchId', e->>'openid',"
		" e->>'subOpenid', e->>'outTradeNo', e->>'transactionId',"
		" e->'totalFee', e->'cashFee', e->'couponFee', e->>'feeType',"
		" e->>'tradeType', e->>'bankType', e->>'attach',"
		" e->>'timeEnd', e->'userInfo'->>'openId') FROM"
		" (SELECT event::jsonb e FROM mpcloud.queue"
		" WHERE kind = 'cloudpay') q");
}

static void
what_comes_again_changes_nothing_and_is_counted(void **state)
{
	struct notify n = paid(), other = paid();

	(void)state;
	assert_int_equal(apply(&n, "notify", T0), LEDGER_APPLIED);
	assert_int_equal(apply(&n, "notify", T0 + 15000), LEDGER_REPEAT);
	assert_int_equal(apply(&n, "notify", T0 + 30000), LEDGER_REPEAT);
	/* another event of the same payment, with a later time */
	other.event_id = "EV-2";
	other.at_ms = T0 + 1;
	other.payer_total = 100;
	assert_int_equal(apply(&other, "notify", T0 + 40000), LEDGER_REPEAT);
	assert_int_equal(apply(&other, "query", T0 + 50000), LEDGER_REPEAT);
	assert_sql("2", "SELECT count(*) FROM mpcloud.queue");
	assert_sql("1799999995000 90",
		"SELECT paid_at || ' ' || payer_total FROM mpcloud.orders");
	assert_sql("EV-1 2 applied,EV-2 0 repeat",
		"SELECT string_agg(concat_ws(' ', event_id, repeats, outcome),"
		" ',' ORDER BY id) FROM mpcloud.pay_inbox");
}

static void
at_once_from_two_gateways_it_is_applied_once(void **state)
{
	enum { TIMES = 12, ORDERS = 20 };
	static struct apply a[ORDERS][TIMES];
	int applied = 0, left = 0;

	(void)state;
	for (int k = 0; k < ORDERS; k++) {
		char no[16], tx[16], event[16];
		struct notify n = paid();

		(void)snprintf(no, sizeof(no), "both%d", k);
		(void)snprintf(tx, sizeof(tx), "42%d", k);
		order_put(no, ", function, env", ", 'paid_cb', 'main'");
		n.out_trade_no = no;
		n.transaction_id = tx;
		for (int i = 0; i < TIMES; i++) {
			/* the same event, other events, queries */
			(void)snprintf(
				event, sizeof(event), "E%d-%d", k, i % 3);
			n.event_id = event;
			apply_start(i % GATEWAYS, &a[k][i], &n,
				i % 4 ? "notify" : "query", T0);
		}
	}
	do {
		loop_turn(&loop, true);
		left = applied = 0;
		for (int k = 0; k < ORDERS; k++)
			for (int i = 0; i < TIMES; i++) {
				left += !a[k][i].done;
				applied += a[k][i].done &&
					   a[k][i].outcome == LEDGER_APPLIED;
			}
	} while (left);
	assert_int_equal(applied, ORDERS);
	assert_sql("40", "SELECT count(*) FROM mpcloud.queue");
	assert_sql("20", "SELECT count(*) FROM mpcloud.orders"
			 " WHERE state = 'SUCCESS'");
	assert_sql("180", "SELECT count(*) + sum(repeats)"
			  " FROM mpcloud.pay_inbox");
}

/* Each is paid for the order's row, with one thing wrong. */
static void
what_does_not_fit_is_quarantined_and_changes_nothing(void **state)
{
	const struct {
		const char *name;
		size_t at;
		const char *value, *why;
	} rows[] = {
		{"appid", offsetof(struct notify, appid), "wx2",
			"appid wx2 is not the order's wx1"},
		{"no appid", offsetof(struct notify, appid), "",
			"appid  is not the order's wx1"},
		{"openid", offsetof(struct notify, openid), "oB",
			"openid is not that of the order's payer"},
		{"currency", offsetof(struct notify, currency), "USD",
			"currency USD is not the order's CNY"},
		{"number", offsetof(struct notify, out_trade_no), "order9",
			"no order of this number is known here"},
		{"mchid", offsetof(struct notify, mchid), "1901",
			"no order of this number is known here"},
		{"transaction", offsetof(struct notify, transaction_id), "",
			"it is paid, and has no transaction_id"},
		{"state", offsetof(struct notify, state), "MAYBE",
			"trade_state MAYBE is not known"},
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct notify n = paid();
		char event[8];

		(void)snprintf(event, sizeof(event), "Q-%zu", i);
		n.event_id = event;
		*(const char **)(void *)((char *)&n + rows[i].at) =
			rows[i].value;
		assert_int_equal(apply(&n, "notify", T0), LEDGER_QUARANTINED);
		assert_string_equal(last.why, rows[i].why);
		assert_int_equal(apply(&n, "notify", T0), LEDGER_QUARANTINED);
		assert_string_equal(last.why, rows[i].why);
	}
	for (int64_t total = 0; total <= 101; total += 99 + (total > 0)) {
		struct notify n = paid();
		char event[8];

		if (total == 100)
			continue;
		(void)snprintf(event, sizeof(event), "T%d", (int)total);
		n.event_id = event;
		n.total = total;
		assert_int_equal(apply(&n, "notify", T0), LEDGER_QUARANTINED);
		assert_non_null(strstr(last.why, "is not the order's 100 fen"));
	}
	assert_string_equal(state_of("order1"), "NOTPAY");
	assert_sql("0", "SELECT count(*) FROM mpcloud.queue");
	assert_sql("0", "SELECT count(*) FROM mpcloud.pay_inbox"
			" WHERE outcome <> 'quarantined'");
	assert_sql("8", "SELECT sum(repeats) FROM mpcloud.pay_inbox");
}

static void
a_transaction_pays_one_order_and_an_order_has_one(void **state)
{
	struct notify n = paid();

	(void)state;
	order_put("order2", "", "");
	assert_int_equal(apply(&n, "notify", T0), LEDGER_APPLIED);
	n.event_id = "EV-2";
	n.out_trade_no = "order2";
	assert_int_equal(apply(&n, "notify", T0), LEDGER_QUARANTINED);
	assert_string_equal(
		last.why, "transaction_id 4200001 is that of order order1");
	n = paid();
	n.event_id = "EV-3";
	n.transaction_id = "4200002";
	assert_int_equal(apply(&n, "notify", T0), LEDGER_QUARANTINED);
	assert_string_equal(
		last.why, "transaction_id 4200002, but it was paid as 4200001");
	assert_string_equal(state_of("order2"), "NOTPAY");
}

static void
a_query_that_does_not_fit_is_in_the_inbox_once(void **state)
{
	struct notify n = paid();

	(void)state;
	n.total = 1;
	assert_int_equal(apply(&n, "query", T0), LEDGER_QUARANTINED);
	assert_int_equal(apply(&n, "query", T0 + 1), LEDGER_QUARANTINED);
	assert_sql("query quarantined 1",
		"SELECT concat_ws(' ', kind, outcome, repeats)"
		" FROM mpcloud.pay_inbox");
	/* it is asked again, later */
	assert_sql("t", "SELECT poll_at > " T0_TEXT " FROM mpcloud.orders");
}

/* from, news, outcome, to */
static void
only_legal_moves_are_made(void **state)
{
	static const struct {
		const char *from, *news;
		enum ledger_outcome outcome;
		const char *to;
		int told; /* calls in the queue */
	} rows[] = {
		{"CREATED", "NOTPAY", LEDGER_APPLIED, "NOTPAY", 0},
		{"CREATED", "SUCCESS", LEDGER_APPLIED, "SUCCESS", 2},
		{"CREATED", "CLOSED", LEDGER_APPLIED, "CLOSED", 0},
		{"NOTPAY", "NOTPAY", LEDGER_IGNORED, "NOTPAY", 0},
		{"NOTPAY", "USERPAYING", LEDGER_APPLIED, "USERPAYING", 0},
		{"NOTPAY", "SUCCESS", LEDGER_APPLIED, "SUCCESS", 2},
		{"NOTPAY", "REFUND", LEDGER_APPLIED, "REFUND", 2},
		{"NOTPAY", "CLOSED", LEDGER_APPLIED, "CLOSED", 0},
		{"NOTPAY", "REVOKED", LEDGER_APPLIED, "REVOKED", 0},
		{"NOTPAY", "PAYERROR", LEDGER_APPLIED, "PAYERROR", 0},
		{"USERPAYING", "SUCCESS", LEDGER_APPLIED, "SUCCESS", 2},
		{"USERPAYING", "NOTPAY", LEDGER_APPLIED, "NOTPAY", 0},
		{"PAYERROR", "SUCCESS", LEDGER_APPLIED, "SUCCESS", 2},
		{"CLOSED", "SUCCESS", LEDGER_APPLIED, "SUCCESS", 2},
		{"REVOKED", "SUCCESS", LEDGER_APPLIED, "SUCCESS", 2},
		{"CLOSED", "NOTPAY", LEDGER_IGNORED, "CLOSED", 0},
		{"CLOSED", "USERPAYING", LEDGER_IGNORED, "CLOSED", 0},
		{"CLOSED", "CLOSED", LEDGER_IGNORED, "CLOSED", 0},
		{"SUCCESS", "NOTPAY", LEDGER_IGNORED, "SUCCESS", 0},
		{"SUCCESS", "CLOSED", LEDGER_IGNORED, "SUCCESS", 0},
		{"SUCCESS", "PAYERROR", LEDGER_IGNORED, "SUCCESS", 0},
		{"SUCCESS", "SUCCESS", LEDGER_REPEAT, "SUCCESS", 0},
		{"SUCCESS", "REFUND", LEDGER_APPLIED, "REFUND", 0},
		{"REFUND", "SUCCESS", LEDGER_REPEAT, "REFUND", 0},
		{"REFUND", "REFUND", LEDGER_REPEAT, "REFUND", 0},
		{"REFUND", "NOTPAY", LEDGER_IGNORED, "REFUND", 0},
		{"REFUND", "CLOSED", LEDGER_IGNORED, "REFUND", 0},
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		bool is_paid = strcmp(rows[i].news, "SUCCESS") == 0 ||
			       strcmp(rows[i].news, "REFUND") == 0;
		bool was_paid = strcmp(rows[i].from, "SUCCESS") == 0 ||
				strcmp(rows[i].from, "REFUND") == 0;
		struct notify n = is_paid ? paid() : of_state(rows[i].news);

		n.state = rows[i].news;
		(void)sql("DELETE FROM mpcloud.queue");
		(void)sql("UPDATE mpcloud.orders SET state = '%s',"
			  " transaction_id = %s, poll_at = 5, polls = 1",
			rows[i].from, was_paid ? "'4200001'" : "NULL");
		assert_int_equal(apply(&n, "query", T0), rows[i].outcome);
		assert_string_equal(state_of("order1"), rows[i].to);
		assert_int_equal(
			atoi(sql("SELECT count(*) FROM mpcloud.queue")),
			rows[i].told);
		assert_int_equal(last.why[0] != 0,
			is_paid &&
				(strcmp(rows[i].from, "CLOSED") == 0 ||
					strcmp(rows[i].from, "REVOKED") == 0 ||
					strcmp(rows[i].from, "PAYERROR") == 0 ||
					(strcmp(rows[i].news, "REFUND") == 0 &&
						!was_paid)));
	}
}

/* Somebody refunded it in the merchant platform before we heard of it: who
 * delivers must be able to see that. */
static void
a_payment_that_is_heard_of_after_its_refund_says_so(void **state)
{
	struct notify n = paid();

	(void)state;
	n.state = "REFUND";
	assert_int_equal(apply(&n, "query", T0), LEDGER_APPLIED);
	assert_non_null(strstr(last.why, "went back"));
	assert_sql("cloudpay REFUND,pay REFUND",
		"SELECT string_agg(concat_ws(' ', kind, event::jsonb ->>"
		" 'tradeState'), ',' ORDER BY kind) FROM mpcloud.queue");
	assert_sql("1900", "SELECT event::jsonb ->> 'mchid'"
			   " FROM mpcloud.queue WHERE kind = 'pay'");
}

static void
an_order_of_before_gets_the_daemon_s_env_and_no_function(void **state)
{
	struct notify n = paid();

	(void)state;
	order_put("old-order", "", "");
	n.out_trade_no = "old-order";
	n.payer_total = -1;
	n.at_ms = 0;
	assert_int_equal(apply(&n, "bill", T0), LEDGER_APPLIED);
	assert_sql("main pay fulfil",
		"SELECT concat_ws(' ', env, kind, function)"
		" FROM mpcloud.queue");
	assert_sql(T0_TEXT " -", "SELECT paid_at || ' ' ||"
				 " coalesce(payer_total::text, '-')"
				 " FROM mpcloud.orders"
				 " WHERE out_trade_no = 'old-order'");
	assert_sql("0", "SELECT count(*) FROM mpcloud.pay_inbox");
}

static void
the_next_question_comes_later_each_time_and_at_the_end(void **state)
{
	static const int after_s[] = {25, 30, 120, 420, 1200, 3600, 3600};

	(void)state;
	for (int i = 0; i < (int)array_size(after_s); i++) {
		long long ms = atoll(sql("SELECT mpcloud.pay_poll_next('n',"
					 " %d, NULL, 1000) - 1000",
			i + 1));

		assert_in_range(ms, after_s[i] * 1000,
			after_s[i] * 1000 + after_s[i] * 125);
	}
	assert_sql(
		"500000", "SELECT mpcloud.pay_poll_next('n', 9, 500000, 1000)");
	/* over already: a minute, to try to close it again */
	assert_sql("61000", "SELECT mpcloud.pay_poll_next('n', 9, 500, 1000)");
	/* still not after an hour, a day: half as long again, an hour */
	assert_sql(
		"5400001", "SELECT mpcloud.pay_poll_next('n', 9, 1, 3600001)");
	assert_sql("t", "SELECT mpcloud.pay_poll_next('n', 9, 1, 86400001)"
			" BETWEEN 86400001 + 3600000 AND 86400001 + 4050000");
}

static void
what_is_due_is_leased_to_one(void **state)
{
	struct notify n = of_state("NOTPAY");

	(void)state;
	assert_sql("order1", "SELECT out_trade_no FROM mpcloud.pay_due('1900', "
			     "5, 60000, 10)");
	assert_null(sql("SELECT out_trade_no FROM mpcloud.pay_due('1900', "
			"60004, 60000, 10)"));
	assert_null(sql("SELECT out_trade_no FROM mpcloud.pay_due('1901', "
			"99999, 60000, 10)"));
	assert_sql("60005 1",
		"SELECT poll_at || ' ' || polls FROM mpcloud.orders");
	/* whoever had it is gone: it comes again */
	assert_sql("order1", "SELECT out_trade_no FROM mpcloud.pay_due('1900', "
			     "60005, 60000, 10)");
	(void)sql("SELECT mpcloud.pay_poll_later('1900', 'order1', 70000)");
	assert_sql("70000 1",
		"SELECT poll_at || ' ' || polls FROM mpcloud.orders");
	assert_int_equal(apply(&n, "query", T0), LEDGER_IGNORED);
	assert_sql("t",
		"SELECT poll_at BETWEEN %lld AND %lld"
		" FROM mpcloud.orders",
		T0 + 25000, T0 + 29000);
	n = paid();
	assert_int_equal(apply(&n, "query", T0), LEDGER_APPLIED);
	assert_null(sql(
		"SELECT out_trade_no FROM mpcloud.pay_due('1900', %lld, 1, 10)",
		T0 * 2));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define X(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		X(a_callback_pays_the_order_and_queues_both_functions),
		X(what_comes_again_changes_nothing_and_is_counted),
		X(at_once_from_two_gateways_it_is_applied_once),
		X(what_does_not_fit_is_quarantined_and_changes_nothing),
		X(a_transaction_pays_one_order_and_an_order_has_one),
		X(a_query_that_does_not_fit_is_in_the_inbox_once),
		X(only_legal_moves_are_made),
		X(a_payment_that_is_heard_of_after_its_refund_says_so),
		X(an_order_of_before_gets_the_daemon_s_env_and_no_function),
		X(the_next_question_comes_later_each_time_and_at_the_end),
		X(what_is_due_is_leased_to_one),
#undef X
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
