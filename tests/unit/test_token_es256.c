/*
 * Access tokens signed ES256, and keys in their file: known answers from RFC
 * 7515 and node:crypto (data/token_es256.mjs), forged tokens of every kind, the
 * set of public keys, and rotation by verify-only.
 */
#include "auth/token.h"
#include "base/crypto_ec.h"
#include "base/text.h"
#include "base/val.h"
#include "tests/unit/data/tokens_es256.h"
#include "tests/unit/test.h"

enum { ISSUED = 1700000000, EXPIRES = 1700007200 };

/* RFC 7515, appendix A.3 */
#define D  "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"
#define X  "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"
#define Y  "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"
#define E1 "e1 ES256 " D "\n"
#define H1 "h1 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\n"

static struct token_keys *
keys_of(const char *text)
{
	struct token_keys *keys = NULL;

	assert_int_equal(token_keys_parse(&keys, slice_str(text), NULL), 0);
	return keys;
}

static int
check_in(struct token_keys *keys, struct slice token, int64_t now)
{
	struct arena arena;
	struct caller who;
	int r;

	arena_init(&arena, 65536);
	r = token_check(keys, token, now, &arena, &who);
	arena_done(&arena);
	return r;
}

static int
check(const char *token)
{
	_cleanup_(token_keys_freep) struct token_keys *keys = keys_of(E1 H1);

	return check_in(keys, slice_str(token), ISSUED);
}

static struct slice
number(struct buf *room, const char *base64url)
{
	buf_init(room, 64);
	assert_int_equal(text_unbase64url(room, slice_str(base64url)), 0);
	return buf_all(room);
}

static void
the_example_of_rfc_7515_verifies(void **state)
{
	static const char input[] =
		"eyJhbGciOiJFUzI1NiJ9."
		"eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9l"
		"eGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
	static const char signature[] =
		"DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8I"
		"SlSApmWQxfKTUJqPP3-Kg6NU1Q";
	_cleanup_(ec_freep) struct ec *ec = NULL, *public = NULL;
	_buf_ struct buf d, x, y, raw;
	uint8_t px[EC_NUMBER], py[EC_NUMBER], low[EC_SIGNATURE];

	(void)state;
	assert_int_equal(ec_load_private(&ec, number(&d, D)), 0);
	assert_int_equal(
		ec_load_public(&public, number(&x, X), number(&y, Y)), 0);
	ec_point(ec, px, py);
	assert_memory_equal(px, x.ptr, EC_NUMBER);
	assert_memory_equal(py, y.ptr, EC_NUMBER);
	/* its s is in the upper half (it begins with c5…): the example as it
	 * stands is the twin that we do not take */
	assert_int_equal(
		ec_verify(public, slice_str(input), number(&raw, signature)),
		ERR_FORMAT);
	assert_int_equal(ec_sign(ec, slice_str(input), low), 0);
	assert_int_equal(
		ec_verify(public, slice_str(input), slice_of(low, sizeof(low))),
		0);
	low[40] ^= 1;
	assert_int_equal(
		ec_verify(public, slice_str(input), slice_of(low, sizeof(low))),
		ERR_FORMAT);
	assert_true(ec_sign(public, slice_str(input), low) < 0);
}

static void
numbers_that_are_no_keys_are_refused(void **state)
{
	/* the order of the curve, and one less */
	static const char n[] = "_____wAAAAD__________7zm-q2nF56E87nKwvxjJVE";
	static const char top[] = "_____wAAAAD__________7zm-q2nF56E87nKwvxjJVA";
	static const char zero[] =
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
	struct ec *ec = NULL;
	_buf_ struct buf a, b, c, x, y;

	(void)state;
	assert_int_equal(ec_load_private(&ec, number(&a, n)), ERR_FORMAT);
	assert_int_equal(ec_load_private(&ec, number(&b, zero)), ERR_FORMAT);
	assert_int_equal(ec_load_private(&ec, slice_of(a.ptr, 31)), ERR_FORMAT);
	assert_int_equal(ec_load_private(&ec, number(&c, top)), 0);
	ec = ec_free(ec);
	(void)number(&x, X);
	(void)number(&y, Y);
	y.ptr[31] ^= 1; /* not on the curve */
	assert_int_equal(
		ec_load_public(&ec, buf_all(&x), buf_all(&y)), ERR_FORMAT);
	assert_int_equal(
		ec_load_public(&ec, buf_all(&b), buf_all(&b)), ERR_FORMAT);
	assert_null(ec);
}

