/*
 * An order after it was placed: asked about, closed; and what else an order may
 * say. Polls: test_poll.c.
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

typedef void look_fn(struct pay *pay, struct order *o, const struct caller *who,
	struct slice no);

static int
look(struct fixture *f, struct asked *a, look_fn *how, const struct caller *who)
{
	asked_init(a, f);
	how(f->pay[0], &a->order, who, SLICE("shop-0001"));
	return wait_for(f, a);
}

static const char *
state_of(const struct asked *a)
{
	static char state[32];
	_json_ json_t *v = answer_of(a);

	(void)snprintf(state, sizeof(state), "%s", text_of(v, "state"));
	return state;
}

static void
a_question_to_wechat_applies_what_it_says_and_tells_it(void **state)
{
	struct fixture *f = begin();
	struct asked a;

	(void)state;
	assert_int_equal(place(f, &a, APPLES), 0);
	f->trade = trade("NOTPAY", 1999);
	assert_int_equal(look(f, &a, order_refresh, &user), 0);
	assert_string_equal(state_of(&a), "NOTPAY");
	assert_int_equal(told, 0);
	f->trade = trade("SUCCESS", 1999);
	assert_int_equal(look(f, &a, order_get, &user), 0);
	assert_string_equal(state_of(&a), "NOTPAY");
	assert_int_equal(look(f, &a, order_refresh, &user), 0);
	assert_string_equal(state_of(&a), "SUCCESS");
	{
		_json_ json_t *v = answer_of(&a);

		assert_string_equal(text_of(v, "transactionId"), "4200001");
		assert_string_equal(
			text_of(v, "paidAt"), "2027-01-15T08:00:00.000Z");
		assert_null(json_object_get(v, "openid"));
	}
	assert_int_equal(told, 1);
	assert_int_equal(look(f, &a, order_refresh, &user), 0);
	assert_int_equal(told, 1);
	assert_int_equal(f->queries, 3);
	teardown(f);
}

static void
a_question_whose_answer_does_not_fit_changes_nothing(void **state)
{
	struct fixture *f = begin();
	struct asked a;

	(void)state;
	assert_int_equal(place(f, &a, APPLES), 0);
	f->trade = trade("SUCCESS", 1);
	assert_int_equal(look(f, &a, order_refresh, &user), 0);
	assert_string_equal(state_of(&a), "NOTPAY");
	assert_int_equal(told, 0);
	assert_sql("query quarantined total 1 is not the order's 1999 fen",
		"SELECT concat_ws(' ', kind, outcome, why)"
		" FROM mpcloud.pay_inbox");
	teardown(f);
}

static void
an_order_that_is_paid_already_is_not_ordered_again(void **state)
{
	struct fixture *f = begin();
	struct asked a;

	(void)state;
	assert_int_equal(place(f, &a, APPLES), 0);
	clock_set((T0_MS + 7200000) * CLOCK_MS); /* a new prepay_id */
	f->status = 400;
	f->refusal = "{\"code\":\"ORDERPAID\",\"message\":\"paid\"}";
	f->trade = trade("SUCCESS", 1999);
	assert_int_equal(place(f, &a, APPLES), ERR_CONFLICT);
	assert_non_null(strstr(a.order.job.why.text, "paid already"));
	assert_sql("SUCCESS", "SELECT state FROM mpcloud.orders");
	assert_int_equal(told, 1);
	teardown(f);
}

static void
an_order_that_is_closed_there_is_closed_here(void **state)
{
	struct fixture *f = begin();
	struct asked a;

	(void)state;
	assert_int_equal(place(f, &a, APPLES), 0);
	clock_set((T0_MS + 7200000) * CLOCK_MS);
	f->status = 400;
	f->refusal = "{\"code\":\"ORDER_CLOSED\",\"message\":\"m\"}";
	f->trade = trade("CLOSED", 1999);
	assert_int_equal(place(f, &a, APPLES), ERR_CONFLICT);
	assert_non_null(strstr(a.order.job.why.text, "another outTradeNo"));
	assert_sql("CLOSED -", "SELECT state || ' ' || coalesce(poll_at::text,"
			       " '-') FROM mpcloud.orders");
	teardown(f);
}

static void
closing_closes_at_wechat_and_here(void **state)
{
	struct fixture *f = begin();
	struct caller other = user;
	struct asked a;

	(void)state;
	assert_int_equal(place(f, &a, APPLES), 0);
	other.openid = "oTest2";
	assert_int_equal(look(f, &a, order_end, &other), ERR_ORDER_NOT_FOUND);
	assert_int_equal(look(f, &a, order_end, &user), 0);
	assert_string_equal(state_of(&a), "CLOSED");
	assert_int_equal(look(f, &a, order_end, &user), 0);
	assert_int_equal(f->closes, 1);
	assert_int_equal(place(f, &a, APPLES), ERR_CONFLICT);
	assert_sql("CLOSED -", "SELECT state || ' ' || coalesce(poll_at::text,"
			       " '-') FROM mpcloud.orders");
	teardown(f);
}

