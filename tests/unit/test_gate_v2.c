/*
 * The same questions in v2: made of the same bodies, answered in the same
 * words.
 */
#include "base/xml.h"
#include "pay/v2.h"
#include "tests/unit/gate_driver.h"

#define BILL "\xEF\xBB\xBF交易时间,公众账号ID\r\n`2024-01-02 03:04:05,`wx1\r\n"

static void
with_v2(struct merchant_conf *conf)
{
	conf->api = "v2";
}

static void
with_v2_hmac(struct merchant_conf *conf)
{
	conf->api = "v2";
	conf->v2_sign = "HMAC-SHA256";
}

/* An answer of v2, signed as WeChat Pay would. */
static const char *
v2_answer(struct gate_fixture *f, const char *const *pairs)
{
	_json_ json_t *v = json_object();
	_buf_ struct buf sign, xml;

	buf_init(&sign, 256);
	buf_init(&xml, 65536);
	for (; pairs[0]; pairs += 2)
		json_object_set_new(v, pairs[0], json_string(pairs[1]));
	json_object_set_new(v, "return_code", json_string("SUCCESS"));
	json_object_set_new(v, "mch_id", json_string("1900000109"));
	if (!json_object_get(v, "result_code"))
		json_object_set_new(v, "result_code", json_string("SUCCESS"));
	assert_int_equal(
		v2_sign(&sign, v, f->merchant->v2_key, f->merchant->v2_sign),
		0);
	json_object_set_new(v, "sign", json_string(sign.ptr));
	assert_int_equal(xml_build(&xml, "xml", v, NULL), 0);
	return arena_str(&f->arena, buf_all(&xml));
}

#define V2(...) v2_answer(f, (const char *const[]){__VA_ARGS__, NULL})

/* Our request's fields, whose signature is checked. */
static json_t *
v2_asked(struct gate_fixture *f)
{
	json_t *v = NULL;

	assert_int_equal(
		xml_parse(&v, "xml", buf_all(&f->asked[0].body), NULL), 0);
	assert_int_equal(v2_verify(v, f->merchant->v2_key), 0);
	assert_string_equal(vector_text(v, "mch_id"), "1900000109");
	assert_string_equal(vector_text(v, "appid"), "wx0123456789abcdef");
	assert_int_equal(strlen(vector_text(v, "nonce_str")), 32);
	return v;
}

static void
v2_orders_are_made_of_the_same_body(void **state)
{
	static void (*const ways[])(struct merchant_conf *) = {
		with_v2, with_v2_hmac};

	(void)state;
	for (size_t i = 0; i < array_size(ways); i++) {
		struct gate_fixture *f = gate_setup(ways[i]);
		struct gate *g =
			gate_ready(f, SAY({.raw = V2("prepay_id", "wx2611",
						   "trade_type", "JSAPI")}));
		_json_ json_t *v = NULL;

		gate_order(g, &f->home, WITH, slice_str(ORDER_BODY));
		assert_int_equal(gate_wait(f), 0);
		assert_string_equal(g->prepay_id, "wx2611");
		assert_string_equal(f->asked[0].target, "/pay/unifiedorder");
		v = v2_asked(f);
		assert_string_equal(vector_text(v, "body"), "苹果");
		assert_string_equal(
			vector_text(v, "out_trade_no"), "shop-0001");
		assert_string_equal(vector_text(v, "total_fee"), "101");
		assert_string_equal(vector_text(v, "fee_type"), "CNY");
		assert_string_equal(vector_text(v, "openid"), "oTest1");
		assert_string_equal(vector_text(v, "attach"), "a=1");
		assert_string_equal(vector_text(v, "trade_type"), "JSAPI");
		assert_string_equal(
			vector_text(v, "time_expire"), "20261121180000");
		assert_string_equal(
			vector_text(v, "notify_url"), "https://example.com/n");
		assert_int_equal(
			strlen(vector_text(v, "sign")), i == 0 ? 32 : 64);
		if (i == 1)
			assert_string_equal(
				vector_text(v, "sign_type"), "HMAC-SHA256");
		gate_teardown(f);
	}
}

static void
v2_tells_how_an_order_stands_in_the_same_words(void **state)
{
	struct gate_fixture *f = gate_setup(with_v2);
	struct gate *g = gate_ready(
		f, SAY({.raw = V2("trade_state", "SUCCESS", "appid",
				"wx0123456789abcdef", "out_trade_no",
				"shop-0001", "transaction_id", "4200",
				"total_fee", "101", "cash_fee", "90", "openid",
				"oTest1", "time_end", "20240102030405")}));

	(void)state;
	gate_query(g, &f->home, WITH, "", "shop-0001");
	assert_int_equal(gate_wait(f), 0);
	assert_string_equal(g->told.state, "SUCCESS");
	assert_int_equal(g->told.total, 101);
	assert_int_equal(g->told.payer_total, 90);
	assert_true(g->told.at_ms == 1704135845000);
	assert_string_equal(f->asked[0].target, "/pay/orderquery");
	json_decref(v2_asked(f));
	gate_teardown(f);
}

