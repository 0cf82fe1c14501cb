/*
 * Every published value about WeChat Pay that we know of, and those that
 * node:crypto and openssl made of the documented rules: data/README.md says
 * which is where.  Each vector of
 * v3 must have been looked at.
 */
#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "pay/cert.h"
#include "pay/notify.h"
#include "pay/sign.h"
#include "tests/unit/vectors.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdlib.h>

static struct rsa *
private_of(const char *pem)
{
	struct rsa *key = NULL;

	assert_int_equal(rsa_load_private(&key, slice_str(pem), NULL), 0);
	return key;
}

static struct rsa *
public_of(const char *pem)
{
	struct rsa *key = NULL;

	assert_int_equal(rsa_load_public(&key, slice_str(pem), NULL), 0);
	return key;
}

static struct rsa *
private_key(const json_t *v)
{
	return private_of(vector_key(vectors_pay, vector_text(v, "key")));
}

static void
sign_check(struct rsa *key, const char *text, const char *expected)
{
	_buf_ struct buf sign;

	buf_init(&sign, 4096);
	assert_int_equal(rsa_sign(key, slice_str(text), &sign), 0);
	assert_string_equal(sign.ptr, expected);
}

static void
request_check(struct rsa *key, const json_t *v, const char *expected)
{
	_buf_ struct buf text;

	buf_init(&text, 65536);
	sign_request_text(&text, vector_text(v, "method"),
		vector_slice(v, "canonical_url"), vector_slice(v, "timestamp"),
		vector_slice(v, "nonce"), vector_slice(v, "body"));
	assert_string_equal(text.ptr, vector_text(v, "string_to_sign"));
	sign_check(key, text.ptr, expected);
}

static void
requests_of_v3_are_signed_as_documented(void **state)
{
	static const char *const ids[] = {
		"v3-request-sign-jsapi-official",
		"v3-request-sign-query-by-out-trade-no",
		"v3-request-sign-query-by-transaction-id",
		"v3-request-sign-close",
		"v3-request-sign-refund",
		"v3-request-sign-tradebill",
		"v3-request-sign-certificates",
		"v3-authorization-header-go-get",
		"v3-authorization-header-go-post",
	};
	static const char *const own_ids[] = {"own-req-order", "own-req-query",
		"own-req-close", "own-req-refund", "own-req-certs",
		"own-req-body-ends-in-newline"};

	(void)state;
	for (size_t i = 0; i < array_size(ids); i++) {
		const json_t *v = vector_see(vectors_pay, ids[i]);
		_cleanup_(rsa_freep) struct rsa *key = private_key(v);

		request_check(key, v, vector_text(v, "expected"));
	}
	for (size_t i = 0; i < array_size(own_ids); i++) {
		const json_t *v = vector_see(vectors_own, own_ids[i]);
		_cleanup_(rsa_freep) struct rsa *key = private_of(
			vector_key(vectors_own, "merchant_private_key"));

		request_check(key, v, vector_text(v, "signature"));
	}
}

static void
the_authorization_header_is_laid_out_as_in_the_sdk(void **state)
{
	static const char *const ids[] = {"v3-authorization-header-go-get",
		"v3-authorization-header-go-post",
		"v3-request-sign-certificates"};

	(void)state;
	for (size_t i = 0; i < array_size(ids); i++) {
		const json_t *v = vector(vectors_pay, ids[i]);
		_cleanup_(rsa_freep) struct rsa *key = private_key(v);
		_buf_ struct buf head, want;

		buf_init(&head, 4096);
		buf_init(&want, 4096);
		buf_printf(&want,
			"WECHATPAY2-SHA256-RSA2048 mchid=\"%s\",nonce_str="
			"\"%s\",timestamp=\"%s\",serial_no=\"%s\","
			"signature=\"%s\"",
			vector_text(v, "mchid"), vector_text(v, "nonce"),
			vector_text(v, "timestamp"),
			vector_text(v, "serial_no"),
			vector_text(v, "expected"));
		assert_int_equal(
			sign_authorization(&head, key, vector_text(v, "mchid"),
				vector_text(v, "serial_no"),
				vector_text(v, "method"),
				vector_slice(v, "canonical_url"),
				vector_slice(v, "timestamp"),
				vector_slice(v, "nonce"),
				vector_slice(v, "body")),
			0);
		assert_string_equal(head.ptr, want.ptr);
	}
}

