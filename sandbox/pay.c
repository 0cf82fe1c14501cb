/*
 * POST /v3/pay/transactions/jsapi: the merchant's signature, the form of the
 * body, then the order.  An order is what was first asked: asked again in the
 * same words it gives another prepay_id, in other words it is refused.
 */

#include "pay.h"

#include "random.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"

enum { ORDERS_TOP = 50000, PREPAY_TAIL = 20, TEXT_TOP = 128 * 1024 };

struct paid {
	struct item item; /* by out_trade_no */
	json_t *asked;
};

static void
order_free(struct item *item)
{
	struct paid *o = container_of(item, struct paid, item);

	json_decref(o->asked);
	mem_free(o);
}

void
pay_init(struct sandbox *s)
{
	store_init(&s->orders, ORDERS_TOP, order_free);
}

void
pay_done(struct sandbox *s)
{
	store_done(&s->orders);
}

void
answer_pay_error(
	struct answer *a, int status, const char *code, const char *message)
{
	a->status = status;
	buf_printf(&a->body, "{\"code\":\"%s\",\"message\":", code);
	buf_json(&a->body, slice_str(message));
	buf_char(&a->body, '}');
}

/* wx, the time in Peking, twenty letters. */
static void
prepay_give(struct answer *a)
{
	char tail[PREPAY_TAIL + 1];
	_buf_ struct buf now;

	buf_init(&now, 64);
	text_time(&now, clock_now() + 8 * 3600 * CLOCK_S);
	random_letters(tail, PREPAY_TAIL, HEX);
	buf_str(&a->body, "{\"prepay_id\":\"wx");
	for (size_t i = 0; i < now.len && now.ptr[i] != '.'; i++)
		if (now.ptr[i] >= '0' && now.ptr[i] <= '9')
			buf_char(&a->body, now.ptr[i]);
	buf_printf(&a->body, "%s\"}", tail);
}

static struct slice
text_of(const json_t *body, const char *name)
{
	return slice_str(json_string_value(json_object_get(body, name)));
}

/* What the table cannot say: whose order it is, and for whom. */
static bool
parties_check(struct sandbox *s, const json_t *body, struct answer *a)
{
	const json_t *openid =
		json_object_get(json_object_get(body, "payer"), "openid");

	if (!slice_is(text_of(body, "mchid"), s->keys.mchid)) {
		answer_pay_error(a, 400, "MCH_NOT_EXISTS", "商户号不存在");
		return false;
	}
	if (!slice_is(text_of(body, "appid"), s->keys.appid)) {
		answer_pay_error(
			a, 400, "APPID_MCHID_NOT_MATCH", "appid和mch_id不匹配");
		return false;
	}
	if (!user_is_known(s, slice_str(json_string_value(openid)))) {
		answer_param_error(a, "/payer/openid", openid,
			"not an openid of this appid");
		return false;
	}
	return true;
}

static void
order_place(struct sandbox *s, json_t *body, struct answer *a)
{
	struct slice name = text_of(body, "out_trade_no");
	struct item *found = store_find(&s->orders, name);
	struct paid *o;

	if (found) {
		o = container_of(found, struct paid, item);
		if (!json_equal(o->asked, body)) {
			answer_pay_error(a, 400, "INVALID_REQUEST",
				"请求重入时，参数与首次请求时不一致");
			return;
		}
	} else {
		o = mem_new(struct paid);
		o->asked = json_incref(body);
		store_add(&s->orders, &o->item, name);
	}
	prepay_give(a);
}

/* The rules for every request to WeChat Pay besides the signature. */
static bool
headers_check(struct sandbox *s, struct exchange *x, struct answer *a)
{
	struct slice serial = exchange_header(x, "Wechatpay-Serial");
	const char *message = NULL;

	if (exchange_header(x, "User-Agent").len == 0 ||
		exchange_header(x, "Accept").len == 0)
		message = "Http头缺少Accept或User-Agent";
	else if (!slice_starts(exchange_header(x, "Content-Type"),
			 "application/json"))
		message = "Http头Content-Type应为application/json";
	else if (serial.len && !slice_is(serial, s->keys.public_key_id))
		message = "平台证书序列号Wechatpay-Serial错误";
	if (message)
		answer_pay_error(a, 400, "PARAM_ERROR", message);
	return !message;
}

void
pay_jsapi(struct sandbox *s, struct exchange *x, struct answer *a)
{
	_json_ json_t *body = NULL;

	a->sign = true;
	if (!headers_check(s, x, a) || !pay_authorize(s, x, a))
		return;
	if (val_parse(&body, exchange_body(x), NULL) < 0) {
		answer_param_error(a, "", NULL, "the body is not JSON");
		return;
	}
	if (pay_body_check(body, a) && parties_check(s, body, a))
		order_place(s, body, a);
}

/* ---- the answer's signature ---- */

static int
signature_make(struct sandbox *s, struct buf *to, const char *timestamp,
	const char *nonce, struct slice body)
{
	_buf_ struct buf text;

	buf_init(&text, TEXT_TOP);
	buf_printf(&text, "%s\n%s\n", timestamp, nonce);
	buf_slice(&text, body);
	buf_char(&text, '\n');
	return rsa_sign(s->keys.platform, buf_all(&text), to);
}

/* A wrong one of the right form: over other bytes. */
void
pay_sign(struct sandbox *s, struct exchange *x, const struct answer *a,
	enum fault_kind trouble)
{
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
	if (trouble == FAULT_NO_SIGNATURE ||
		signature_make(s, &signature, timestamp, nonce,
			wrong ? SLICE("{}") : buf_all(&a->body)) < 0)
		return;
	exchange_add_header(x, "Wechatpay-Timestamp", timestamp);
	exchange_add_header(x, "Wechatpay-Nonce", nonce);
	exchange_add_header(x, "Wechatpay-Serial",
		trouble == FAULT_WRONG_SERIAL ? stranger
					      : s->keys.public_key_id);
	exchange_add_header(x, "Wechatpay-Signature", signature.ptr);
	exchange_add_header(
		x, "Wechatpay-Signature-Type", "WECHATPAY2-SHA256-RSA2048");
}
