/*
 * WeChat's trade bills.  data/tradebill.csv is a real one, byte for byte: its
 * SHA-1 is the hash_value that WeChat Pay gave for it (both stand in the tests
 * of a public Go client of API v3, mchid 1601959334).  Other lines are quoted
 * from bills that people published.
 */
#include "base/buf.h"
#include "base/crypto.h"
#include "base/mem.h"
#include "base/paths.h"
#include "base/text.h"
#include "pay/tradebill.h"
#include "tests/unit/test.h"

#include <stdlib.h>

/* hash_value of the answer that named the download address. */
#define REAL_SUM "dcd7ceb3d382a1181798368bb15d8437de46c00f"

#define HEAD \
	"交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号," \
	"用户标识,交易类型,交易状态,付款银行,货币种类,应结订单金额," \
	"代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额," \
	"退款类型,退款状态,商品名称,商户数据包,手续费,费率,订单金额," \
	"申请退款金额,费率备注\n"
#define SUMS \
	"总交易单数,应结订单总金额,退款总金额,充值券退款总金额," \
	"手续费总金额,订单总金额,申请退款总金额\n"

/* A published refund and payment (2024): commas and braces in the attach. */
#define REFUND \
	"`2024-07-09 16:47:58,`wxe1696e7c7db8e7f4,`1579507281,`0,`," \
	"`4200002166202406250324636876,`5617363390111199232," \
	"`oVgfJ5d35c6iAXrRCnfhOGF9aHT8,`JSAPI,`REFUND,`OTHERS,`CNY,`0.00," \
	"`0.00,`50302709992024070991956632208,`5622435300878286848,`50.00," \
	"`0.00,`ORIGINAL,`SUCCESS,`2024-06-28 18:30 客户付款," \
	"`{\"statement_id\":\"5617363390111199232\"},`-0.27000,`0.54%,`0.00," \
	"`50.00,`\n"
#define PAYMENT \
	"`2024-07-09 10:06:33,`wxe1696e7c7db8e7f4,`1579507281,`0,`," \
	"`4200002360202407091150650780,`5622334254839656448," \
	"`oVgfJ5TrnzDOSuaxbFc33mw-5LUY,`JSAPI,`SUCCESS,`OTHERS,`CNY,`60.00," \
	"`0.00,`0,`0,`0.00,`0.00,`,`,`2024-07-10 13:50 客户付款," \
	"`{\"statement_id\":\"5622334254839656448\"},`0.32000,`0.54%,`60.00," \
	"`0.00,`\n"
#define TWO_SUMS SUMS "`2,`60.00,`50.00,`0.00,`0.05000,`60.00,`50.00\n"

/* A bill of before 2019, as its merchants still get it. */
#define OLD \
	"交易时间,公众账号ID,商户号,子商户号,设备号,微信订单号,商户订单号," \
	"用户标识,交易类型,交易状态,付款银行,货币种类,总金额,企业红包金额," \
	"微信退款单号,商户退款单号,退款金额,企业红包退款金额,退款类型," \
	"退款状态,商品名称,商户数据包,手续费,费率\n" \
	"`2018-08-21 18:13:12,`wx34723380b2d8a699,`1510598081,`1511458511,`," \
	"`4200000145201808202300523655,`2018082010," \
	"`oDodT0XcpFfrHVR9Kc_VgpFOj8lQ,`NATIVE,`REFUND,`CFT,`CNY,`0.00,`0.00," \
	"`50000707812018082106030155182,`" \
	"1012413262018082023005236551534846383," \
	"`0.01,`0.00,`ORIGINAL,`SUCCESS,`微信下单单元测试-2,`,`0.00000,`1.00%" \
	"\n" \
	"总交易单数,总交易额,总退款金额,总企业红包退款金额,手续费总金额\n" \
	"`1,`0.00,`0.01,`0.00,`0.00000\n"

static struct tradebill bill;
static struct tradebill_line line;
static struct fault why;

