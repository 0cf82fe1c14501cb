/*
 * Login, refresh and logout against a real PostgreSQL and a WeChat on
 * loopback.  Two auth objects on two pools play two gateways.
 */
#include "auth/session.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "base/mem.h"
#include "base/text.h"
#include "db/schema.h"
#include "tests/lib/pg.h"
#include "tests/unit/fake_wechat.h"
#include "tests/unit/test.h"

#include <stdlib.h>
#include <unistd.h>

#define APPID       "wx0123456789abcdef"
#define SESSION_KEY "tiihtNczf5v6AKRyjwEUhQ=="
#define MASTER \
	"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define KEYS "k1 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\n"

enum { GATEWAYS = 2, ACCESS_S = 7200, REFRESH_S = 30 * 86400 };

static struct testpg *pg;

struct fixture {
	struct loop loop;
	struct fake fake;
	struct fetcher *fetcher;
	struct token_keys *keys;
	struct seal *seal;
	struct shm *shm;
	struct pool *pool[GATEWAYS];
	struct auth *auth[GATEWAYS];
	struct arena arena;
	struct auth_conf conf;
	const char *openid, *session_key, *errcode; /* what WeChat says */
};

struct asked {
	struct login login;
	int done;
};

static void
on_ask(struct fake *fake, const struct fake_request *r, struct buf *to)
{
	struct fixture *f = fake->owner;
	char body[512];

	(void)r;
	if (f->errcode)
		(void)snprintf(
			body, sizeof(body), "{\"errcode\":%s}", f->errcode);
	else
		(void)snprintf(body, sizeof(body),
			"{\"openid\":\"%s\",\"session_key\":\"%s\","
			"\"unionid\":\"uTest\"}",
			f->openid, f->session_key);
	fake_say(to, 200, "", slice_str(body));
}

static void
pools_open(struct fixture *f)
{
	const struct pool_conf conf = {
		.url = testpg_url(pg),
		.connections = 1,
		.timeout_ms = 10000,
		.waiting_top = 1000,
	};

	for (int i = 0; i < GATEWAYS; i++) {
		assert_int_equal(
			pool_new(&f->pool[i], &f->loop, &conf, NULL), 0);
		assert_int_equal(
			auth_new(&f->auth[i], &f->loop, f->pool[i], f->fetcher,
				f->keys, f->seal, f->shm, &f->conf),
			0);
	}
}

static struct fixture *
setup(void)
{
	struct fixture *f = mem_new(struct fixture);
	int fd;

	assert_int_equal(loop_init(&f->loop), 0);
	assert_int_equal(fetcher_new(&f->fetcher, &f->loop), 0);
	assert_int_equal(token_keys_parse(&f->keys, SLICE(KEYS), NULL), 0);
	assert_int_equal(seal_new(&f->seal, SLICE(MASTER), NULL), 0);
	assert_int_equal(shm_create(&fd), 0);
	assert_int_equal(shm_open_fd(&f->shm, fd), 0);
	(void)close(fd);
	fake_start(&f->fake, &f->loop, on_ask);
	f->fake.owner = f;
	f->openid = "oTest1";
	f->session_key = SESSION_KEY;
	f->conf = (struct auth_conf){
		.appid = APPID,
		.secret = "app-s3cret",
		.api_base = f->fake.base,
		.access_ttl_s = ACCESS_S,
		.refresh_ttl_s = REFRESH_S,
	};
	arena_init(&f->arena, 1024 * 1024);
	(void)testpg_query(pg, "TRUNCATE mpcloud.users CASCADE");
	pools_open(f);
	return f;
}

static void
teardown(struct fixture *f)
{
	clock_set(-1);
	for (int i = 0; i < GATEWAYS; i++) {
		f->auth[i] = auth_free(f->auth[i]);
		f->pool[i] = pool_free(f->pool[i]);
	}
	f->fetcher = fetcher_free(f->fetcher);
	fake_stop(&f->fake);
	token_keys_free(f->keys);
	seal_free(f->seal);
	shm_close(f->shm);
	arena_done(&f->arena);
	loop_done(&f->loop);
	free(f);
}

static void
on_done(struct job *job)
{
	container_of(job, struct asked, login.job)->done++;
}

static void
asked_init(struct asked *a, struct fixture *f)
{
	memset(a, 0, sizeof(*a));
	job_init(&a->login.job, on_done);
	a->login.arena = &f->arena;
}

static int
wait_for(struct fixture *f, struct asked *a)
{
	assert_int_equal(a->done, 0); /* never answered inside the call */
	loop_turn(&f->loop, false);
	while (!a->done)
		loop_turn(&f->loop, true);
	assert_int_equal(a->done, 1);
	return a->login.job.err;
}

