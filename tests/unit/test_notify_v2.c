/*
 * Callbacks of v2: payments signed over every field, refunds sealed by the
 * openssl command (data/v2_refund.h).
 */
#include "base/clock.h"
#include "base/xml.h"
#include "pay/notify.h"
#include "pay/v2.h"
#include "tests/unit/data/v2_refund.h"
#include "tests/unit/vectors.h"

static struct merchant *m;
static struct arena arena;
static struct notify n;
static struct fault why;

static int
setup(void **state)
{
	(void)state;
	clock_set(1704135845 * CLOCK_S);
	m = vector_merchant("yes");
	arena_init(&arena, 1 << 20);
	why = (struct fault){0};
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	merchant_unref(m);
	arena_done(&arena);
	clock_set(-1);
	return 0;
}

static const char *
v2_body(const char *sign_type, const char *change, const char *value)
{
	_json_ json_t *v = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s,"
				     " s:s, s:s, s:s}",
		"return_code", "SUCCESS", "result_code", "SUCCESS", "appid",
		"wx0123456789abcdef", "mch_id", "1900000109", "nonce_str",
		"5K8264ILTKCH16CQ2502SI8ZNMTM67VS", "openid", "oTest1",
		"total_fee", "101", "transaction_id", "4200", "out_trade_no",
		"shop-0001", "time_end", "20240102030405", "unknown_field",
		"x&y=z");
	const char *key = vector_key(vectors_own, "api_v2_key");
	_buf_ struct buf sign, xml;

	buf_init(&sign, 256);
	buf_init(&xml, 65536);
	json_object_set_new(v, "sign_type", json_string(sign_type));
	assert_int_equal(
		v2_sign(&sign, v, key,
			strcmp(sign_type, "MD5") == 0 ? MERCHANT_MD5
						      : MERCHANT_HMAC_SHA256),
		0);
	json_object_set_new(v, "sign", json_string(sign.ptr));
	if (change && value)
		json_object_set_new(v, change, json_string(value));
	else if (change)
		json_object_del(v, change);
	assert_int_equal(xml_build(&xml, "xml", v, NULL), 0);
	return arena_str(&arena, buf_all(&xml));
}

static int
read_v2(const char *body)
{
	struct notify_in in = {.body = slice_str(body), .now_s = 1704135845};

	why = (struct fault){0};
	return notify_read_v2(&n, m, &in, &arena, &why);
}

static void
a_payment_of_v2_says_what_was_paid(void **state)
{
	static const char *const types[] = {"MD5", "HMAC-SHA256"};

	(void)state;
	for (size_t i = 0; i < array_size(types); i++) {
		assert_int_equal(read_v2(v2_body(types[i], NULL, NULL)), 0);
		assert_string_equal(n.out_trade_no, "shop-0001");
		assert_string_equal(n.openid, "oTest1");
		assert_string_equal(n.event_type, "TRANSACTION.SUCCESS");
		assert_string_equal(n.currency, "CNY");
		assert_int_equal(n.total, 101);
		/* 03:04:05 in China */
		assert_true(n.at_ms == 1704135845000);
		assert_int_equal(strlen(n.event_id), 64);
	}
}

static void
a_payment_of_v2_is_signed_over_every_field(void **state)
{
	static const struct {
		const char *name, *value;
		int err;
	} rows[] = {
		{"total_fee", "1", ERR_PAY_FORGED_NOTIFY},
		{"unknown_field", "x", ERR_PAY_FORGED_NOTIFY},
		{"unknown_field", NULL, ERR_PAY_FORGED_NOTIFY},
		{"added", "1", ERR_PAY_FORGED_NOTIFY},
		{"added", "", 0}, /* empty fields are not signed */
		{"sign", "AB", ERR_PAY_FORGED_NOTIFY},
		{"sign", NULL, ERR_PAY_UNSIGNED},
		{"sign", "", ERR_PAY_UNSIGNED},
		{"return_code", "FAIL", ERR_FORMAT},
		{"mch_id", "1900000110", ERR_PAY_FORGED_NOTIFY},
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++)
		assert_int_equal(
			read_v2(v2_body("MD5", rows[i].name, rows[i].value)),
			rows[i].err);
}

