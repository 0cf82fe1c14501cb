/*
 * How a callback looks: the facts sealed with the merchant's APIv3 key, the
 * envelope signed with WeChat Pay's.  A trouble changes one thing and leaves
 * the rest right, so that a receiver that checks all but that thing is caught.
 * (WeChat Pay: "支付成功回调通知", "签名验证", "解密回调报文".)
 */

#include "notice.h"

#include "pay.h"
#include "random.h"
#include "seller.h"
#include "trade.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"

enum { TEXT_TOP = 256 * 1024, STALE_S = 600 };

/* ---- what it says ---- */

static void
amount_set(json_t *facts, const char *name, json_t *value)
{
	json_t *amount = json_object_get(facts, "amount");

	(void)json_object_set_new(amount, name, value);
}

static int64_t
amount_get(const json_t *facts, const char *name)
{
	return json_integer_value(
		json_object_get(json_object_get(facts, "amount"), name));
}

static void
facts_spoil_amount(json_t *facts, bool refund)
{
	const char *name = refund ? "refund" : "total";
	int64_t n = amount_get(facts, name);

	amount_set(facts, name, json_integer(n > 1 ? n - 1 : n + 1));
}

static void
facts_spoil(json_t *facts, enum notice_fault kind, bool refund)
{
	_free_ char *other = NULL;

	switch (kind) {
	case NOTICE_AMOUNT:
		facts_spoil_amount(facts, refund);
		break;
	case NOTICE_APPID:
		(void)json_object_set_new(
			facts, "appid", json_string("wx0000000000000000"));
		break;
	case NOTICE_MCHID:
		(void)json_object_set_new(
			facts, "mchid", json_string("1900000000"));
		break;
	case NOTICE_CURRENCY:
		amount_set(facts, "currency", json_string("USD"));
		break;
	case NOTICE_OPENID:
		other = random_name("o", 27, URL_SAFE);
		(void)json_object_set_new(
			facts, "payer", json_pack("{s:s}", "openid", other));
		break;
	case NOTICE_ORDER:
		other = random_name("UNKNOWN", 20, DIGITS);
		(void)json_object_set_new(
			facts, "out_trade_no", json_string(other));
		break;
	case NOTICE_UNPAID:
		if (refund) {
			(void)json_object_set_new(facts, "refund_status",
				json_string("PROCESSING"));
			break;
		}
		(void)json_object_set_new(
			facts, "trade_state", json_string("NOTPAY"));
		(void)json_object_set_new(
			facts, "trade_state_desc", json_string("订单未支付"));
		(void)json_object_del(facts, "transaction_id");
		(void)json_object_del(facts, "success_time");
		break;
	default:
		break;
	}
}

json_t *
notice_facts(const struct notice *n, enum notice_fault kind)
{
	json_t *facts = json_deep_copy(n->facts);

	if (notice_fault_trouble(kind) == TROUBLE_FACTS)
		facts_spoil(facts, kind, n->out_refund_no != NULL);
	return facts;
}

/* ---- v3 ---- */

int
seal_v3(struct buf *to, struct slice key, struct slice nonce,
	struct slice associated, struct slice plain)
{
	_buf_ struct buf sealed;
	int r;

	buf_init(&sealed, TEXT_TOP);
	r = crypto_gcm_seal(key, nonce, associated, plain, &sealed);
	if (r == 0)
		text_base64(to, buf_all(&sealed));
	return r < 0 ? r : buf_check(to);
}

static const char *
summary_of(const char *event)
{
	static const char *const texts[][2] = {
		{"TRANSACTION.SUCCESS", "支付成功"},
		{"REFUND.SUCCESS", "退款成功"},
		{"REFUND.ABNORMAL", "退款异常"},
		{"REFUND.CLOSED", "退款关闭"},
	};

	for (size_t i = 0; i < array_size(texts); i++)
		if (strcmp(texts[i][0], event) == 0)
			return texts[i][1];
	return "";
}

