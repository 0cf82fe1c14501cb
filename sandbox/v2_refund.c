/*
 * /secapi/pay/refund and /pay/refundquery.
 *
 * WeChat wants the merchant's certificate in the TLS handshake for refunds.
 * The sandbox speaks plain HTTP: there the header X-Client-Cert-Serial stands
 * for it.  One that is wrong is refused; whether one must be there is a setting
 * (v2_certificate), because no client of the real thing sends such a header.
 */

#include "v2.h"

#include "base/clock.h"
#include "base/mem.h"

#include <stdio.h>

#define YEAR_MS (365LL * 86400 * 1000)

static bool
certificate_check(struct v2 *v, struct exchange *x)
{
	struct slice shown = exchange_header(x, "X-Client-Cert-Serial");

	if (shown.len ? slice_is_nocase(shown, v->seller->serial)
		      : !v->sandbox->pay->settings.v2_certificate)
		return true;
	v2_fail(v->answer, "证书验证失败");
	return false;
}

static struct trade *
order_of(struct v2 *v)
{
	const char *id = v2_word(v, "transaction_id");
	const char *number = v2_word(v, "out_trade_no");
	struct trade *t = NULL;

	if (*id)
		t = trade_find_paid(v->sandbox, v->seller, slice_str(id));
	else if (*number)
		t = trade_find(v->sandbox, v->seller, slice_str(number));
	if (!t)
		v2_refuse(v, "ORDERNOTEXIST", "订单不存在");
	return t;
}

static json_t *
refund_translate(const struct v2 *v)
{
	json_t *r = json_pack("{s:s,s:{s:I,s:I,s:s}}", "out_refund_no",
		v2_word(v, "out_refund_no"), "amount", "refund",
		(json_int_t)v2_fen(v, "refund_fee"), "total",
		(json_int_t)v2_fen(v, "total_fee"), "currency", "CNY");

	if (*v2_word(v, "notify_url"))
		(void)json_object_set_new(
			r, "notify_url", json_string(v2_word(v, "notify_url")));
	if (*v2_word(v, "refund_desc"))
		(void)json_object_set_new(
			r, "reason", json_string(v2_word(v, "refund_desc")));
	return r;
}

struct refusal {
	const char *code, *text;
};

static struct refusal
trouble_find(const struct v2 *v, const struct trade *t)
{
	int64_t fen = v2_fen(v, "refund_fee");

	if (fen == 0 || v2_fen(v, "total_fee") == 0)
		return (struct refusal){"PARAM_ERROR", "金额参数格式有误"};
	if (!trade_was_paid(t))
		return (struct refusal){"ERROR", "订单未支付"};
	if (v2_fen(v, "total_fee") != t->total)
		return (struct refusal){"REFUND_FEE_MISMATCH",
			"订单金额或退款金额与之前请求不一致，请核实后再试"};
	if (clock_now_ms() - t->paid_ms > YEAR_MS)
		return (struct refusal){
			"TRADE_OVERDUE", "订单已经超过退款期限"};
	if (fen > t->total - t->refunded)
		return (struct refusal){
			"ERROR", "申请退款金额超过订单可退金额"};
	if (t->refund_count >= REFUNDS_OF_ORDER)
		return (struct refusal){"ERROR", "订单部分退款次数超过限制"};
	if (t->refund_count > 0 &&
		clock_now_ms() - t->last_refund_ms <
			v->sandbox->pay->settings.refund_apart_ms)
		return (struct refusal){"FREQUENCY_LIMITED", "频率限制"};
	return (struct refusal){NULL, NULL};
}

static void
refund_answer(struct v2 *v, const struct refund *r)
{
	const struct trade *t = r->trade;

	v2_answer(
		v, json_pack("{s:s,s:s,s:s,s:s,s:I,s:I,s:I,s:I}",
			   "transaction_id", t->transaction_id, "out_trade_no",
			   trade_word(t, "out_trade_no"), "out_refund_no",
			   refund_word(r, "out_refund_no"), "refund_id",
			   r->refund_id, "refund_fee", (json_int_t)r->amount,
			   "total_fee", (json_int_t)t->total, "cash_fee",
			   (json_int_t)(t->total - t->coupon),
			   "cash_refund_fee", (json_int_t)r->amount));
}