static void
open_bill(const char *text)
{
	assert_int_equal(tradebill_open(&bill, slice_str(text), &why), 0);
}

/* A line must come. */
static void
next(void)
{
	int r = tradebill_next(&bill, &line, &why);

	if (r < 0)
		fail_msg("%s", why.text);
	assert_int_equal(r, 1);
}

/* What the whole bill comes to: "" or the sentence. */
static const char *
verdict(const char *text)
{
	int r;

	why.text[0] = '\0';
	if (tradebill_open(&bill, slice_str(text), &why) < 0)
		return why.text;
	while ((r = tradebill_next(&bill, &line, &why)) > 0)
		;
	return r < 0 ? why.text : "";
}

#define assert_slice(s, text) assert_true(slice_is(s, text))

static void
a_real_bill_is_read_to_its_end(void **state)
{
	const char *from = getenv("MPCLOUD_DATA");
	_free_ char *path = str_printf(
		"%s/tests/unit/data/tradebill.csv", from ? from : ".");
	_free_ char *text = NULL;
	uint8_t sum[SHA1_LEN];
	_buf_ struct buf hex;
	size_t len;

	(void)state;
	assert_int_equal(file_read(path, 65536, &text, &len, &why), 0);
	crypto_sha1(slice_of(text, len), sum);
	buf_init(&hex, 64);
	text_hex(&hex, slice_of(sum, sizeof(sum)));
	assert_string_equal(hex.ptr, REAL_SUM);

	open_bill(text);
	next();
	assert_int_equal(line.kind, TRADEBILL_PAID);
	assert_slice(line.out_trade_no, "S20210128170702357723");
	assert_slice(line.transaction_id, "4200000925202101284997714292");
	assert_slice(line.appid, "wx81be3101902f7cb2");
	assert_slice(line.mchid, "1601959334");
	assert_slice(line.openid, "ofyak5qR_1wYsC99CsWA6R9MJazA");
	assert_slice(line.currency, "CNY");
	assert_int_equal(line.total, 1);
	/* date -d '2021-01-28 17:07:11 +0800' +%s */
	assert_int_equal(line.at_ms, 1611824831000);
	next();
	next();
	assert_slice(line.out_trade_no, "S20210128165824499930");
	assert_int_equal(tradebill_next(&bill, &line, &why), 0);
}

static void
payments_and_refunds_are_told_apart(void **state)
{
	(void)state;
	open_bill(HEAD REFUND PAYMENT TWO_SUMS);
	next();
	assert_int_equal(line.kind, TRADEBILL_REFUND);
	assert_slice(line.out_refund_no, "5622435300878286848");
	assert_slice(line.refund_id, "50302709992024070991956632208");
	assert_slice(line.refund_state, "SUCCESS");
	assert_int_equal(line.refund, 5000);
	next();
	assert_int_equal(line.kind, TRADEBILL_PAID);
	assert_int_equal(line.total, 6000);
	assert_slice(line.out_refund_no, "");
	assert_int_equal(tradebill_next(&bill, &line, &why), 0);
	assert_int_equal(tradebill_next(&bill, &line, &why), 0);
}

static void
an_old_bill_has_other_names(void **state)
{
	(void)state;
	open_bill(OLD);
	next();
	assert_int_equal(line.refund, 1);
	assert_slice(
		line.out_refund_no, "1012413262018082023005236551534846383");
	assert_int_equal(tradebill_next(&bill, &line, &why), 0);
}

/* As a merchant's own order could write it. */
static void
free_text_cannot_shift_the_columns(void **state)
{
	(void)state;
	open_bill(HEAD
		"`2024-07-09 10:06:33,`wx1,`1579507281,`0,`,`4200,`order-1,`o1,"
		"`JSAPI,`SUCCESS,`OTHERS,`CNY,`60.00,`0.00,`0,`0,`0.00,`0.00,`,"
		"`,`goods,`99999.00,`more, and more,`attach,`x,`0.32,`0.54%,"
		"`60.00,`0.00,`\n" SUMS "`1,`60.00,`0,`0,`0.32,`60.00,`0\n");
	next();
	assert_int_equal(line.total, 6000);
	assert_slice(line.out_trade_no, "order-1");
	assert_int_equal(tradebill_next(&bill, &line, &why), 0);
}

