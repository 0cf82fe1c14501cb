/*
 * Callbacks: what is genuine says what it says, and each way of being something
 * else has its own error.  The genuine ones were made by node:crypto
 * (data/wechat-vectors-own.json); what is changed here is changed in one place
 * each.
 */
#include "base/clock.h"
#include "base/text.h"
#include "pay/certs.h"
#include "pay/notify.h"
#include "pay/sign.h"
#include "tests/unit/vectors.h"

#include <stdio.h>
#include <stdlib.h>

#define PAID   "own-notify-TRANSACTION.SUCCESS-pubkey"
#define REFUND "own-notify-REFUND.SUCCESS-pubkey"

static struct merchant *m;
static struct arena arena;
static struct notify n;
static struct fault why;

static int
setup(void **state)
{
	(void)state;
	clock_set(1704135845 * CLOCK_S);
	m = vector_merchant("yes");
	arena_init(&arena, 1 << 20);
	why = (struct fault){0};
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	merchant_unref(m);
	arena_done(&arena);
	clock_set(-1);
	return 0;
}

static struct notify_in
in_of(const char *id)
{
	const json_t *v = vector(vectors_own, id);
	const json_t *h = json_object_get(v, "headers");

	return (struct notify_in){
		.timestamp = vector_slice(h, "Wechatpay-Timestamp"),
		.nonce = vector_slice(h, "Wechatpay-Nonce"),
		.serial = vector_slice(h, "Wechatpay-Serial"),
		.signature = vector_slice(h, "Wechatpay-Signature"),
		.signature_type = SLICE("WECHATPAY2-SHA256-RSA2048"),
		.body = vector_slice(v, "body"),
		.now_s = json_integer_value(json_object_get(v, "now")),
	};
}

static int
read_in(const struct notify_in *in)
{
	why = (struct fault){0};
	return notify_read(&n, m, in, &arena, &why);
}

/* As WeChat Pay would sign it, with its key. */
static struct slice
sign_of(const struct notify_in *in)
{
	struct rsa *key = NULL;
	_buf_ struct buf text, sign;
	struct slice ret;

	buf_init(&text, 1 << 20);
	buf_init(&sign, 4096);
	assert_int_equal(rsa_load_private(&key,
				 slice_str(vector_key(vectors_own,
					 "wechatpay_pubkey_private")),
				 NULL),
		0);
	buf_printf(&text, "%.*s\n%.*s\n", SLICE_ARG(in->timestamp),
		SLICE_ARG(in->nonce));
	buf_slice(&text, in->body);
	buf_char(&text, '\n');
	assert_int_equal(rsa_sign(key, buf_all(&text), &sign), 0);
	ret = slice_str(arena_str(&arena, buf_all(&sign)));
	rsa_free(key);
	return ret;
}

/* A genuine callback about `plain`. */
static struct notify_in
made_of(const char *event, const char *type, const char *plain)
{
	struct notify_in in = in_of(PAID);
	_buf_ struct buf sealed, text, body;

	buf_init(&sealed, 1 << 17);
	buf_init(&text, 1 << 17);
	buf_init(&body, 1 << 17);
	assert_int_equal(
		crypto_gcm_seal(slice_str(m->apiv3_key), SLICE("0123456789ab"),
			slice_str(type), slice_str(plain), &sealed),
		0);
	text_base64(&text, buf_all(&sealed));
	buf_printf(&body,
		"{\"id\":\"EV-1\",\"event_type\":\"%s\",\"resource_type\":"
		"\"encrypt-resource\",\"resource\":{\"original_type\":\"%s\","
		"\"algorithm\":\"AEAD_AES_256_GCM\",\"nonce\":\"0123456789ab\","
		"\"associated_data\":\"%s\",\"ciphertext\":\"%s\"}}",
		event, type, type, text.ptr);
	in.body = slice_str(arena_str(&arena, buf_all(&body)));
	in.signature = sign_of(&in);
	return in;
}

