#pragma once

/*
 * The strings that WeChat Pay v3 signs (wechat-pay docs "request signing",
 * "response verification", "JSAPI paySign", "AEAD_AES_256_GCM").
 */

#include "base/crypto.h"

/* "METHOD\nURL\nTIMESTAMP\nNONCE\nBODY\n"; url is path and query as sent. */
void sign_request_text(struct buf *to, const char *method, struct slice url,
	struct slice timestamp, struct slice nonce, struct slice body);
/* The Authorization header's value, without its name. */
int sign_authorization(struct buf *to, struct rsa *key, const char *mchid,
	const char *serial, const char *method, struct slice url,
	struct slice timestamp, struct slice nonce,
	struct slice body) _must_check_;
/* "TIMESTAMP\nNONCE\nBODY\n" against a base64 signature; the timestamp within
 * 300 s of now, else ERR_PAY_STALE; ERR_FORMAT: it does not verify. */
int sign_verify(struct rsa *key, struct slice timestamp, struct slice nonce,
	struct slice body, struct slice signature, int64_t now_s) _must_check_;
/* paySign of wx.requestPayment. */
int sign_payment(struct buf *to, struct rsa *key, struct slice appid,
	struct slice timestamp, struct slice nonce,
	struct slice prepay_id) _must_check_;
/* A callback's or certificate's `resource`: algorithm must be
 * AEAD_AES_256_GCM, the key 32 bytes. */
int sign_open_resource(struct buf *to, struct slice apiv3_key,
	struct slice algorithm, struct slice nonce, struct slice aad,
	struct slice ciphertext_base64) _must_check_;
