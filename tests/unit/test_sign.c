/*
 * Known answers for every string that WeChat Pay signs: values published with
 * its documentation and SDKs, and a file of vectors made with keys of our own
 * by node:crypto and the openssl command.
 */
#include "base/mem.h"
#include "base/paths.h"
#include "base/val.h"
#include "pay/sign.h"
#include "tests/unit/data/wechat_published.h"
#include "tests/unit/test.h"

#include <stdlib.h>

#define DOC_TIME  SLICE("1554208460")
#define DOC_NONCE SLICE("593BEC0C930BF1AFEB40B4A08C8FB242")

static struct rsa *
private_key(const char *pem)
{
	struct rsa *key = NULL;

	assert_int_equal(rsa_load_private(&key, slice_str(pem), NULL), 0);
	return key;
}

static struct rsa *
public_key(const char *pem)
{
	struct rsa *key = NULL;

	assert_int_equal(rsa_load_public(&key, slice_str(pem), NULL), 0);
	return key;
}

static void
the_documented_request_gets_the_documented_signature(void **state)
{
	_cleanup_(rsa_freep) struct rsa *key = private_key(DOC_PRIVATE_KEY);
	_buf_ struct buf head;

	(void)state;
	buf_init(&head, 4096);
	assert_int_equal(sign_authorization(&head, key, "1900007291",
				 "408B07E79B8269FEC3D5D3E6AB8ED163A6A380DB",
				 "POST", SLICE("/v3/pay/transactions/jsapi"),
				 DOC_TIME, DOC_NONCE, SLICE(DOC_REQUEST_BODY)),
		0);
	assert_string_equal(head.ptr,
		"WECHATPAY2-SHA256-RSA2048 mchid=\"1900007291\","
		"nonce_str=\"593BEC0C930BF1AFEB40B4A08C8FB242\","
		"timestamp=\"1554208460\","
		"serial_no=\"408B07E79B8269FEC3D5D3E6AB8ED163A6A380DB\","
		"signature=\"" DOC_REQUEST_SIGN "\"");
}

static void
the_documented_pay_sign_comes_out(void **state)
{
	_cleanup_(rsa_freep) struct rsa *key = private_key(DOC_PRIVATE_KEY);
	_buf_ struct buf sign;

	(void)state;
	buf_init(&sign, 4096);
	assert_int_equal(sign_payment(&sign, key, SLICE("wx2421b1c4370ec43b"),
				 DOC_TIME, DOC_NONCE,
				 SLICE("wx201410272009395522657a690389285100")),
		0);
	assert_string_equal(sign.ptr, DOC_PAY_SIGN);
}

static void
the_request_text_ends_every_line(void **state)
{
	_buf_ struct buf text;

	(void)state;
	buf_init(&text, 4096);
	sign_request_text(&text, "GET", SLICE("/v3/certificates"),
		SLICE("1624523846"), SLICE("A1B2C3D4E5F6G7"), SLICE(""));
	assert_string_equal(text.ptr,
		"GET\n/v3/certificates\n1624523846\nA1B2C3D4E5F6G7\n\n");
	buf_clear(&text);
	sign_request_text(&text, "POST", SLICE("/v3/x"), SLICE("1"), SLICE("n"),
		SLICE("{}\n"));
	assert_string_equal(text.ptr, "POST\n/v3/x\n1\nn\n{}\n\n");
}

static void
the_go_sdk_s_key_signs_as_there(void **state)
{
	_cleanup_(rsa_freep) struct rsa *key = private_key(GO_PRIVATE_KEY);
	_buf_ struct buf sign, head;

	(void)state;
	buf_init(&sign, 4096);
	buf_init(&head, 4096);
	assert_int_equal(rsa_sign(key, SLICE("source"), &sign), 0);
	assert_string_equal(sign.ptr, GO_SOURCE_SIGN);
	assert_int_equal(
		sign_authorization(&head, key, "1234567890", "0123456789ABC",
			"GET", SLICE("/v3/certificates"), SLICE("1624523846"),
			SLICE("A1B2C3D4E5F6G7"), SLICE("")),
		0);
	assert_non_null(strstr(head.ptr, "signature=\"" GO_GET_SIGN "\""));
	buf_clear(&head);
	assert_int_equal(
		sign_authorization(&head, key, "1234567890", "0123456789ABC",
			"POST", SLICE("/v3/certificates"), SLICE("1624523846"),
			SLICE("A1B2C3D4E5F6G7"), SLICE("Hello World!\n")),
		0);
	assert_non_null(strstr(head.ptr, "signature=\"" GO_POST_SIGN "\""));
}

