/*
 * Access tokens: known answers from RFC 7515 and from node:crypto, and
 * everything that must not pass for one.
 */
#include "auth/token.h"
#include "base/clock.h"
#include "base/text.h"
#include "tests/unit/data/tokens.h"
#include "tests/unit/test.h"

#include <stdlib.h>

enum { ISSUED = 1700000000, EXPIRES = 1700007200 };

/* The key of token.mjs, and one more. */
#define K1 "k1 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\n"
#define K2 "k2 __________________________________________8\n"

static struct token_keys *
keys_of(const char *text)
{
	struct token_keys *keys = NULL;

	assert_int_equal(token_keys_parse(&keys, slice_str(text), NULL), 0);
	assert_non_null(keys);
	return keys;
}

static int
check_with(struct token_keys *keys, struct slice token, int64_t now)
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
	_cleanup_(token_keys_freep) struct token_keys *keys = keys_of(K1);

	return check_with(keys, slice_str(token), ISSUED);
}

static void
the_example_of_rfc_7515_verifies(void **state)
{
	/* RFC 7515, appendix A.1 */
	static const char jws[] =
		"eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9"
		".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9l"
		"eGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
		".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
	static const char key[] = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_"
				  "T-1qS0gZH75aKtMN3Yj0"
				  "iPS4hcgUuTwjAzZr1Z9CAow";
	char copy[sizeof(jws)];
	_buf_ struct buf k;

	(void)state;
	buf_init(&k, 64);
	assert_int_equal(text_unbase64url(&k, slice_str(key)), 0);
	assert_int_equal(token_verify_raw(buf_all(&k), slice_str(jws)), 0);
	for (size_t i = 0; i < sizeof(jws) - 1; i++) {
		memcpy(copy, jws, sizeof(jws));
		copy[i] = copy[i] == 'A' ? 'B' : 'A';
		assert_int_equal(token_verify_raw(buf_all(&k), slice_str(copy)),
			ERR_TOKEN_BAD);
	}
	k.ptr[0]++;
	assert_int_equal(
		token_verify_raw(buf_all(&k), slice_str(jws)), ERR_TOKEN_BAD);
	assert_int_equal(token_verify_raw(buf_all(&k), slice_of(NULL, 0)),
		ERR_TOKEN_BAD);
}

static void
a_token_made_by_node_is_read(void **state)
{
	_cleanup_(token_keys_freep) struct token_keys *keys = keys_of(K2 K1);
	struct arena arena;
	struct caller who;

	(void)state;
	arena_init(&arena, 65536);
	assert_int_equal(
		token_check(keys, slice_str(NODE_GOOD), ISSUED, &arena, &who),
		0);
	assert_int_equal(who.role, CALLER_USER);
	assert_string_equal(who.uid, "u1");
	assert_string_equal(who.appid, "wx1");
	assert_string_equal(who.openid, "oTestOpenId");
	assert_string_equal(who.unionid, "uTestUnion");
	assert_true(who.sid == 255);
	assert_true(who.expires_s == EXPIRES);
	assert_int_equal(token_check(keys, slice_str(NODE_NO_UNIONID), ISSUED,
				 &arena, &who),
		0);
	assert_string_equal(who.openid, "oTestOpenId");
	assert_string_equal(who.unionid, "");
	arena_done(&arena);
}

static void
signed_tokens_that_are_not_as_ours_are_refused(void **state)
{
	static const char *const bad[] = {NODE_OTHER_KID, NODE_HEAD_ORDER,
		NODE_ALG_HS512, NODE_ALG_NONE, NODE_OTHER_ISS, NODE_EXTRA_CLAIM,
		NODE_TWICE, NODE_ESCAPE, NODE_SPACE, NODE_TRAILER,
		NODE_EXP_TEXT, NODE_EXP_REAL, NODE_EXP_HUGE, NODE_EXP_NEGATIVE,
		NODE_ID_OF_OTHER, NODE_ID_NO_NUL, NODE_ID_SHORT, NODE_SID_SHORT,
		NODE_SID_UPPER};

	(void)state;
	assert_int_equal(check(NODE_GOOD), 0);
	for (size_t i = 0; i < array_size(bad); i++)
		assert_int_equal(check(bad[i]), ERR_TOKEN_BAD);
}

static void
every_changed_byte_spoils_a_token(void **state)
{
	_cleanup_(token_keys_freep) struct token_keys *keys = keys_of(K1);
	char copy[sizeof(NODE_GOOD)];
	size_t len = sizeof(NODE_GOOD) - 1;

	(void)state;
	for (size_t i = 0; i < len; i++)
		for (int bit = 0; bit < 8; bit++) {
			memcpy(copy, NODE_GOOD, sizeof(copy));
			copy[i] = (char)(copy[i] ^ (1 << bit));
			assert_int_equal(
				check_with(keys, slice_of(copy, len), ISSUED),
				ERR_TOKEN_BAD);
		}
}