static void
a_line_break_in_free_text_is_noticed(void **state)
{
	(void)state;
	assert_string_equal(
		verdict(HEAD "`2024-07-09 10:06:33,`wx1,`15,`0,`,`4200,`order-1"
			     ",`o1,`JSAPI,`SUCCESS,`OTHERS,`CNY,`60.00,`0.00,"
			     "`0,`0,`0.00,`0.00,`,`,`goods\n" PAYMENT TWO_SUMS),
		"line 2 of the bill: it has not as many fields as columns");
	/* a whole line smuggled in: the sums count one less */
	assert_string_equal(verdict(HEAD PAYMENT PAYMENT PAYMENT TWO_SUMS),
		"the bill counts 2 lines and has 3");
}

static void
a_bill_that_is_cut_off_is_refused(void **state)
{
	(void)state;
	assert_non_null(strstr(verdict(HEAD PAYMENT), "the bill is cut off"));
	assert_non_null(
		strstr(verdict(HEAD PAYMENT SUMS), "the bill is cut off"));
	assert_string_equal(verdict(""), "the bill is empty");
}

static void
what_is_no_bill_is_refused(void **state)
{
	(void)state;
	assert_non_null(strstr(verdict("<xml><return_code>FAIL</return_code>"),
		"the bill has no column 交易时间"));
	assert_non_null(strstr(
		verdict(HEAD "`2024-07-09 10:06:33,`wx1,`15,`0,`,`4200,`order-1"
			     ",`o1,`JSAPI,`WONDERFUL,`OTHERS,`CNY,`60.00,"
			     "`0.00,`0,`0,`0.00,`0.00,`,`,`goods,`,`0,`0,"
			     "`60.00,`0.00,`\n"),
		"a state that is not known"));
}

static void
an_empty_bill_has_sums_only(void **state)
{
	(void)state;
	assert_string_equal(verdict(HEAD SUMS "`0,`0.00,`0,`0,`0,`0,`0"), "");
	assert_int_equal(bill.count, 0);
}

static void
yuan_become_fen_exactly(void **state)
{
	static const struct {
		const char *yuan;
		int64_t fen;
	} rows[] = {
		{"0.01", 1},
		{"0", 0},
		{"0.0", 0},
		{"12", 1200},
		{"12.3", 1230},
		{"1299.02", 129902},
		{"0.00000", 0},
		{"8.10000", 810},
		{"999999999999.99", 99999999999999},
		{"0.29", 29},
	};
	static const char *const wrong[] = {"", ".", "1.", ".5", "-1.00",
		"0.001", "1,000.00", "1e3", "0.0000001", "１", " 1", "1 ",
		"9999999999999.00"};
	int64_t fen;

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		assert_int_equal(
			tradebill_fen(slice_str(rows[i].yuan), &fen), 0);
		assert_int_equal(fen, rows[i].fen);
	}
	for (size_t i = 0; i < array_size(wrong); i++)
		assert_true(tradebill_fen(slice_str(wrong[i]), &fen) < 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_real_bill_is_read_to_its_end),
		cmocka_unit_test(payments_and_refunds_are_told_apart),
		cmocka_unit_test(an_old_bill_has_other_names),
		cmocka_unit_test(free_text_cannot_shift_the_columns),
		cmocka_unit_test(a_line_break_in_free_text_is_noticed),
		cmocka_unit_test(a_bill_that_is_cut_off_is_refused),
		cmocka_unit_test(what_is_no_bill_is_refused),
		cmocka_unit_test(an_empty_bill_has_sums_only),
		cmocka_unit_test(yuan_become_fen_exactly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