/* The documented answer with one thing changed. */
static int
answer_check(const char *timestamp, const char *nonce, const char *body,
	const char *sign, int64_t now)
{
	_cleanup_(rsa_freep) struct rsa *key = public_key(DOC_PUBLIC_KEY);

	return sign_verify(key, slice_str(timestamp), slice_str(nonce),
		slice_str(body), slice_str(sign), now);
}

#define ANSWER_TIME  "1722850421"
#define ANSWER_NONCE "d824f2e086d3c1df967785d13fcd22ef"
#define ANSWER_NOW   1722850421

static void
the_documented_answer_verifies_and_changed_ones_do_not(void **state)
{
	char body[] = DOC_ANSWER_BODY, sign[] = DOC_ANSWER_SIGN;

	(void)state;
	assert_int_equal(
		answer_check(ANSWER_TIME, ANSWER_NONCE, body, sign, ANSWER_NOW),
		0);
	for (size_t i = 0; i < sizeof(body) - 1; i++) {
		body[i] ^= 1;
		assert_int_equal(answer_check(ANSWER_TIME, ANSWER_NONCE, body,
					 sign, ANSWER_NOW),
			ERR_FORMAT);
		body[i] ^= 1;
	}
	for (size_t i = 0; i < sizeof(sign) - 1; i++) {
		char c = sign[i];

		sign[i] = c == 'A' ? 'B' : 'A';
		assert_true(answer_check(ANSWER_TIME, ANSWER_NONCE, body, sign,
				    ANSWER_NOW) < 0);
		sign[i] = c;
	}
	assert_int_equal(answer_check(ANSWER_TIME, "x", body, sign, ANSWER_NOW),
		ERR_FORMAT);
	assert_int_equal(answer_check("1722850422", ANSWER_NONCE, body, sign,
				 ANSWER_NOW),
		ERR_FORMAT);
	assert_true(answer_check(ANSWER_TIME, ANSWER_NONCE, body, "",
			    ANSWER_NOW) < 0);
	assert_true(
		answer_check(ANSWER_TIME, ANSWER_NONCE, body,
			"WECHATPAY/SIGNTEST/" DOC_ANSWER_SIGN, ANSWER_NOW) < 0);
}

static void
an_answer_is_believed_for_less_than_five_minutes(void **state)
{
	static const struct {
		int64_t now;
		int ret;
	} rows[] = {
		{ANSWER_NOW - 300, ERR_PAY_STALE},
		{ANSWER_NOW - 299, 0},
		{ANSWER_NOW + 299, 0},
		{ANSWER_NOW + 300, ERR_PAY_STALE},
		{0, ERR_PAY_STALE},
	};
	static const char *const odd[] = {"", "x", "-1", "1722850421.0",
		" 1722850421", "99999999999999999999999",
		"9223372036854775807"};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++)
		assert_int_equal(
			answer_check(ANSWER_TIME, ANSWER_NONCE, DOC_ANSWER_BODY,
				DOC_ANSWER_SIGN, rows[i].now),
			rows[i].ret);
	for (size_t i = 0; i < array_size(odd); i++)
		assert_int_equal(
			answer_check(odd[i], ANSWER_NONCE, DOC_ANSWER_BODY,
				DOC_ANSWER_SIGN, ANSWER_NOW),
			ERR_PAY_STALE);
}

/* github.com/wechatpay-apiv3/wechatpay-java AeadAesCipherTest */
#define JAVA_KEY   "a7cde1ZJB1kG2e7VfTs3jQzaWizur8Gb"
#define JAVA_NONCE "uluk4a9R25RW"
#define JAVA_TEXT  "ulwSiIajGClcvcOYvOQ7+l+0PAbzzwI="

