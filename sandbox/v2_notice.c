/*
 * Callbacks of v2: a payment's is signed as answers are; a refund's is not
 * signed, its news are sealed with AES-256-ECB under the MD5 of the v2 key.
 * And the paySign that wx.requestPayment gets.
 */

#include "v2.h"

#include "random.h"

#include "base/mem.h"
#include "base/text.h"
#include "base/xml.h"

#include <stdio.h>

enum { BLOCK = 16 };

static int64_t
amount_get(const json_t *facts, const char *name)
{
	return json_integer_value(
		json_object_get(json_object_get(facts, "amount"), name));
}

static const char *
word_get(const json_t *facts, const char *name)
{
	return json_string_value(json_object_get(facts, name));
}

/* "2026-11-20T10:00:00+08:00" → "20261120100000" */
static void
digits_of(char ret[16], const char *time)
{
	size_t n = 0;

	for (; time && *time && *time != '+' && n < 14; time++)
		if (*time >= '0' && *time <= '9')
			ret[n++] = *time;
	ret[n] = '\0';
}

/* v3's facts in v2's words. */
static json_t *
payment_fields(const struct notice *n, enum notice_fault kind)
{
	_json_ json_t *facts = notice_facts(n, kind);
	_free_ char *nonce = random_name("", 32, ALNUM);
	const char *openid = json_string_value(
		json_object_get(json_object_get(facts, "payer"), "openid"));
	const char *currency = json_string_value(
		json_object_get(json_object_get(facts, "amount"), "currency"));
	const char *id = word_get(facts, "transaction_id");
	bool paid = id != NULL;
	char ended[16];

	digits_of(ended, word_get(facts, "success_time"));
	return json_pack(
		"{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:I,s:s,s:I,s:s,s:s,s:s,"
		"s:s}",
		"return_code", "SUCCESS", "result_code",
		paid ? "SUCCESS" : "FAIL", "appid", word_get(facts, "appid"),
		"mch_id", word_get(facts, "mchid"), "nonce_str", nonce,
		"openid", openid ? openid : "", "is_subscribe", "N",
		"trade_type", "JSAPI", "bank_type", "OTHERS", "total_fee",
		(json_int_t)amount_get(facts, "total"), "fee_type",
		currency ? currency : "CNY", "cash_fee",
		(json_int_t)amount_get(facts, "payer_total"), "transaction_id",
		id ? id : "", "out_trade_no", word_get(facts, "out_trade_no"),
		"attach",
		word_get(facts, "attach") ? word_get(facts, "attach") : "",
		"time_end", ended);
}

static int
payment_body(struct buf *to, const struct notice *n, enum notice_fault kind)
{
	_json_ json_t *f = payment_fields(n, kind);
	_free_ char *other = random_name("", 32, ALNUM);
	char sign[V2_SIGN + 1];

	v2_sign(sign, f, n->v2_sign_type,
		kind == NOTICE_SEALED ? other : n->seller->v2_key);
	if (kind == NOTICE_FORGED)
		sign[0] = sign[0] == 'A' ? 'B' : 'A';
	if (kind != NOTICE_BARE)
		(void)json_object_set_new(f, "sign", json_string(sign));
	return xml_build(to, "xml", f, NULL);
}

/* PKCS#7 and a block at a time: with an IV of zeroes that is ECB. */
static int
ecb_seal(struct buf *to, struct slice key, struct slice plain)
{
	static const uint8_t zero[BLOCK];
	_buf_ struct buf padded;
	size_t pad = BLOCK - plain.len % BLOCK;
	int r = 0;

	buf_init(&padded, V2_TEXT_TOP);
	buf_slice(&padded, plain);
	for (size_t i = 0; i < pad; i++)
		buf_char(&padded, (char)pad);
	for (size_t at = 0; r == 0 && at < padded.len; at += BLOCK)
		r = crypto_cbc_raw_seal(key, slice_of(zero, BLOCK),
			slice_of(padded.ptr + at, BLOCK), to);
	return r;
}