static void
a_payment_says_what_was_paid(void **state)
{
	struct notify_in in = in_of(PAID);
	const json_t *v = vector(vectors_own, PAID);
	_json_ json_t *plain = NULL;

	(void)state;
	assert_int_equal(read_in(&in), 0);
	assert_int_equal(
		val_parse(&plain, vector_slice(v, "plaintext"), NULL), 0);
	assert_int_equal(n.kind, NOTIFY_PAID);
	assert_string_equal(n.event_type, "TRANSACTION.SUCCESS");
	assert_string_equal(n.mchid, vector_text(plain, "mchid"));
	assert_string_equal(n.appid, vector_text(plain, "appid"));
	assert_string_equal(n.out_trade_no, vector_text(plain, "out_trade_no"));
	assert_string_equal(
		n.transaction_id, vector_text(plain, "transaction_id"));
	assert_string_equal(n.state, "SUCCESS");
	assert_string_equal(n.openid,
		vector_text(json_object_get(plain, "payer"), "openid"));
	assert_int_equal(
		n.total, json_integer_value(json_object_get(
				 json_object_get(plain, "amount"), "total")));
	assert_string_equal(n.currency, "CNY");
	assert_true(n.at_ms > 1600000000000);
	assert_string_equal(n.out_refund_no, "");
}

static void
a_refund_says_what_was_given_back(void **state)
{
	struct notify_in in = in_of(REFUND);
	const json_t *v = vector(vectors_own, REFUND);
	_json_ json_t *plain = NULL;

	(void)state;
	assert_int_equal(read_in(&in), 0);
	assert_int_equal(
		val_parse(&plain, vector_slice(v, "plaintext"), NULL), 0);
	assert_int_equal(n.kind, NOTIFY_REFUND);
	assert_string_equal(n.event_type, "REFUND.SUCCESS");
	assert_string_equal(
		n.out_refund_no, vector_text(plain, "out_refund_no"));
	assert_string_equal(n.refund_id, vector_text(plain, "refund_id"));
	assert_string_equal(n.state, "SUCCESS");
	assert_string_equal(n.appid, "");
	assert_int_equal(
		n.refund, json_integer_value(json_object_get(
				  json_object_get(plain, "amount"), "refund")));
}

static void
each_missing_header_is_named(void **state)
{
	static const struct {
		size_t at;
		const char *name;
	} rows[] = {
		{offsetof(struct notify_in, timestamp), "Wechatpay-Timestamp"},
		{offsetof(struct notify_in, nonce), "Wechatpay-Nonce"},
		{offsetof(struct notify_in, serial), "Wechatpay-Serial"},
		{offsetof(struct notify_in, signature), "Wechatpay-Signature"},
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct notify_in in = in_of(PAID);

		*(struct slice *)(void *)((char *)&in + rows[i].at) =
			slice_of("", 0);
		assert_int_equal(read_in(&in), ERR_PAY_UNSIGNED);
		assert_non_null(strstr(why.text, rows[i].name));
	}
	{
		struct notify_in in = in_of(PAID);

		in.signature_type = slice_of("", 0); /* absent: RSA */
		assert_int_equal(read_in(&in), 0);
		in.signature_type = SLICE("WECHATPAY2-SM2-WITH-SM3");
		assert_int_equal(read_in(&in), ERR_PAY_FORGED_NOTIFY);
	}
}

static void
five_minutes_either_way_are_too_much(void **state)
{
	static const struct {
		int64_t off;
		int err;
	} rows[] = {{0, 0}, {299, 0}, {-299, 0}, {300, ERR_PAY_STALE},
		{-300, ERR_PAY_STALE}, {86400, ERR_PAY_STALE}};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct notify_in in = in_of(PAID);

		in.now_s += rows[i].off;
		assert_int_equal(read_in(&in), rows[i].err);
	}
	{
		static const char *const odd[] = {"1704135845000", "x",
			"-1704135845", "+1704135845", " 1704135845",
			"1704135845.0", "99999999999999999999"};

		for (size_t i = 0; i < array_size(odd); i++) {
			struct notify_in in = in_of(PAID);

			in.timestamp = slice_str(odd[i]);
			in.signature = sign_of(&in);
			assert_int_equal(read_in(&in), ERR_PAY_STALE);
		}
	}
}

static void
a_probe_comes_before_all_else(void **state)
{
	struct notify_in in = in_of(PAID);

	(void)state;
	in.signature = slice_str(arena_printf(
		&arena, "WECHATPAY/SIGNTEST/%.*s", SLICE_ARG(in.signature)));
	assert_int_equal(read_in(&in), ERR_PAY_PROBE);
	in.serial = SLICE("PUB_KEY_ID_9");
	in.now_s += 1000;
	assert_int_equal(read_in(&in), ERR_PAY_PROBE);
}

