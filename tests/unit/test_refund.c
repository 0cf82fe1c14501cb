/*
 * The life of a refund in the database, and a day's bill beside it: each
 * transition by each messenger, each misfit, two gateways at one order.
 */
#include "base/event.h"
#include "base/loop.h"
#include "db/pool.h"
#include "db/schema.h"
#include "pay/reconcile.h"
#include "pay/refund.h"
#include "tests/lib/pg.h"
#include "tests/unit/test.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define T0 1800000000000LL

static struct testpg *pg;

static const char *_printf_(1, 2) sql(const char *fmt, ...)
{
	static char text[8192];
	const char *got;
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	got = testpg_query(pg, text);
	return got ? got : "";
}

#define assert_sql(want, ...) assert_string_equal(sql(__VA_ARGS__), want)

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

static int
setup(void **state)
{
	(void)state;
	(void)sql("TRUNCATE mpcloud.orders, mpcloud.refunds, mpcloud.pay_inbox,"
		  " mpcloud.queue, mpcloud.attempts, mpcloud.triggers,"
		  " mpcloud.pay_bills, mpcloud.pay_bill_lines,"
		  " mpcloud.pay_differences");
	(void)sql("INSERT INTO mpcloud.triggers VALUES ('main', 'hears', "
		  "'on-pay',"
		  " 'pay', '{\"name\":\"on-pay\",\"type\":\"pay\"}')");
	(void)sql("INSERT INTO mpcloud.orders (mchid, out_trade_no, appid,"
		  " openid, uid, description, total, state, env, created_at,"
		  " updated_at, paid_at, transaction_id) VALUES ('1900',"
		  " 'order1', 'wx1', 'oA', 'u1', 'apples', 1000, 'SUCCESS',"
		  " 'main', %lld, 1, %lld, '4200')",
		T0, T0);
	return 0;
}

/* refund_put by the key `key` at T0 + ms; "outcome send amount". */
static const char *
put(const char *key, int amount, long long ms)
{
	return sql("SELECT outcome || ' ' || send || ' ' || r_amount FROM"
		   " mpcloud.refund_put('main', '1900', 'order1', '', '%s', %d,"
		   " 'why', 'back', 'https://x/', %lld)",
		key, amount, T0 + ms);
}

/* News of the refund with this key; "outcome" or "outcome: why". */
static const char *
news(const char *by, const char *event, const char *key, const char *status,
	int amount)
{
	return sql(
		"SELECT outcome || coalesce(': ' || why, '') FROM"
		" mpcloud.refund_apply('main', '%s', '1900', '%s', 'REFUND.%s',"
		" 'order1', '4200', mpcloud.refund_no('1900', 'order1',"
		" 'key %s'), 'R%s', '%s', %d, 1000, %lld, '{\"a\":1}', '\\x00',"
		" 'S', %lld)",
		by, event, status, key, key, status, amount, T0 + 5, T0 + 9);
}

static const char *
state_of(const char *key)
{
	return sql("SELECT state FROM mpcloud.refunds WHERE out_refund_no ="
		   " mpcloud.refund_no('1900', 'order1', 'key %s')",
		key);
}

static void
the_same_key_is_the_same_refund(void **state)
{
	(void)state;
	assert_string_equal(put("a", 300, 0), "made true 300");
	assert_string_equal(put("a", 300, 1), "existed true 300");
	assert_string_equal(put("a", 0, 1), "existed true 300");
	assert_string_equal(put("a", 301, 2), "conflict false 300");
	assert_sql("1", "SELECT count(*) FROM mpcloud.refunds");
	/* printf '1900 order1 key a' | sha256sum */
	assert_sql("rf819b60fb17fda25552f6b0b3067c19",
		"SELECT out_refund_no FROM mpcloud.refunds");
}