static void
every_missing_or_added_byte_spoils_a_token(void **state)
{
	_cleanup_(token_keys_freep) struct token_keys *keys = keys_of(K1);
	char copy[sizeof(NODE_GOOD) + 1];
	size_t len = sizeof(NODE_GOOD) - 1;

	(void)state;
	for (size_t i = 0; i < len; i++) {
		/* its own bytes, so that reading past them is seen */
		char *part = malloc(i + 1);

		memcpy(part, NODE_GOOD, i);
		assert_int_equal(check_with(keys, slice_of(part, i), ISSUED),
			ERR_TOKEN_BAD);
		free(part);
	}
	(void)snprintf(copy, sizeof(copy), "%s=", NODE_GOOD);
	assert_int_equal(
		check_with(keys, slice_str(copy), ISSUED), ERR_TOKEN_BAD);
}

static void
a_token_lives_from_a_minute_before_its_birth_to_its_expiry(void **state)
{
	_cleanup_(token_keys_freep) struct token_keys *keys = keys_of(K1);
	struct slice t = SLICE(NODE_GOOD);

	(void)state;
	assert_int_equal(check_with(keys, t, ISSUED - 61), ERR_TOKEN_BAD);
	assert_int_equal(check_with(keys, t, ISSUED - 60), 0);
	assert_int_equal(check_with(keys, t, EXPIRES - 1), 0);
	assert_int_equal(check_with(keys, t, EXPIRES), ERR_TOKEN_EXPIRED);
}

static void
expiry_follows_the_clock(void **state)
{
	_cleanup_(token_keys_freep) struct token_keys *keys = keys_of(K1);
	struct slice t = SLICE(NODE_GOOD);

	(void)state;
	clock_set((EXPIRES - 1) * CLOCK_S);
	assert_int_equal(check_with(keys, t, clock_now_s()), 0);
	clock_set(EXPIRES * CLOCK_S);
	assert_int_equal(check_with(keys, t, clock_now_s()), ERR_TOKEN_EXPIRED);
	clock_set(-1);
}

static const struct caller somebody = {
	.uid = "0123456789abcdef0123456789abcdef",
	.appid = "wx0123456789abcdef",
	.openid = "oTestOpenId000000000000000001",
	.unionid = "uUnion",
	.sid = 0x8000000000000001,
};

static void
what_is_issued_is_known_again(void **state)
{
	_cleanup_(token_keys_freep) struct token_keys *keys = keys_of(K1 K2);
	struct arena arena;
	struct caller who;
	_buf_ struct buf t;

	(void)state;
	arena_init(&arena, 65536);
	buf_init(&t, 4096);
	buf_str(&t, "Bearer ");
	assert_int_equal(token_issue(keys, &somebody, ISSUED, 7200, &t), 0);
	buf_drop(&t, 7);
	assert_int_equal(
		token_check(keys, buf_all(&t), ISSUED, &arena, &who), 0);
	assert_string_equal(who.uid, somebody.uid);
	assert_string_equal(who.appid, somebody.appid);
	assert_string_equal(who.openid, somebody.openid);
	assert_string_equal(who.unionid, somebody.unionid);
	assert_true(who.sid == somebody.sid);
	assert_true(who.expires_s == EXPIRES);
	arena_done(&arena);
}

static void
the_openid_cannot_be_read_in_a_token(void **state)
{
	_cleanup_(token_keys_freep) struct token_keys *keys = keys_of(K1);
	_buf_ struct buf t, payload, other;
	struct slice rest, part;

	(void)state;
	buf_init(&t, 4096);
	buf_init(&other, 4096);
	buf_init(&payload, 4096);
	assert_int_equal(token_issue(keys, &somebody, ISSUED, 7200, &t), 0);
	assert_int_equal(token_issue(keys, &somebody, ISSUED, 7200, &other), 0);
	rest = buf_all(&t);
	assert_true(slice_split(&rest, '.', &part));
	assert_true(slice_split(&rest, '.', &part));
	assert_int_equal(text_unbase64url(&payload, part), 0);
	assert_non_null(strstr(payload.ptr, somebody.uid));
	assert_null(strstr(payload.ptr, somebody.openid));
	/* nor recognised: the same openid looks different each time */
	assert_false(slice_eq(buf_all(&t), buf_all(&other)));
}