static void
the_arguments_of_requestPayment_are_signed_as_documented(void **state)
{
	const json_t *v = vector_see(
		vectors_pay, "v3-paysign-jsapi-miniprogram-official");
	const json_t *app = vector_see(vectors_pay, "v3-paysign-app-official");
	const json_t *ours = vector_see(vectors_own, "own-paysign");
	_cleanup_(rsa_freep) struct rsa *key = private_key(v);
	_cleanup_(rsa_freep) struct rsa *own_key =
		private_of(vector_key(vectors_own, "merchant_private_key"));
	struct slice package = vector_slice(v, "line4");
	_buf_ struct buf sign;

	(void)state;
	buf_init(&sign, 4096);
	assert_true(slice_starts(package, "prepay_id="));
	assert_int_equal(
		sign_payment(&sign, key, vector_slice(v, "appid"),
			vector_slice(v, "timestamp"), vector_slice(v, "nonce"),
			slice_str(package.ptr + strlen("prepay_id="))),
		0);
	assert_string_equal(sign.ptr, vector_text(v, "expected"));
	/* an app's signs the bare id: ours must never */
	assert_string_not_equal(sign.ptr, vector_text(app, "expected"));
	sign_check(key, vector_text(app, "string_to_sign"),
		vector_text(app, "expected"));
	buf_clear(&sign);
	assert_int_equal(sign_payment(&sign, own_key,
				 slice_str(vector_key(vectors_own, "appid")),
				 SLICE("1704135845"),
				 SLICE("mpcloudnonce0123456789ABCDEFGHIJ"),
				 SLICE("wx26112221580621e9b071c00d9e093b0000")),
		0);
	assert_string_equal(sign.ptr, vector_text(ours, "paySign"));
}

static void
the_sdk_s_bare_signature_comes_out(void **state)
{
	const json_t *v = vector_see(vectors_pay, "v3-rsa-sign-go");
	_cleanup_(rsa_freep) struct rsa *key = private_key(v);

	(void)state;
	sign_check(key, vector_text(v, "string_to_sign"),
		vector_text(v, "expected"));
}

static void
the_documented_answer_verifies_and_a_changed_one_does_not(void **state)
{
	const json_t *v =
		vector_see(vectors_pay, "v3-response-verify-pubkey-official");
	const json_t *bad =
		vector_see(vectors_pay, "v3-response-verify-tampered");
	const json_t *h = json_object_get(v, "headers");
	_cleanup_(rsa_freep) struct rsa *key = public_of(
		vector_key(vectors_pay, "wechatpay_doc_sample_public_key"));
	struct slice time = vector_slice(h, "Wechatpay-Timestamp");
	struct slice nonce = vector_slice(h, "Wechatpay-Nonce");
	struct slice sign = vector_slice(h, "Wechatpay-Signature");
	int64_t now = atoll(time.ptr);

	(void)state;
	assert_int_equal(sign_verify(key, time, nonce, vector_slice(v, "body"),
				 sign, now + 299),
		0);
	assert_int_equal(sign_verify(key, time, nonce, vector_slice(v, "body"),
				 sign, now + 300),
		ERR_PAY_STALE);
	assert_int_equal(sign_verify(key, time, nonce, vector_slice(v, "body"),
				 sign, now - 300),
		ERR_PAY_STALE);
	assert_int_equal(
		rsa_verify(key, vector_slice(v, "string_to_sign"), sign), 0);
	assert_int_equal(rsa_verify(key, vector_slice(bad, "string_to_sign"),
				 vector_slice(bad, "signature")),
		ERR_FORMAT);
}

static void
gcm_check(const json_t *v, const char *expected)
{
	_buf_ struct buf sealed, plain;

	buf_init(&sealed, 65536);
	buf_init(&plain, 65536);
	assert_int_equal(
		text_unbase64(&sealed, vector_slice(v, "ciphertext")), 0);
	assert_int_equal(crypto_gcm_open(vector_slice(v, "api_v3_key"),
				 vector_slice(v, "nonce"),
				 vector_slice(v, "associated_data"),
				 buf_all(&sealed), &plain),
		expected ? 0 : ERR_FORMAT);
	assert_true(slice_is(buf_all(&plain), expected ? expected : ""));
}