static void
what_node_signed_is_taken(void **state)
{
	_cleanup_(token_keys_freep) struct token_keys *keys = keys_of(E1);
	struct arena arena;
	struct caller who;

	(void)state;
	arena_init(&arena, 65536);
	assert_int_equal(
		token_check(keys, SLICE(ES_GOOD), ISSUED, &arena, &who), 0);
	assert_string_equal(who.openid, "oTestOpenId");
	assert_string_equal(who.unionid, "uTestUnion");
	assert_string_equal(who.custom_id, "");
	assert_string_equal(who.kind, "");
	assert_int_equal(
		token_check(keys, SLICE(ES_CUSTOM), ISSUED, &arena, &who), 0);
	assert_string_equal(who.openid, "");
	assert_string_equal(who.unionid, "");
	assert_string_equal(who.custom_id, "shop-42");
	assert_string_equal(who.kind, "custom");
	arena_done(&arena);
	assert_int_equal(
		check_in(keys, SLICE(ES_GOOD), EXPIRES), ERR_TOKEN_EXPIRED);
}

static void
nothing_forged_is_taken(void **state)
{
	static const char *const bad[] = {ES_HIGH_S, ES_DER, ES_OTHER_KEY,
		ES_P384, ES_SHA512, ES_R_ZERO, ES_S_ZERO, ES_BOTH_ZERO,
		ES_BOTH_ONE, ES_R_IS_N, ES_R_PLUS_N, ES_SWAPPED, ES_SHORT,
		ES_LONG, ES_PADDED, ES_EMPTY, ES_NO_THIRD, ES_FOURTH, ES_EQUALS,
		ES_SPARE_BITS, ES_PLAIN_BASE64, ES_NEWLINE, ES_ALG_NONE,
		ES_ALG_HS_EMPTY, ES_ALG_HS_PUBLIC, ES_ALG_HS_POINT,
		ES_HS_UNDER_ES_HEAD, ES_ALG_LOWER, ES_KID_OTHER, ES_KID_NONE,
		ES_KID_PATH, ES_JWK, ES_CRIT, ES_DUPLICATE, ES_KIND_TWICE,
		ES_EXP_HUGE, ES_CHANGED};

	(void)state;
	assert_int_equal(check(ES_GOOD), 0);
	for (size_t i = 0; i < array_size(bad); i++)
		assert_int_equal(check(bad[i]), ERR_TOKEN_BAD);
}

static const struct caller somebody = {
	.uid = "0123456789abcdef0123456789abcdef",
	.appid = "wx0123456789abcdef",
	.openid = "oTest",
	.unionid = "uTest",
	.custom_id = "shop-42",
	.kind = "wechat",
	.sid = 7,
};

static void
what_was_issued_comes_back_with_every_part(void **state)
{
	_cleanup_(token_keys_freep) struct token_keys *keys = keys_of(E1);
	struct arena arena;
	struct caller who;
	_buf_ struct buf t;

	(void)state;
	buf_init(&t, 4096);
	arena_init(&arena, 65536);
	for (int i = 0; i < 50; i++) { /* s comes in either half */
		buf_clear(&t);
		assert_int_equal(
			token_issue(keys, &somebody, ISSUED, 7200, &t), 0);
		assert_null(strstr(t.ptr, "oTest"));
		assert_int_equal(
			token_check(keys, buf_all(&t), ISSUED, &arena, &who),
			0);
		arena_clear(&arena, 65536);
	}
	assert_int_equal(
		token_check(keys, buf_all(&t), ISSUED, &arena, &who), 0);
	assert_string_equal(who.uid, somebody.uid);
	assert_string_equal(who.openid, somebody.openid);
	assert_string_equal(who.unionid, somebody.unionid);
	assert_string_equal(who.custom_id, somebody.custom_id);
	assert_string_equal(who.kind, somebody.kind);
	arena_done(&arena);
}

