/*
 * The Authorization header, as strictly as its description: the scheme, five
 * fields each once, no blanks between them, a timestamp within five minutes, a
 * signature over the very bytes that came.
 */

#include "pay.h"

#include "base/clock.h"

enum { TEXT_TOP = 128 * 1024, NONCE_TOP = 32, APART_S = 300 };

enum { MCHID, NONCE, TIMESTAMP, SERIAL, SIGNATURE, FIELDS };

static const char *const field_names[FIELDS] = {
	"mchid", "nonce_str", "timestamp", "serial_no", "signature"};

#define FORM_WORDS \
	"Http头Authorization值格式错误，请参考《微信支付商户REST " \
	"API签名规则》"

/* name="value" → the place of the name, or FIELDS. */
static unsigned
field_parse(struct slice part, struct slice *ret)
{
	struct slice name, value = part;

	if (!slice_split(&value, '=', &name) || value.len < 2 ||
		value.ptr[0] != '"' || value.ptr[value.len - 1] != '"')
		return FIELDS;
	*ret = slice_of(value.ptr + 1, value.len - 2);
	for (unsigned i = 0; i < FIELDS; i++)
		if (slice_is(name, field_names[i]))
			return i;
	return FIELDS;
}

static bool
header_parse(struct slice text, struct slice ret[FIELDS])
{
	static const char scheme[] = "WECHATPAY2-SHA256-RSA2048 ";
	struct slice part, value;
	unsigned count = 0;

	if (!slice_starts(text, scheme))
		return false;
	text.ptr += sizeof(scheme) - 1;
	text.len -= sizeof(scheme) - 1;
	while (slice_split(&text, ',', &part)) {
		unsigned i = field_parse(part, &value);

		if (i == FIELDS || ret[i].ptr)
			return false;
		ret[i] = value;
		count++;
	}
	return count == FIELDS;
}

static bool
nonce_is_good(struct slice nonce)
{
	if (nonce.len == 0 || nonce.len > NONCE_TOP)
		return false;
	for (size_t i = 0; i < nonce.len; i++) {
		char c = nonce.ptr[i];

		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
			    (c >= 'A' && c <= 'Z')))
			return false;
	}
	return true;
}

static bool
time_is_good(struct slice timestamp)
{
	uint64_t t;
	int64_t apart;

	if (slice_to_u64(timestamp, INT64_MAX, &t) < 0)
		return false;
	apart = (int64_t)t - clock_now_s();
	return apart <= APART_S && apart >= -APART_S;
}

static bool
signature_is_good(const struct seller *m, struct exchange *x,
	const struct slice f[FIELDS])
{
	_buf_ struct buf text;

	buf_init(&text, TEXT_TOP);
	buf_str(&text, exchange_method(x));
	buf_char(&text, '\n');
	buf_slice(&text, exchange_target(x));
	buf_char(&text, '\n');
	buf_slice(&text, f[TIMESTAMP]);
	buf_char(&text, '\n');
	buf_slice(&text, f[NONCE]);
	buf_char(&text, '\n');
	buf_slice(&text, exchange_body(x));
	buf_char(&text, '\n');
	return buf_check(&text) == 0 &&
	       rsa_verify(m->rsa, buf_all(&text), f[SIGNATURE]) == 0;
}

/* NULL when it is in order, else the server's sentence. */
static const char *
trouble_find(struct sandbox *s, struct exchange *x, struct seller **ret)
{
	struct slice f[FIELDS] = {{0}};
	struct seller *m;

	if (!header_parse(exchange_header(x, "Authorization"), f))
		return FORM_WORDS;
	if (!nonce_is_good(f[NONCE]))
		return "Http头Authorization中的nonce_str不合法";
	if (!time_is_good(f[TIMESTAMP]))
		return "Http头Authorization中的timestamp与发起请求的时间"
		       "不得超过5分钟";
	m = seller_find(s, f[MCHID]);
	if (!m)
		return "商户号不存在或与证书不匹配";
	if (!slice_is_nocase(f[SERIAL], m->serial))
		return "商户证书序列号有误。请使用签名私钥匹配的证书序列号";
	if (!signature_is_good(m, x, f))
		return "签名错误，请检查后再试";
	*ret = m;
	return NULL;
}

struct seller *
pay_authorize(struct sandbox *s, struct exchange *x, struct answer *a)
{
	struct seller *m = NULL;
	const char *trouble = trouble_find(s, x, &m);

	if (!trouble)
		return m;
	answer_pay_error(a, 401, "SIGN_ERROR", trouble);
	a->sign = false; /* a stranger gets no signature of WeChat Pay's */
	return NULL;
}
