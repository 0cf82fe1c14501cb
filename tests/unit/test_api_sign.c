/*
 * Signatures of requests.  The known answers were made by Node:
 *
 *   crypto.createHmac('sha256', key).update(lines.join('\n')).digest('hex')
 *
 * with the lines of api_sign.h; the first one is the worked example of
 * docs/routes.md.
 */
#include "auth/api_key.h"
#include "auth/api_sign.h"
#include "base/crypto.h"
#include "tests/unit/test.h"

#define KEY "mpk_0123456789abcdef_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define SIGNATURE \
	"3210e5e6fee26b748dd039817afa1fb50e911b610c0270a97551ea3900473a4f"
#define HEADER(key, time, nonce, signature) \
	"MPCLOUD-HMAC-SHA256 key=\"" key "\", timestamp=\"" time \
	"\", nonce=\"" nonce "\", signature=\"" signature "\""
#define GOOD \
	HEADER("0123456789abcdef", "1795132800", "5f1c0a3b9d2e4c67", SIGNATURE)

static const int64_t NOW = 1795132800;

static struct api_signed
example(void)
{
	return (struct api_signed){.method = SLICE("POST"),
		.target = SLICE("/shop/orders/a%20b?page=2&x=%2F"),
		.body = SLICE("{\"sku\":\"apple\",\"count\":3}")};
}

static int
check(const char *header, struct api_signed what, int64_t now)
{
	struct fault why = {0};
	struct api_sign s;

	assert_int_equal(api_sign_parse(&s, slice_str(header), &why), 0);
	return api_sign_check(&s, &what, SLICE(KEY), now, &why);
}

static void
the_worked_example_verifies(void **state)
{
	struct api_sign s;

	(void)state;
	assert_int_equal(api_sign_parse(&s, SLICE(GOOD), NULL), 0);
	assert_string_equal(s.key_id, "0123456789abcdef");
	assert_true(slice_is(s.nonce, "5f1c0a3b9d2e4c67"));
	assert_true(s.timestamp_s == NOW);
	assert_int_equal(check(GOOD, example(), NOW), 0);
}

static void
without_query_and_body_their_lines_are_empty_and_of_nothing(void **state)
{
	const struct api_signed what = {.method = SLICE("GET"),
		.target = SLICE("/"),
		.body = SLICE("")};

	(void)state;
	assert_int_equal(
		check(HEADER("0123456789abcdef", "1795132800",
			      "0123456789abcdef",
			      "f81d5dada389cf541871993a89acd917d0d13d9b67cb39aa"
			      "ddc1dfe7c1c52daa"),
			what, NOW),
		0);
}

static void
whatever_is_changed_does_not_verify(void **state)
{
	struct api_signed what;

	(void)state;
	what = example();
	what.method = SLICE("PUT");
	assert_int_equal(check(GOOD, what, NOW), ERR_API_KEY);
	what = example();
	what.target = SLICE("/shop/orders/a b?page=2&x=%2F");
	assert_int_equal(check(GOOD, what, NOW), ERR_API_KEY);
	what = example();
	what.target = SLICE("/shop/orders/a%20b?x=%2F&page=2");
	assert_int_equal(check(GOOD, what, NOW), ERR_API_KEY);
	what = example();
	what.body = SLICE("{\"sku\":\"apple\",\"count\":4}");
	assert_int_equal(check(GOOD, what, NOW), ERR_API_KEY);
	assert_int_equal(check(HEADER("0123456789abcdef", "1795132801",
				       "5f1c0a3b9d2e4c67", SIGNATURE),
				 example(), NOW),
		ERR_API_KEY);
	assert_int_equal(check(HEADER("0123456789abcdef", "1795132800",
				       "5f1c0a3b9d2e4c68", SIGNATURE),
				 example(), NOW),
		ERR_API_KEY);
}

static void
five_minutes_are_the_window(void **state)
{
	(void)state;
	assert_int_equal(check(GOOD, example(), NOW + 300), 0);
	assert_int_equal(check(GOOD, example(), NOW + 301), ERR_API_KEY);
	assert_int_equal(check(GOOD, example(), NOW - 300), 0);
	assert_int_equal(check(GOOD, example(), NOW - 301), ERR_API_KEY);
}

static void
what_is_not_of_the_form_is_refused_with_words(void **state)
{
	static const struct {
		const char *header, *says;
	} bad[] = {
		{"Bearer x", "MPCLOUD-HMAC-SHA256"},
		{"MPCLOUD-HMAC-SHA256", "is needed"},
		{"MPCLOUD-HMAC-SHA256 ", "not known"},
		{"MPCLOUD-HMAC-SHA256 key=\"0123456789abcdef\"", "are needed"},
		{HEADER("0123456789abcde", "1", "0123456789abcdef", SIGNATURE),
			"key must"},
		{HEADER("0123456789abcdef", "now", "0123456789abcdef",
			 SIGNATURE),
			"timestamp must"},
		{HEADER("0123456789abcdef", "-1", "0123456789abcdef",
			 SIGNATURE),
			"timestamp must"},
		{HEADER("0123456789abcdef", "1", "short", SIGNATURE),
			"nonce must"},
		{HEADER("0123456789abcdef", "1", "0123456789abcdef\n",
			 SIGNATURE),
			"nonce must"},
		{HEADER("0123456789abcdef", "1", "0123456789abcdef", "00"),
			"signature must"},
		{GOOD ", key=\"0123456789abcdef\"", "twice"},
		{GOOD ", more=\"1\"", "not known"},
	};

	(void)state;
	for (size_t i = 0; i < array_size(bad); i++) {
		struct fault why = {0};
		struct api_sign s;

		assert_int_equal(
			api_sign_parse(&s, slice_str(bad[i].header), &why),
			ERR_API_KEY);
		if (!strstr(why.text, bad[i].says))
			fail_msg("%s: %s", bad[i].header, why.text);
	}
}

static void
a_keys_id_stands_in_it(void **state)
{
	char id[API_KEY_ID + 1];

	(void)state;
	assert_true(api_key_id(SLICE(KEY), id));
	assert_string_equal(id, "0123456789abcdef");
	assert_false(api_key_id(SLICE(""), id));
	assert_false(api_key_id(slice_of(NULL, 0), id));
	assert_false(api_key_id(SLICE(KEY "A"), id));
	assert_false(api_key_id(
		SLICE("mpk_0123456789ABCDEF_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
		      "AAAAAAAA"),
		id));
}

static void
a_key_is_for_the_routes_it_names(void **state)
{
	char some[] = "shop-api reports", all[] = "";
	struct api_key key = {.routes = some};

	(void)state;
	assert_true(api_key_may(&key, "shop-api"));
	assert_true(api_key_may(&key, "reports"));
	assert_false(api_key_may(&key, "shop"));
	assert_false(api_key_may(&key, "shop-api reports"));
	assert_false(api_key_may(&key, ""));
	key.routes = all;
	assert_true(api_key_may(&key, "anything"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_worked_example_verifies),
		cmocka_unit_test(
			without_query_and_body_their_lines_are_empty_and_of_nothing),
		cmocka_unit_test(whatever_is_changed_does_not_verify),
		cmocka_unit_test(five_minutes_are_the_window),
		cmocka_unit_test(what_is_not_of_the_form_is_refused_with_words),
		cmocka_unit_test(a_keys_id_stands_in_it),
		cmocka_unit_test(a_key_is_for_the_routes_it_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
