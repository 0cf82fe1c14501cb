/*
 * What is asked of WeChat Pay and what is believed of its answers: requests as
 * documented, every refusal by its own word, the backup host, probes, bills.
 */
#include "base/text.h"
#include "tests/unit/gate_driver.h"

#include <stdio.h>
#include <zlib.h>

#define PREPAY "{\"prepay_id\":\"wx26112221580621e9b071c00d9e093b0000\"}"
#define STATE(state) \
	"{\"appid\":\"wx0123456789abcdef\",\"mchid\":\"1900000109\"," \
	"\"out_trade_no\":\"shop-0001\",\"transaction_id\":\"4200\"," \
	"\"trade_state\":\"" state "\",\"trade_state_desc\":\"x\"," \
	"\"amount\":{\"total\":101,\"payer_total\":90,\"currency\":\"CNY\"}," \
	"\"payer\":{\"openid\":\"oTest1\"},\"success_time\":" \
	"\"2024-01-02T03:04:05+08:00\"}"
#define REFUNDED(status) \
	"{\"refund_id\":\"5000\",\"out_refund_no\":\"back-0001\"," \
	"\"transaction_id\":\"4200\",\"out_trade_no\":\"shop-0001\"," \
	"\"channel\":\"ORIGINAL\",\"status\":\"" status "\",\"create_time\":" \
	"\"2024-01-02T03:04:05+08:00\",\"amount\":{\"total\":101," \
	"\"refund\":50,\"payer_total\":101,\"payer_refund\":50," \
	"\"currency\":\"CNY\"}}"

static void
an_order_is_asked_for_as_documented(void **state)
{
	struct gate_fixture *f = gate_setup(NULL);
	struct gate *g = gate_ready(f, SAY({.body = PREPAY}));

	(void)state;
	gate_order(g, &f->home, WITH, slice_str(ORDER_BODY));
	assert_int_equal(gate_wait(f), 0);
	assert_string_equal(
		g->prepay_id, "wx26112221580621e9b071c00d9e093b0000");
	assert_int_equal(f->count, 1);
	assert_string_equal(f->asked[0].method, "POST");
	assert_string_equal(f->asked[0].target, "/v3/pay/transactions/jsapi");
	assert_string_equal(f->asked[0].body.ptr, ORDER_BODY);
	assert_string_equal(f->asked[0].type, "application/json");
	assert_string_equal(f->asked[0].serial,
		vector_key(vectors_own, "wechatpay_pubkey_id"));
	gate_teardown(f);
}

static void
a_query_tells_how_an_order_stands(void **state)
{
	static const struct {
		const char *body, *state;
	} rows[] = {
		{STATE("SUCCESS"), "SUCCESS"},
		{STATE("REFUND"), "REFUND"},
		{STATE("NOTPAY"), "NOTPAY"},
		{"{\"appid\":\"wx0123456789abcdef\",\"mchid\":\"1900000109\","
		 "\"out_trade_no\":\"shop-0001\",\"trade_state\":\"CLOSED\"}",
			"CLOSED"},
	};
	struct gate_fixture *f = gate_setup(NULL);

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct gate *g = gate_ready(f, SAY({.body = rows[i].body}));

		gate_query(
			g, &f->home, WITH, "wx0123456789abcdef", "shop-0001");
		assert_int_equal(gate_wait(f), 0);
		assert_string_equal(g->told.state, rows[i].state);
		assert_int_equal(g->told.total, i < 3 ? 101 : -1);
		assert_string_equal(f->asked[0].method, "GET");
		assert_string_equal(f->asked[0].target,
			"/v3/pay/transactions/out-trade-no/"
			"shop-0001?mchid=1900000109");
		assert_int_equal(f->asked[0].body.len, 0);
		assert_string_equal(f->asked[0].type, "");
	}
	gate_teardown(f);
}

