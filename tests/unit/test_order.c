/*
 * Orders: placed once, paid by their owner, never lost.
 */
#include "base/clock.h"
#include "tests/unit/order_driver.h"

#include <stdlib.h>

static struct caller
other_user(void)
{
	struct caller who = user;

	who.uid = "ffffffffffffffffffffffffffffffff";
	who.openid = "oTest2";
	return who;
}

static void
an_order_is_stored_placed_and_signed_for_payment(void **state)
{
	struct fixture *f = setup();
	struct asked a;

	(void)state;
	assert_int_equal(place(f, &a, APPLES), 0);
	payment_check(f, &a, "wx00000001");
	assert_string_equal(f->bodies[0].ptr,
		"{\"appid\":\"wx0123456789abcdef\",\"mchid\":\"1900000109\","
		"\"description\":\"苹果 3 斤\",\"out_trade_no\":\"shop-0001\","
		"\"notify_url\":\"https://example.com/v1/pay/notify\","
		"\"attach\":\"cart=7\","
		"\"amount\":{\"total\":1999,\"currency\":\"CNY\"},"
		"\"payer\":{\"openid\":\"oTest1\"}}");
	assert_string_equal(
		testpg_query(pg, "SELECT concat_ws('|', mchid, out_trade_no,"
				 " appid, openid, uid, total, currency,"
				 " attach, state, prepay_id)"
				 " FROM mpcloud.orders"),
		"1900000109|shop-0001|wx0123456789abcdef|oTest1|"
		"0123456789abcdef0123456789abcdef|1999|CNY|cart=7|NOTPAY|"
		"wx00000001");
	assert_string_equal(testpg_query(pg, "SELECT body FROM mpcloud.orders"),
		f->bodies[0].ptr);
	teardown(f);
}

static void
a_number_is_made_when_none_is_given(void **state)
{
	struct fixture *f = setup();
	struct asked a, b;

	(void)state;
	assert_int_equal(
		place(f, &a, "{\"description\":\"x\",\"total\":1}"), 0);
	assert_int_equal(
		place(f, &b, "{\"description\":\"x\",\"total\":1}"), 0);
	{
		_json_ json_t *first = answer_of(&a), *second = answer_of(&b);
		const char *no = text_of(first, "outTradeNo");

		assert_int_equal(strlen(no), 32);
		assert_int_equal(
			strspn(no, "0123456789abcdefghijklmnopqrstuvwxyz"), 32);
		assert_string_not_equal(no, text_of(second, "outTradeNo"));
	}
	assert_null(strstr(f->bodies[0].ptr, "attach"));
	teardown(f);
}

static void
an_order_asked_again_is_paid_with_its_prepay_id_for_two_hours(void **state)
{
	struct fixture *f = setup();
	int64_t now = clock_now();
	struct asked a, b;

	(void)state;
	clock_set(now);
	assert_int_equal(place(f, &a, APPLES), 0);
	clock_set(now + 6900 * CLOCK_S - CLOCK_MS);
	assert_int_equal(place(f, &b, APPLES), 0);
	assert_int_equal(f->fake.requests, 1);
	payment_check(f, &b, "wx00000001");
	{
		_json_ json_t *first = answer_of(&a), *second = answer_of(&b);
		const json_t *p = json_object_get(first, "payment");
		const json_t *q = json_object_get(second, "payment");

		assert_string_not_equal(
			text_of(p, "nonceStr"), text_of(q, "nonceStr"));
		assert_int_equal(atoll(text_of(q, "timeStamp")), clock_now_s());
	}
	clock_set(now + 7200 * CLOCK_S);
	assert_int_equal(place(f, &a, APPLES), 0);
	assert_int_equal(f->fake.requests, 2);
	payment_check(f, &a, "wx00000002");
	assert_string_equal(f->bodies[1].ptr, f->bodies[0].ptr);
	teardown(f);
}

static void
what_is_sent_again_is_what_was_sent_even_after_a_reload(void **state)
{
	struct fixture *f = setup();
	struct asked a;

	(void)state;
	f->status = 500;
	f->refusal = "{\"code\":\"SYSTEM_ERROR\",\"message\":\"x\"}";
	assert_int_equal(place(f, &a, APPLES), ERR_UPSTREAM_BUSY);
	f->conf.notify_url = "https://example.com/elsewhere";
	reconfigure(f);
	f->status = 200;
	assert_int_equal(place(f, &a, APPLES), 0);
	assert_string_equal(f->bodies[1].ptr, f->bodies[0].ptr);
	teardown(f);
}

