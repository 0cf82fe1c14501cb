/*
 * Rotations of token.key_file: what a person finds in it afterwards, and that
 * no token which may still live loses its key.
 */
#include "auth/token.h"
#include "cli/cli_keys_file.h"
#include "tests/unit/test.h"

#define OLD "old AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"

enum { NOW = 1700000000, KEEP = 7200 };

static struct keys_done done;

static void
change(const char *text, const struct keys_change *how, struct buf *to)
{
	struct fault why = {0};

	buf_init(to, 65536);
	if (keys_rotate(slice_str(text), how, to, &done, &why) < 0)
		fail_msg("%s", why.text);
}

static struct keys_change
at(const char *kid, int64_t now)
{
	return (struct keys_change){.kid = kid, .now_s = now, .keep_s = KEEP};
}

/* Issued under `text`, checked under `later`. */
static int
survives(const char *text, const char *later)
{
	static const struct caller who = {
		.uid = "u", .appid = "", .openid = "", .unionid = ""};
	_cleanup_(token_keys_freep) struct token_keys *a = NULL, *b = NULL;
	struct arena arena;
	struct caller ret;
	_buf_ struct buf t;
	int r;

	buf_init(&t, 4096);
	arena_init(&arena, 65536);
	assert_int_equal(token_keys_parse(&a, slice_str(text), NULL), 0);
	assert_int_equal(token_keys_parse(&b, slice_str(later), NULL), 0);
	assert_int_equal(token_issue(a, &who, NOW, KEEP, &t), 0);
	r = token_check(b, buf_all(&t), NOW, &arena, &ret);
	arena_done(&arena);
	return r;
}

static void
a_rotation_signs_with_a_new_key_and_keeps_the_old_one(void **state)
{
	const struct keys_change how = at("fresh", NOW);
	_buf_ struct buf b;

	(void)state;
	change("# ours\n" OLD "\n", &how, &b);
	assert_int_equal(memcmp(b.ptr, "fresh HS256 ", 12), 0);
	assert_non_null(strstr(b.ptr, "\n# ours\n"));
	assert_non_null(strstr(b.ptr, "\n# until 2023-11-15T00:13:20Z "));
	assert_non_null(strstr(b.ptr, "\n" OLD "\n"));
	assert_string_equal(done.kid, "fresh");
	assert_false(done.staged);
	assert_int_equal(done.until_s, NOW + KEEP);
	assert_int_equal(survives(OLD "\n", b.ptr), 0);
	assert_int_equal(survives(b.ptr, OLD "\n"), ERR_TOKEN_BAD);
}

static void
keys_go_when_their_last_tokens_have_ended(void **state)
{
	struct keys_change how = at("one", NOW);
	_buf_ struct buf first, second, third;

	(void)state;
	change(OLD "\n", &how, &first);
	how = at("two", NOW + KEEP - 1);
	change(first.ptr, &how, &second);
	assert_int_equal(done.dropped, 0);
	assert_non_null(strstr(second.ptr, OLD));
	how = at("three", NOW + KEEP);
	change(second.ptr, &how, &third);
	assert_int_equal(done.dropped, 1);
	assert_null(strstr(third.ptr, OLD));
	assert_null(strstr(third.ptr, "2023-11-15T00:13:20Z"));
	assert_non_null(strstr(third.ptr, "\none HS256 "));
	assert_non_null(strstr(third.ptr, "\ntwo HS256 "));
	assert_int_equal(survives(second.ptr, third.ptr), 0);
}

static void
a_staged_key_is_known_first_and_signs_next(void **state)
{
	struct keys_change how = at("fresh", NOW);
	struct fault why = {0};
	_buf_ struct buf staged, again, active;

	(void)state;
	how.stage = true;
	how.algorithm = "es256";
	change(OLD "\n", &how, &staged);
	assert_true(done.staged);
	assert_non_null(strstr(staged.ptr, " verify-only\n"));
	assert_int_equal(survives(OLD "\n", staged.ptr), 0);
	assert_int_equal(survives(staged.ptr, OLD "\n"), 0);
	buf_init(&again, 65536);
	assert_int_equal(
		keys_rotate(buf_all(&staged), &how, &again, &done, &why),
		ERR_CONFLICT);
	how = at("unused", NOW + 60);
	change(staged.ptr, &how, &active);
	assert_true(done.activated);
	assert_string_equal(done.kid, "fresh");
	assert_string_equal(done.algorithm, "ES256");
	assert_int_equal(memcmp(active.ptr, "fresh ES256 ", 12), 0);
	assert_null(strstr(active.ptr, "verify-only"));
	assert_null(strstr(active.ptr, "unused"));
	assert_null(strstr(active.ptr, "# staged"));
	assert_int_equal(survives(active.ptr, staged.ptr), 0);
	assert_int_equal(survives(staged.ptr, active.ptr), 0);
}

static void
the_list_says_what_each_key_does(void **state)
{
	struct keys_change how = at("fresh", NOW);
	_json_ json_t *list = NULL, *want = NULL;
	_buf_ struct buf b, staged;

	(void)state;
	change(OLD "\n", &how, &b);
	how = at("next", NOW);
	how.stage = true;
	how.algorithm = "ES256";
	change(b.ptr, &how, &staged);
	assert_int_equal(keys_list(buf_all(&staged), &list, NULL), 0);
	want = json_pack("[{s:s,s:s,s:s},{s:s,s:s,s:s},{s:s,s:s,s:s,s:I}]",
		"kid", "next", "algorithm", "ES256", "state", "staged", "kid",
		"fresh", "algorithm", "HS256", "state", "signs", "kid", "old",
		"algorithm", "HS256", "state", "verifies", "until",
		(json_int_t)(NOW + KEEP) * 1000);
	assert_true(json_equal(list, want));
}

static void
what_is_no_key_file_is_left_alone(void **state)
{
	struct keys_change how = at("fresh", NOW);
	struct fault why = {0};
	_buf_ struct buf b;

	(void)state;
	buf_init(&b, 65536);
	assert_int_equal(
		keys_rotate(SLICE("nonsense\n"), &how, &b, &done, &why),
		ERR_CONFIG);
	how.algorithm = "RS256";
	assert_int_equal(
		keys_rotate(SLICE(OLD "\n"), &how, &b, &done, &why), ERR_PARAM);
	assert_non_null(strstr(why.text, "ES256"));
	/* nothing that the daemon would refuse is written */
	how = at("old", NOW);
	assert_int_equal(keys_rotate(SLICE(OLD "\n"), &how, &b, &done, &why),
		ERR_CONFIG);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_rotation_signs_with_a_new_key_and_keeps_the_old_one),
		cmocka_unit_test(keys_go_when_their_last_tokens_have_ended),
		cmocka_unit_test(a_staged_key_is_known_first_and_signs_next),
		cmocka_unit_test(the_list_says_what_each_key_does),
		cmocka_unit_test(what_is_no_key_file_is_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