static void
without_a_key_an_amount_is_refunded_once_unless_it_was_closed(void **state)
{
	(void)state;
	assert_string_equal(put("", 300, 0), "made true 300");
	assert_string_equal(put("", 300, 1), "existed true 300");
	(void)sql("UPDATE mpcloud.refunds SET state = 'CLOSED'");
	assert_string_equal(put("", 300, 100000), "made true 300");
	assert_string_equal(put("", 0, 200000), "made true 700");
	assert_string_equal(put("", 0, 300000), "existed true 700");
	assert_string_equal(put("", 1, 400000), "much false 1");
}

static void
the_sum_never_exceeds_the_total(void **state)
{
	(void)state;
	assert_string_equal(put("a", 600, 0), "made true 600");
	assert_string_equal(put("b", 401, 0), "much false 401");
	(void)news("query", "", "a", "ABNORMAL", 600);
	assert_string_equal(put("b", 401, 0), "much false 401");
	assert_string_equal(put("b", 400, 70000), "made true 400");
	assert_string_equal(put("c", 0, 0), "much false 0");
	assert_sql("1000", "SELECT sum(amount) FROM mpcloud.refunds");
}

static void
only_what_was_paid_can_be_refunded(void **state)
{
	static const char *const states[] = {
		"CREATED", "NOTPAY", "CLOSED", "USERPAYING", "PAYERROR"};

	(void)state;
	for (size_t i = 0; i < array_size(states); i++) {
		(void)sql("UPDATE mpcloud.orders SET state = '%s'", states[i]);
		assert_string_equal(put("a", 1, 0), "unpaid false 1");
	}
	assert_sql("missing", "SELECT outcome FROM mpcloud.refund_put('other',"
			      " '1900', 'order1', '', 'k', 1, '', '', '', 1)");
	assert_sql("missing", "SELECT outcome FROM mpcloud.refund_put('main',"
			      " '1901', 'order1', '', 'k', 1, '', '', '', 1)");
	assert_sql("0", "SELECT count(*) FROM mpcloud.refunds");
}

static void
a_minute_lies_between_two(void **state)
{
	(void)state;
	assert_string_equal(put("a", 1, 0), "made true 1");
	assert_string_equal(put("b", 1, 1000), "made false 1");
	assert_string_equal(put("c", 1, 2000), "made false 1");
	assert_string_equal(put("d", 1, 300000), "made true 1");
	assert_sql("61000 122000",
		"SELECT string_agg((asked_at - %lld)::text, ' ' ORDER BY"
		" asked_at) FROM mpcloud.refunds WHERE asked_at - %lld BETWEEN "
		"1"
		" AND 200000",
		T0, T0);
	/* due when its minute has come, and for one poller */
	assert_sql("1",
		"SELECT count(*) FROM mpcloud.refund_due('1900', %lld,"
		" 60000, 10)",
		T0 + 20000);
	assert_sql("1",
		"SELECT count(*) FROM mpcloud.refund_due('1900', %lld,"
		" 60000, 10)",
		T0 + 61000);
	assert_sql("0",
		"SELECT count(*) FROM mpcloud.refund_due('1900', %lld,"
		" 60000, 10)",
		T0 + 61000);
}

static void
fifty_refunds_are_all_an_order_gets(void **state)
{
	char key[8];

	(void)state;
	for (int i = 0; i < 50; i++) {
		(void)snprintf(key, sizeof(key), "%d", i);
		assert_true(slice_starts(
			slice_str(put(key, 1, i * 70000LL)), "made"));
	}
	assert_string_equal(put("one-more", 1, 9000000), "many false 1");
}