static int
resource_open(struct buf *to, const json_t *v)
{
	return sign_open_resource(to, vector_slice(v, "api_v3_key"),
		SLICE("AEAD_AES_256_GCM"), vector_slice(v, "nonce"),
		vector_slice(v, "associated_data"),
		vector_slice(v, "ciphertext"));
}

static void
sealed_resources_open_to_what_is_published(void **state)
{
	static const char *const ids[] = {"v3-gcm-java-message",
		"v3-certificates-response-java", "v3-certificate-skit-real",
		"v3-notify-resource-transaction"};

	(void)state;
	for (size_t i = 0; i < array_size(ids); i++) {
		const json_t *v = vector_see(vectors_pay, ids[i]);
		_buf_ struct buf to;

		buf_init(&to, 65536);
		gcm_check(v, vector_text(v, "expected_plaintext"));
		assert_int_equal(resource_open(&to, v), 0);
		assert_string_equal(
			to.ptr, vector_text(v, "expected_plaintext"));
	}
}

/* Test keys of 16 bytes and nonces of 16: AES is right, and WeChat Pay's rule
 * (32 and 12) refuses them. */
static void
what_is_aes_gcm_but_not_wechat_pay_s_opens_as_such_only(void **state)
{
	static const char *const ids[] = {
		"v3-gcm-go-hello", "v3-gcm-iv16-empty", "v3-gcm-iv16-hello"};

	(void)state;
	for (size_t i = 0; i < array_size(ids); i++) {
		const json_t *v = vector_see(vectors_pay, ids[i]);
		_buf_ struct buf to;

		buf_init(&to, 65536);
		gcm_check(v, vector_text(v, "expected_plaintext"));
		assert_int_equal(resource_open(&to, v), ERR_FORMAT);
		assert_int_equal(to.len, 0);
	}
}

static void
a_wrong_aad_opens_nothing(void **state)
{
	const json_t *v = vector_see(vectors_pay, "v3-gcm-java-bad-aad");
	_buf_ struct buf to;

	(void)state;
	buf_init(&to, 65536);
	vector_text(v, "expected_error");
	gcm_check(v, NULL);
	assert_int_equal(resource_open(&to, v), ERR_FORMAT);
}

static void
certificates_have_the_serials_that_are_published(void **state)
{
	const json_t *v = vector_see(vectors_pay, "v3-cert-serials-java");
	json_t *serial;
	const char *name;

	(void)state;
	assert_int_equal(json_object_size(json_object_get(v, "expected")), 2);
	json_object_foreach (json_object_get(v, "expected"), name, serial) {
		struct cert_facts facts;

		assert_int_equal(
			cert_read(&facts,
				slice_str(vector_key(vectors_pay, name)), NULL),
			0);
		assert_string_equal(facts.serial, json_string_value(serial));
		assert_true(facts.from_ms < facts.to_ms);
	}
}

static struct merchant *
merchant_of_java(void)
{
	const struct merchant_conf conf = {
		.appids = "wx2421b1c4370ec43b",
		.mchid = "10000100",
		.serial = "5F1C72E2A8931B72A2E13AF8DEE92471EB397115",
		.notify_url = "https://example.com/v1/pay/notify",
		.api_base = "https://api.mch.weixin.qq.com",
		.private_key_pem = vector_key(vectors_pay,
			"wechatpay_java_test_merchant_private_key"),
		.certificate_pem = vector_key(
			vectors_pay, "wechatpay_java_test_merchant_cert"),
		.apiv3_key = "a7cde1ZJB1kG2e7VfTs3jQzaWizur8Gb",
	};
	struct fault why = {0};
	struct merchant *m = NULL;

	if (merchant_new(&m, &conf, &why) < 0)
		fail_msg("%s", why.text);
	assert_int_equal(
		certs_add(m->certs,
			SLICE("440024045C4A427599D09BB4E3DE0279F2E813FD"),
			slice_str(vector_key(vectors_pay,
				"wechatpay_java_test_platform_cert")),
			NULL),
		0);
	return m;
}