static void
numbers_with_odd_letters_are_escaped_before_they_are_signed(void **state)
{
	struct gate_fixture *f = gate_setup(NULL);
	struct gate *g = gate_ready(f, SAY({.status = 204}));

	(void)state;
	gate_close(g, &f->home, WITH, "", "a|b*c-_1");
	assert_int_equal(gate_wait(f), 0);
	assert_string_equal(f->asked[0].method, "POST");
	assert_string_equal(f->asked[0].target,
		"/v3/pay/transactions/out-trade-no/a%7Cb%2Ac-_1/close");
	assert_string_equal(f->asked[0].body.ptr, "{\"mchid\":\"1900000109\"}");
	gate_teardown(f);
}

static void
an_answer_about_another_order_is_not_believed(void **state)
{
	struct gate_fixture *f = gate_setup(NULL);
	struct gate *g = gate_ready(f, SAY({.body = STATE("SUCCESS")}));

	(void)state;
	gate_query(g, &f->home, WITH, "", "shop-0002");
	assert_int_equal(gate_wait(f), ERR_PAY_FORGED);
	g = gate_ready(f, SAY({.body = REFUNDED("SUCCESS")}));
	gate_refund_query(g, &f->home, WITH, "", "back-0002");
	assert_int_equal(gate_wait(f), ERR_PAY_FORGED);
	gate_teardown(f);
}

static void
a_refund_is_asked_for_and_looked_up(void **state)
{
	struct gate_fixture *f = gate_setup(NULL);
	struct gate *g = gate_ready(f, SAY({.body = REFUNDED("PROCESSING")}));

	(void)state;
	gate_refund(g, &f->home, WITH, "wx0123456789abcdef",
		slice_str(REFUND_BODY));
	assert_int_equal(gate_wait(f), 0);
	assert_string_equal(f->asked[0].target, "/v3/refund/domestic/refunds");
	assert_string_equal(f->asked[0].body.ptr, REFUND_BODY);
	assert_string_equal(g->told.state, "PROCESSING");
	assert_string_equal(g->told.event_type, "REFUND.PROCESSING");
	assert_string_equal(g->told.mchid, "1900000109");
	assert_string_equal(g->told.appid, "wx0123456789abcdef");
	assert_int_equal(g->told.refund, 50);
	g = gate_ready(f, SAY({.body = REFUNDED("SUCCESS")}));
	gate_refund_query(g, &f->home, WITH, "", "back-0001");
	assert_int_equal(gate_wait(f), 0);
	assert_string_equal(
		f->asked[0].target, "/v3/refund/domestic/refunds/back-0001");
	assert_string_equal(g->told.state, "SUCCESS");
	gate_teardown(f);
}