static int
resource_put(struct buf *to, const struct notice *n, enum notice_fault kind)
{
	_json_ json_t *facts = notice_facts(n, kind);
	_free_ char *other = random_name("", 32, ALNUM);
	_free_ char *nonce = random_name("", 12, ALNUM);
	const char *type = n->out_refund_no ? "refund" : "transaction";
	struct slice key =
		slice_str(kind == NOTICE_SEALED ? other : n->seller->apiv3_key);
	_buf_ struct buf plain, sealed;
	int r;

	buf_init(&plain, TEXT_TOP);
	buf_init(&sealed, TEXT_TOP);
	val_put(&plain, facts);
	r = seal_v3(&sealed, key, slice_str(nonce), slice_str(type),
		buf_all(&plain));
	if (r < 0)
		return r;
	buf_printf(to,
		"\"resource\":{\"original_type\":\"%s\","
		"\"algorithm\":\"AEAD_AES_256_GCM\",\"ciphertext\":\"",
		type);
	buf_slice(to, buf_all(&sealed));
	buf_printf(to, "\",\"associated_data\":\"%s\",\"nonce\":\"%s\"}", type,
		nonce);
	return 0;
}

static int
body_v3(struct buf *to, const struct notice *n, enum notice_fault kind)
{
	char when[32];
	int r;

	china_time(when, n->created_ms);
	buf_printf(to,
		"{\"id\":\"%s\",\"create_time\":\"%s\",\"resource_type\":"
		"\"encrypt-resource\",\"event_type\":\"%s\",\"summary\":"
		"\"%s\",",
		n->id, when, n->event, summary_of(n->event));
	r = resource_put(to, n, kind);
	/* Cut off: no JSON, though every sum is right. */
	if (kind != NOTICE_BROKEN)
		buf_char(to, '}');
	return r < 0 ? r : buf_check(to);
}

static void
header_add(struct parcel *p, const char *name, const char *value)
{
	if (p->header_count < array_size(p->headers) - 1)
		p->headers[p->header_count++] =
			str_printf("%s: %s", name, value);
}

static int
signature_add(struct parcel *p, const struct notice *n, enum notice_fault kind)
{
	struct signer *key = platform_calls_back(&n->sandbox->pay->platform);
	_free_ char *timestamp = str_printf(
		"%lld", (long long)(clock_now_s() -
				    (kind == NOTICE_STALE ? STALE_S : 0)));
	_free_ char *nonce = random_name("", 32, ALNUM);
	_free_ char *stranger = random_name("", 40, HEX_UP);
	_buf_ struct buf text, signature;
	int r;

	buf_init(&text, TEXT_TOP);
	buf_init(&signature, TEXT_TOP);
	if (kind == NOTICE_PROBE)
		buf_str(&signature, "WECHATPAY/SIGNTEST/");
	buf_printf(&text, "%s\n%s\n", timestamp, nonce);
	/* Wrong ones of the right form are over other bytes. */
	if (kind != NOTICE_PROBE && kind != NOTICE_FORGED)
		buf_slice(&text, buf_all(&p->body));
	buf_char(&text, '\n');
	r = rsa_sign(key->rsa, buf_all(&text), &signature);
	if (r < 0)
		return r;
	p->serial = str_dup(kind == NOTICE_SERIAL ? stranger : key->serial);
	header_add(p, "Wechatpay-Timestamp", timestamp);
	header_add(p, "Wechatpay-Nonce", nonce);
	header_add(p, "Wechatpay-Serial", p->serial);
	header_add(p, "Wechatpay-Signature", signature.ptr);
	header_add(p, "Wechatpay-Signature-Type", "WECHATPAY2-SHA256-RSA2048");
	return 0;
}

int
parcel_make(struct parcel *ret, const struct notice *n, enum notice_fault kind)
{
	int r;

	buf_init(&ret->body, TEXT_TOP);
	header_add(ret, "User-Agent", "Mozilla/4.0");
	header_add(
		ret, "Content-Type", n->v2 ? "text/xml" : "application/json");
	if (n->v2)
		return v2_notice_body(&ret->body, n, kind);
	r = body_v3(&ret->body, n, kind);
	if (r == 0 && kind != NOTICE_BARE)
		r = signature_add(ret, n, kind);
	return r;
}

void
parcel_done(struct parcel *p)
{
	buf_done(&p->body);
	p->serial = mem_free(p->serial);
	while (p->header_count > 0)
		mem_free(p->headers[--p->header_count]);
}