static void
the_row_is_there_before_wechat_is_asked(void **state)
{
	struct fixture *f = setup();
	struct asked a;

	(void)state;
	f->fake.mode = FAKE_HANG;
	place_start(f, 0, &a, &user, APPLES, true);
	while (!f->fake.requests)
		loop_turn(&f->loop, true);
	assert_string_equal(
		testpg_query(pg, "SELECT state FROM mpcloud.orders"),
		"CREATED");
	/* the client goes; the order stays and can be paid later */
	job_cancel(&a.order.job);
	f->fake.mode = FAKE_ANSWER;
	assert_int_equal(place(f, &a, APPLES), 0);
	assert_string_equal(
		testpg_query(pg, "SELECT count(*) FROM mpcloud.orders"), "1");
	assert_string_equal(f->bodies[1].ptr, f->bodies[0].ptr);
	teardown(f);
}

static void
other_content_under_the_same_number_is_a_conflict(void **state)
{
	static const char *const others[] = {
		"{\"outTradeNo\":\"shop-0001\",\"description\":\"苹果 3 斤\","
		"\"total\":1998,\"attach\":\"cart=7\"}",
		"{\"outTradeNo\":\"shop-0001\",\"description\":\"apples\","
		"\"total\":1999,\"attach\":\"cart=7\"}",
		"{\"outTradeNo\":\"shop-0001\",\"description\":\"苹果 3 斤\","
		"\"total\":1999}",
	};
	struct fixture *f = setup();
	struct asked a;

	(void)state;
	assert_int_equal(place(f, &a, APPLES), 0);
	for (size_t i = 0; i < array_size(others); i++)
		assert_int_equal(place(f, &a, others[i]), ERR_CONFLICT);
	assert_int_equal(f->fake.requests, 1);
	teardown(f);
}

static void
another_user_s_order_is_not_to_be_had(void **state)
{
	struct fixture *f = setup();
	struct caller other = other_user();
	struct asked a;

	(void)state;
	assert_int_equal(place(f, &a, APPLES), 0);
	assert_int_equal(place_as(f, &a, &other, APPLES, true), ERR_CONFLICT);
	assert_int_equal(place_as(f, &a, &other,
				 "{\"outTradeNo\":\"shop-0001\"}", false),
		ERR_ORDER_NOT_FOUND);
	asked_init(&a, f);
	order_get(f->pay[0], &a.order, &other, SLICE("shop-0001"));
	assert_int_equal(wait_for(f, &a), ERR_ORDER_NOT_FOUND);
	assert_int_equal(f->fake.requests, 1);
	teardown(f);
}

static void
a_mini_program_pays_what_a_function_priced(void **state)
{
	struct fixture *f = setup();
	struct asked a;

	(void)state;
	assert_int_equal(
		place_as(f, &a, &user, "{\"outTradeNo\":\"shop-0001\"}", false),
		ERR_ORDER_NOT_FOUND);
	assert_int_equal(place_as(f, &a, &user, APPLES, false), ERR_DENIED);
	assert_int_equal(
		place_as(f, &a, &user, "{\"total\":1}", false), ERR_DENIED);
	assert_int_equal(place_as(f, &a, &user, "{}", false), ERR_PARAM);
	assert_string_equal(
		testpg_query(pg, "SELECT count(*) FROM mpcloud.orders"), "0");
	assert_int_equal(place(f, &a, APPLES), 0);
	assert_int_equal(
		place_as(f, &a, &user, "{\"outTradeNo\":\"shop-0001\"}", false),
		0);
	payment_check(f, &a, "wx00000001");
	assert_int_equal(place(f, &a, "{\"outTradeNo\":\"shop-0001\"}"), 0);
	assert_int_equal(f->fake.requests, 1);
	teardown(f);
}