static void
xml_that_two_readers_read_differently_is_refused(void **state)
{
	static const char *const bodies[] = {
		"",
		"<xml></xml>",
		"<!DOCTYPE x [<!ENTITY a SYSTEM \"file:///etc/passwd\">]>"
		"<xml><return_code>&a;</return_code></xml>",
		"<xml><return_code>SUCCESS</return_code>"
		"<total_fee>1</total_fee><total_fee>2</total_fee>"
		"<sign>B552ED6B279343CB493C5DD0D78AB241</sign></xml>",
		"<root><return_code>SUCCESS</return_code></root>",
	};

	(void)state;
	for (size_t i = 0; i < array_size(bodies); i++) {
		int r = read_v2(bodies[i]);

		assert_true(r == ERR_FORMAT || r == ERR_PAY_FORGED_NOTIFY);
	}
}

static const char *
v2_refund(const char *mchid, const char *appid, const char *req_info)
{
	return arena_printf(&arena,
		"<xml><return_code>SUCCESS</return_code><appid>%s</appid>"
		"<mch_id>%s</mch_id><nonce_str>x</nonce_str>"
		"<req_info>%s</req_info></xml>",
		appid, mchid, req_info);
}

static void
a_refund_of_v2_is_opened(void **state)
{
	(void)state;
	assert_int_equal(read_v2(v2_refund("1900000109", "wx0123456789abcdef",
				 V2_REFUND_SUCCESS)),
		0);
	assert_int_equal(n.kind, NOTIFY_REFUND);
	assert_string_equal(n.event_type, "REFUND.SUCCESS");
	assert_string_equal(n.state, "SUCCESS");
	assert_string_equal(n.out_refund_no, "refund-0001");
	assert_string_equal(n.refund_id, "50000408942018111907145868882");
	assert_string_equal(n.mchid, "1900000109");
	assert_int_equal(n.refund, 50);
	assert_int_equal(n.total, 101);
	assert_true(n.at_ms == 1704135845000);
	assert_int_equal(read_v2(v2_refund("1900000109", "wx0123456789abcdef",
				 V2_REFUND_CHANGE)),
		0);
	assert_string_equal(n.event_type, "REFUND.ABNORMAL");
}

static void
a_refund_of_v2_at_another_merchant_s_address_is_refused(void **state)
{
	(void)state;
	assert_int_equal(read_v2(v2_refund("1900000110", "wx0123456789abcdef",
				 V2_REFUND_SUCCESS)),
		ERR_PAY_FORGED_NOTIFY);
	assert_int_equal(
		read_v2(v2_refund("1900000109", "wx9", V2_REFUND_SUCCESS)),
		ERR_PAY_FORGED_NOTIFY);
	assert_int_equal(read_v2(v2_refund("1900000109", "wx0123456789abcdef",
				 "AAAAAAAAAAAAAAAAAAAAAA==")),
		ERR_PAY_DECRYPT);
	m->v2_key[0] ^= 1;
	assert_int_equal(read_v2(v2_refund("1900000109", "wx0123456789abcdef",
				 V2_REFUND_SUCCESS)),
		ERR_PAY_DECRYPT);
	assert_non_null(strstr(why.text, "v2_key_file"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_payment_of_v2_says_what_was_paid),
		TEST(a_payment_of_v2_is_signed_over_every_field),
		TEST(xml_that_two_readers_read_differently_is_refused),
		TEST(a_refund_of_v2_is_opened),
		TEST(a_refund_of_v2_at_another_merchant_s_address_is_refused),
	};

	return cmocka_run_group_tests(tests, vectors_setup, vectors_teardown);
}
