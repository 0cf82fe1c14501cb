/*
 * /pay/unifiedorder, /pay/orderquery, /pay/closeorder, /pay/downloadbill.
 */

#include "v2.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"

#include <stdio.h>

enum { BODY_TOP = 127, NUMBER_TOP = 32 };

#define DAY_MS 86400000LL

/* "20180608103456" of China's → RFC 3339; false: it is not that. */
static bool
expire_read(char ret[40], const char *digits)
{
	int64_t ns;

	if (strlen(digits) != 14)
		return false;
	(void)snprintf(ret, 40, "%.4s-%.2s-%.2sT%.2s:%.2s:%.2s+08:00", digits,
		digits + 4, digits + 6, digits + 8, digits + 10, digits + 12);
	return text_untime(slice_str(ret), &ns) == 0;
}

/* NULL: the values are in order. */
static const char *
order_trouble(struct v2 *v)
{
	size_t number = strlen(v2_word(v, "out_trade_no"));
	char expire[40];

	if (number > NUMBER_TOP)
		return "out_trade_no参数长度有误";
	if (strlen(v2_word(v, "body")) > BODY_TOP)
		return "body参数长度有误";
	if (v2_fen(v, "total_fee") == 0)
		return "total_fee参数格式有误";
	if (strchr(v2_word(v, "notify_url"), '?'))
		return "notify_url不能携带参数";
	if (*v2_word(v, "fee_type") && strcmp(v2_word(v, "fee_type"), "CNY"))
		return "fee_type参数有误";
	if (*v2_word(v, "time_expire") &&
		!expire_read(expire, v2_word(v, "time_expire")))
		return "time_expire时间格式错误";
	if (!pay_user_check(v->sandbox, slice_str(v2_word(v, "appid")),
		    slice_str(v2_word(v, "openid"))))
		return "无效的openid";
	return NULL;
}

/* In v3's words; "v2" has all that came, to be compared with. */
static json_t *
order_translate(struct v2 *v)
{
	json_t *all = json_deep_copy(v->fields);
	json_t *o;
	char expire[40];

	(void)json_object_del(all, "nonce_str");
	(void)json_object_del(all, "sign");
	o = json_pack("{s:s,s:s,s:s,s:s,s:s,s:{s:I,s:s},s:{s:s},s:o}", "appid",
		v2_word(v, "appid"), "mchid", v->seller->mchid, "description",
		v2_word(v, "body"), "out_trade_no", v2_word(v, "out_trade_no"),
		"notify_url", v2_word(v, "notify_url"), "amount", "total",
		(json_int_t)v2_fen(v, "total_fee"), "currency", "CNY", "payer",
		"openid", v2_word(v, "openid"), "v2", all);
	if (*v2_word(v, "attach"))
		(void)json_object_set_new(
			o, "attach", json_string(v2_word(v, "attach")));
	if (expire_read(expire, v2_word(v, "time_expire")))
		(void)json_object_set_new(
			o, "time_expire", json_string(expire));
	return o;
}

static bool
again_check(struct v2 *v, const struct trade *t, const json_t *order)
{
	if (trade_was_paid(t))
		v2_refuse(v, "ORDERPAID", "该订单已支付");
	else if (t->state == TRADE_CLOSED || clock_now_ms() >= t->expires_ms)
		v2_refuse(v, "ORDERCLOSED", "该订单已关闭");
	else if (!json_equal(t->asked, order))
		v2_refuse(v, "OUT_TRADE_NO_USED", "商户订单号重复");
	else
		return true;
	return false;
}

static void
order_place(struct v2 *v)
{
	_json_ json_t *order = order_translate(v);
	struct trade *t = trade_find(
		v->sandbox, v->seller, slice_str(v2_word(v, "out_trade_no")));
	char prepay[64];

	if (t && !again_check(v, t, order))
		return;
	if (!t) {
		t = trade_new(v->sandbox, v->seller, order);
		t->v2 = true;
		t->v2_sign_type = str_dup(v->sign_type);
	}
	trade_prepay(v->sandbox, t, prepay);
	v2_answer(v, json_pack("{s:s,s:s}", "trade_type", "JSAPI", "prepay_id",
			     prepay));
}

void
v2_unifiedorder(struct sandbox *s, struct exchange *x, struct answer *a)
{
	static const char *const needed[] = {"body", "out_trade_no",
		"total_fee", "spbill_create_ip", "notify_url", "trade_type",
		"openid", NULL};
	_cleanup_(v2_done) struct v2 v = {0};
	const char *trouble;

	if (!v2_enter(&v, s, x, a) || !v2_needs(&v, needed))
		return;
	trouble = order_trouble(&v);
	if (trouble)
		v2_refuse(&v, "PARAM_ERROR", trouble);
	else if (strcmp(v2_word(&v, "trade_type"), "JSAPI") != 0)
		v2_refuse(&v, "NOAUTH", "此商家没有权限使用该交易类型");
	else
		order_place(&v);
}