static void
keys_that_are_not_here_and_keys_of_another_are_told_apart(void **state)
{
	struct notify_in in = in_of(PAID);

	(void)state;
	in.serial = SLICE("PUB_KEY_ID_0110000000000000000000000000000002");
	assert_int_equal(read_in(&in), ERR_PAY_UNKNOWN_KEY);
	in.serial = SLICE("5A5A00000000000000000000000000000000A5A6");
	assert_int_equal(read_in(&in), ERR_PAY_UNKNOWN_KEY);
	/* the serial of the other key */
	in.serial = slice_str(vector_key(vectors_own, "platform_serial"));
	assert_int_equal(read_in(&in), ERR_PAY_FORGED_NOTIFY);
	/* a certificate that is not configured says what to set */
	merchant_unref(m);
	m = vector_merchant("no");
	assert_int_equal(read_in(&in), ERR_PAY_UNKNOWN_KEY);
	assert_non_null(strstr(why.text, "certificates = yes"));
}

static void
a_certificate_that_has_expired_verifies_nothing(void **state)
{
	struct notify_in in = in_of("own-notify-TRANSACTION.SUCCESS-cert");

	(void)state;
	assert_int_equal(read_in(&in), 0);
	clock_set(m->certs->cert[0].facts.to_ms * CLOCK_MS);
	assert_int_equal(read_in(&in), ERR_PAY_UNKNOWN_KEY);
}

/* Each as somebody's program has sent it on. */
static void
a_body_that_was_written_anew_does_not_verify(void **state)
{
	struct notify_in in = in_of(PAID);
	struct slice body = in.body;
	_json_ json_t *v = NULL;
	_buf_ struct buf b;

	(void)state;
	buf_init(&b, 1 << 17);
	assert_int_equal(val_parse(&v, body, NULL), 0);
	/* other order of the keys */
	{
		char *text = json_dumps(v, JSON_COMPACT | JSON_SORT_KEYS);

		in.body = slice_str(text);
		assert_int_equal(read_in(&in), ERR_PAY_FORGED_NOTIFY);
		free(text);
	}
	/* Chinese letters as \u */
	{
		char *text = json_dumps(v, JSON_COMPACT | JSON_ENSURE_ASCII);

		assert_non_null(strstr(text, "\\u"));
		in.body = slice_str(text);
		assert_int_equal(read_in(&in), ERR_PAY_FORGED_NOTIFY);
		free(text);
	}
	/* a newline more, a byte less, a space */
	buf_slice(&b, body);
	buf_char(&b, '\n');
	in.body = buf_all(&b);
	assert_int_equal(read_in(&in), ERR_PAY_FORGED_NOTIFY);
	in.body = slice_of(body.ptr, body.len - 1);
	assert_int_equal(read_in(&in), ERR_PAY_FORGED_NOTIFY);
	buf_clear(&b);
	buf_char(&b, ' ');
	buf_slice(&b, body);
	in.body = buf_all(&b);
	assert_int_equal(read_in(&in), ERR_PAY_FORGED_NOTIFY);
}

/* What WeChat Pay signs, signed a little differently. */
static void
the_signed_lines_end_as_documented(void **state)
{
	static const char *const forms[] = {
		"%.*s\n%.*s\n%.*s",         /* no newline at the end */
		"%.*s\r\n%.*s\r\n%.*s\r\n", /* Windows */
		"%.*s\n%.*s\n%.*s\n\n",
		"%.*s%.*s%.*s\n",
	};
	struct rsa *key = NULL;

	(void)state;
	assert_int_equal(rsa_load_private(&key,
				 slice_str(vector_key(vectors_own,
					 "wechatpay_pubkey_private")),
				 NULL),
		0);
	for (size_t i = 0; i < array_size(forms); i++) {
		struct notify_in in = in_of(PAID);
		_buf_ struct buf text, sign;

		buf_init(&text, 1 << 17);
		buf_init(&sign, 4096);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		buf_printf(&text, forms[i], SLICE_ARG(in.timestamp),
			SLICE_ARG(in.nonce), SLICE_ARG(in.body));
#pragma GCC diagnostic pop
		assert_int_equal(rsa_sign(key, buf_all(&text), &sign), 0);
		in.signature = buf_all(&sign);
		assert_int_equal(read_in(&in), ERR_PAY_FORGED_NOTIFY);
	}
	rsa_free(key);
}