static void
names_that_would_need_escapes_get_no_token(void **state)
{
	_cleanup_(token_keys_freep) struct token_keys *keys = keys_of(K1);
	struct caller who = somebody;
	_buf_ struct buf t;

	(void)state;
	buf_init(&t, 4096);
	who.appid = "wx\"},\"sub\":\"root";
	assert_int_equal(token_issue(keys, &who, ISSUED, 7200, &t), ERR_PARAM);
	who = somebody;
	who.uid = "";
	assert_int_equal(token_issue(keys, &who, ISSUED, 7200, &t), ERR_PARAM);
	assert_int_equal(t.len, 0);
}

static void
an_old_key_verifies_and_the_newest_signs(void **state)
{
	_cleanup_(token_keys_freep) struct token_keys *old = keys_of(K1);
	_cleanup_(token_keys_freep) struct token_keys *both = keys_of(K2 K1);
	_cleanup_(token_keys_freep) struct token_keys *fresh = keys_of(K2);
	_buf_ struct buf t;

	(void)state;
	buf_init(&t, 4096);
	assert_int_equal(token_issue(both, &somebody, ISSUED, 60, &t), 0);
	assert_int_equal(check_with(fresh, buf_all(&t), ISSUED), 0);
	assert_int_equal(check_with(old, buf_all(&t), ISSUED), ERR_TOKEN_BAD);
	assert_int_equal(check_with(both, SLICE(NODE_GOOD), ISSUED), 0);
	assert_int_equal(
		check_with(fresh, SLICE(NODE_GOOD), ISSUED), ERR_TOKEN_BAD);
}

static void
the_arena_s_ceiling_is_an_error_not_an_end(void **state)
{
	_cleanup_(token_keys_freep) struct token_keys *keys = keys_of(K1);
	struct arena arena;
	struct caller who;

	(void)state;
	arena_init(&arena, 8);
	assert_int_equal(
		token_check(keys, SLICE(NODE_GOOD), ISSUED, &arena, &who),
		ERR_TOO_BIG);
	arena_done(&arena);
}

static void
the_key_file_says_what_is_wrong_and_where(void **state)
{
	static const struct {
		const char *text, *words;
	} rows[] = {
		{"", "no key"},
		{"# nothing\n\n", "no key"},
		{"k1\n", "line 1"},
		{"k1 AAEC\n", "line 1: the key must be base64url of 32"},
		{K1 "k1 AAEC\n", "line 2: key id k1 stands twice"},
		{"\nk/1 AAEC\n", "line 2: a key id is"},
		{"k1 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9\n", "line 1"},
		{"k1 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n", "line 1"},
		{"k1 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8 x\n",
			"line 1"},
	};
	struct token_keys *keys = NULL;
	struct fault why;

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		why.text[0] = '\0';
		assert_int_equal(
			token_keys_parse(&keys, slice_str(rows[i].text), &why),
			ERR_CONFIG);
		assert_non_null(strstr(why.text, rows[i].words));
		assert_null(strstr(why.text, "AAEC"));
	}
	assert_null(keys);
}

static void
sixteen_keys_are_the_most(void **state)
{
	struct token_keys *keys = NULL;
	struct fault why;
	_buf_ struct buf text;

	(void)state;
	buf_init(&text, 4096);
	buf_str(&text, "# newest first\r\n");
	for (int i = 0; i < 16; i++)
		buf_printf(&text, "key.%d  %s\r\n", i,
			"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8");
	assert_int_equal(token_keys_parse(&keys, buf_all(&text), &why), 0);
	keys = token_keys_free(keys);
	buf_str(&text, K1);
	assert_int_equal(
		token_keys_parse(&keys, buf_all(&text), &why), ERR_CONFIG);
	assert_non_null(strstr(why.text, "16 keys at most"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_example_of_rfc_7515_verifies),
		cmocka_unit_test(a_token_made_by_node_is_read),
		cmocka_unit_test(
			signed_tokens_that_are_not_as_ours_are_refused),
		cmocka_unit_test(every_changed_byte_spoils_a_token),
		cmocka_unit_test(every_missing_or_added_byte_spoils_a_token),
		cmocka_unit_test(
			a_token_lives_from_a_minute_before_its_birth_to_its_expiry),
		cmocka_unit_test(expiry_follows_the_clock),
		cmocka_unit_test(what_is_issued_is_known_again),
		cmocka_unit_test(the_openid_cannot_be_read_in_a_token),
		cmocka_unit_test(names_that_would_need_escapes_get_no_token),
		cmocka_unit_test(an_old_key_verifies_and_the_newest_signs),
		cmocka_unit_test(the_arena_s_ceiling_is_an_error_not_an_end),
		cmocka_unit_test(the_key_file_says_what_is_wrong_and_where),
		cmocka_unit_test(sixteen_keys_are_the_most),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