/* By either number; NULL: the answer is there. */
static struct trade *
order_of(struct v2 *v)
{
	const char *id = v2_word(v, "transaction_id");
	const char *number = v2_word(v, "out_trade_no");
	struct trade *t = NULL;

	if (!*id && !*number) {
		v2_refuse(v, "LACK_PARAMS",
			"缺少参数transaction_id或out_trade_no");
		return NULL;
	}
	if (*id)
		t = trade_find_paid(v->sandbox, v->seller, slice_str(id));
	else
		t = trade_find(v->sandbox, v->seller, slice_str(number));
	if (!t)
		v2_refuse(v, "ORDERNOTEXIST", "订单不存在");
	return t;
}

json_t *
v2_paid_fields(const struct trade *t)
{
	char ended[16];
	json_t *f;

	china_digits(ended, t->paid_ms);
	f = json_pack("{s:s,s:s,s:s,s:s,s:I,s:s,s:I,s:s,s:s,s:s,s:s,s:s}",
		"openid", trade_openid(t), "is_subscribe", "N", "trade_type",
		"JSAPI", "bank_type", "OTHERS", "total_fee",
		(json_int_t)t->total, "fee_type", "CNY", "cash_fee",
		(json_int_t)(t->total - t->coupon), "cash_fee_type", "CNY",
		"transaction_id", t->transaction_id, "out_trade_no",
		trade_word(t, "out_trade_no"), "attach",
		trade_word(t, "attach") ? trade_word(t, "attach") : "",
		"time_end", ended);
	if (t->coupon > 0)
		(void)json_object_update_new(
			f, json_pack("{s:I,s:i,s:s,s:I}", "coupon_fee",
				   (json_int_t)t->coupon, "coupon_count", 1,
				   "coupon_id_0", "109519", "coupon_fee_0",
				   (json_int_t)t->coupon));
	return f;
}

void
v2_orderquery(struct sandbox *s, struct exchange *x, struct answer *a)
{
	_cleanup_(v2_done) struct v2 v = {0};
	struct trade *t = v2_enter(&v, s, x, a) ? order_of(&v) : NULL;
	json_t *f;

	if (!t)
		return;
	f = trade_was_paid(t) ? v2_paid_fields(t)
			      : json_pack("{s:s,s:I}", "out_trade_no",
					trade_word(t, "out_trade_no"),
					"total_fee", (json_int_t)t->total);
	(void)json_object_set_new(
		f, "trade_state", json_string(trade_state_word(t->state)));
	(void)json_object_set_new(
		f, "trade_state_desc", json_string(trade_state_text(t->state)));
	v2_answer(&v, f);
}

void
v2_closeorder(struct sandbox *s, struct exchange *x, struct answer *a)
{
	static const char *const needed[] = {"out_trade_no", NULL};
	_cleanup_(v2_done) struct v2 v = {0};
	struct trade *t = NULL;

	if (v2_enter(&v, s, x, a) && v2_needs(&v, needed))
		t = order_of(&v);
	if (!t)
		return;
	if (trade_was_paid(t)) {
		v2_refuse(&v, "ORDERPAID", "订单已支付");
	} else if (t->state == TRADE_CLOSED) {
		v2_refuse(&v, "ORDERCLOSED", "订单已关闭");
	} else {
		t->state = TRADE_CLOSED;
		v2_answer(&v, json_object());
	}
}

/* ---- bills ---- */

static void
bill_fail(struct answer *a, const char *text, const char *code)
{
	v2_fail(a, text);
	a->body.len -= strlen("</xml>");
	buf_printf(&a->body, "<error_code><![CDATA[%s]]></error_code>\n</xml>",
		code);
}

static bool
bill_parse(const struct v2 *v, struct bill_ask *ask, char date[40])
{
	const char *digits = v2_word(v, "bill_date");
	const char *type = v2_word(v, "bill_type");
	int64_t ns;

	ask->seller = v->seller;
	ask->kind = strcmp(type, "SUCCESS") == 0  ? BILL_SUCCESS
		    : strcmp(type, "REFUND") == 0 ? BILL_REFUND
						  : BILL_ALL;
	if (strlen(digits) != 8)
		return false;
	(void)snprintf(date, 40, "%.4s-%.2s-%.2sT00:00:00+08:00", digits,
		digits + 4, digits + 6);
	if (text_untime(slice_str(date), &ns) < 0)
		return false;
	ask->date = slice_of(date, 10);
	ask->from_ms = ns / CLOCK_MS;
	ask->until_ms = ask->from_ms + DAY_MS;
	return ask->until_ms <= clock_now_ms();
}

void
v2_downloadbill(struct sandbox *s, struct exchange *x, struct answer *a)
{
	static const char *const needed[] = {"bill_date", NULL};
	_cleanup_(v2_done) struct v2 v = {0};
	struct bill_ask ask = {0};
	_buf_ struct buf text;
	char date[40];

	buf_init(&text, BILL_TOP);
	if (!v2_enter(&v, s, x, a) || !v2_needs(&v, needed))
		return;
	if (!bill_parse(&v, &ask, date)) {
		bill_fail(a, "invalid bill_date", "20001");
	} else if (bill_write(&text, s, &ask) == 0) {
		bill_fail(a, "No Bill Exist", "20002");
	} else if (strcmp(v2_word(&v, "tar_type"), "GZIP") == 0) {
		a->type = "application/x-gzip";
		if (bill_pack(&a->body, buf_all(&text)) < 0)
			bill_fail(a, "system error", "20000");
	} else {
		a->type = "text/plain";
		buf_slice(&a->body, buf_all(&text));
	}
}
