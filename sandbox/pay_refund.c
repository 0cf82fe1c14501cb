/*
 * POST /v3/refund/domestic/refunds and its query: one out_refund_no is one
 * refund, however often it is asked for; what is asked beyond the order's
 * money, its fifty refunds or its year is refused.
 */

#include "pay.h"

#include "base/clock.h"
#include "base/mem.h"

#define REFUNDS "/v3/refund/domestic/refunds/"
#define YEAR_MS (365LL * 86400 * 1000)

static struct slice
text_of(const json_t *body, const char *name)
{
	return slice_str(json_string_value(json_object_get(body, name)));
}

static int64_t
amount_of(const json_t *body, const char *name)
{
	return json_integer_value(
		json_object_get(json_object_get(body, "amount"), name));
}

/* The order, by one of its two numbers; NULL: `a` has the answer. */
static struct trade *
order_of(struct sandbox *s, const struct seller *m, const json_t *body,
	struct answer *a)
{
	struct slice id = text_of(body, "transaction_id");
	struct slice number = text_of(body, "out_trade_no");
	struct trade *t;

	if (!id.ptr == !number.ptr) {
		answer_param_error(a,
			id.ptr ? "/transaction_id" : "/out_trade_no", NULL,
			"one of transaction_id and out_trade_no is needed");
		return NULL;
	}
	t = id.ptr ? trade_find_paid(s, m, id) : trade_find(s, m, number);
	if (!t)
		answer_pay_error(a, 404, "RESOURCE_NOT_EXISTS", "订单不存在");
	return t;
}

/* NULL: nothing is against it; else WeChat's words. */
static const char *
refund_trouble(const struct trade *t, const json_t *body)
{
	int64_t now = clock_now_ms();

	if (!trade_was_paid(t))
		return "订单未支付";
	if (amount_of(body, "total") != t->total)
		return "订单金额或退款金额与之前请求不一致，请核实后再试";
	if (now - t->paid_ms > YEAR_MS)
		return "订单已超过可退款的最大期限";
	if (amount_of(body, "refund") > t->total - t->refunded)
		return "申请退款金额超过订单可退金额";
	if (t->refund_count >= REFUNDS_OF_ORDER)
		return "订单部分退款次数超过限制";
	return NULL;
}

static bool
is_the_same(const struct refund *r, const json_t *body)
{
	return json_equal(r->asked, body);
}

static struct refund *
refund_make(struct sandbox *s, struct trade *t, json_t *body, struct answer *a)
{
	const char *trouble = refund_trouble(t, body);

	if (trouble) {
		answer_pay_error(a, 400, "INVALID_REQUEST", trouble);
		return NULL;
	}
	if (t->refund_count > 0 && clock_now_ms() - t->last_refund_ms <
					   s->pay->settings.refund_apart_ms) {
		answer_pay_error(a, 429, "FREQUENCY_LIMITED", "频率限制");
		return NULL;
	}
	return refund_new(s, t, body, amount_of(body, "refund"));
}

void
pay_refund(struct sandbox *s, struct exchange *x, struct answer *a)
{
	struct seller *m = pay_enter(s, x, a, true);
	_json_ json_t *body = m ? pay_body(x, FORM_REFUND, a) : NULL;
	struct trade *t = body ? order_of(s, m, body, a) : NULL;
	struct refund *r;

	if (!t)
		return;
	r = refund_find(s, m, text_of(body, "out_refund_no"));
	if (r && !is_the_same(r, body)) {
		answer_pay_error(a, 400, "INVALID_REQUEST",
			"订单金额或退款金额与之前请求不一致，请核实后再试");
		return;
	}
	if (!r)
		r = refund_make(s, t, body, a);
	if (r)
		answer_json(a, refund_facts(r));
}

void
pay_refund_query(struct sandbox *s, struct exchange *x, struct answer *a)
{
	struct seller *m = pay_enter(s, x, a, false);
	struct refund *r =
		m ? refund_find(s, m, path_between(x, REFUNDS, "")) : NULL;

	if (r)
		answer_json(a, refund_facts(r));
	else if (m)
		answer_pay_error(a, 404, "RESOURCE_NOT_EXISTS", "退款单不存在");
}
