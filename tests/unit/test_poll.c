/*
 * What nobody has told us is asked about: callbacks that were lost, orders
 * whose time is over, and a WeChat Pay that is busy or refuses to answer.
 */
#include "base/clock.h"
#include "pay/poll.h"
#include "tests/unit/order_driver.h"

#include <stdarg.h>
#include <stdlib.h>

#define T0_MS 1800000000000LL

static unsigned told; /* functions were to be called */

static void
on_pay_applied(void *owner)
{
	(void)owner;
	told++;
}

static const char *_printf_(1, 2) sql(const char *fmt, ...)
{
	static char text[4096];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	return testpg_query(pg, text);
}

#define assert_sql(value, ...) assert_string_equal(sql(__VA_ARGS__), value)

static struct fixture *
begin(void)
{
	struct fixture *f = setup();

	told = 0;
	clock_set(T0_MS * CLOCK_MS);
	(void)sql("TRUNCATE mpcloud.queue, mpcloud.attempts,"
		  " mpcloud.pay_inbox");
	for (int i = 0; i < GATEWAYS; i++)
		pay_set(f->pay[i], &(struct pay_more){
					   .env = "main",
					   .order_life_ms = PAY_LIFE_MS,
					   .applied = on_pay_applied,
				   });
	return f;
}

/* As WeChat says how shop-0001 stands. */
static const char *
trade(const char *state, int total)
{
	static char text[2048];
	bool is_paid = strcmp(state, "SUCCESS") == 0;

	(void)snprintf(text, sizeof(text),
		"{\"appid\":\"%s\",\"mchid\":\"%s\",\"out_trade_no\":"
		"\"shop-0001\",\"trade_state\":\"%s\",\"trade_state_desc\":"
		"\"x\",\"attach\":\"cart=7\"%s,\"payer\":{\"openid\":"
		"\"oTest1\"},\"amount\":{\"total\":%d,\"payer_total\":%d,"
		"\"currency\":\"CNY\",\"payer_currency\":\"CNY\"}}",
		key("appid"), key("mchid"), state,
		is_paid ? ",\"transaction_id\":\"4200001\",\"trade_type\":"
			  "\"JSAPI\",\"bank_type\":\"OTHERS\",\"success_time\":"
			  "\"2027-01-15T16:00:00+08:00\""
			: "",
		total, total);
	return text;
}

static struct poll *polls[GATEWAYS];

static void
polls_begin_at(struct fixture *f, unsigned rate)
{
	const struct poll_conf conf = {.rate = rate};

	for (int i = 0; i < GATEWAYS; i++) {
		polls[i] = poll_new(&f->loop, f->pool[i], f->pay[i], &conf);
		poll_start(polls[i]);
	}
}

static void
polls_begin(struct fixture *f)
{
	polls_begin_at(f, 100);
}

static void
polls_end(void)
{
	for (int i = 0; i < GATEWAYS; i++)
		polls[i] = poll_free(polls[i]);
}

#define until_sql(f, value, ...) \
	do { \
		for (int turns_ = 0; strcmp(sql(__VA_ARGS__), value) != 0; \
			turns_++) { \
			if (turns_ > 2000) \
				fail_msg("never %s: %s", value, \
					sql(__VA_ARGS__)); \
			loop_turn(&(f)->loop, true); \
		} \
	} while (0)

static void
a_lost_callback_is_made_up_for(void **state)
{
	struct fixture *f = begin();
	struct asked a;

	(void)state;
	assert_int_equal(place(f, &a, APPLES), 0);
	f->trade = trade("NOTPAY", 1999);
	polls_begin(f);
	clock_set((T0_MS + 5000) * CLOCK_MS);
	until_sql(f, "t",
		"SELECT polls = 1 AND poll_at > %lld AND poll_at <"
		" %lld FROM mpcloud.orders",
		T0_MS + 29000, T0_MS + 34000);
	assert_int_equal(f->queries, 1);
	f->trade = trade("SUCCESS", 1999);
	clock_set((T0_MS + 35000) * CLOCK_MS);
	until_sql(f, "SUCCESS -",
		"SELECT state || ' ' || coalesce(poll_at::text, '-')"
		" FROM mpcloud.orders");
	while (!told) /* it was committed; its answer is on the way */
		loop_turn(&f->loop, true);
	polls_end();
	assert_int_equal(told, 1);
	assert_int_equal(f->queries, 2);
	assert_sql("query", "SELECT told_by FROM mpcloud.orders");
	teardown(f);
}