static void
every_flipped_bit_of_the_signature_is_seen(void **state)
{
	struct notify_in in = in_of(PAID);
	_buf_ struct buf raw, text;

	(void)state;
	buf_init(&raw, 4096);
	buf_init(&text, 4096);
	assert_int_equal(text_unbase64(&raw, in.signature), 0);
	assert_int_equal(raw.len, 256);
	for (size_t i = 0; i < raw.len; i += 5) {
		raw.ptr[i] ^= 1;
		buf_clear(&text);
		text_base64(&text, buf_all(&raw));
		in.signature = buf_all(&text);
		assert_int_equal(read_in(&in), ERR_PAY_FORGED_NOTIFY);
		raw.ptr[i] ^= 1;
	}
	in.signature = SLICE("not base64!");
	assert_int_equal(read_in(&in), ERR_PAY_FORGED_NOTIFY);
	buf_clear(&text);
	text_base64(&text, slice_of(raw.ptr, 255));
	in.signature = buf_all(&text);
	assert_int_equal(read_in(&in), ERR_PAY_FORGED_NOTIFY);
}

static void
another_apiv3_key_says_so(void **state)
{
	struct notify_in in = in_of(PAID);

	(void)state;
	m->apiv3_key[0] ^= 1;
	assert_int_equal(read_in(&in), ERR_PAY_DECRYPT);
	assert_non_null(strstr(why.text, "apiv3_key_file"));
	assert_null(strstr(why.text, m->apiv3_key));
}

#define ORDER \
	"\"appid\":\"wx0123456789abcdef\",\"mchid\":\"1900000109\"," \
	"\"out_trade_no\":\"shop-0001\",\"transaction_id\":\"4200\"," \
	"\"trade_state\":\"SUCCESS\",\"success_time\":" \
	"\"2024-01-02T03:04:05+08:00\""
#define AMOUNT "\"amount\":{\"total\":101,\"currency\":\"CNY\"}"

static void
what_is_inside_is_read_strictly(void **state)
{
	static const struct {
		const char *plain;
		int err;
	} rows[] = {
		{"{" ORDER "," AMOUNT "}", 0},
		{"{" ORDER "," AMOUNT ",\"unknown\":[1,{}]}", 0},
		{"{" ORDER ",\"amount\":{\"total\":101}}", 0},
		{"{" ORDER "}", ERR_FORMAT},
		{"{" ORDER ",\"amount\":{}}", ERR_FORMAT},
		{"{" ORDER ",\"amount\":{\"total\":101.0}}", ERR_FORMAT},
		{"{" ORDER ",\"amount\":{\"total\":\"101\"}}", ERR_FORMAT},
		{"{" ORDER ",\"amount\":{\"total\":-1}}", ERR_FORMAT},
		{"{" ORDER ",\"amount\":{\"total\":1e2}}", ERR_FORMAT},
		{"{" ORDER ",\"amount\":{\"total\":200000000000}}", ERR_FORMAT},
		{"{" ORDER ",\"amount\":{\"total\":18446744073709551717}}",
			ERR_FORMAT},
		{"{" ORDER ",\"amount\":[101]}", ERR_FORMAT},
		{"{" ORDER "," AMOUNT ",\"payer\":\"o\"}", ERR_FORMAT},
		{"{" ORDER "," AMOUNT ",\"payer\":{\"openid\":1}}", ERR_FORMAT},
		{"{" ORDER "," AMOUNT ",\"mchid\":\"1900000110\"}",
			ERR_FORMAT}, /* twice */
		{"{" ORDER ",\"amount\":{\"total\":1,\"total\":101}}",
			ERR_FORMAT},
		{"{" ORDER "," AMOUNT "} ", 0},
		{"{" ORDER "," AMOUNT "}x", ERR_FORMAT},
		{"[]", ERR_FORMAT},
		{"", ERR_FORMAT},
		{"{\"trade_state\":\"SUCCESS\"," AMOUNT "}", ERR_FORMAT},
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct notify_in in = made_of(
			"TRANSACTION.SUCCESS", "transaction", rows[i].plain);

		if (read_in(&in) != rows[i].err)
			fail_msg("%s: %s", rows[i].plain, why.text);
	}
}