/* First state, news, outcome (its beginning), state after. */
static const struct {
	const char *from, *status, *outcome, *to;
} moves[] = {
	{"CREATED", "PROCESSING", "applied", "PROCESSING"},
	{"CREATED", "SUCCESS", "applied", "SUCCESS"},
	{"CREATED", "CLOSED", "applied", "CLOSED"},
	{"CREATED", "ABNORMAL", "applied", "ABNORMAL"},
	{"PROCESSING", "PROCESSING", "repeat", "PROCESSING"},
	{"PROCESSING", "SUCCESS", "applied", "SUCCESS"},
	{"PROCESSING", "CLOSED", "applied", "CLOSED"},
	{"PROCESSING", "ABNORMAL", "applied", "ABNORMAL"},
	{"ABNORMAL", "PROCESSING", "ignored", "ABNORMAL"},
	{"ABNORMAL", "SUCCESS", "applied", "SUCCESS"},
	{"ABNORMAL", "CLOSED", "applied", "CLOSED"},
	{"SUCCESS", "PROCESSING", "ignored", "SUCCESS"},
	{"SUCCESS", "SUCCESS", "repeat", "SUCCESS"},
	{"SUCCESS", "ABNORMAL", "ignored", "SUCCESS"},
	{"SUCCESS", "CLOSED", "quarantined", "SUCCESS"},
	{"CLOSED", "PROCESSING", "ignored", "CLOSED"},
	{"CLOSED", "CLOSED", "repeat", "CLOSED"},
	{"CLOSED", "SUCCESS", "quarantined", "CLOSED"},
};

static void
each_state_hears_each_news(void **state)
{
	for (size_t i = 0; i < array_size(moves); i++) {
		(void)setup(state);
		(void)put("a", 300, 0);
		if (strcmp(moves[i].from, "CREATED") != 0)
			(void)news("notify", "E0", "a", moves[i].from, 300);
		assert_string_equal(state_of("a"), moves[i].from);
		assert_true(slice_starts(slice_str(news("notify", "E1", "a",
						 moves[i].status, 300)),
			moves[i].outcome));
		assert_string_equal(state_of("a"), moves[i].to);
	}
}

static void
a_refund_that_was_refused_may_come_to_life(void **state)
{
	(void)state;
	(void)put("a", 300, 0);
	assert_sql("CLOSED", "SELECT mpcloud.refund_failed('1900',"
			     " mpcloud.refund_no('1900', 'order1', 'key a'),"
			     " 'no', true, 5)");
	assert_string_equal(put("b", 1000, 70000), "made true 1000");
	assert_string_equal(
		news("notify", "E1", "a", "SUCCESS", 300), "applied");
	assert_string_equal(state_of("a"), "SUCCESS");
}

static void
what_succeeded_is_counted_and_told_exactly_once(void **state)
{
	(void)state;
	(void)put("a", 300, 0);
	(void)put("b", 700, 0);
	assert_string_equal(
		news("query", "", "a", "PROCESSING", 300), "applied");
	assert_sql("0 SUCCESS", "SELECT refunded || ' ' || state FROM"
				" mpcloud.orders");
	assert_string_equal(
		news("notify", "E1", "a", "SUCCESS", 300), "applied");
	assert_string_equal(
		news("notify", "E1", "a", "SUCCESS", 300), "repeat");
	assert_string_equal(
		news("notify", "E2", "a", "SUCCESS", 300), "repeat");
	assert_string_equal(news("query", "", "a", "SUCCESS", 300), "repeat");
	assert_string_equal(news("bill", "", "a", "SUCCESS", 300), "repeat");
	assert_sql("300 REFUND", "SELECT refunded || ' ' || state FROM"
				 " mpcloud.orders");
	assert_sql("cloudpay back, pay hears",
		"SELECT string_agg(kind || ' ' || function, ', ' ORDER BY kind)"
		" FROM mpcloud.queue");
	assert_string_equal(news("bill", "", "b", "SUCCESS", 700), "applied");
	assert_sql("1000", "SELECT refunded FROM mpcloud.orders");
	assert_sql("4", "SELECT count(*) FROM mpcloud.queue");
	assert_sql("2 1", "SELECT count(*) || ' ' || sum(repeats) FROM"
			  " mpcloud.pay_inbox");
}