static int
login(struct fixture *f, struct asked *a, const char *code)
{
	asked_init(a, f);
	login_start(f->auth[0], &a->login, slice_str(code));
	return wait_for(f, a);
}

static int
refresh(struct fixture *f, struct asked *a, const char *token)
{
	asked_init(a, f);
	login_refresh(f->auth[0], &a->login, slice_str(token));
	return wait_for(f, a);
}

static int
know(struct fixture *f, const char *token, struct caller *who)
{
	char header[4096];

	(void)snprintf(header, sizeof(header), "Bearer %s", token);
	return auth_know(f->auth[0], slice_str(header), &f->arena, who, NULL);
}

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
					    "SELECT encode(session_key, 'hex')"
					    " FROM mpcloud.users WHERE openid "
					    "= 'oTest1'"))),
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
		testpg_query(pg, "SELECT key_generation FROM mpcloud.users"),
		"2");
	key_of(f, "oTest1", &key);
	assert_string_equal(key.ptr, "AAAAAAAAAAAAAAAAAAAAAA==");
	f->openid = "oTest2";
	assert_int_equal(login(f, &c, "code3"), 0);
	assert_string_not_equal(c.login.uid, a.login.uid);
	teardown(f);
}

static void
the_same_code_twice_at_once_asks_wechat_once(void **state)
{
	struct fixture *f = setup();
	struct asked a, b;

	(void)state;
	asked_init(&a, f);
	asked_init(&b, f);
	login_start(f->auth[0], &a.login, SLICE("code1"));
	login_start(f->auth[0], &b.login, SLICE("code1"));
	while (!a.done || !b.done)
		loop_turn(&f->loop, true);
	assert_int_equal(a.login.job.err, 0);
	assert_int_equal(b.login.job.err, 0);
	assert_int_equal(f->fake.requests, 1);
	assert_string_equal(a.login.uid, b.login.uid);
	assert_string_not_equal(a.login.refresh_token, b.login.refresh_token);
	assert_string_equal(
		testpg_query(pg, "SELECT count(*) || ' ' || "
				 "max(key_generation) FROM mpcloud.users"),
		"1 1");
	assert_string_equal(
		testpg_query(pg, "SELECT count(*) FROM mpcloud.families"), "2");
	teardown(f);
}

static void
one_of_two_may_leave_and_the_other_is_answered(void **state)
{
	struct fixture *f = setup();
	struct asked a, b;

	(void)state;
	asked_init(&a, f);
	asked_init(&b, f);
	login_start(f->auth[0], &a.login, SLICE("code1"));
	login_start(f->auth[0], &b.login, SLICE("code1"));
	job_cancel(&a.login.job);
	assert_int_equal(wait_for(f, &b), 0);
	assert_int_equal(a.done, 0);
	assert_int_equal(f->fake.requests, 1);
	teardown(f);
}

static struct asked *leaver;

static void
on_done_and_cancel(struct job *job)
{
	on_done(job);
	job_cancel(&leaver->login.job);
}

static void
the_end_of_one_may_cancel_the_other(void **state)
{
	struct fixture *f = setup();
	struct asked a, b;

	(void)state;
	f->errcode = "40029";
	asked_init(&a, f);
	asked_init(&b, f);
	leaver = &b;
	a.login.job.done = on_done_and_cancel;
	login_start(f->auth[0], &a.login, SLICE("code1"));
	login_start(f->auth[0], &b.login, SLICE("code1"));
	assert_int_equal(wait_for(f, &a), ERR_CODE_BAD);
	loop_turn(&f->loop, false);
	assert_int_equal(b.done, 0);
	/* and the object still works */
	f->errcode = NULL;
	assert_int_equal(login(f, &a, "code1"), 0);
	teardown(f);
}

static void
all_may_leave_and_the_code_may_come_again(void **state)
{
	struct fixture *f = setup();
	struct asked a;

	(void)state;
	asked_init(&a, f);
	f->fake.mode = FAKE_HANG;
	login_start(f->auth[0], &a.login, SLICE("code1"));
	while (!f->fake.requests)
		loop_turn(&f->loop, true);
	job_cancel(&a.login.job);
	f->fake.mode = FAKE_ANSWER;
	assert_int_equal(login(f, &a, "code1"), 0);
	assert_int_equal(f->fake.requests, 2);
	teardown(f);
}

static void
wechat_s_refusal_reaches_the_caller_with_its_words(void **state)
{
	struct fixture *f = setup();
	struct asked a;

	(void)state;
	f->errcode = "40163";
	assert_int_equal(login(f, &a, "code1"), ERR_CODE_BAD);
	assert_non_null(strstr(a.login.job.why.text, "used already"));
	assert_string_equal(
		testpg_query(pg, "SELECT count(*) FROM mpcloud.users"), "0");
	teardown(f);
}

