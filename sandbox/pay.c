/*
 * What the endpoints of API v3 have in common (headers, the answer's signature)
 * and POST /v3/pay/transactions/jsapi.  An order is what was first asked: asked
 * again in the same words it gives another prepay_id, in other words it is
 * refused.
 */

#include "pay.h"

#include "credential.h"
#include "random.h"
#include "user.h"

#include "base/clock.h"
#include "base/mem.h"

enum { TEXT_TOP = 16 * 1024 * 1024 };

void
answer_pay_error(
	struct answer *a, int status, const char *code, const char *message)
{
	a->status = status;
	buf_clear(&a->body);
	buf_printf(&a->body, "{\"code\":\"%s\",\"message\":", code);
	buf_json(&a->body, slice_str(message));
	buf_char(&a->body, '}');
}

void
answer_json(struct answer *a, json_t *all)
{
	val_put(&a->body, all);
	json_decref(all);
}

/* ---- the beginning of every request ---- */

static const char *
headers_trouble(struct sandbox *s, struct exchange *x, bool body)
{
	struct slice serial = exchange_header(x, "Wechatpay-Serial");

	if (exchange_header(x, "User-Agent").len == 0 ||
		exchange_header(x, "Accept").len == 0)
		return "Http头缺少Accept或User-Agent";
	if (body && !slice_starts(exchange_header(x, "Content-Type"),
			    "application/json"))
		return "Http头Content-Type应为application/json";
	if (!platform_answers(&s->pay->platform, serial))
		return "平台证书序列号Wechatpay-Serial错误";
	return NULL;
}

struct seller *
pay_enter(struct sandbox *s, struct exchange *x, struct answer *a, bool body)
{
	const char *trouble = headers_trouble(s, x, body);
	struct seller *m;

	a->sign = true;
	if (trouble) {
		answer_pay_error(a, 400, "PARAM_ERROR", trouble);
		return NULL;
	}
	m = pay_authorize(s, x, a);
	return m && !api_armed(s, x, a) ? m : NULL;
}

/* ---- placing an order ---- */

static struct slice
text_of(const json_t *body, const char *name)
{
	return slice_str(json_string_value(json_object_get(body, name)));
}

bool
pay_user_check(struct sandbox *s, struct slice appid, struct slice openid)
{
	struct mini *mini = appid.len ? mini_find(s, appid) : NULL;

	return mini && openid.len && user_find(s, mini, openid) != NULL;
}

/* What the table cannot say: whose order it is, and for whom. */
static bool
parties_check(struct sandbox *s, const struct seller *m, const json_t *body,
	struct answer *a)
{
	const json_t *openid =
		json_object_get(json_object_get(body, "payer"), "openid");

	if (!slice_is(text_of(body, "mchid"), m->mchid)) {
		answer_pay_error(a, 400, "MCH_NOT_EXISTS", "商户号不存在");
		return false;
	}
	if (!seller_has_app(m, text_of(body, "appid"))) {
		answer_pay_error(
			a, 400, "APPID_MCHID_NOT_MATCH", "appid和mch_id不匹配");
		return false;
	}
	if (!pay_user_check(s, text_of(body, "appid"),
		    slice_str(json_string_value(openid)))) {
		answer_param_error(a, "/payer/openid", openid,
			"not an openid of this appid");
		return false;
	}
	return true;
}

/* An order that is there already: the same again, or an error. */
static bool
order_check(const struct trade *t, const json_t *body, struct answer *a)
{
	if (trade_was_paid(t)) {
		answer_pay_error(a, 403, "OUT_TRADE_NO_USED", "商户订单号重复");
		return false;
	}
	if (t->state == TRADE_CLOSED || clock_now_ms() >= t->expires_ms) {
		answer_pay_error(a, 400, "ORDER_CLOSED", "该订单已关闭");
		return false;
	}
	if (t->v2 || !json_equal(t->asked, body)) {
		answer_pay_error(a, 400, "INVALID_REQUEST",
			"请求重入时，参数与首次请求时不一致");
		return false;
	}
	return true;
}

void
pay_jsapi(struct sandbox *s, struct exchange *x, struct answer *a)
{
	struct seller *m = pay_enter(s, x, a, true);
	_json_ json_t *body = m ? pay_body(x, FORM_ORDER, a) : NULL;
	struct trade *t;
	char prepay[64];

	if (!body || !parties_check(s, m, body, a))
		return;
	t = trade_find(s, m, text_of(body, "out_trade_no"));
	if (t && !order_check(t, body, a))
		return;
	if (!t)
		t = trade_new(s, m, body);
	trade_prepay(s, t, prepay);
	buf_printf(&a->body, "{\"prepay_id\":\"%s\"}", prepay);
}

/* ---- the answer's signature ---- */

static int
signature_make(const struct signer *key, struct buf *to, const char *timestamp,
	const char *nonce, struct slice body)
{
	_buf_ struct buf text;

	buf_init(&text, TEXT_TOP);
	buf_printf(&text, "%s\n%s\n", timestamp, nonce);
	buf_slice(&text, body);
	buf_char(&text, '\n');
	return rsa_sign(key->rsa, buf_all(&text), to);
}

/* A wrong one of the right form: over other bytes. */
void
pay_sign(struct sandbox *s, struct exchange *x, const struct answer *a,
	enum fault_kind trouble)
{
	const struct signer *key = platform_answers(
		&s->pay->platform, exchange_header(x, "Wechatpay-Serial"));
	bool wrong =
		trouble == FAULT_BAD_SIGNATURE || trouble == FAULT_SIGNTEST;
	_free_ char *timestamp = str_printf("%lld",
		(long long)(clock_now_s() -
			    (trouble == FAULT_STALE_TIMESTAMP ? 600 : 0)));
	_free_ char *nonce = random_name("", 32, ALNUM);
	_free_ char *stranger = random_name("PUB_KEY_ID_0", 27, DIGITS);
	_buf_ struct buf signature;

	buf_init(&signature, TEXT_TOP);
	if (trouble == FAULT_SIGNTEST)
		buf_str(&signature, "WECHATPAY/SIGNTEST/");
	if (!key || trouble == FAULT_NO_SIGNATURE ||
		signature_make(key, &signature, timestamp, nonce,
			wrong ? SLICE("{}") : buf_all(&a->body)) < 0)
		return;
	exchange_add_header(x, "Wechatpay-Timestamp", timestamp);
	exchange_add_header(x, "Wechatpay-Nonce", nonce);
	exchange_add_header(x, "Wechatpay-Serial",
		trouble == FAULT_WRONG_SERIAL ? stranger : key->serial);
	exchange_add_header(x, "Wechatpay-Signature", signature.ptr);
	exchange_add_header(
		x, "Wechatpay-Signature-Type", "WECHATPAY2-SHA256-RSA2048");
}