/* Every code of the documentation's tables, in either spelling. */
static void
each_refusal_is_told_by_its_word(void **state)
{
	static const struct {
		int status;
		const char *code, *word;
		int err;
	} rows[] = {
		{400, "PARAM_ERROR", NULL, ERR_PAY_REFUSED},
		{400, "INVALID_REQUEST", NULL, ERR_PAY_REFUSED},
		{400, "APPID_MCHID_NOT_MATCH", NULL, ERR_UPSTREAM_CONFIG},
		{400, "MCH_NOT_EXISTS", NULL, ERR_UPSTREAM_CONFIG},
		{404, "MCH_NOT_EXISTS", NULL, ERR_UPSTREAM_CONFIG},
		{400, "ORDER_CLOSED", NULL, ERR_PAY_REFUSED},
		{400, "ORDERCLOSED", "ORDER_CLOSED", ERR_PAY_REFUSED},
		{401, "SIGN_ERROR", NULL, ERR_UPSTREAM_CONFIG},
		{403, "NO_AUTH", NULL, ERR_UPSTREAM_CONFIG},
		{403, "NOAUTH", "NO_AUTH", ERR_UPSTREAM_CONFIG},
		{403, "OUT_TRADE_NO_USED", NULL, ERR_PAY_REFUSED},
		{403, "ACCOUNTERROR", "ACCOUNT_ERROR", ERR_UPSTREAM_CONFIG},
		{403, "RULELIMIT", "RULE_LIMIT", ERR_PAY_REFUSED},
		{403, "TRADE_ERROR", NULL, ERR_PAY_REFUSED},
		{404, "ORDER_NOT_EXIST", NULL, ERR_PAY_REFUSED},
		{404, "ORDERNOTEXIST", "ORDER_NOT_EXIST", ERR_PAY_REFUSED},
		{403, "ORDER_PAID", "ORDERPAID", ERR_PAY_REFUSED},
		{403, "ORDERPAID", NULL, ERR_PAY_REFUSED},
		{429, "FREQUENCY_LIMITED", NULL, ERR_UPSTREAM_BUSY},
		{429, "RATELIMIT_EXCEEDED", NULL, ERR_UPSTREAM_BUSY},
		{500, "SYSTEM_ERROR", NULL, ERR_UPSTREAM_BUSY},
		{500, "SYSTEMERROR", "SYSTEM_ERROR", ERR_UPSTREAM_BUSY},
		{500, "BANKERROR", "BANK_ERROR", ERR_UPSTREAM_BUSY},
		{500, "INVALID_TRANSACTIONID", NULL, ERR_PAY_REFUSED},
		{500, "OPENID_MISMATCH", NULL, ERR_PAY_REFUSED},
		{403, "NOT_ENOUGH", NULL, ERR_PAY_REFUSED},
		{403, "NOTENOUGH", "NOT_ENOUGH", ERR_PAY_REFUSED},
		{403, "USER_ACCOUNT_ABNORMAL", NULL, ERR_PAY_REFUSED},
		{404, "RESOURCE_NOT_EXISTS", NULL, ERR_PAY_REFUSED},
		{400, "NO_STATEMENT_EXIST", NULL, ERR_PAY_REFUSED},
		{400, "STATEMENT_CREATING", NULL, ERR_PAY_REFUSED},
		{400, "SOMETHING_NEW", NULL, ERR_PAY_REFUSED},
		{401, "SOMETHING_NEW", NULL, ERR_UPSTREAM_CONFIG},
		{429, "SOMETHING_NEW", NULL, ERR_UPSTREAM_BUSY},
		{503, "SOMETHING_NEW", NULL, ERR_UPSTREAM_BUSY},
	};
	struct gate_fixture *f = gate_setup(NULL);

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		char body[200];
		struct gate *g = gate_ready(
			f, SAY({.status = rows[i].status, .body = body}));

		(void)snprintf(body, sizeof(body),
			"{\"code\":\"%s\",\"message\":\"说明\"}", rows[i].code);
		gate_query(g, &f->home, WITH, "", "shop-0001");
		assert_int_equal(gate_wait(f), rows[i].err);
		assert_string_equal(
			g->code, rows[i].word ? rows[i].word : rows[i].code);
		assert_int_equal(f->count, 1);
		if (rows[i].err == ERR_UPSTREAM_BUSY)
			assert_non_null(strstr(g->job.why.text, "safely"));
	}
	gate_teardown(f);
}

static void
closed_already_is_what_was_wanted(void **state)
{
	struct gate_fixture *f = gate_setup(NULL);
	struct gate *g = gate_ready(
		f, SAY({.status = 400, .body = "{\"code\":\"ORDER_CLOSED\"}"}));

	(void)state;
	gate_close(g, &f->home, WITH, "", "shop-0001");
	assert_int_equal(gate_wait(f), 0);
	g = gate_ready(
		f, SAY({.status = 400, .body = "{\"code\":\"ORDERPAID\"}"}));
	gate_close(g, &f->home, WITH, "", "shop-0001");
	assert_int_equal(gate_wait(f), ERR_PAY_REFUSED);
	assert_string_equal(g->code, "ORDERPAID");
	gate_teardown(f);
}