static void
news_that_do_not_fit_change_nothing(void **state)
{
	(void)state;
	(void)put("a", 300, 0);
	assert_string_equal(news("notify", "E1", "a", "SUCCESS", 301),
		"quarantined: refund 301 is not the 300 fen that were asked "
		"for");
	assert_true(slice_starts(
		slice_str(news("notify", "E2", "z", "SUCCESS", 300)),
		"quarantined: no refund "));
	assert_true(slice_starts(
		slice_str(news("query", "", "a", "WONDERFUL", 300)),
		"quarantined: status WONDERFUL is not known"));
	assert_sql("quarantined: total 999 is not the order's 1000 fen",
		"SELECT outcome || ': ' || why FROM "
		"mpcloud.refund_apply('main',"
		" 'notify', '1900', 'E3', 'REFUND.SUCCESS', 'order1', '4200',"
		" mpcloud.refund_no('1900', 'order1', 'key a'), 'R', 'SUCCESS',"
		" 300, 999, 1, '{}', '\\x', 'S', 1)");
	assert_sql("status WONDERFUL is not known",
		"SELECT why FROM mpcloud.refunds");
	assert_string_equal(state_of("a"), "CREATED");
	assert_sql("0 0", "SELECT refunded || ' ' || (SELECT count(*) FROM"
			  " mpcloud.queue) FROM mpcloud.orders");
	assert_sql("4", "SELECT count(*) FROM mpcloud.pay_inbox WHERE outcome ="
			" 'quarantined'");
	/* the right one is not held up by them */
	assert_string_equal(
		news("notify", "E4", "a", "SUCCESS", 300), "applied");
}

static void
polls_grow_further_apart_until_it_has_ended(void **state)
{
	(void)state;
	assert_sql("15 30 60 120 300 600 1800 3600 3600",
		"SELECT string_agg((mpcloud.refund_next('CREATED', n, 0) / "
		"1000)"
		"::text, ' ' ORDER BY n) FROM generate_series(0, 8) n");
	(void)put("a", 300, 0);
	(void)news("query", "", "a", "PROCESSING", 300);
	assert_sql("30", "SELECT (poll_at - %lld) / 1000 FROM mpcloud.refunds",
		T0);
	(void)news("query", "", "a", "SUCCESS", 300);
	assert_sql("", "SELECT poll_at FROM mpcloud.refunds");
}

/* ---- wishes ---- */

static const char *
wish(const char *text)
{
	static struct fault why;
	struct refund_wish w;
	struct arena arena;
	_json_ json_t *v = json_loads(text, 0, NULL);
	int r;

	assert_non_null(v);
	why.text[0] = '\0';
	arena_init(&arena, 65536);
	r = refund_wish_parse(&w, v, &arena, &why);
	arena_done(&arena);
	return r == 0 ? "fine" : why.text;
}

static void
a_wish_is_checked_before_it_is_kept(void **state)
{
	(void)state;
	assert_string_equal(wish("{\"outTradeNo\":\"order1\"}"), "fine");
	assert_string_equal(
		wish("{\"outTradeNo\":\"order1\",\"amount\":1,\"key\":\"k\","
		     "\"reason\":\"坏了\"}"),
		"fine");
	assert_non_null(strstr(wish("{}"), "outTradeNo"));
	assert_non_null(strstr(
		wish("{\"outTradeNo\":\"order1\",\"amount\":0}"), "amount"));
	assert_non_null(strstr(
		wish("{\"outTradeNo\":\"order1\",\"amount\":1.5}"), "amount"));
	assert_non_null(strstr(wish("{\"outTradeNo\":\"order1\",\"key\":\"k\","
				    "\"outRefundNo\":\"r\"}"),
		"one is enough"));
	assert_non_null(strstr(
		wish("{\"outTradeNo\":\"order1\",\"outRefundNo\":\"a b\"}"),
		"outRefundNo"));
	assert_non_null(
		strstr(wish("{\"outTradeNo\":\"order1\",\"reason\":\"a\\nb\"}"),
			"control"));
}

