/*
 * Orders and certificates asked for, orders closed (API v3).
 */

#include "pay.h"

#include "random.h"

#include "base/clock.h"
#include "base/mem.h"

#define BY_NUMBER "/v3/pay/transactions/out-trade-no/"
#define BY_ID     "/v3/pay/transactions/id/"
#define CLOSE     "/close"

/* ?mchid= must be there, and the merchant who asks. */
static bool
mchid_check(const struct seller *m, struct exchange *x, struct answer *a)
{
	struct slice mchid = exchange_query(x, "mchid");

	if (mchid.len == 0)
		answer_query_error(a, "/mchid", "missing");
	else if (!slice_is(mchid, m->mchid))
		answer_pay_error(a, 400, "MCH_NOT_EXISTS", "商户号不存在");
	else
		return true;
	return false;
}

static void
answer_no_order(struct answer *a)
{
	answer_pay_error(a, 404, "ORDER_NOT_EXIST", "订单不存在");
}

void
pay_query_number(struct sandbox *s, struct exchange *x, struct answer *a)
{
	struct seller *m = pay_enter(s, x, a, false);
	struct trade *t;

	if (!m || !mchid_check(m, x, a))
		return;
	t = trade_find(s, m, path_between(x, BY_NUMBER, ""));
	if (t)
		answer_json(a, trade_facts(t));
	else
		answer_no_order(a);
}

void
pay_query_id(struct sandbox *s, struct exchange *x, struct answer *a)
{
	struct seller *m = pay_enter(s, x, a, false);
	struct trade *t;

	if (!m || !mchid_check(m, x, a))
		return;
	t = trade_find_paid(s, m, path_between(x, BY_ID, ""));
	if (t)
		answer_json(a, trade_facts(t));
	else
		answer_no_order(a);
}

static bool
close_check(struct sandbox *s, const struct trade *t, struct answer *a)
{
	int64_t age = clock_now_ms() - t->created_ms;

	if (trade_was_paid(t))
		answer_pay_error(a, 400, "ORDERPAID", "该订单已支付");
	else if (age < s->pay->settings.close_after_ms)
		answer_pay_error(a, 400, "INVALID_REQUEST",
			"订单生成后不能马上调用关单接口，最短调用时间间隔为5分"
			"钟");
	else
		return true;
	return false;
}

void
pay_close(struct sandbox *s, struct exchange *x, struct answer *a)
{
	struct seller *m = pay_enter(s, x, a, true);
	_json_ json_t *body = m ? pay_body(x, FORM_CLOSE, a) : NULL;
	const char *mchid = json_string_value(json_object_get(body, "mchid"));
	struct trade *t;

	if (!body)
		return;
	if (strcmp(mchid, m->mchid) != 0) {
		answer_pay_error(a, 400, "MCH_NOT_EXISTS", "商户号不存在");
		return;
	}
	t = trade_find(s, m, path_between(x, BY_NUMBER, CLOSE));
	if (!t) {
		answer_no_order(a);
		return;
	}
	if (!close_check(s, t, a))
		return;
	t->state = TRADE_CLOSED;
	a->status = 204;
	a->type = NULL;
}

/* ---- certificates ---- */

static int
certificate_put(struct buf *to, const struct seller *m, const struct signer *c)
{
	_free_ char *nonce = random_name("", 12, ALNUM);
	char from[32], until[32];

	china_time(from, c->from_s * 1000);
	china_time(until, c->until_s * 1000);
	buf_printf(to,
		"{\"serial_no\":\"%s\",\"effective_time\":\"%s\","
		"\"expire_time\":\"%s\",\"encrypt_certificate\":"
		"{\"algorithm\":\"AEAD_AES_256_GCM\",\"nonce\":\"%s\","
		"\"associated_data\":\"certificate\",\"ciphertext\":\"",
		c->serial, from, until, nonce);
	if (seal_v3(to, slice_str(m->apiv3_key), slice_str(nonce),
		    SLICE("certificate"), slice_str(c->pem)) < 0)
		return ERR_FORMAT;
	buf_str(to, "\"}}");
	return buf_check(to);
}

void
pay_certificates(struct sandbox *s, struct exchange *x, struct answer *a)
{
	struct seller *m = pay_enter(s, x, a, false);
	const struct platform *p = &s->pay->platform;
	unsigned first = p->count > p->listed ? p->count - p->listed : 0;

	if (!m)
		return;
	buf_str(&a->body, "{\"data\":[");
	for (unsigned i = first; i < p->count; i++) {
		if (i > first)
			buf_char(&a->body, ',');
		if (certificate_put(&a->body, m, &p->certs[i]) < 0) {
			answer_pay_error(a, 500, "SYSTEM_ERROR", "系统错误");
			return;
		}
	}
	buf_str(&a->body, "]}");
}