static void
the_set_holds_public_keys_and_no_secret(void **state)
{
	_cleanup_(token_keys_freep) struct token_keys *both =
		keys_of(H1 "e1 ES256 " D " verify-only\n");
	_cleanup_(token_keys_freep) struct token_keys *secret = keys_of(H1);
	_json_ json_t *set = NULL, *want = NULL;
	_buf_ struct buf b, none;

	(void)state;
	buf_init(&b, 4096);
	buf_init(&none, 4096);
	assert_int_equal(token_keys_put_set(both, &b), 0);
	assert_int_equal(val_parse(&set, buf_all(&b), NULL), 0);
	want = json_pack("{s:[{s:s,s:s,s:s,s:s,s:s,s:s,s:s}]}", "keys", "kty",
		"EC", "crv", "P-256", "use", "sig", "alg", "ES256", "kid", "e1",
		"x", X, "y", Y);
	assert_true(json_equal(set, want));
	assert_int_equal(token_keys_put_set(secret, &none), 0);
	assert_string_equal(none.ptr, "{\"keys\":[]}");
}

/* Two machines in the order of docs/login.md: at no step is a token of one
 * refused by the other. */
static void
a_key_is_changed_on_two_machines_without_a_refused_token(void **state)
{
	static const char *const steps[][2] = {
		{H1, H1},
		{"e1 ES256 " D " verify-only\n" H1, H1},
		{"e1 ES256 " D " verify-only\n" H1,
			"e1 ES256 " D " verify-only\n" H1},
		{E1 H1, "e1 ES256 " D " verify-only\n" H1},
		{E1 H1, E1 H1},
	};

	(void)state;
	for (size_t i = 0; i < array_size(steps); i++) {
		_cleanup_(token_keys_freep) struct token_keys *a =
			keys_of(steps[i][0]);
		_cleanup_(token_keys_freep) struct token_keys *b =
			keys_of(steps[i][1]);
		_buf_ struct buf of_a, of_b;

		buf_init(&of_a, 4096);
		buf_init(&of_b, 4096);
		assert_int_equal(
			token_issue(a, &somebody, ISSUED, 7200, &of_a), 0);
		assert_int_equal(
			token_issue(b, &somebody, ISSUED, 7200, &of_b), 0);
		assert_int_equal(check_in(b, buf_all(&of_a), ISSUED), 0);
		assert_int_equal(check_in(a, buf_all(&of_b), ISSUED), 0);
	}
}

static void
the_clock_of_another_machine_may_be_ahead_by_the_leeway(void **state)
{
	_cleanup_(token_keys_freep) struct token_keys *keys = keys_of(E1);

	(void)state;
	assert_int_equal(check_in(keys, SLICE(ES_GOOD), ISSUED - 60), 0);
	assert_int_equal(
		check_in(keys, SLICE(ES_GOOD), ISSUED - 61), ERR_TOKEN_BAD);
	token_keys_set_leeway(keys, 5);
	assert_int_equal(check_in(keys, SLICE(ES_GOOD), ISSUED - 5), 0);
	assert_int_equal(
		check_in(keys, SLICE(ES_GOOD), ISSUED - 6), ERR_TOKEN_BAD);
	/* none at the other end */
	assert_int_equal(
		check_in(keys, SLICE(ES_GOOD), EXPIRES), ERR_TOKEN_EXPIRED);
}

static void
a_bad_line_is_named(void **state)
{
	static const struct {
		const char *text, *says;
	} rows[] = {
		{"e1 ES384 " D "\n", "line 1"},
		{H1 "e1 ES256\n", "line 2"},
		{"e1 ES256 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n",
			"not a private key of P-256"},
		{"e1 ES256 " D " verify-only\n", "one key must sign"},
		{H1 "h1 ES256 " D "\n", "stands twice"},
		{"e1 ES256 " D " " D "\n", "line 1"},
		{"e1 ES256 " D " retired\n", "line 1"},
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct token_keys *keys = NULL;
		struct fault why = {0};

		assert_int_equal(
			token_keys_parse(&keys, slice_str(rows[i].text), &why),
			ERR_CONFIG);
		assert_non_null(strstr(why.text, rows[i].says));
		assert_null(strstr(why.text, "jpsQ"));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_example_of_rfc_7515_verifies),
		cmocka_unit_test(numbers_that_are_no_keys_are_refused),
		cmocka_unit_test(what_node_signed_is_taken),
		cmocka_unit_test(nothing_forged_is_taken),
		cmocka_unit_test(what_was_issued_comes_back_with_every_part),
		cmocka_unit_test(the_set_holds_public_keys_and_no_secret),
		cmocka_unit_test(
			a_key_is_changed_on_two_machines_without_a_refused_token),
		cmocka_unit_test(
			the_clock_of_another_machine_may_be_ahead_by_the_leeway),
		cmocka_unit_test(a_bad_line_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