static void
codes_that_cannot_be_wechat_s_are_not_sent(void **state)
{
	struct fixture *f = setup();
	struct asked a;
	char code[130];

	(void)state;
	memset(code, 'a', 129);
	code[129] = '\0';
	assert_int_equal(login(f, &a, ""), ERR_PARAM);
	assert_int_equal(login(f, &a, code), ERR_PARAM);
	assert_int_equal(login(f, &a, "a b"), ERR_PARAM);
	assert_int_equal(login(f, &a, "a\x80"), ERR_PARAM);
	assert_int_equal(f->fake.requests, 0);
	code[128] = '\0';
	assert_int_equal(login(f, &a, code), 0);
	teardown(f);
}

static void
a_missing_setting_is_named(void **state)
{
	struct fixture *f = setup();
	struct asked a;

	(void)state;
	f->conf.secret = NULL;
	auth_configure(f->auth[0], f->keys, &f->conf);
	assert_int_equal(login(f, &a, "code1"), ERR_UPSTREAM_CONFIG);
	assert_non_null(strstr(a.login.job.why.text, "secret_file"));
	f->conf.appid = "";
	auth_configure(f->auth[0], f->keys, &f->conf);
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
	f->conf.appid = "wxother";
	f->conf.api_base = "http://127.0.0.1:1";
	auth_configure(f->auth[0], f->keys, &f->conf);
	assert_int_equal(wait_for(f, &a), 0);
	assert_string_equal(
		testpg_query(pg, "SELECT appid FROM mpcloud.users"), APPID);
	teardown(f);
}

static void
a_refresh_token_works_once_and_gives_the_next(void **state)
{
	struct fixture *f = setup();
	struct caller first, second;
	struct asked a, b, c;

	(void)state;
	assert_int_equal(login(f, &a, "code1"), 0);
	assert_int_equal(refresh(f, &b, a.login.refresh_token), 0);
	assert_string_equal(b.login.uid, a.login.uid);
	assert_false(b.login.new_user);
	assert_string_not_equal(b.login.refresh_token, a.login.refresh_token);
	assert_int_equal(know(f, a.login.access_token, &first), 0);
	assert_int_equal(know(f, b.login.access_token, &second), 0);
	assert_true(first.sid == second.sid);
	assert_string_equal(second.openid, "oTest1");
	assert_string_equal(second.unionid, "uTest");
	assert_int_equal(refresh(f, &c, b.login.refresh_token), 0);
	assert_int_equal(f->fake.requests, 1);
	teardown(f);
}

static void
a_refresh_token_shown_twice_ends_its_family(void **state)
{
	struct fixture *f = setup();
	struct asked a, b, c, other;
	struct caller who;

	(void)state;
	assert_int_equal(login(f, &a, "code1"), 0);
	assert_int_equal(login(f, &other, "code2"), 0);
	assert_int_equal(refresh(f, &b, a.login.refresh_token), 0);
	assert_int_equal(
		refresh(f, &c, a.login.refresh_token), ERR_REFRESH_BAD);
	/* the thief's and the owner's tokens are dead, old and new */
	assert_int_equal(
		refresh(f, &c, b.login.refresh_token), ERR_REFRESH_BAD);
	assert_int_equal(know(f, a.login.access_token, &who), ERR_TOKEN_BAD);
	assert_int_equal(know(f, b.login.access_token, &who), ERR_TOKEN_BAD);
	assert_string_equal(
		testpg_query(pg, "SELECT reason FROM mpcloud.families"
				 " WHERE revoked_at IS NOT NULL"),
		"reuse");
	/* the same user's other session is not touched */
	assert_int_equal(know(f, other.login.access_token, &who), 0);
	assert_int_equal(refresh(f, &c, other.login.refresh_token), 0);
	teardown(f);
}

static void
of_two_refreshes_at_once_exactly_one_wins(void **state)
{
	struct fixture *f = setup();

	(void)state;
	for (int i = 0; i < 20; i++) {
		struct asked a, two[2];
		char code[16];
		int won = 0;

		(void)snprintf(code, sizeof(code), "code%d", i);
		assert_int_equal(login(f, &a, code), 0);
		for (int k = 0; k < 2; k++) {
			asked_init(&two[k], f);
			login_refresh(f->auth[k], &two[k].login,
				slice_str(a.login.refresh_token));
		}
		while (!two[0].done || !two[1].done)
			loop_turn(&f->loop, true);
		for (int k = 0; k < 2; k++)
			if (two[k].login.job.err == 0)
				won++;
			else
				assert_int_equal(
					two[k].login.job.err, ERR_REFRESH_BAD);
		assert_int_equal(won, 1);
	}
	teardown(f);
}