/* ---- days ---- */

static void
days_are_chinas(void **state)
{
	char day[DAY_TEXT];

	(void)state;
	/* date -d '2026-11-20 16:00:00Z' +%s */
	reconcile_day_of(day, 1795190400000);
	assert_string_equal(day, "2026-11-21");
	reconcile_day_of(day, 1795190399999);
	assert_string_equal(day, "2026-11-20");
	assert_sql("2026-11-21", "SELECT mpcloud.bill_day(1795190400000)");
	assert_sql("1795190400000", "SELECT mpcloud.bill_begins('2026-11-21')");
	assert_int_equal(reconcile_day_check(SLICE("2026-11-20")), 0);
	assert_int_equal(reconcile_day_check(SLICE("2028-02-29")), 0);
	assert_true(reconcile_day_check(SLICE("2026-02-29")) < 0);
	assert_true(reconcile_day_check(SLICE("2026-1-1")) < 0);
	assert_true(reconcile_day_check(SLICE("'; DROP --")) < 0);
}

#define NEXT \
	"SELECT coalesce(string_agg(day, ' '), '-') FROM" \
	" mpcloud.bill_next('1900', '2027-01-17', 3, %lld, 600000)"

static void
a_day_goes_to_one_gateway_at_a_time(void **state)
{
	long long day3 = T0 + 3 * 86400000LL;

	(void)state;
	/* T0 is 2027-01-15 16:00 in China */
	assert_sql("2027-01-15", NEXT, day3);
	assert_sql("2027-01-16", NEXT, day3);
	assert_sql("2027-01-17", NEXT, day3);
	assert_sql("-", NEXT, day3);
	/* the one who had it died */
	assert_sql("2027-01-15", NEXT, day3 + 600000);
	assert_sql("t",
		"SELECT mpcloud.bill_begin('1900', '2027-01-15', %lld,"
		" 120000)",
		day3);
	assert_sql("f",
		"SELECT mpcloud.bill_begin('1900', '2027-01-15', %lld,"
		" 120000)",
		day3 + 119999);
	assert_sql("t",
		"SELECT mpcloud.bill_begin('1900', '2027-01-15', %lld,"
		" 120000)",
		day3 + 120000);
	(void)sql(
		"SELECT mpcloud.bill_end('1900', '2027-01-15', 'done', '', '',"
		" 0, 1)");
	assert_sql("2027-01-16", NEXT, day3 + 600000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(the_same_key_is_the_same_refund, setup),
		cmocka_unit_test_setup(
			without_a_key_an_amount_is_refunded_once_unless_it_was_closed,
			setup),
		cmocka_unit_test_setup(the_sum_never_exceeds_the_total, setup),
		cmocka_unit_test_setup(
			only_what_was_paid_can_be_refunded, setup),
		cmocka_unit_test_setup(a_minute_lies_between_two, setup),
		cmocka_unit_test_setup(
			fifty_refunds_are_all_an_order_gets, setup),
		cmocka_unit_test_setup(each_state_hears_each_news, setup),
		cmocka_unit_test_setup(
			a_refund_that_was_refused_may_come_to_life, setup),
		cmocka_unit_test_setup(
			what_succeeded_is_counted_and_told_exactly_once, setup),
		cmocka_unit_test_setup(
			news_that_do_not_fit_change_nothing, setup),
		cmocka_unit_test_setup(
			polls_grow_further_apart_until_it_has_ended, setup),
		cmocka_unit_test(a_wish_is_checked_before_it_is_kept),
		cmocka_unit_test(days_are_chinas),
		cmocka_unit_test_setup(
			a_day_goes_to_one_gateway_at_a_time, setup),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