static void
the_envelope_and_what_is_sealed_must_agree(void **state)
{
	struct notify_in in;

	(void)state;
	in = made_of("REFUND.SUCCESS", "refund", "{" ORDER "," AMOUNT "}");
	assert_int_equal(read_in(&in), ERR_FORMAT);
	in = made_of("TRANSACTION.SUCCESS", "refund", "{" ORDER "," AMOUNT "}");
	assert_int_equal(read_in(&in), ERR_FORMAT);
	in = made_of("COUPON.USE", "coupon", "{}");
	assert_int_equal(read_in(&in), ERR_FORMAT);
	assert_non_null(strstr(why.text, "COUPON.USE"));
	in = made_of("TRANSACTION.SUCCESS", "transaction",
		"{\"appid\":\"a\",\"mchid\":\"1\",\"out_trade_no\":\"123456\","
		"\"trade_state\":\"NOTPAY\"}");
	assert_int_equal(read_in(&in), ERR_FORMAT);
}

static struct notify_in
enveloped(const char *body)
{
	struct notify_in in = in_of(PAID);

	in.body = slice_str(arena_str(&arena, slice_str(body)));
	in.signature = sign_of(&in);
	return in;
}

static void
envelopes_of_another_form_are_refused(void **state)
{
	static const char *const bodies[] = {
		"",
		"{}",
		"[]",
		"{\"resource\":{}}",
		"{\"id\":\"E\",\"event_type\":\"TRANSACTION.SUCCESS\"}",
		"{\"id\":\"E\",\"event_type\":\"TRANSACTION.SUCCESS\","
		"\"resource\":{\"algorithm\":\"AEAD_AES_128_GCM\",\"nonce\":"
		"\"0123456789ab\",\"ciphertext\":\"AAAA\"}}",
		"{\"id\":\"\",\"event_type\":\"TRANSACTION.SUCCESS\","
		"\"resource\":{}}",
		"{\"id\":\"a\",\"id\":\"b\"}",
	};

	(void)state;
	for (size_t i = 0; i < array_size(bodies); i++) {
		struct notify_in in = enveloped(bodies[i]);

		assert_int_equal(read_in(&in), ERR_FORMAT);
	}
	{
		/* nonce of 13, and no associated data though there was some */
		static const char form[] =
			"{\"id\":\"E\",\"event_type\":\"TRANSACTION.SUCCESS\","
			"\"resource\":{\"algorithm\":\"AEAD_AES_256_GCM\","
			"\"nonce\":\"%s\",\"ciphertext\":\"%s\"}}";
		struct notify_in good = made_of("TRANSACTION.SUCCESS",
			"transaction", "{" ORDER "," AMOUNT "}");
		const char *at = strstr(good.body.ptr, "\"ciphertext\":\"");
		char sealed[4096];
		struct notify_in in;

		(void)snprintf(sealed, sizeof(sealed), "%.*s",
			(int)strcspn(at + 14, "\""), at + 14);
		in = enveloped(
			arena_printf(&arena, form, "0123456789abc", sealed));
		assert_int_equal(read_in(&in), ERR_PAY_DECRYPT);
		in = enveloped(
			arena_printf(&arena, form, "0123456789ab", sealed));
		assert_int_equal(read_in(&in), ERR_PAY_DECRYPT);
	}
}

static void
sixty_four_kilobytes_are_all_there_is(void **state)
{
	static char big[NOTIFY_BODY_TOP + 1];
	struct notify_in in = in_of(PAID);

	(void)state;
	memset(big, 'x', sizeof(big));
	in.body = slice_of(big, sizeof(big));
	assert_int_equal(read_in(&in), ERR_TOO_BIG);
	assert_int_equal(notify_read_v2(&n, m, &in, &arena, NULL), ERR_TOO_BIG);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_payment_says_what_was_paid),
		TEST(a_refund_says_what_was_given_back),
		TEST(each_missing_header_is_named),
		TEST(five_minutes_either_way_are_too_much),
		TEST(a_probe_comes_before_all_else),
		TEST(keys_that_are_not_here_and_keys_of_another_are_told_apart),
		TEST(a_certificate_that_has_expired_verifies_nothing),
		TEST(a_body_that_was_written_anew_does_not_verify),
		TEST(the_signed_lines_end_as_documented),
		TEST(every_flipped_bit_of_the_signature_is_seen),
		TEST(another_apiv3_key_says_so),
		TEST(what_is_inside_is_read_strictly),
		TEST(the_envelope_and_what_is_sealed_must_agree),
		TEST(envelopes_of_another_form_are_refused),
		TEST(sixty_four_kilobytes_are_all_there_is),
	};

	return cmocka_run_group_tests(tests, vectors_setup, vectors_teardown);
}