static void
an_order_paid_before_it_could_be_closed_is_paid(void **state)
{
	struct fixture *f = begin();
	struct asked a;

	(void)state;
	assert_int_equal(place(f, &a, APPLES), 0);
	f->close_status = 400;
	f->close_refusal = "{\"code\":\"ORDERPAID\",\"message\":\"m\"}";
	f->trade = trade("SUCCESS", 1999);
	assert_int_equal(look(f, &a, order_end, &user), ERR_CONFLICT);
	assert_non_null(strstr(a.order.job.why.text, "refund it"));
	assert_sql("SUCCESS", "SELECT state FROM mpcloud.orders");
	assert_int_equal(told, 1);
	assert_int_equal(look(f, &a, order_end, &user), ERR_CONFLICT);
	assert_int_equal(f->closes, 1);
	teardown(f);
}

static void
an_order_that_wechat_never_got_is_closed_here(void **state)
{
	struct fixture *f = begin();
	struct asked a;

	(void)state;
	f->status = 500;
	f->refusal = "{}";
	assert_int_equal(place(f, &a, APPLES), ERR_UPSTREAM_BUSY);
	assert_int_equal(look(f, &a, order_refresh, &user), 0);
	assert_string_equal(state_of(&a), "CREATED");
	f->close_status = 404;
	f->close_refusal = "{\"code\":\"ORDERNOTEXIST\",\"message\":\"m\"}";
	assert_int_equal(look(f, &a, order_end, &user), 0);
	assert_string_equal(state_of(&a), "CLOSED");
	teardown(f);
}

static void
a_function_without_a_user_may_look_at_all_orders_and_order_none(void **state)
{
	static const struct caller timer = {.role = CALLER_FUNCTION,
		.uid = "",
		.appid = "",
		.openid = "",
		.unionid = ""};
	struct fixture *f = begin();
	struct asked a;

	(void)state;
	assert_int_equal(place(f, &a, APPLES), 0);
	assert_int_equal(look(f, &a, order_get, &timer), 0);
	assert_string_equal(state_of(&a), "NOTPAY");
	assert_int_equal(look(f, &a, order_end, &timer), 0);
	assert_int_equal(place_as(f, &a, &timer, APPLES, true), ERR_NO_LOGIN);
	teardown(f);
}

static struct caller
function_of(const struct caller *who)
{
	struct caller c = *who;

	c.role = CALLER_FUNCTION;
	return c;
}

static void
what_functions_say_besides_goes_to_wechat_and_into_the_row(void **state)
{
	struct fixture *f = begin();
	struct caller fn = function_of(&user);
	struct asked a;

	(void)state;
	assert_int_equal(
		place_as(f, &a, &fn,
			"{\"outTradeNo\":\"shop-0001\",\"description\":\"x\","
			"\"total\":5,\"function\":\"paid_cb\",\"mchid\":"
			"\"1900000109\",\"time_expire\":"
			"\"2027-01-15T17:00:00+08:00\",\"goodsTag\":\"WXG\","
			"\"detail\":{\"cost_price\":5,\"goods_detail\":[{"
			"\"merchant_goods_id\":\"g\",\"quantity\":1,"
			"\"unit_price\":5}]},\"scene_info\":{"
			"\"payer_client_ip\":\"1.2.3.4\"},\"settleInfo\":{"
			"\"profit_sharing\":true},\"supportFapiao\":true}",
			true),
		0);
	assert_string_equal(f->bodies[0].ptr,
		"{\"appid\":\"wx0123456789abcdef\",\"mchid\":\"1900000109\","
		"\"description\":\"x\",\"out_trade_no\":\"shop-0001\","
		"\"notify_url\":\"https://example.com/v1/pay/notify\","
		"\"time_expire\":\"2027-01-15T17:00:00+08:00\","
		"\"goods_tag\":\"WXG\",\"support_fapiao\":true,"
		"\"detail\":{\"cost_price\":5,\"goods_detail\":[{"
		"\"merchant_goods_id\":\"g\",\"quantity\":1,"
		"\"unit_price\":5}]},\"scene_info\":{"
		"\"payer_client_ip\":\"1.2.3.4\"},\"settle_info\":{"
		"\"profit_sharing\":true},"
		"\"amount\":{\"total\":5,\"currency\":\"CNY\"},"
		"\"payer\":{\"openid\":\"oTest1\"}}");
	assert_sql("v3 main paid_cb 1800003600000 1800000005000",
		"SELECT concat_ws(' ', api, env, function, expires_at,"
		" poll_at) FROM mpcloud.orders");
	teardown(f);
}