/* In a callback its absence means paid. */
static void
an_answer_of_v2_without_a_state_pays_nothing(void **state)
{
	struct gate_fixture *f = gate_setup(with_v2);
	struct gate *g = gate_ready(
		f, SAY({.raw = V2("appid", "wx0123456789abcdef", "out_trade_no",
				"shop-0001", "transaction_id", "4200",
				"total_fee", "101")}));

	(void)state;
	gate_query(g, &f->home, WITH, "", "shop-0001");
	assert_int_equal(gate_wait(f), ERR_UPSTREAM);
	gate_teardown(f);
}

static void
v2_looks_up_one_refund_of_several(void **state)
{
	struct gate_fixture *f = gate_setup(with_v2);
	struct gate *g = gate_ready(f,
		SAY({.raw = V2("appid", "wx0123456789abcdef", "out_trade_no",
			     "shop-0001", "transaction_id", "4200", "total_fee",
			     "101", "refund_count", "2", "out_refund_no_0",
			     "back-0000", "refund_id_0", "1", "refund_fee_0",
			     "1", "refund_status_0", "SUCCESS",
			     "out_refund_no_1", "back-0001", "refund_id_1", "2",
			     "refund_fee_1", "50", "refund_status_1",
			     "REFUNDCLOSE", "refund_success_time_1",
			     "2024-01-02 03:04:05")}));

	(void)state;
	gate_refund_query(g, &f->home, WITH, "", "back-0001");
	assert_int_equal(gate_wait(f), 0);
	assert_string_equal(g->told.refund_id, "2");
	assert_int_equal(g->told.refund, 50);
	assert_string_equal(g->told.state, "CLOSED");
	assert_string_equal(g->told.event_type, "REFUND.CLOSED");
	assert_true(g->told.at_ms == 1704135845000);
	gate_teardown(f);
}

static void
v2_refunds_need_the_merchant_s_certificate(void **state)
{
	struct gate_fixture *f = gate_setup(with_v2);
	struct gate *g = gate_ready(f, SAY({.raw = ""}));

	(void)state;
	gate_refund(g, &f->home, WITH, "", slice_str(REFUND_BODY));
	assert_int_equal(gate_wait(f), ERR_UPSTREAM_CONFIG);
	assert_non_null(strstr(g->job.why.text, "v2_certificate_file"));
	assert_int_equal(f->count, 0);
	gate_teardown(f);
}

static void
v2_s_refusals_have_v3_s_words(void **state)
{
	static const struct {
		const char *code, *word;
		int err;
	} rows[] = {
		{"ORDERPAID", "ORDERPAID", ERR_PAY_REFUSED},
		{"ORDERNOTEXIST", "ORDER_NOT_EXIST", ERR_PAY_REFUSED},
		{"REFUNDNOTEXIST", "RESOURCE_NOT_EXISTS", ERR_PAY_REFUSED},
		{"NOTENOUGH", "NOT_ENOUGH", ERR_PAY_REFUSED},
		{"LACK_PARAMS", "PARAM_ERROR", ERR_PAY_REFUSED},
		{"OUT_TRADE_NO_USED", "OUT_TRADE_NO_USED", ERR_PAY_REFUSED},
		{"MCHID_NOT_EXIST", "MCH_NOT_EXISTS", ERR_UPSTREAM_CONFIG},
		{"APPID_NOT_EXIST", "APPID_NOT_EXIST", ERR_UPSTREAM_CONFIG},
		{"APPID_MCHID_NOT_MATCH", "APPID_MCHID_NOT_MATCH",
			ERR_UPSTREAM_CONFIG},
		{"NOAUTH", "NO_AUTH", ERR_UPSTREAM_CONFIG},
		{"SIGNERROR", "SIGN_ERROR", ERR_UPSTREAM_CONFIG},
		{"XML_FORMAT_ERROR", "XML_FORMAT_ERROR", ERR_UPSTREAM_CONFIG},
		{"SYSTEMERROR", "SYSTEM_ERROR", ERR_UPSTREAM_BUSY},
		{"FREQUENCY_LIMITED", "FREQUENCY_LIMITED", ERR_UPSTREAM_BUSY},
		{"INVALID_REQ_TOO_MUCH", "RATELIMIT_EXCEEDED",
			ERR_UPSTREAM_BUSY},
	};
	struct gate_fixture *f = gate_setup(with_v2);

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct gate *g = gate_ready(
			f, SAY({.raw = V2("result_code", "FAIL", "err_code",
					rows[i].code, "err_code_des", "x")}));

		gate_query(g, &f->home, WITH, "", "shop-0001");
		assert_int_equal(gate_wait(f), rows[i].err);
		assert_string_equal(g->code, rows[i].word);
	}
	gate_teardown(f);
}

