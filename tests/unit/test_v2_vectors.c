/*
 * The published values about API v2, and those that node:crypto and openssl
 * made: see data/README.md.
 */
#include "base/text.h"
#include "base/xml.h"
#include "pay/v2.h"
#include "tests/unit/vectors.h"

static void
v2_check(const json_t *params, const char *key, enum merchant_sign how,
	const char *text, const char *expected)
{
	_buf_ struct buf got, sign;
	_json_ json_t *fields = json_deep_copy(params);

	buf_init(&got, 65536);
	buf_init(&sign, 256);
	assert_int_equal(v2_text(&got, fields, key), 0);
	assert_string_equal(got.ptr, text);
	assert_int_equal(v2_sign(&sign, fields, key, how), 0);
	assert_string_equal(sign.ptr, expected);
	json_object_set_new(fields, "sign", json_string(expected));
	assert_int_equal(v2_verify(fields, key), 0);
	json_object_set_new(fields, "more", json_string("x"));
	assert_int_equal(v2_verify(fields, key), ERR_FORMAT);
}

static void
v2_signs_as_documented(void **state)
{
	static const struct {
		const char *id;
		enum merchant_sign how;
	} rows[] = {
		{"v2-sign-md5", MERCHANT_MD5},
		{"v2-sign-hmac-sha256", MERCHANT_HMAC_SHA256},
		{"v2-paysign-md5-official", MERCHANT_MD5},
		{"v2-paysign-easywechat-md5", MERCHANT_MD5},
		{"v2-paysign-easywechat-hmac-sha256", MERCHANT_HMAC_SHA256},
	};
	const json_t *v = vector_see(vectors_own, "own-v2");
	const char *key = vector_key(vectors_own, "api_v2_key");

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		const json_t *p = vector_see(vectors_pay, rows[i].id);

		v2_check(json_object_get(p, "params"), vector_text(p, "key"),
			rows[i].how, vector_text(p, "string_to_sign"),
			vector_text(p, "expected"));
	}
	v2_check(json_object_get(v, "params"), key, MERCHANT_MD5,
		vector_text(v, "string_to_sign"), vector_text(v, "md5"));
	v2_check(json_object_get(v, "params"), key, MERCHANT_HMAC_SHA256,
		vector_text(v, "string_to_sign"), vector_text(v, "hmac"));
}

static void
v2_callbacks_verify_over_every_field(void **state)
{
	static const char *const ids[] = {
		"v2-notify-synthetic-md5", "v2-notify-synthetic-hmac-sha256"};

	(void)state;
	for (size_t i = 0; i < array_size(ids); i++) {
		const json_t *v = vector_see(vectors_pay, ids[i]);
		_json_ json_t *fields = NULL;
		_buf_ struct buf text;

		buf_init(&text, 65536);
		assert_int_equal(
			xml_parse(&fields, "xml", vector_slice(v, "xml"), NULL),
			0);
		assert_int_equal(
			v2_text(&text, fields, vector_text(v, "key")), 0);
		assert_string_equal(text.ptr, vector_text(v, "string_to_sign"));
		json_object_set_new(fields, "sign",
			json_string(vector_text(v, "expected")));
		assert_int_equal(v2_verify(fields, vector_text(v, "key")), 0);
		json_object_set_new(fields, "attach", json_string("other"));
		assert_int_equal(
			v2_verify(fields, vector_text(v, "key")), ERR_FORMAT);
	}
}

static void
v2_s_seals_open(void **state)
{
	const json_t *v = vector_see(vectors_pay, "v2-refund-notify-req_info");
	const json_t *raw = vector_see(vectors_pay, "aes256ecb-php");
	const json_t *ours = vector_see(vectors_own, "own-v2-refund-notify");
	_buf_ struct buf to, sealed;

	(void)state;
	buf_init(&to, 65536);
	buf_init(&sealed, 65536);
	assert_int_equal(v2_open(&to, vector_text(v, "api_v2_key"),
				 vector_slice(v, "req_info")),
		0);
	assert_string_equal(to.ptr, vector_text(v, "expected_plaintext"));
	buf_clear(&to);
	assert_int_equal(v2_open(&to, vector_key(vectors_own, "api_v2_key"),
				 vector_slice(ours, "req_info")),
		0);
	assert_string_equal(to.ptr, vector_text(ours, "plaintext"));
	buf_clear(&to);
	assert_int_equal(
		text_unbase64(&sealed, vector_slice(raw, "ciphertext")), 0);
	assert_int_equal(crypto_ecb_open(vector_slice(raw, "aes_key_ascii"),
				 buf_all(&sealed), &to),
		0);
	assert_true(
		slice_is(buf_all(&to), vector_text(raw, "expected_plaintext")));
	/* another key, and a cut text */
	buf_clear(&to);
	assert_int_equal(
		v2_open(&to, "x", vector_slice(v, "req_info")), ERR_FORMAT);
	assert_int_equal(crypto_ecb_open(vector_slice(raw, "aes_key_ascii"),
				 slice_of(sealed.ptr, sealed.len - 1), &to),
		ERR_FORMAT);
}

/* The last. */
static void
every_vector_was_looked_at(void **state)
{
	(void)state;
	assert_int_equal(vectors_seen(vectors_pay, "v2-"), 8);
	assert_int_equal(vectors_seen(vectors_pay, "aes"), 1);
	assert_int_equal(vectors_seen(vectors_own, "own-v2"), 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(v2_signs_as_documented),
		cmocka_unit_test(v2_callbacks_verify_over_every_field),
		cmocka_unit_test(v2_s_seals_open),
		cmocka_unit_test(every_vector_was_looked_at),
	};

	return cmocka_run_group_tests(tests, vectors_setup, vectors_teardown);
}