static struct notify_in
notify_of(const json_t *v, int64_t now_s)
{
	const json_t *h = json_object_get(v, "headers");

	return (struct notify_in){
		.timestamp = vector_slice(h, "Wechatpay-Timestamp"),
		.nonce = vector_slice(h, "Wechatpay-Nonce"),
		.serial = vector_slice(h, "Wechatpay-Serial"),
		.signature = vector_slice(h, "Wechatpay-Signature"),
		.signature_type = SLICE("WECHATPAY2-SHA256-RSA2048"),
		.body = vector_slice(v, "body"),
		.now_s = now_s,
	};
}

static void
plain_check(const char *resource, const char *expected)
{
	_json_ json_t *a = NULL, *b = NULL;

	assert_int_equal(val_parse(&a, slice_str(resource), NULL), 0);
	assert_int_equal(val_parse(&b, slice_str(expected), NULL), 0);
	assert_true(json_equal(a, b));
}

static void
callback_check(struct merchant *m, const json_t *v, int64_t now_s,
	const char *expected)
{
	struct notify_in in = notify_of(v, now_s);
	struct arena arena;
	struct fault why = {0};
	struct notify n;

	arena_init(&arena, 1 << 20);
	clock_set(now_s * CLOCK_S);
	if (notify_read(&n, m, &in, &arena, &why) < 0)
		fail_msg("%s", why.text);
	plain_check(n.resource, expected);
	assert_true(n.event_id[0] && n.out_trade_no[0] && n.total >= 0);
	clock_set(-1);
	arena_done(&arena);
}

static void
whole_callbacks_open(void **state)
{
	static const char *const ids[] = {"v3-notify-payment-e2e-synthetic",
		"v3-notify-refund-e2e-synthetic"};
	static const char *const own_ids[] = {
		"own-notify-TRANSACTION.SUCCESS-cert",
		"own-notify-REFUND.SUCCESS-cert",
		"own-notify-TRANSACTION.SUCCESS-pubkey",
		"own-notify-REFUND.SUCCESS-pubkey"};
	struct merchant *java = merchant_of_java();
	struct merchant *m = vector_merchant("yes");

	(void)state;
	for (size_t i = 0; i < array_size(ids); i++) {
		const json_t *v = vector_see(vectors_pay, ids[i]);

		callback_check(java, v,
			json_integer_value(json_object_get(v, "now")),
			vector_text(v, "expected_plaintext"));
	}
	for (size_t i = 0; i < array_size(own_ids); i++) {
		const json_t *v = vector_see(vectors_own, own_ids[i]);

		callback_check(m, v,
			json_integer_value(json_object_get(v, "now")),
			vector_text(v, "plaintext"));
	}
	merchant_unref(java);
	merchant_unref(m);
}

/* The Go SDK's has a key of 16 bytes: no merchant's. */
static void
the_go_sdk_s_callback_verifies_and_its_seal_opens(void **state)
{
	const json_t *v = vector_see(vectors_pay, "v3-notify-full-go");
	struct notify_in in =
		notify_of(v, json_integer_value(json_object_get(v, "now")));
	_cleanup_(rsa_freep) struct rsa *key = public_of(
		vector_key(vectors_pay, "wechatpay_go_test_platform_cert"));
	_buf_ struct buf sealed, plain;
	_json_ json_t *body = NULL;
	const json_t *r;

	(void)state;
	buf_init(&sealed, 65536);
	buf_init(&plain, 65536);
	assert_int_equal(sign_verify(key, in.timestamp, in.nonce, in.body,
				 in.signature, in.now_s),
		0);
	assert_int_equal(val_parse(&body, in.body, NULL), 0);
	r = json_object_get(body, "resource");
	assert_int_equal(
		text_unbase64(&sealed, vector_slice(r, "ciphertext")), 0);
	assert_int_equal(crypto_gcm_open(vector_slice(v, "api_v3_key"),
				 vector_slice(r, "nonce"),
				 vector_slice(r, "associated_data"),
				 buf_all(&sealed), &plain),
		0);
	assert_string_equal(plain.ptr, vector_text(v, "expected_plaintext"));
}

static void
a_probe_is_known_as_one(void **state)
{
	const json_t *v = vector_see(vectors_pay, "v3-notify-signtest-probe");
	struct merchant *m = merchant_of_java();
	struct notify_in in = notify_of(v, 1704135845);
	struct arena arena;
	struct notify n;

	(void)state;
	arena_init(&arena, 1 << 20);
	assert_int_equal(notify_read(&n, m, &in, &arena, NULL), ERR_PAY_PROBE);
	arena_done(&arena);
	merchant_unref(m);
}