static void
a_host_that_is_away_is_asked_once_more_at_the_backup(void **state)
{
	struct gate_fixture *f = gate_setup(NULL);
	struct gate *g = gate_ready(f, SAY({.close = true}, {.body = PREPAY}));

	(void)state;
	gate_order(g, &f->home, WITH, slice_str(ORDER_BODY));
	assert_int_equal(gate_wait(f), 0);
	assert_int_equal(f->count, 2);
	assert_false(f->asked[0].backup);
	assert_true(f->asked[1].backup);
	assert_string_equal(f->asked[1].body.ptr, f->asked[0].body.ptr);
	gate_teardown(f);
	/* both away: told so, and nothing more is tried */
	f = gate_setup(NULL);
	g = gate_ready(f, SAY({.close = true}));
	gate_order(g, &f->home, WITH, slice_str(ORDER_BODY));
	assert_int_equal(gate_wait(f), ERR_UPSTREAM);
	assert_int_equal(f->count, 2);
	assert_non_null(strstr(g->job.why.text, "safely"));
	/* nobody listens at all */
	fake_stop(&f->fake);
	fake_start(&f->fake, &f->loop, f->backup.answer);
	f->fake.owner = f;
	fake_stop(&f->fake);
	g = gate_ready(f, SAY({.body = PREPAY}));
	gate_order(g, &f->home, WITH, slice_str(ORDER_BODY));
	assert_int_equal(gate_wait(f), 0);
	assert_int_equal(f->count, 1);
	assert_true(f->asked[0].backup);
	fake_start(&f->fake, &f->loop, f->backup.answer);
	f->fake.owner = f;
	gate_teardown(f);
}

static void
without_backup(struct merchant_conf *conf)
{
	conf->api_backup = "";
}

static void
no_backup_host_means_one_try(void **state)
{
	struct gate_fixture *f = gate_setup(without_backup);
	struct gate *g = gate_ready(f, SAY({.close = true}));

	(void)state;
	gate_order(g, &f->home, WITH, slice_str(ORDER_BODY));
	assert_int_equal(gate_wait(f), ERR_UPSTREAM);
	assert_int_equal(f->count, 1);
	gate_teardown(f);
}

static void
a_probe_in_an_answer_is_asked_again_with_a_fresh_signature(void **state)
{
	struct gate_fixture *f = gate_setup(NULL);
	struct gate *g = gate_ready(
		f, SAY({.body = PREPAY, .probe = true},
			   {.body = PREPAY, .probe = true}, {.body = PREPAY}));

	(void)state;
	gate_order(g, &f->home, WITH, slice_str(ORDER_BODY));
	assert_int_equal(gate_wait(f), 0);
	assert_int_equal(f->count, 3);
	assert_string_equal(f->asked[2].body.ptr, f->asked[0].body.ptr);
	g = gate_ready(f, SAY({.body = PREPAY, .probe = true}));
	gate_order(g, &f->home, WITH, slice_str(ORDER_BODY));
	assert_int_equal(gate_wait(f), ERR_UPSTREAM_BUSY);
	assert_int_equal(f->count, 3);
	gate_teardown(f);
}

static void
answers_that_do_not_verify_are_not_believed(void **state)
{
	const struct {
		struct gate_say say;
		const char *words;
	} rows[] = {
		{{.body = PREPAY, .unsigned_ = true}, "header is missing"},
		{{.body = PREPAY, .key = "platform_private_key"},
			"signature is wrong"},
		{{.body = PREPAY, .skew_s = 300}, "five minutes"},
		{{.body = PREPAY, .skew_s = -300}, "five minutes"},
		{{.body = PREPAY, .serial = "PUB_KEY_ID_2"},
			"another public key"},
		{{.body = PREPAY,
			 .key = "platform_private_key",
			 .serial = "5A5A00000000000000000000000000000000A5A5"},
			"pay.certificates = yes"},
	};
	struct gate_fixture *f = gate_setup(NULL);

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct gate *g = gate_ready(f, &rows[i].say, 1);

		gate_order(g, &f->home, WITH, slice_str(ORDER_BODY));
		assert_int_equal(gate_wait(f), ERR_PAY_FORGED);
		assert_null(g->prepay_id);
		if (!strstr(g->job.why.text, rows[i].words))
			fail_msg("%s", g->job.why.text);
	}
	gate_teardown(f);
}