static void
refund_ask(struct v2 *v, struct trade *t)
{
	_json_ json_t *asked = refund_translate(v);
	struct refund *r = refund_find(
		v->sandbox, v->seller, slice_str(v2_word(v, "out_refund_no")));
	struct refusal no;

	if (r && (r->trade != t || !json_equal(r->asked, asked))) {
		v2_refuse(v, "REFUND_FEE_MISMATCH",
			"订单金额或退款金额与之前请求不一致，请核实后再试");
		return;
	}
	if (!r) {
		no = trouble_find(v, t);
		if (no.code) {
			v2_refuse(v, no.code, no.text);
			return;
		}
		r = refund_new(v->sandbox, t, asked, v2_fen(v, "refund_fee"));
		r->v2 = true;
	}
	refund_answer(v, r);
}

void
v2_refund(struct sandbox *s, struct exchange *x, struct answer *a)
{
	static const char *const needed[] = {
		"out_refund_no", "total_fee", "refund_fee", NULL};
	_cleanup_(v2_done) struct v2 v = {0};
	struct trade *t = NULL;

	if (v2_enter(&v, s, x, a) && certificate_check(&v, x) &&
		v2_needs(&v, needed))
		t = order_of(&v);
	if (t)
		refund_ask(&v, t);
}

const char *
v2_refund_status(enum refund_state state)
{
	static const char *const words[] = {
		[REFUND_PROCESSING] = "PROCESSING",
		[REFUND_SUCCESS] = "SUCCESS",
		[REFUND_ABNORMAL] = "CHANGE",
		[REFUND_CLOSED] = "REFUNDCLOSE",
	};

	return words[state];
}

static void
numbered(json_t *to, const char *name, unsigned n, json_t *value)
{
	_free_ char *full = str_printf("%s_%u", name, n);

	(void)json_object_set_new(to, full, value);
}

static void
refund_put(json_t *to, const struct refund *r, unsigned n)
{
	char when[32];

	numbered(to, "out_refund_no", n,
		json_string(refund_word(r, "out_refund_no")));
	numbered(to, "refund_id", n, json_string(r->refund_id));
	numbered(to, "refund_channel", n, json_string("ORIGINAL"));
	numbered(to, "refund_fee", n, json_integer(r->amount));
	numbered(to, "refund_status", n,
		json_string(v2_refund_status(r->state)));
	numbered(to, "refund_recv_accout", n, json_string("支付用户零钱"));
	if (r->state != REFUND_SUCCESS)
		return;
	bill_time(when, r->settled_ms);
	numbered(to, "refund_success_time", n, json_string(when));
}

/* By one of the refund's numbers, or all of an order. */
static void
refunds_answer(struct v2 *v, struct trade *t, const struct refund *only)
{
	json_t *f = json_pack("{s:s,s:s,s:I,s:s,s:I}", "transaction_id",
		t->transaction_id, "out_trade_no",
		trade_word(t, "out_trade_no"), "total_fee",
		(json_int_t)t->total, "fee_type", "CNY", "cash_fee",
		(json_int_t)(t->total - t->coupon));
	unsigned n = 0;

	list_for_each (at, &t->refunds) {
		struct refund *r = container_of(at, struct refund, in_trade);

		if (!only || only == r)
			refund_put(f, r, n++);
	}
	(void)json_object_set_new(f, "refund_count", json_integer(n));
	v2_answer(v, f);
}

static struct refund *
refund_of(struct v2 *v)
{
	const char *id = v2_word(v, "refund_id");
	struct store *all = &v->sandbox->pay->refunds;

	if (!*id)
		return refund_find(v->sandbox, v->seller,
			slice_str(v2_word(v, "out_refund_no")));
	list_for_each (at, &all->age) {
		struct refund *r =
			container_of(container_of(at, struct item, in_age),
				struct refund, item);

		if (strcmp(r->refund_id, id) == 0 &&
			r->trade->seller == v->seller)
			return r;
	}
	return NULL;
}

void
v2_refundquery(struct sandbox *s, struct exchange *x, struct answer *a)
{
	_cleanup_(v2_done) struct v2 v = {0};
	struct refund *r;
	struct trade *t;

	if (!v2_enter(&v, s, x, a))
		return;
	if (*v2_word(&v, "refund_id") || *v2_word(&v, "out_refund_no")) {
		r = refund_of(&v);
		if (r)
			refunds_answer(&v, r->trade, r);
		else
			v2_refuse(&v, "REFUNDNOTEXIST", "不存在的退款单");
		return;
	}
	t = order_of(&v);
	if (t && list_empty(&t->refunds))
		v2_refuse(&v, "REFUNDNOTEXIST", "不存在的退款单");
	else if (t)
		refunds_answer(&v, t, NULL);
}