static void
refresh_tokens_expire_after_their_last_use(void **state)
{
	struct fixture *f = setup();
	int64_t now = clock_now();
	struct asked a, b, c;

	(void)state;
	clock_set(now);
	assert_int_equal(login(f, &a, "code1"), 0);
	clock_set(now + (REFRESH_S - 1) * CLOCK_S);
	assert_int_equal(refresh(f, &b, a.login.refresh_token), 0);
	clock_set(now + (2 * REFRESH_S - 2) * CLOCK_S);
	assert_int_equal(refresh(f, &c, b.login.refresh_token), 0);
	clock_set(now + (3 * REFRESH_S) * CLOCK_S);
	assert_int_equal(
		refresh(f, &b, c.login.refresh_token), ERR_REFRESH_EXPIRED);
	teardown(f);
}

static void
words_that_are_no_refresh_token_are_refused(void **state)
{
	struct fixture *f = setup();
	struct asked a;

	(void)state;
	assert_int_equal(refresh(f, &a, ""), ERR_REFRESH_BAD);
	assert_int_equal(refresh(f, &a, "short"), ERR_REFRESH_BAD);
	assert_int_equal(
		refresh(f, &a, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
		ERR_REFRESH_BAD);
	teardown(f);
}

static void
a_logout_ends_both_tokens_at_once(void **state)
{
	struct fixture *f = setup();
	struct asked a, out, b;
	struct caller who;

	(void)state;
	assert_int_equal(login(f, &a, "code1"), 0);
	assert_int_equal(know(f, a.login.access_token, &who), 0);
	asked_init(&out, f);
	login_logout(f->auth[0], &out.login, &who);
	assert_int_equal(wait_for(f, &out), 0);
	assert_int_equal(know(f, a.login.access_token, &who), ERR_TOKEN_BAD);
	assert_int_equal(
		refresh(f, &b, a.login.refresh_token), ERR_REFRESH_BAD);
	assert_string_equal(
		testpg_query(pg, "SELECT reason FROM mpcloud.families"),
		"logout");
	teardown(f);
}

static void
nobody_cannot_log_out(void **state)
{
	struct fixture *f = setup();
	struct caller who;
	struct asked out;

	(void)state;
	assert_int_equal(
		auth_know(f->auth[0], slice_of(NULL, 0), &f->arena, &who, NULL),
		0);
	assert_int_equal(who.role, CALLER_NOBODY);
	assert_string_equal(who.openid, "");
	asked_init(&out, f);
	login_logout(f->auth[0], &out.login, &who);
	assert_int_equal(wait_for(f, &out), ERR_NO_LOGIN);
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
		testpg_query(pg, "SELECT key_generation || ' ' || unionid"
				 " FROM mpcloud.users"
				 " WHERE session_key IS NOT NULL"),
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

static int
group_setup(void **state)
{
	struct fault why = {0};

	(void)state;
	pg = testpg_new();
	if (schema_migrate(testpg_url(pg), &why) < 0) {
		(void)fprintf(stderr, "%s\n", why.text);
		return -1;
	}
	return 0;
}

static int
group_teardown(void **state)
{
	(void)state;
	pg = testpg_free(pg);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_login_gives_tokens_for_a_user_of_its_own),
		cmocka_unit_test(the_database_holds_no_secret_in_the_clear),
		cmocka_unit_test(
			a_user_who_comes_again_is_the_same_with_a_newer_key),
		cmocka_unit_test(the_same_code_twice_at_once_asks_wechat_once),
		cmocka_unit_test(
			one_of_two_may_leave_and_the_other_is_answered),
		cmocka_unit_test(the_end_of_one_may_cancel_the_other),
		cmocka_unit_test(all_may_leave_and_the_code_may_come_again),
		cmocka_unit_test(
			wechat_s_refusal_reaches_the_caller_with_its_words),
		cmocka_unit_test(codes_that_cannot_be_wechat_s_are_not_sent),
		cmocka_unit_test(a_missing_setting_is_named),
		cmocka_unit_test(a_running_login_outlives_a_reload),
		cmocka_unit_test(a_refresh_token_works_once_and_gives_the_next),
		cmocka_unit_test(a_refresh_token_shown_twice_ends_its_family),
		cmocka_unit_test(of_two_refreshes_at_once_exactly_one_wins),
		cmocka_unit_test(refresh_tokens_expire_after_their_last_use),
		cmocka_unit_test(words_that_are_no_refresh_token_are_refused),
		cmocka_unit_test(a_logout_ends_both_tokens_at_once),
		cmocka_unit_test(nobody_cannot_log_out),
		cmocka_unit_test(the_operator_may_issue_a_token_without_wechat),
		cmocka_unit_test(the_header_is_bearer_and_a_token),
		cmocka_unit_test(trouble_is_told_without_secrets),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