static void
a_resource_opens_with_its_own_key_nonce_and_data_only(void **state)
{
	static const struct {
		const char *key, *algorithm, *nonce, *aad, *text;
		int ret;
	} rows[] = {
		{JAVA_KEY, "AEAD_AES_256_GCM", JAVA_NONCE, "associatedData",
			JAVA_TEXT, 0},
		{JAVA_KEY, "AEAD_AES_256_GCM", JAVA_NONCE, "bad-associatedData",
			JAVA_TEXT, ERR_FORMAT},
		{JAVA_KEY, "AEAD_AES_256_GCM", JAVA_NONCE, "", JAVA_TEXT,
			ERR_FORMAT},
		{JAVA_KEY, "AEAD_AES_256_GCM", "uluk4a9R25RX", "associatedData",
			JAVA_TEXT, ERR_FORMAT},
		{JAVA_KEY, "AEAD_AES_256_GCM", JAVA_NONCE "0", "associatedData",
			JAVA_TEXT, ERR_FORMAT},
		{JAVA_KEY, "AEAD_SM4_GCM", JAVA_NONCE, "associatedData",
			JAVA_TEXT, ERR_FORMAT},
		{JAVA_KEY, "", JAVA_NONCE, "associatedData", JAVA_TEXT,
			ERR_FORMAT},
		{"a7cde1ZJB1kG2e7VfTs3jQzaWizur8Gc", "AEAD_AES_256_GCM",
			JAVA_NONCE, "associatedData", JAVA_TEXT, ERR_FORMAT},
		/* a 16-byte key would silently be AES-128 */
		{"testAPIv3Key0000", "AEAD_AES_256_GCM", "wCq51qZv4Yfg",
			"Dl56FrqWQJF1t9LtC3vEUsniZKvbqdR8",
			"FsdXzxryWfKwvLJKf8LG/ToRPTRh8RN9wROC", ERR_FORMAT},
		{JAVA_KEY, "AEAD_AES_256_GCM", JAVA_NONCE, "associatedData",
			"ulwSiIajGClcvcOYvOQ7", ERR_FORMAT},
		{JAVA_KEY, "AEAD_AES_256_GCM", JAVA_NONCE, "associatedData",
			"not base64!", ERR_FORMAT},
		{JAVA_KEY, "AEAD_AES_256_GCM", JAVA_NONCE, "associatedData", "",
			ERR_FORMAT},
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		_buf_ struct buf plain;

		buf_init(&plain, 1024);
		assert_int_equal(
			sign_open_resource(&plain, slice_str(rows[i].key),
				slice_str(rows[i].algorithm),
				slice_str(rows[i].nonce),
				slice_str(rows[i].aad),
				slice_str(rows[i].text)),
			rows[i].ret);
		assert_string_equal(plain.len ? plain.ptr : "",
			rows[i].ret == 0 ? "message" : "");
	}
}

static void
a_published_transaction_opens(void **state)
{
	_buf_ struct buf plain;

	(void)state;
	buf_init(&plain, 65536);
	assert_int_equal(
		sign_open_resource(&plain,
			SLICE("5YI2YwEdV56hCsNEoOGEeL17vRFcz3i6"),
			SLICE("AEAD_AES_256_GCM"), SLICE("katvtHDDPxkw"),
			SLICE("transaction"), SLICE(EASYWECHAT_RESOURCE)),
		0);
	assert_string_equal(plain.ptr, EASYWECHAT_PLAIN);
}

static struct slice
text_at(const json_t *v, const char *key)
{
	const char *s = json_string_value(json_object_get(v, key));

	assert_non_null(s);
	return slice_str(s);
}

/* A callback: verified over its bytes, then its resource opened. */
static void
notify_check(const char *pem, const json_t *headers, struct slice body,
	int64_t now, struct slice apiv3_key, struct slice expected)
{
	_cleanup_(rsa_freep) struct rsa *key = public_key(pem);
	_json_ json_t *v = NULL;
	_buf_ struct buf plain;
	const json_t *resource;

	buf_init(&plain, 65536);
	assert_int_equal(
		sign_verify(key, text_at(headers, "Wechatpay-Timestamp"),
			text_at(headers, "Wechatpay-Nonce"), body,
			text_at(headers, "Wechatpay-Signature"), now),
		0);
	assert_int_equal(val_parse(&v, body, NULL), 0);
	resource = json_object_get(v, "resource");
	assert_int_equal(sign_open_resource(&plain, apiv3_key,
				 text_at(resource, "algorithm"),
				 text_at(resource, "nonce"),
				 text_at(resource, "associated_data"),
				 text_at(resource, "ciphertext")),
		0);
	assert_true(slice_eq(buf_all(&plain), expected));
}

static void
a_callback_made_with_the_java_sdk_s_keys_is_read(void **state)
{
	_json_ json_t *headers =
		json_pack("{s:s,s:s,s:s}", "Wechatpay-Timestamp", "1704135845",
			"Wechatpay-Nonce", "5K8264ILTKCH16CQ2502SI8ZNMTM67VS",
			"Wechatpay-Signature", JAVA_NOTIFY_SIGN);

	(void)state;
	notify_check(JAVA_PUBLIC_KEY, headers, SLICE(JAVA_NOTIFY_BODY),
		1704135845, SLICE(JAVA_KEY), SLICE(JAVA_NOTIFY_PLAIN));
}

static json_t *
own_file(void)
{
	_free_ char *path =
		path_data("tests/unit/data/wechat-vectors-own.json");
	_free_ char *text = NULL;
	json_t *v = NULL;
	size_t len;

	assert_int_equal(file_read(path, 1 << 20, &text, &len, NULL), 0);
	assert_int_equal(val_parse(&v, slice_of(text, len), NULL), 0);
	return v;
}