static void
orders_of_a_wrong_form_are_refused_before_they_are_stored(void **state)
{
	static const char *const bad[] = {
		"{\"description\":\"x\"}",
		"{\"description\":\"x\",\"total\":0}",
		"{\"description\":\"x\",\"total\":-1}",
		"{\"description\":\"x\",\"total\":1.0}",
		"{\"description\":\"x\",\"total\":\"1\"}",
		"{\"description\":\"x\",\"total\":10000000001}",
		"{\"description\":\"\",\"total\":1}",
		"{\"total\":1}",
		"{\"description\":1,\"total\":1}",
		"{\"description\":\"a\\nb\",\"total\":1}",
		"{\"description\":\"x\",\"total\":1,\"outTradeNo\":\"12345\"}",
		"{\"description\":\"x\",\"total\":1,\"outTradeNo\":\"123 "
		"456\"}",
		"{\"description\":\"x\",\"total\":1,\"outTradeNo\":"
		"\"123456789012345678901234567890123\"}",
		"{\"description\":\"x\",\"total\":1,\"out_trade_no\":"
		"\"123456\"}",
		"{\"description\":\"x\",\"total\":1,\"openid\":\"o\"}",
		"{\"outTradeNo\":\"123456\",\"description\":\"x\"}",
		"{}",
		"[]",
		"\"x\"",
	};
	struct fixture *f = setup();
	struct asked a;

	(void)state;
	for (size_t i = 0; i < array_size(bad); i++)
		assert_int_equal(place(f, &a, bad[i]), ERR_PARAM);
	assert_int_equal(f->fake.requests, 0);
	assert_string_equal(
		testpg_query(pg, "SELECT count(*) FROM mpcloud.orders"), "0");
	teardown(f);
}

static void
lengths_are_counted_in_characters(void **state)
{
	struct fixture *f = setup();
	struct asked a;

	(void)state;
	for (int n = 127; n <= 128; n++) {
		_buf_ struct buf text;

		buf_init(&text, 4096);
		buf_str(&text, "{\"total\":1,\"description\":\"");
		for (int i = 0; i < n; i++)
			buf_str(&text, "果");
		buf_str(&text, "\"}");
		assert_int_equal(
			place(f, &a, text.ptr), n == 127 ? 0 : ERR_PARAM);
	}
	for (int n = 128; n <= 129; n++) {
		_buf_ struct buf text;

		buf_init(&text, 4096);
		buf_str(&text, "{\"total\":10000000000,\"description\":\"x\","
			       "\"attach\":\"");
		for (int i = 0; i < n; i++)
			buf_str(&text, "果");
		buf_str(&text, "\"}");
		assert_int_equal(
			place(f, &a, text.ptr), n == 128 ? 0 : ERR_PARAM);
	}
	teardown(f);
}

static void
two_gateways_at_once_make_one_order(void **state)
{
	struct fixture *f = setup();

	(void)state;
	for (int i = 0; i < 4; i++) {
		struct asked two[GATEWAYS];
		char text[200];

		(void)snprintf(text, sizeof(text),
			"{\"outTradeNo\":\"both-%04d\",\"description\":\"x\","
			"\"total\":5}",
			i);
		for (int k = 0; k < GATEWAYS; k++)
			place_start(f, k, &two[k], &user, text, true);
		while (!two[0].done || !two[1].done)
			loop_turn(&f->loop, true);
		assert_int_equal(two[0].order.job.err, 0);
		assert_int_equal(two[1].order.job.err, 0);
	}
	assert_string_equal(
		testpg_query(pg, "SELECT count(*) FROM mpcloud.orders"), "4");
	for (unsigned i = 1; i < f->fake.requests && i < 8; i++)
		for (unsigned k = 0; k < i; k++) {
			/* same number, same bytes */
			const char *no = strstr(f->bodies[i].ptr, "both-");

			if (strstr(f->bodies[k].ptr, "both-")[8] == no[8])
				assert_string_equal(
					f->bodies[k].ptr, f->bodies[i].ptr);
		}
	teardown(f);
}

static void
a_paid_order_is_not_paid_again(void **state)
{
	struct fixture *f = setup();
	struct asked a;

	(void)state;
	assert_int_equal(place(f, &a, APPLES), 0);
	(void)testpg_query(pg, "UPDATE mpcloud.orders SET state = 'SUCCESS'");
	assert_int_equal(place(f, &a, APPLES), ERR_CONFLICT);
	assert_non_null(strstr(a.order.job.why.text, "SUCCESS"));
	assert_int_equal(f->fake.requests, 1);
	teardown(f);
}