static void
what_wechat_would_refuse_gets_no_row(void **state)
{
	static const struct {
		const char *more, *words;
	} rows[] = {
		{"\"function\":\"a b\"", "function: letters"},
		{"\"functoin\":\"f\"", "not functoin"},
		{"\"mchid\":\"1\"", "mchid: no merchant"},
		{"\"expireAt\":1800000059999", "at least a minute"},
		{"\"expireAt\":1801296000001", "at most 15 days"},
		{"\"expireAt\":\"tomorrow\"", "expireAt: a time like"},
		{"\"goods_tag\":\"123456789012345678901234567890123\"",
			"goods_tag: at most 32"},
		{"\"supportFapiao\":1", "true or false"},
		{"\"sceneInfo\":{}", "scene_info.payer_client_ip: is needed"},
		{"\"sceneInfo\":{\"payer_client_ip\":\"1\",\"x\":1}",
			"no member x"},
		{"\"settleInfo\":{\"profit_sharing\":\"Y\"}",
			"profit_sharing: must be true or false"},
		{"\"detail\":{\"goods_detail\":[{\"quantity\":1,"
		 "\"unit_price\":1}]}",
			"merchant_goods_id: is needed"},
		{"\"detail\":{\"goods_detail\":[1]}", "must hold objects"},
		{"\"detail\":{\"cost_price\":1.5}", "a whole number"},
		{"\"detail\":[]", "detail: must be an object"},
	};
	struct fixture *f = begin();
	struct caller fn = function_of(&user);
	struct asked a;

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		char text[512];

		(void)snprintf(text, sizeof(text),
			"{\"description\":\"x\",\"total\":5,%s}", rows[i].more);
		assert_int_equal(place_as(f, &a, &fn, text, true), ERR_PARAM);
		assert_non_null(strstr(a.order.job.why.text, rows[i].words));
	}
	/* a mini program that may price does not choose functions */
	assert_int_equal(place(f, &a,
				 "{\"description\":\"x\",\"total\":5,"
				 "\"function\":\"f\"}"),
		ERR_DENIED);
	assert_sql("0", "SELECT count(*) FROM mpcloud.orders");
	assert_int_equal(f->fake.requests, 0);
	teardown(f);
}

static void
an_order_cannot_be_paid_after_its_end(void **state)
{
	struct fixture *f = begin();
	struct asked a;

	(void)state;
	assert_int_equal(place(f, &a, APPLES), 0);
	clock_set((T0_MS + PAY_LIFE_MS - 1) * CLOCK_MS);
	assert_int_equal(place(f, &a, APPLES), 0);
	clock_set((T0_MS + PAY_LIFE_MS) * CLOCK_MS);
	assert_int_equal(place(f, &a, APPLES), ERR_CONFLICT);
	teardown(f);
}

static void
handing_the_payment_out_again_begins_the_questions_anew(void **state)
{
	struct fixture *f = begin();
	struct asked a;

	(void)state;
	assert_int_equal(place(f, &a, APPLES), 0);
	(void)sql("UPDATE mpcloud.orders SET polls = 5, poll_at = %lld",
		T0_MS + 3000000);
	clock_set((T0_MS + 1800000) * CLOCK_MS);
	assert_int_equal(place(f, &a, APPLES), 0);
	assert_int_equal(f->fake.requests, 1);
	assert_sql("0 1800001805000",
		"SELECT polls || ' ' || poll_at FROM mpcloud.orders");
	teardown(f);
}

/* Two merchants may have an order of one number. */
static void
an_order_is_looked_for_at_the_merchant_that_is_named(void **state)
{
	static const struct caller timer = {.role = CALLER_FUNCTION,
		.uid = "",
		.appid = "",
		.openid = "",
		.unionid = ""};
	struct fixture *f = begin();
	struct asked a;

	(void)state;
	assert_int_equal(place(f, &a, APPLES), 0);
	asked_init(&a, f);
	a.order.mchid = "1900000999";
	order_end(f->pay[0], &a.order, &timer, SLICE("shop-0001"));
	assert_int_equal(wait_for(f, &a), ERR_PARAM);
	assert_int_equal(f->closes, 0);
	asked_init(&a, f);
	a.order.mchid = "1900000109";
	order_end(f->pay[0], &a.order, &timer, SLICE("shop-0001"));
	assert_int_equal(wait_for(f, &a), 0);
	assert_int_equal(f->closes, 1);
	teardown(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_question_to_wechat_applies_what_it_says_and_tells_it),
		cmocka_unit_test(
			a_question_whose_answer_does_not_fit_changes_nothing),
		cmocka_unit_test(
			an_order_that_is_paid_already_is_not_ordered_again),
		cmocka_unit_test(an_order_that_is_closed_there_is_closed_here),
		cmocka_unit_test(closing_closes_at_wechat_and_here),
		cmocka_unit_test(
			an_order_paid_before_it_could_be_closed_is_paid),
		cmocka_unit_test(an_order_that_wechat_never_got_is_closed_here),
		cmocka_unit_test(
			a_function_without_a_user_may_look_at_all_orders_and_order_none),
		cmocka_unit_test(
			what_functions_say_besides_goes_to_wechat_and_into_the_row),
		cmocka_unit_test(what_wechat_would_refuse_gets_no_row),
		cmocka_unit_test(an_order_cannot_be_paid_after_its_end),
		cmocka_unit_test(
			handing_the_payment_out_again_begins_the_questions_anew),
		cmocka_unit_test(
			an_order_is_looked_for_at_the_merchant_that_is_named),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
