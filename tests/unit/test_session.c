/*
 * Logins: the user's tokens, his key in the database, whom a header names.
 */
#include "base/clock.h"
#include "base/crypto.h"
#include "base/text.h"
#include "tests/unit/session_driver.h"

#include <unistd.h>

static void
a_login_gives_tokens_for_a_user_of_its_own(void **state)
{
	struct fixture *f = setup();
	struct caller who;
	struct asked a;

	(void)state;
	assert_int_equal(login(f, &a, "code1"), 0);
	assert_true(a.login.new_user);
	assert_int_equal(strlen(a.login.uid), 32);
	assert_int_equal(strlen(a.login.refresh_token), 43);
	assert_true(a.login.expires_in_s == ACCESS_S);
	assert_int_equal(know(f, a.login.access_token, &who), 0);
	assert_string_equal(who.uid, a.login.uid);
	assert_string_equal(who.openid, "oTest1");
	assert_string_equal(who.unionid, "uTest");
	assert_string_equal(who.appid, APPID);
	assert_true(who.sid != 0);
	assert_true(who.expires_s - clock_now_s() <= ACCESS_S);
	teardown(f);
}

/* The session_key column, opened for this row. */
static void
key_of(struct fixture *f, const char *openid, struct buf *to)
{
	_buf_ struct buf sealed, what;

	buf_init(&sealed, 1024);
	buf_init(&what, 1024);
	buf_printf(&what, "session_key:%s:%s", APPID, openid);
	assert_int_equal(
		text_unhex(&sealed, slice_str(testpg_query(pg,
					    "SELECT encode(sealed, 'hex')"
					    " FROM mpcloud.session_keys WHERE "
					    "openid = 'oTest1' AND "
					    "replaced_at IS NULL"))),
		0);
	assert_int_equal(
		seal_open(f->seal, buf_all(&what), buf_all(&sealed), to), 0);
}

static void
the_database_holds_no_secret_in_the_clear(void **state)
{
	struct fixture *f = setup();
	struct asked a;
	char sql[512];
	_buf_ struct buf key, hash;
	uint8_t sum[SHA256_LEN];

	(void)state;
	buf_init(&key, 256);
	buf_init(&hash, 256);
	assert_int_equal(login(f, &a, "code1"), 0);
	key_of(f, "oTest1", &key);
	assert_string_equal(key.ptr, SESSION_KEY);
	crypto_sha256(slice_str(a.login.refresh_token), sum);
	text_hex(&hash, slice_of(sum, sizeof(sum)));
	assert_string_equal(testpg_query(pg, "SELECT encode(hash, 'hex')"
					     " FROM mpcloud.refresh_tokens"),
		hash.ptr);
	(void)snprintf(sql, sizeof(sql),
		"SELECT count(*) FROM mpcloud.users u, mpcloud.families f,"
		" mpcloud.refresh_tokens r WHERE u::text || f::text || r::text"
		" LIKE '%%%s%%' OR u::text LIKE '%%%s%%'",
		a.login.refresh_token, SESSION_KEY);
	assert_string_equal(testpg_query(pg, sql), "0");
	teardown(f);
}

static void
a_user_who_comes_again_is_the_same_with_a_newer_key(void **state)
{
	struct fixture *f = setup();
	struct asked a, b, c;
	_buf_ struct buf key;

	(void)state;
	buf_init(&key, 256);
	assert_int_equal(login(f, &a, "code1"), 0);
	f->session_key = "AAAAAAAAAAAAAAAAAAAAAA==";
	assert_int_equal(login(f, &b, "code2"), 0);
	assert_false(b.login.new_user);
	assert_string_equal(b.login.uid, a.login.uid);
	assert_string_equal(
		testpg_query(
			pg, "SELECT max(generation) FROM mpcloud.session_keys"),
		"2");
	key_of(f, "oTest1", &key);
	assert_string_equal(key.ptr, "AAAAAAAAAAAAAAAAAAAAAA==");
	f->openid = "oTest2";
	assert_int_equal(login(f, &c, "code3"), 0);
	assert_string_not_equal(c.login.uid, a.login.uid);
	teardown(f);
}

static void
a_missing_setting_is_named(void **state)
{
	struct fixture *f = setup();
	struct asked a;

	(void)state;
	f->app[0].secret = NULL;
	reconfigure(f);
	assert_int_equal(login(f, &a, "code1"), ERR_UPSTREAM_CONFIG);
	assert_non_null(strstr(a.login.job.why.text, "secret_file"));
	f->app[0].appid = "";
	reconfigure(f);
	assert_int_equal(login(f, &a, "code1"), ERR_UPSTREAM_CONFIG);
	assert_non_null(strstr(a.login.job.why.text, "appid"));
	assert_int_equal(f->fake.requests, 0);
	teardown(f);
}

static void
a_running_login_outlives_a_reload(void **state)
{
	struct fixture *f = setup();
	struct asked a;

	(void)state;
	asked_init(&a, f);
	login_start(f->auth[0], &a.login, SLICE("code1"));
	f->app[0].appid = "wxother";
	f->app[0].api_base = "http://127.0.0.1:1";
	reconfigure(f);
	assert_int_equal(wait_for(f, &a), 0);
	assert_string_equal(
		testpg_query(pg, "SELECT appid FROM mpcloud.users"), APPID);
	teardown(f);
}

