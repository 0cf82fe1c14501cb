/*
 * The strings that are signed, in one place, so that there is one newline rule
 * to get right: every line ends with "\n", the last and the empty one too.
 */
#include "pay/sign.h"

#include "base/text.h"

#include <inttypes.h>

enum {
	TEXT_TOP = 1024 * 1024 + 4096, /* a body and its lines */
	SKEW_S = 300,
	SEAL_KEY = 32,
};

static void
put_line(struct buf *to, struct slice s)
{
	buf_slice(to, s);
	buf_char(to, '\n');
}

void
sign_request_text(struct buf *to, const char *method, struct slice url,
	struct slice timestamp, struct slice nonce, struct slice body)
{
	put_line(to, slice_str(method));
	put_line(to, url);
	put_line(to, timestamp);
	put_line(to, nonce);
	put_line(to, body);
}

static int
text_sign(struct buf *to, struct rsa *key, const struct buf *text)
{
	int r = buf_check(text);

	return r < 0 ? r : rsa_sign(key, buf_all(text), to);
}

int
sign_authorization(struct buf *to, struct rsa *key, const char *mchid,
	const char *serial, const char *method, struct slice url,
	struct slice timestamp, struct slice nonce, struct slice body)
{
	_buf_ struct buf text;
	int r;

	buf_init(&text, TEXT_TOP);
	sign_request_text(&text, method, url, timestamp, nonce, body);
	buf_printf(to,
		"WECHATPAY2-SHA256-RSA2048 mchid=\"%s\",nonce_str=\"%.*s\","
		"timestamp=\"%.*s\",serial_no=\"%s\",signature=\"",
		mchid, SLICE_ARG(nonce), SLICE_ARG(timestamp), serial);
	r = text_sign(to, key, &text);
	if (r < 0)
		return r;
	buf_char(to, '"');
	return buf_check(to);
}

int
sign_verify(struct rsa *key, struct slice timestamp, struct slice nonce,
	struct slice body, struct slice signature, int64_t now_s)
{
	_buf_ struct buf text;
	uint64_t then;
	int r;

	buf_init(&text, TEXT_TOP);
	if (slice_to_u64(timestamp, INT64_MAX, &then) < 0)
		return ERR_PAY_STALE;
	if ((int64_t)then <= now_s - SKEW_S || (int64_t)then >= now_s + SKEW_S)
		return ERR_PAY_STALE;
	put_line(&text, timestamp);
	put_line(&text, nonce);
	put_line(&text, body);
	r = buf_check(&text);
	return r < 0 ? r : rsa_verify(key, buf_all(&text), signature);
}

int
sign_payment(struct buf *to, struct rsa *key, struct slice appid,
	struct slice timestamp, struct slice nonce, struct slice prepay_id)
{
	_buf_ struct buf text;

	buf_init(&text, TEXT_TOP);
	put_line(&text, appid);
	put_line(&text, timestamp);
	put_line(&text, nonce);
	buf_str(&text, "prepay_id=");
	put_line(&text, prepay_id);
	return text_sign(to, key, &text);
}

int
sign_open_resource(struct buf *to, struct slice apiv3_key,
	struct slice algorithm, struct slice nonce, struct slice aad,
	struct slice ciphertext_base64)
{
	_buf_ struct buf sealed;
	int r;

	buf_init(&sealed, TEXT_TOP);
	if (!slice_is(algorithm, "AEAD_AES_256_GCM") ||
		apiv3_key.len != SEAL_KEY || nonce.len != GCM_NONCE)
		return ERR_FORMAT;
	r = text_unbase64(&sealed, ciphertext_base64);
	if (r < 0 || sealed.len < GCM_TAG)
		return ERR_FORMAT;
	return crypto_gcm_open(apiv3_key, nonce, aad, buf_all(&sealed), to);
}