static void
an_order_lost_between_the_row_and_wechat_is_asked_about(void **state)
{
	struct fixture *f = begin();
	struct asked a;

	(void)state;
	f->status = 500;
	f->refusal = "{}";
	assert_int_equal(place(f, &a, APPLES), ERR_UPSTREAM_BUSY);
	assert_sql("65000", "SELECT poll_at - created_at FROM mpcloud.orders");
	polls_begin(f);
	clock_set((T0_MS + 65000) * CLOCK_MS);
	until_sql(f, "CREATED t",
		"SELECT state || ' ' || (poll_at BETWEEN"
		" %lld AND %lld AND polls = 1)::text::char(1)"
		" FROM mpcloud.orders",
		T0_MS + 90000, T0_MS + 94000);
	f->trade = trade("SUCCESS", 1999);
	clock_set((T0_MS + 100000) * CLOCK_MS);
	until_sql(f, "SUCCESS", "SELECT state FROM mpcloud.orders");
	polls_end();
	teardown(f);
}

static void
an_order_nobody_paid_is_closed_at_its_end(void **state)
{
	struct fixture *f = begin();
	struct asked a;

	(void)state;
	assert_int_equal(place(f, &a, APPLES), 0);
	f->trade = trade("NOTPAY", 1999);
	(void)sql("UPDATE mpcloud.orders SET poll_at = expires_at");
	polls_begin(f);
	clock_set((T0_MS + PAY_LIFE_MS) * CLOCK_MS);
	until_sql(f, "CLOSED -",
		"SELECT state || ' ' || coalesce(poll_at::text, '-')"
		" FROM mpcloud.orders");
	polls_end();
	assert_int_equal(f->queries, 1);
	assert_int_equal(f->closes, 1);
	teardown(f);
}

/* Else it would be asked every few seconds, forever, in the place of others. */
static void
what_wechat_refuses_to_tell_is_asked_ever_less(void **state)
{
	struct fixture *f = begin();
	struct asked a;

	(void)state;
	assert_int_equal(place(f, &a, APPLES), 0);
	(void)sql("UPDATE mpcloud.orders SET polls = 5, poll_at = 1");
	f->trade = "{\"code\":\"PARAM_ERROR\",\"message\":\"m\"}";
	f->trade_status = 400;
	polls_begin(f);
	until_sql(f, "6 t",
		"SELECT polls || ' ' || (poll_at BETWEEN %lld AND %lld)"
		"::text::char(1) FROM mpcloud.orders",
		T0_MS + 3600000, T0_MS + 4050000);
	/* at its end, too: it cannot be closed either */
	clock_set((T0_MS + PAY_LIFE_MS + 7200000) * CLOCK_MS);
	f->trade = trade("NOTPAY", 1999);
	f->trade_status = 200;
	f->close_status = 400;
	f->close_refusal = "{\"code\":\"PARAM_ERROR\",\"message\":\"m\"}";
	while (!f->closes)
		loop_turn(&f->loop, true);
	until_sql(f, "t",
		"SELECT poll_at BETWEEN %lld AND %lld FROM mpcloud.orders",
		T0_MS + PAY_LIFE_MS + 7200000 + 3600000,
		T0_MS + PAY_LIFE_MS + 7200000 + 4050000);
	assert_int_equal(f->closes, 1);
	polls_end();
	teardown(f);
}

static void
while_wechat_is_busy_it_is_asked_less(void **state)
{
	struct fixture *f = begin();
	struct asked a;

	(void)state;
	assert_int_equal(place(f, &a, APPLES), 0);
	for (int i = 0; i < 50; i++)
		(void)sql("INSERT INTO mpcloud.orders (mchid, out_trade_no,"
			  " appid, openid, description, total, state,"
			  " created_at, updated_at, poll_at) SELECT mchid,"
			  " 'more%02d', appid, openid, description, total,"
			  " state, created_at, updated_at, 1"
			  " FROM mpcloud.orders"
			  " WHERE out_trade_no = 'shop-0001'",
			i);
	f->trade = "{\"code\":\"FREQUENCY_LIMITED\",\"message\":\"m\"}";
	f->trade_status = 429;
	polls_begin_at(f, 10);
	/* a first lot, each of which is put off by some seconds; then rest */
	until_sql(f, "t",
		"SELECT count(*) >= 10 FROM mpcloud.orders WHERE polls = 0"
		" AND poll_at BETWEEN %lld AND %lld"
		" AND out_trade_no LIKE 'more%%'",
		T0_MS + 5000, T0_MS + 60000);
	assert_in_range(f->queries, 10, 20);
	assert_sql("t", "SELECT count(*) >= 30 FROM mpcloud.orders"
			" WHERE poll_at = 1");
	f->trade = trade("NOTPAY", 1999);
	f->trade_status = 200;
	until_sql(f, "0",
		"SELECT count(*) FROM mpcloud.orders"
		" WHERE poll_at = 1 OR poll_at > %lld",
		T0_MS + 119000);
	assert_in_range(f->queries, 50, 60);
	polls_end();
	teardown(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_lost_callback_is_made_up_for),
		cmocka_unit_test(
			an_order_lost_between_the_row_and_wechat_is_asked_about),
		cmocka_unit_test(an_order_nobody_paid_is_closed_at_its_end),
		cmocka_unit_test(
			what_wechat_refuses_to_tell_is_asked_ever_less),
		cmocka_unit_test(while_wechat_is_busy_it_is_asked_less),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