static void
with_certificates(struct merchant_conf *conf)
{
	conf->certificates = "yes";
}

static void
an_answer_signed_with_a_known_certificate_verifies(void **state)
{
	struct gate_fixture *f = gate_setup(with_certificates);
	struct gate *g = gate_ready(f,
		SAY({.body = PREPAY,
			.key = "platform_private_key",
			.serial = "5a5a00000000000000000000000000000000a5a5"}));

	(void)state;
	assert_int_equal(
		certs_add(f->merchant->certs,
			slice_str(vector_key(vectors_own, "platform_serial")),
			slice_str(vector_key(
				vectors_own, "platform_certificate")),
			NULL),
		0);
	gate_order(g, &f->home, WITH, slice_str(ORDER_BODY));
	assert_int_equal(gate_wait(f), 0);
	gate_teardown(f);
}

/* ---- bills ---- */

#define BILL "\xEF\xBB\xBF交易时间,公众账号ID\r\n`2024-01-02 03:04:05,`wx1\r\n"

static void
bill_answer(struct gate_fixture *f, char to[600], const char *base,
	struct slice bill)
{
	uint8_t sum[SHA1_LEN];
	_buf_ struct buf hex;

	(void)f;
	buf_init(&hex, 64);
	crypto_sha1(bill, sum);
	text_hex(&hex, slice_of(sum, sizeof(sum)));
	(void)snprintf(to, 600,
		"{\"hash_type\":\"SHA1\",\"hash_value\":\"%s\","
		"\"download_url\":\"%s/v3/billdownload/file?token=6XIv5TUPto&"
		"tartype=gzip\"}",
		hex.ptr, base);
}

static size_t
packed(char *to, size_t room, struct slice in)
{
	z_stream z = {0};

	assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 16 + MAX_WBITS, 8,
				 Z_DEFAULT_STRATEGY),
		Z_OK);
	z.next_in = (Bytef *)(uintptr_t)in.ptr;
	z.avail_in = (uInt)in.len;
	z.next_out = (Bytef *)to;
	z.avail_out = (uInt)room;
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	(void)deflateEnd(&z);
	return room - z.avail_out;
}

static void
a_bill_comes_packed_or_plain_and_its_sum_is_checked(void **state)
{
	struct gate_fixture *f = gate_setup(NULL);
	char where[600], zip[1024];
	size_t len = packed(zip, sizeof(zip), slice_str(BILL));
	struct gate *g;

	(void)state;
	bill_answer(f, where, f->fake.base, slice_str(BILL));
	g = gate_ready(f, SAY({.body = where}, {.raw = zip, .raw_len = len}));
	gate_bill(g, &f->home, WITH, "", "2026-11-20");
	assert_int_equal(gate_wait(f), 0);
	assert_string_equal(g->bill.ptr, BILL);
	assert_string_equal(f->asked[0].target,
		"/v3/bill/tradebill?bill_date=2026-11-20&bill_type=ALL&"
		"tar_type=GZIP");
	assert_string_equal(f->asked[1].target,
		"/v3/billdownload/file?token=6XIv5TUPto&tartype=gzip");
	g = gate_ready(f, SAY({.body = where}, {.raw = BILL}));
	gate_bill(g, &f->home, WITH, "", "2026-11-20");
	assert_int_equal(gate_wait(f), 0);
	assert_string_equal(g->bill.ptr, BILL);
	/* cut, changed */
	g = gate_ready(
		f, SAY({.body = where}, {.raw = zip, .raw_len = len - 9}));
	gate_bill(g, &f->home, WITH, "", "2026-11-20");
	assert_int_equal(gate_wait(f), ERR_PAY_FORGED);
	g = gate_ready(f, SAY({.body = where}, {.raw = BILL "x"}));
	gate_bill(g, &f->home, WITH, "", "2026-11-20");
	assert_int_equal(gate_wait(f), ERR_PAY_FORGED);
	gate_teardown(f);
}