static void
v2_answers_that_do_not_verify_are_not_believed(void **state)
{
	static const char *const bad[] = {
		"<xml><return_code>SUCCESS</return_code><result_code>SUCCESS"
		"</result_code><prepay_id>wx1</prepay_id></xml>",
		"<xml><return_code>SUCCESS</return_code><result_code>SUCCESS"
		"</result_code><prepay_id>wx1</prepay_id><sign>"
		"B552ED6B279343CB493C5DD0D78AB241</sign></xml>",
	};
	struct gate_fixture *f = gate_setup(with_v2);
	struct gate *g;

	(void)state;
	for (size_t i = 0; i < array_size(bad); i++) {
		g = gate_ready(f, SAY({.raw = bad[i]}));
		gate_order(g, &f->home, WITH, slice_str(ORDER_BODY));
		assert_int_equal(gate_wait(f), ERR_PAY_FORGED);
	}
	g = gate_ready(f, SAY({.raw = "<html>"}));
	gate_order(g, &f->home, WITH, slice_str(ORDER_BODY));
	assert_int_equal(gate_wait(f), ERR_UPSTREAM);
	g = gate_ready(f,
		SAY({.raw = "<xml><return_code>FAIL</return_code><return_msg>"
			    "签名错误</return_msg></xml>"}));
	gate_order(g, &f->home, WITH, slice_str(ORDER_BODY));
	assert_int_equal(gate_wait(f), ERR_UPSTREAM_CONFIG);
	assert_string_equal(g->code, "SIGN_ERROR");
	gate_teardown(f);
}

static void
v2_s_bill_is_text_or_a_refusal(void **state)
{
	struct gate_fixture *f = gate_setup(with_v2);
	struct gate *g = gate_ready(f, SAY({.raw = BILL}));
	_json_ json_t *v = NULL;

	(void)state;
	gate_bill(g, &f->home, WITH, "", "2026-11-20");
	assert_int_equal(gate_wait(f), 0);
	assert_string_equal(g->bill.ptr, BILL);
	assert_string_equal(f->asked[0].target, "/pay/downloadbill");
	v = v2_asked(f);
	assert_string_equal(vector_text(v, "bill_date"), "20261120");
	g = gate_ready(f,
		SAY({.raw = "<xml><return_code>FAIL</return_code><return_msg>"
			    "No Bill Exist</return_msg><error_code>20002"
			    "</error_code></xml>"}));
	gate_bill(g, &f->home, WITH, "", "2026-11-20");
	assert_int_equal(gate_wait(f), ERR_PAY_REFUSED);
	assert_string_equal(g->code, "NO_STATEMENT_EXIST");
	gate_teardown(f);
}

static void
v2_s_lost_requests_go_to_the_backup_host(void **state)
{
	struct gate_fixture *f = gate_setup(with_v2);
	struct gate *g = gate_ready(
		f, SAY({.close = true}, {.raw = V2("prepay_id", "wx1")}));

	(void)state;
	gate_order(g, &f->home, WITH, slice_str(ORDER_BODY));
	assert_int_equal(gate_wait(f), 0);
	assert_int_equal(f->count, 2);
	assert_true(f->asked[1].backup);
	gate_teardown(f);
}

static void
payment_arguments_of_v2_are_signed_with_the_order_s_way(void **state)
{
	static void (*const ways[])(struct merchant_conf *) = {
		with_v2, with_v2_hmac};
	static const char *const types[] = {"MD5", "HMAC-SHA256"};

	(void)state;
	for (size_t i = 0; i < array_size(ways); i++) {
		struct gate_fixture *f = gate_setup(ways[i]);
		_buf_ struct buf text;
		_json_ json_t *v = NULL;

		buf_init(&text, 4096);
		assert_int_equal(gate_payment(&text, f->merchant,
					 "wx0123456789abcdef", SLICE("wx1")),
			0);
		assert_int_equal(val_parse(&v, buf_all(&text), NULL), 0);
		assert_int_equal(json_object_size(v), 5);
		assert_string_equal(vector_text(v, "signType"), types[i]);
		assert_string_equal(vector_text(v, "package"), "prepay_id=wx1");
		json_object_set_new(
			v, "appId", json_string("wx0123456789abcdef"));
		json_object_set_new(
			v, "sign", json_string(vector_text(v, "paySign")));
		json_object_del(v, "paySign");
		assert_int_equal(v2_verify(v, f->merchant->v2_key), 0);
		gate_teardown(f);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(v2_orders_are_made_of_the_same_body),
		cmocka_unit_test(
			v2_tells_how_an_order_stands_in_the_same_words),
		cmocka_unit_test(an_answer_of_v2_without_a_state_pays_nothing),
		cmocka_unit_test(v2_looks_up_one_refund_of_several),
		cmocka_unit_test(v2_refunds_need_the_merchant_s_certificate),
		cmocka_unit_test(v2_s_refusals_have_v3_s_words),
		cmocka_unit_test(
			v2_answers_that_do_not_verify_are_not_believed),
		cmocka_unit_test(v2_s_bill_is_text_or_a_refusal),
		cmocka_unit_test(v2_s_lost_requests_go_to_the_backup_host),
		cmocka_unit_test(
			payment_arguments_of_v2_are_signed_with_the_order_s_way),
	};

	return cmocka_run_group_tests(tests, vectors_setup, vectors_teardown);
}