static int
seal_info(struct buf *to, const char *v2_key, struct slice plain)
{
	_buf_ struct buf hex, sealed;
	uint8_t sum[DIGEST_TOP];
	int r = crypto_digest("md5", slice_str(v2_key), sum);

	buf_init(&hex, 2 * DIGEST_TOP);
	buf_init(&sealed, V2_TEXT_TOP);
	if (r < 0)
		return r;
	text_hex(&hex, slice_of(sum, (size_t)r));
	r = ecb_seal(&sealed, buf_all(&hex), plain);
	if (r == 0)
		text_base64(to, buf_all(&sealed));
	return r;
}

static json_t *
refund_fields(const json_t *facts)
{
	const char *status = word_get(facts, "refund_status");
	const char *time = word_get(facts, "success_time");
	char when[32] = "";

	if (time)
		(void)snprintf(
			when, sizeof(when), "%.10s %.8s", time, time + 11);
	return json_pack(
		"{s:s,s:s,s:s,s:s,s:I,s:I,s:I,s:I,s:s,s:s,s:s,s:s,s:s}",
		"transaction_id", word_get(facts, "transaction_id"),
		"out_trade_no", word_get(facts, "out_trade_no"), "refund_id",
		word_get(facts, "refund_id"), "out_refund_no",
		word_get(facts, "out_refund_no"), "total_fee",
		(json_int_t)amount_get(facts, "total"), "settlement_total_fee",
		(json_int_t)amount_get(facts, "total"), "refund_fee",
		(json_int_t)amount_get(facts, "refund"),
		"settlement_refund_fee",
		(json_int_t)amount_get(facts, "refund"), "refund_status",
		v2_refund_status(refund_state_find(slice_str(status))),
		"success_time", when, "refund_recv_accout", "支付用户零钱",
		"refund_account", "REFUND_SOURCE_RECHARGE_FUNDS",
		"refund_request_source", "API");
}

static int
refund_body(struct buf *to, const struct notice *n, enum notice_fault kind)
{
	_json_ json_t *facts = notice_facts(n, kind);
	_json_ json_t *inner = refund_fields(facts);
	_json_ json_t *outer = NULL;
	_free_ char *nonce = random_name("", 32, ALNUM);
	_free_ char *other = random_name("", 32, ALNUM);
	_buf_ struct buf plain, info;
	int r;

	buf_init(&plain, V2_TEXT_TOP);
	buf_init(&info, V2_TEXT_TOP);
	r = xml_build(&plain, "root", inner, NULL);
	if (r == 0)
		r = seal_info(&info,
			kind == NOTICE_SEALED || kind == NOTICE_FORGED
				? other
				: n->seller->v2_key,
			buf_all(&plain));
	if (r < 0)
		return r;
	outer = json_pack("{s:s,s:s,s:s,s:s,s:s}", "return_code", "SUCCESS",
		"appid", n->v2_appid, "mch_id",
		kind == NOTICE_MCHID ? "1900000000" : n->seller->mchid,
		"nonce_str", nonce, "req_info", info.ptr);
	return xml_build(to, "xml", outer, NULL);
}

int
v2_notice_body(struct buf *to, const struct notice *n, enum notice_fault kind)
{
	int r = n->out_refund_no ? refund_body(to, n, kind)
				 : payment_body(to, n, kind);

	if (r == 0 && kind == NOTICE_BROKEN)
		to->len -= strlen("</xml>");
	return r;
}

int
v2_pay_sign_check(const struct trade *t, struct slice appid,
	struct slice timestamp, struct slice nonce, struct slice package,
	struct slice type, struct slice sign, struct fault *why)
{
	_json_ json_t *f = json_pack("{s:s%,s:s%,s:s%,s:s%,s:s%}", "appId",
		appid.ptr, appid.len, "timeStamp", timestamp.ptr, timestamp.len,
		"nonceStr", nonce.ptr, nonce.len, "package", package.ptr,
		package.len, "signType", type.ptr, type.len);
	char wanted[V2_SIGN + 1];

	if (!slice_is(type, t->v2_sign_type))
		return fault_set(why, ERR_PARAM,
			"signType: %s is needed, as the order was signed",
			t->v2_sign_type);
	v2_sign(wanted, f, t->v2_sign_type, t->seller->v2_key);
	if (!crypto_eq(sign, slice_str(wanted)))
		return fault_set(why, ERR_PARAM,
			"paySign: it does not fit (over appId, nonceStr, "
			"package, signType and timeStamp with the v2 key)");
	return 0;
}