static void
a_bill_is_fetched_from_wechat_pay_s_hosts_only(void **state)
{
	static const char *const elsewhere[] = {"http://127.0.0.1:1",
		"https://api.mch.weixin.qq.com.evil.example",
		"http://u@127.0.0.1", "file://"};
	struct gate_fixture *f = gate_setup(NULL);
	char where[600];
	struct gate *g;

	(void)state;
	for (size_t i = 0; i < array_size(elsewhere); i++) {
		bill_answer(f, where, elsewhere[i], slice_str(BILL));
		g = gate_ready(f, SAY({.body = where}));
		gate_bill(g, &f->home, WITH, "", "2026-11-20");
		assert_int_equal(gate_wait(f), ERR_PAY_FORGED);
		assert_int_equal(f->count, 1);
	}
	bill_answer(f, where, f->backup.base, slice_str(BILL));
	g = gate_ready(f, SAY({.body = where}, {.raw = BILL}));
	gate_bill(g, &f->home, WITH, "", "2026-11-20");
	assert_int_equal(gate_wait(f), 0);
	assert_true(f->asked[1].backup);
	gate_teardown(f);
}

static void
a_day_without_trade_has_no_bill(void **state)
{
	struct gate_fixture *f = gate_setup(NULL);
	struct gate *g = gate_ready(
		f, SAY({.status = 400,
			   .body = "{\"code\":\"NO_STATEMENT_EXIST\"}"}));

	(void)state;
	gate_bill(g, &f->home, WITH, "", "2026-11-20");
	assert_int_equal(gate_wait(f), ERR_PAY_REFUSED);
	assert_string_equal(g->code, "NO_STATEMENT_EXIST");
	gate_teardown(f);
}

static void
a_question_that_is_dropped_is_answered_by_nobody(void **state)
{
	struct gate_fixture *f = gate_setup(NULL);
	struct gate *g = gate_ready(f, SAY({.body = PREPAY}));

	(void)state;
	gate_order(g, &f->home, WITH, slice_str(ORDER_BODY));
	gate_done(g);
	for (int i = 0; i < 20; i++)
		loop_turn(&f->loop, false);
	assert_int_equal(f->done, 0);
	gate_teardown(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_order_is_asked_for_as_documented),
		cmocka_unit_test(a_query_tells_how_an_order_stands),
		cmocka_unit_test(
			numbers_with_odd_letters_are_escaped_before_they_are_signed),
		cmocka_unit_test(an_answer_about_another_order_is_not_believed),
		cmocka_unit_test(a_refund_is_asked_for_and_looked_up),
		cmocka_unit_test(each_refusal_is_told_by_its_word),
		cmocka_unit_test(closed_already_is_what_was_wanted),
		cmocka_unit_test(
			a_host_that_is_away_is_asked_once_more_at_the_backup),
		cmocka_unit_test(no_backup_host_means_one_try),
		cmocka_unit_test(
			a_probe_in_an_answer_is_asked_again_with_a_fresh_signature),
		cmocka_unit_test(answers_that_do_not_verify_are_not_believed),
		cmocka_unit_test(
			an_answer_signed_with_a_known_certificate_verifies),
		cmocka_unit_test(
			a_bill_comes_packed_or_plain_and_its_sum_is_checked),
		cmocka_unit_test(
			a_bill_is_fetched_from_wechat_pay_s_hosts_only),
		cmocka_unit_test(a_day_without_trade_has_no_bill),
		cmocka_unit_test(
			a_question_that_is_dropped_is_answered_by_nobody),
	};

	return cmocka_run_group_tests(tests, vectors_setup, vectors_teardown);
}