static void
an_order_paid_while_it_is_placed_again_stays_paid(void **state)
{
	struct fixture *f = setup();
	struct asked a;

	(void)state;
	f->fake.mode = FAKE_HANG;
	place_start(f, 0, &a, &user, APPLES, true);
	while (!f->fake.requests)
		loop_turn(&f->loop, true);
	job_cancel(&a.order.job);
	/* paid behind our back, then the late answer of a second try */
	f->fake.mode = FAKE_ANSWER;
	place_start(f, 0, &a, &user, APPLES, true);
	while (f->fake.requests < 2)
		loop_turn(&f->loop, true);
	(void)testpg_query(pg, "UPDATE mpcloud.orders SET state = 'SUCCESS'");
	assert_int_equal(wait_for(f, &a), ERR_CONFLICT);
	assert_string_equal(
		testpg_query(pg, "SELECT state FROM mpcloud.orders"),
		"SUCCESS");
	teardown(f);
}

static void
an_order_can_be_read_back_by_its_owner(void **state)
{
	struct fixture *f = setup();
	struct asked a;

	(void)state;
	clock_set(1700000000 * CLOCK_S + 123 * CLOCK_MS);
	assert_int_equal(place(f, &a, APPLES), 0);
	asked_init(&a, f);
	order_get(f->pay[1], &a.order, &user, SLICE("shop-0001"));
	assert_int_equal(wait_for(f, &a), 0);
	assert_true(slice_is(a.order.answer,
		"{\"outTradeNo\":\"shop-0001\",\"total\":1999,"
		"\"currency\":\"CNY\",\"description\":\"苹果 3 斤\","
		"\"state\":\"NOTPAY\","
		"\"createdAt\":\"2023-11-14T22:13:20.123Z\","
		"\"attach\":\"cart=7\","
		"\"expiresAt\":\"2023-11-21T22:13:20.123Z\"}"));
	asked_init(&a, f);
	order_get(f->pay[0], &a.order, &user, SLICE("shop-0002"));
	assert_int_equal(wait_for(f, &a), ERR_ORDER_NOT_FOUND);
	asked_init(&a, f);
	order_get(f->pay[0], &a.order, &user, SLICE("' OR 1=1 --"));
	assert_int_equal(wait_for(f, &a), ERR_ORDER_NOT_FOUND);
	teardown(f);
}

static void
nobody_has_no_orders(void **state)
{
	static const struct caller nobody = {
		.uid = "", .appid = "", .openid = "", .unionid = ""};
	struct fixture *f = setup();
	struct asked a;

	(void)state;
	assert_int_equal(place_as(f, &a, &nobody, APPLES, true), ERR_NO_LOGIN);
	asked_init(&a, f);
	order_get(f->pay[0], &a.order, &nobody, SLICE("shop-0001"));
	assert_int_equal(wait_for(f, &a), ERR_NO_LOGIN);
	teardown(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			an_order_is_stored_placed_and_signed_for_payment),
		cmocka_unit_test(a_number_is_made_when_none_is_given),
		cmocka_unit_test(
			an_order_asked_again_is_paid_with_its_prepay_id_for_two_hours),
		cmocka_unit_test(
			what_is_sent_again_is_what_was_sent_even_after_a_reload),
		cmocka_unit_test(the_row_is_there_before_wechat_is_asked),
		cmocka_unit_test(
			other_content_under_the_same_number_is_a_conflict),
		cmocka_unit_test(another_user_s_order_is_not_to_be_had),
		cmocka_unit_test(a_mini_program_pays_what_a_function_priced),
		cmocka_unit_test(
			orders_of_a_wrong_form_are_refused_before_they_are_stored),
		cmocka_unit_test(lengths_are_counted_in_characters),
		cmocka_unit_test(two_gateways_at_once_make_one_order),
		cmocka_unit_test(a_paid_order_is_not_paid_again),
		cmocka_unit_test(
			an_order_paid_while_it_is_placed_again_stays_paid),
		cmocka_unit_test(an_order_can_be_read_back_by_its_owner),
		cmocka_unit_test(nobody_has_no_orders),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