static const char *
own_key(const json_t *file, const char *name)
{
	return text_at(json_object_get(file, "keys"), name).ptr;
}

static void
own_request_check(const json_t *file, const json_t *v)
{
	_cleanup_(rsa_freep) struct rsa *key =
		private_key(own_key(file, "merchant_private_key"));
	_buf_ struct buf text, head, wanted;

	buf_init(&text, 65536);
	buf_init(&head, 65536);
	buf_init(&wanted, 65536);
	sign_request_text(&text, text_at(v, "method").ptr,
		text_at(v, "canonical_url"), text_at(v, "timestamp"),
		text_at(v, "nonce"), text_at(v, "body"));
	assert_string_equal(text.ptr, text_at(v, "string_to_sign").ptr);
	assert_int_equal(
		sign_authorization(&head, key, own_key(file, "mchid"),
			own_key(file, "merchant_serial"),
			text_at(v, "method").ptr, text_at(v, "canonical_url"),
			text_at(v, "timestamp"), text_at(v, "nonce"),
			text_at(v, "body")),
		0);
	buf_printf(&wanted, ",signature=\"%s\"", text_at(v, "signature").ptr);
	assert_non_null(strstr(head.ptr, wanted.ptr));
}

static void
own_payment_check(const json_t *file, const json_t *v)
{
	_cleanup_(rsa_freep) struct rsa *key =
		private_key(own_key(file, "merchant_private_key"));
	_buf_ struct buf sign;

	buf_init(&sign, 4096);
	assert_int_equal(
		sign_payment(&sign, key, slice_str(own_key(file, "appid")),
			SLICE("1704135845"),
			SLICE("mpcloudnonce0123456789ABCDEFGHIJ"),
			SLICE("wx26112221580621e9b071c00d9e093b0000")),
		0);
	assert_string_equal(sign.ptr, text_at(v, "paySign").ptr);
}

static void
own_notify_check(const json_t *file, const json_t *v)
{
	const json_t *headers = json_object_get(v, "headers");
	bool is_cert = slice_is(text_at(headers, "Wechatpay-Serial"),
		own_key(file, "platform_serial"));

	notify_check(own_key(file, is_cert ? "platform_certificate"
					   : "wechatpay_pubkey"),
		headers, text_at(v, "body"),
		json_integer_value(json_object_get(v, "now")),
		slice_str(own_key(file, "api_v3_key")),
		text_at(v, "plaintext"));
}

static void
own_certificates_check(const json_t *file, const json_t *v)
{
	const json_t *sealed = json_object_get(
		json_array_get(
			json_object_get(json_object_get(v, "response"), "data"),
			0),
		"encrypt_certificate");
	_buf_ struct buf plain;

	buf_init(&plain, 65536);
	assert_int_equal(
		sign_open_resource(&plain,
			slice_str(own_key(file, "api_v3_key")),
			text_at(sealed, "algorithm"), text_at(sealed, "nonce"),
			text_at(sealed, "associated_data"),
			text_at(sealed, "ciphertext")),
		0);
	assert_string_equal(plain.ptr, text_at(v, "plaintext").ptr);
}

static void
all_vectors_of_our_own_file_hold(void **state)
{
	static const struct {
		const char *prefix;
		void (*check)(const json_t *, const json_t *);
		int count;
	} rows[] = {
		{"own-req-", own_request_check, 6},
		{"own-paysign", own_payment_check, 1},
		{"own-notify-", own_notify_check, 4},
		{"own-certificates", own_certificates_check, 1},
	};
	_json_ json_t *file = own_file();
	json_t *vectors = json_object_get(file, "vectors"), *v;
	size_t i;

	(void)state;
	for (size_t k = 0; k < array_size(rows); k++) {
		int count = 0;

		json_array_foreach (vectors, i, v)
			if (slice_starts(text_at(v, "id"), rows[k].prefix)) {
				rows[k].check(file, v);
				count++;
			}
		assert_int_equal(count, rows[k].count);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			the_documented_request_gets_the_documented_signature),
		cmocka_unit_test(the_documented_pay_sign_comes_out),
		cmocka_unit_test(the_request_text_ends_every_line),
		cmocka_unit_test(the_go_sdk_s_key_signs_as_there),
		cmocka_unit_test(
			the_documented_answer_verifies_and_changed_ones_do_not),
		cmocka_unit_test(
			an_answer_is_believed_for_less_than_five_minutes),
		cmocka_unit_test(
			a_resource_opens_with_its_own_key_nonce_and_data_only),
		cmocka_unit_test(a_published_transaction_opens),
		cmocka_unit_test(
			a_callback_made_with_the_java_sdk_s_keys_is_read),
		cmocka_unit_test(all_vectors_of_our_own_file_hold),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