static void
the_operator_may_issue_a_token_without_wechat(void **state)
{
	struct fixture *f = setup();
	struct caller who;
	struct asked a, b;

	(void)state;
	asked_init(&a, f);
	login_issue(f->auth[0], &a.login, SLICE("oTest1"));
	assert_int_equal(wait_for(f, &a), 0);
	assert_true(a.login.new_user);
	assert_int_equal(know(f, a.login.access_token, &who), 0);
	assert_string_equal(who.openid, "oTest1");
	assert_int_equal(f->fake.requests, 0);
	/* then the user himself: the same one, now with a session_key */
	assert_int_equal(login(f, &b, "code1"), 0);
	assert_string_equal(b.login.uid, a.login.uid);
	asked_init(&a, f);
	login_issue(f->auth[0], &a.login, SLICE("oTest1"));
	assert_int_equal(wait_for(f, &a), 0);
	assert_string_equal(
		testpg_query(pg, "SELECT generation || ' ' || unionid"
				 " FROM mpcloud.users"
				 " JOIN mpcloud.session_keys"
				 " USING (appid, openid)"),
		"1 uTest");
	teardown(f);
}

static void
the_header_is_bearer_and_a_token(void **state)
{
	struct fixture *f = setup();
	char header[4096];
	struct caller who;
	struct fault why;
	struct asked a;

	(void)state;
	assert_int_equal(login(f, &a, "code1"), 0);
	(void)snprintf(
		header, sizeof(header), " bEARER  %s ", a.login.access_token);
	assert_int_equal(
		auth_know(f->auth[0], slice_str(header), &f->arena, &who, &why),
		0);
	assert_int_equal(who.role, CALLER_USER);
	assert_int_equal(auth_know(f->auth[0], slice_str(a.login.access_token),
				 &f->arena, &who, &why),
		ERR_TOKEN_BAD);
	assert_int_equal(auth_know(f->auth[0], SLICE("Basic YTpi"), &f->arena,
				 &who, &why),
		ERR_TOKEN_BAD);
	assert_int_equal(
		auth_know(f->auth[0], SLICE("Bearer"), &f->arena, &who, &why),
		ERR_TOKEN_BAD);
	clock_set((clock_now_s() + ACCESS_S) * CLOCK_S);
	assert_int_equal(
		auth_know(f->auth[0], slice_str(header), &f->arena, &who, &why),
		ERR_TOKEN_EXPIRED);
	assert_non_null(strstr(why.text, "refresh"));
	teardown(f);
}

/* Logins that fail in every place there is. */
static void
fail_everywhere(struct fixture *f)
{
	struct asked a;

	f->errcode = "40029,\"openid\":\"oTest1\"";
	assert_int_equal(login(f, &a, "secretcode"), ERR_CODE_BAD);
	f->errcode = "40125";
	assert_int_equal(login(f, &a, "secretcode"), ERR_UPSTREAM_CONFIG);
	f->errcode = "\"x";
	assert_int_equal(login(f, &a, "secretcode"), ERR_UPSTREAM);
	f->errcode = NULL;
	f->fake.mode = FAKE_CUT;
	assert_int_equal(login(f, &a, "secretcode"), ERR_UPSTREAM);
	f->fake.mode = FAKE_ANSWER;
	(void)testpg_query(pg, "ALTER TABLE mpcloud.users RENAME TO gone");
	assert_true(login(f, &a, "secretcode") < 0);
	assert_null(strstr(a.login.job.why.text, "oTest1"));
	assert_null(strstr(a.login.job.why.text, SESSION_KEY));
	(void)testpg_query(pg, "ALTER TABLE mpcloud.gone RENAME TO users");
}

static void
trouble_is_told_without_secrets(void **state)
{
	static const char *const secrets[] = {
		"oTest1", "uTest", SESSION_KEY, "app-s3cret", "secretcode"};
	struct fixture *f = setup();
	FILE *file = tmpfile();
	int old = dup(2);
	char text[65536];
	size_t len;

	(void)state;
	assert_non_null(file);
	assert_true(dup2(fileno(file), 2) == 2);
	fail_everywhere(f);
	assert_true(dup2(old, 2) == 2);
	(void)close(old);
	rewind(file);
	len = fread(text, 1, sizeof(text) - 1, file);
	text[len] = '\0';
	(void)fclose(file);
	assert_non_null(strstr(text, "wechat.error"));
	assert_non_null(strstr(text, "wechat.config"));
	for (size_t i = 0; i < array_size(secrets); i++)
		assert_null(strstr(text, secrets[i]));
	teardown(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_login_gives_tokens_for_a_user_of_its_own),
		cmocka_unit_test(the_database_holds_no_secret_in_the_clear),
		cmocka_unit_test(
			a_user_who_comes_again_is_the_same_with_a_newer_key),
		cmocka_unit_test(a_missing_setting_is_named),
		cmocka_unit_test(a_running_login_outlives_a_reload),
		cmocka_unit_test(the_operator_may_issue_a_token_without_wechat),
		cmocka_unit_test(the_header_is_bearer_and_a_token),
		cmocka_unit_test(trouble_is_told_without_secrets),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