static void
whole_certificate_answers_are_read(void **state)
{
	const json_t *v = vector_see(vectors_own, "own-certificates");
	const json_t *go =
		vector_see(vectors_pay, "v3-certificates-response-go");
	_cleanup_(certs_unrefp) struct certs *c = certs_new("1900000109");
	struct merchant *m = vector_merchant("auto");
	struct fault why = {0};
	_buf_ struct buf body;
	_json_ json_t *parsed = NULL;
	const json_t *sealed;

	(void)state;
	buf_init(&body, 65536);
	val_put(&body, json_object_get(v, "response"));
	if (certs_read(c, m, buf_all(&body), &why) < 0)
		fail_msg("%s", why.text);
	assert_int_equal(c->count, 1);
	assert_string_equal(c->cert[0].facts.serial,
		vector_key(vectors_own, "platform_serial"));
	assert_string_equal(c->cert[0].pem, vector_text(v, "plaintext"));
	merchant_unref(m);
	/* the Go SDK's has a key of 16 bytes: only its seal can be opened */
	assert_int_equal(
		val_parse(&parsed, vector_slice(go, "response_body"), NULL), 0);
	sealed = json_object_get(
		json_array_get(json_object_get(parsed, "data"), 0),
		"encrypt_certificate");
	{
		_json_ json_t *flat = json_deep_copy(sealed);

		json_object_set_new(flat, "api_v3_key",
			json_string(vector_text(go, "api_v3_key")));
		gcm_check(flat, vector_text(go, "expected_plaintext"));
	}
}

/* Sensitive fields (RSA-OAEP) occur in no request of ours; the value is kept so
 * that whoever needs them begins with a known answer. */
static void
a_sensitive_field_opens_with_the_library(void **state)
{
	const json_t *v = vector_see(vectors_pay, "v3-rsa-oaep-sensitive-java");
	const char *pem = vector_key(vectors_pay, vector_text(v, "key"));
	BIO *bio = BIO_new_mem_buf(pem, -1);
	EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
	uint8_t plain[512];
	size_t len = sizeof(plain);
	_buf_ struct buf sealed;

	(void)state;
	buf_init(&sealed, 4096);
	assert_int_equal(
		text_unbase64(&sealed, vector_slice(v, "ciphertext")), 0);
	assert_true(EVP_PKEY_decrypt_init(ctx) > 0);
	assert_true(
		EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) > 0);
	assert_true(EVP_PKEY_decrypt(ctx, plain, &len,
			    (const uint8_t *)sealed.ptr, sealed.len) > 0);
	assert_true(slice_is(
		slice_of(plain, len), vector_text(v, "expected_plaintext")));
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(key);
	BIO_free(bio);
}

/* The last.  own-userdata is test_opendata's, v2's are test_v2_vectors's. */
static void
every_vector_was_looked_at(void **state)
{
	(void)state;
	assert_int_equal(vectors_seen(vectors_pay, "v3-"), 29);
	assert_int_equal(vectors_seen(vectors_own, "own-"), 12);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_of_v3_are_signed_as_documented),
		cmocka_unit_test(
			the_authorization_header_is_laid_out_as_in_the_sdk),
		cmocka_unit_test(
			the_arguments_of_requestPayment_are_signed_as_documented),
		cmocka_unit_test(the_sdk_s_bare_signature_comes_out),
		cmocka_unit_test(
			the_documented_answer_verifies_and_a_changed_one_does_not),
		cmocka_unit_test(sealed_resources_open_to_what_is_published),
		cmocka_unit_test(
			what_is_aes_gcm_but_not_wechat_pay_s_opens_as_such_only),
		cmocka_unit_test(a_wrong_aad_opens_nothing),
		cmocka_unit_test(
			certificates_have_the_serials_that_are_published),
		cmocka_unit_test(whole_callbacks_open),
		cmocka_unit_test(
			the_go_sdk_s_callback_verifies_and_its_seal_opens),
		cmocka_unit_test(a_probe_is_known_as_one),
		cmocka_unit_test(whole_certificate_answers_are_read),
		cmocka_unit_test(a_sensitive_field_opens_with_the_library),
		cmocka_unit_test(every_vector_was_looked_at),
	};

	return cmocka_run_group_tests(tests, vectors_setup, vectors_teardown);
}
