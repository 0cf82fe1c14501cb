/*
 * One token for several processes: gateways (each with its own pool, as in life)
 * on one PostgreSQL, and a WeChat on loopback that counts what it is asked.
 *
 * That WeChat keeps the rules of api_getstableaccesstoken.html: the same token
 * until 300 s before its end, with the seconds that are left.
 */
#include "base/clock.h"
#include "base/mem.h"
#include "db/schema.h"
#include "tests/lib/pg.h"
#include "tests/unit/fake_wechat.h"
#include "tests/unit/test.h"
#include "wechat/access_token.h"

#include <stdlib.h>

#define APPID  "wx0123456789abcdef"
#define SECRET "app-s3cret"
#define MASTER \
	"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

enum { GATEWAYS = 8, LIFE_S = 7200, START_S = 1800000000 };

static struct testpg *pg;

struct fixture {
	struct loop loop;
	struct fake fake;
	struct fetcher *fetcher;
	struct seal *seal;
	struct app *app;
	struct pool *pool[GATEWAYS];
	struct access_tokens *tokens[GATEWAYS];
	/* WeChat's */
	int64_t expires_s;
	unsigned made;       /* tokens */
	const char *refusal; /* instead of a token */
	int status;
	char body[512]; /* of the last request */
	int64_t now_s;
};

struct asked {
	struct token_ask ask;
	int done;
};

static int64_t
now_s(const struct fixture *f)
{
	return f->now_s;
}

static void
time_is(struct fixture *f, int64_t s)
{
	f->now_s = s;
	clock_set(s * CLOCK_S);
}

static void
on_request(struct fake *fake, const struct fake_request *r, struct buf *to)
{
	struct fixture *f = fake->owner;
	char body[512];

	assert_true(slice_is(r->target, "/cgi-bin/stable_token"));
	assert_true(slice_is(r->method, "POST"));
	(void)snprintf(f->body, sizeof(f->body), "%.*s", SLICE_ARG(r->body));
	if (f->refusal) {
		fake_say(to, f->status, "", slice_str(f->refusal));
		return;
	}
	if (f->expires_s - now_s(f) <= 300) {
		f->made++;
		f->expires_s = now_s(f) + LIFE_S;
	}
	(void)snprintf(body, sizeof(body),
		"{\"access_token\":\"tok-%u\",\"expires_in\":%lld}", f->made,
		(long long)(f->expires_s - now_s(f)));
	fake_say(to, 200, "", slice_str(body));
}

static struct pool *
pool_make(struct fixture *f)
{
	const struct pool_conf conf = {.url = testpg_url(pg),
		.connections = 1,
		.timeout_ms = 10000,
		.waiting_top = 1000};
	struct pool *pool;

	assert_int_equal(pool_new(&pool, &f->loop, &conf, NULL), 0);
	return pool;
}

static struct app *
app_of(const struct fixture *f, const char *appid, const char *secret)
{
	return app_new(&(struct app_conf){.appid = appid,
		.secret = secret,
		.api_base = f->fake.base,
		.push_token = "",
		.push_key = ""});
}

static struct fixture *
setup(void)
{
	struct fixture *f = mem_new(struct fixture);

	assert_int_equal(loop_init(&f->loop), 0);
	assert_int_equal(fetcher_new(&f->fetcher, &f->loop), 0);
	assert_int_equal(seal_new(&f->seal, SLICE(MASTER), NULL), 0);
	fake_start(&f->fake, &f->loop, on_request);
	f->fake.owner = f;
	f->status = 200;
	f->app = app_of(f, APPID, SECRET);
	/* what the last test's gateways had under way may still come */
	while (strcmp(testpg_query(pg,
			      "SELECT count(*) FROM pg_stat_activity WHERE "
			      "backend_type = 'client backend' AND "
			      "pid <> pg_backend_pid()"),
		       "0") != 0)
		continue;
	(void)testpg_query(pg, "TRUNCATE mpcloud.access_tokens");
	for (int i = 0; i < GATEWAYS; i++) {
		f->pool[i] = pool_make(f);
		assert_int_equal(access_tokens_new(&f->tokens[i], &f->loop,
					 f->pool[i], f->fetcher, f->seal),
			0);
	}
	time_is(f, START_S);
	return f;
}

static void
teardown(struct fixture *f)
{
	for (int i = 0; i < GATEWAYS; i++) {
		f->tokens[i] = access_tokens_free(f->tokens[i]);
		f->pool[i] = pool_free(f->pool[i]);
	}
	f->fetcher = fetcher_free(f->fetcher);
	fake_stop(&f->fake);
	seal_free(f->seal);
	(void)app_unref(f->app);
	loop_done(&f->loop);
	clock_set(-1);
	free(f);
}

static void
on_done(struct job *job)
{
	container_of(job, struct asked, ask.job)->done++;
}

static void
begin(struct fixture *f, int gateway, struct asked *a)
{
	memset(a, 0, sizeof(*a));
	job_init(&a->ask.job, on_done);
	access_token_get(f->tokens[gateway], &a->ask, f->app);
	assert_int_equal(a->done, 0); /* never inside the call */
}

static int
finish(struct fixture *f, struct asked *a)
{
	loop_turn(&f->loop, false);
	while (!a->done)
		loop_turn(&f->loop, true);
	assert_int_equal(a->done, 1);
	return a->ask.job.err;
}

static const char *
get(struct fixture *f, int gateway)
{
	static char token[ACCESS_TOKEN_TOP + 1];
	struct asked a;

	begin(f, gateway, &a);
	if (finish(f, &a) != 0)
		fail_msg("%d: %s", a.ask.job.err, a.ask.job.why.text);
	memcpy(token, a.ask.token, sizeof(token));
	token_ask_done(&a.ask);
	return token;
}

/* Turns until what goes on beside the callers is over. */
static void
until_fetched(struct fixture *f, unsigned requests, const char *fetches)
{
	while (f->fake.requests < requests ||
		strcmp(testpg_query(pg,
			       "SELECT fetches FROM mpcloud.access_tokens"),
			fetches) != 0)
		loop_turn(&f->loop, f->fake.requests < requests);
	loop_turn(&f->loop, false);
}

static void
all_gateways_share_one_fetch(void **state)
{
	struct fixture *f = setup();
	struct asked a[GATEWAYS][10];

	(void)state;
	for (int g = 0; g < GATEWAYS; g++)
		for (int i = 0; i < 10; i++)
			begin(f, g, &a[g][i]);
	for (int g = 0; g < GATEWAYS; g++)
		for (int i = 0; i < 10; i++) {
			assert_int_equal(finish(f, &a[g][i]), 0);
			assert_string_equal(a[g][i].ask.token, "tok-1");
		}
	assert_int_equal(f->fake.requests, 1);
	assert_string_equal(f->body,
		"{\"grant_type\":\"client_credential\",\"appid\":\"" APPID
		"\",\"secret\":\"" SECRET "\",\"force_refresh\":false}");
	/* and from then on nobody asks the database or WeChat */
	assert_string_equal(get(f, 3), "tok-1");
	assert_string_equal(
		testpg_query(pg, "SELECT fetches FROM mpcloud.access_tokens"),
		"1");
	assert_int_equal(f->fake.requests, 1);
	teardown(f);
}

static void
the_token_is_stored_sealed(void **state)
{
	struct fixture *f = setup();

	(void)state;
	assert_string_equal(get(f, 0), "tok-1");
	assert_string_equal(
		testpg_query(pg,
			"SELECT position('tok-1' in encode(sealed, 'escape')) "
			"+ position('tok-1' in encode(mark, 'escape')) "
			"FROM mpcloud.access_tokens"),
		"0");
	assert_string_equal(
		testpg_query(pg,
			"SELECT fetched_at || ' ' || refresh_at || ' ' || "
			"expires_at FROM mpcloud.access_tokens"),
		"1800000000000 1800006900000 1800007200000");
	teardown(f);
}

static void
a_refused_token_is_fetched_once_for_all(void **state)
{
	struct fixture *f = setup();
	struct asked a[GATEWAYS];

	(void)state;
	for (int g = 0; g < GATEWAYS; g++)
		assert_string_equal(get(f, g), "tok-1");
	f->expires_s = 0; /* WeChat forgot it */
	for (int g = 0; g < GATEWAYS; g++) {
		access_token_drop(f->tokens[g], f->app, "tok-1");
		begin(f, g, &a[g]);
	}
	for (int g = 0; g < GATEWAYS; g++) {
		assert_int_equal(finish(f, &a[g]), 0);
		assert_string_equal(a[g].ask.token, "tok-2");
	}
	assert_int_equal(f->fake.requests, 2);
	teardown(f);
}

static void
a_refusal_of_an_older_token_drops_nothing(void **state)
{
	struct fixture *f = setup();

	(void)state;
	assert_string_equal(get(f, 0), "tok-1");
	assert_string_equal(get(f, 1), "tok-1");
	f->expires_s = 0;
	access_token_drop(f->tokens[0], f->app, "tok-1");
	assert_string_equal(get(f, 0), "tok-2");
	/* late news of the first */
	access_token_drop(f->tokens[0], f->app, "tok-1");
	assert_string_equal(get(f, 0), "tok-2");
	/* the other gateway still has the first one, and learns of the second
	 * from the row */
	access_token_drop(f->tokens[1], f->app, "tok-1");
	assert_string_equal(get(f, 1), "tok-2");
	assert_int_equal(f->fake.requests, 2);
	teardown(f);
}

static void
a_token_that_is_given_again_is_not_asked_for_in_a_loop(void **state)
{
	struct fixture *f = setup();

	(void)state;
	assert_string_equal(get(f, 0), "tok-1");
	access_token_drop(f->tokens[0], f->app, "tok-1");
	assert_string_equal(get(f, 0), "tok-1"); /* WeChat says it is good */
	for (int i = 0; i < 100; i++) {
		access_token_drop(f->tokens[0], f->app, "tok-1");
		assert_string_equal(get(f, 0), "tok-1");
	}
	assert_int_equal(f->fake.requests, 2);
	teardown(f);
}

static void
the_next_token_is_fetched_early_while_the_old_one_serves(void **state)
{
	struct fixture *f = setup();

	(void)state;
	for (int g = 0; g < GATEWAYS; g++)
		assert_string_equal(get(f, g), "tok-1");
	time_is(f, START_S + LIFE_S - 301);
	assert_string_equal(get(f, 0), "tok-1");
	assert_int_equal(f->fake.requests, 1);
	time_is(f, START_S + LIFE_S - 299);
	f->fake.mode = FAKE_HANG;
	for (int g = 0; g < GATEWAYS; g++)
		for (int i = 0; i < 20; i++)
			assert_string_equal(get(f, g), "tok-1");
	while (f->fake.requests < 2)
		loop_turn(&f->loop, true);
	assert_string_equal(get(f, 5), "tok-1");
	assert_int_equal(f->fake.requests, 2);
	teardown(f);
}

static void
after_the_early_fetch_all_have_the_next_one(void **state)
{
	struct fixture *f = setup();

	(void)state;
	assert_string_equal(get(f, 0), "tok-1");
	assert_string_equal(get(f, 1), "tok-1");
	time_is(f, START_S + LIFE_S - 299);
	assert_string_equal(get(f, 0), "tok-1");
	until_fetched(f, 2, "2");
	assert_string_equal(get(f, 0), "tok-2");
	(void)get(f, 1); /* looks at the row beside */
	while (strcmp(get(f, 1), "tok-2") != 0)
		loop_turn(&f->loop, true);
	assert_int_equal(f->fake.requests, 2);
	teardown(f);
}

static void
a_refusal_is_told_with_what_it_means(void **state)
{
	static const struct {
		const char *answer;
		int err;
		const char *word;
	} cases[] = {
		{"{\"errcode\":-1,\"errmsg\":\"system error\"}",
			ERR_UPSTREAM_BUSY, "busy"},
		{"{\"errcode\":40001}", ERR_UPSTREAM_CONFIG, "AppSecret"},
		{"{\"errcode\":40013}", ERR_UPSTREAM_CONFIG, "appid"},
		{"{\"errcode\":40125}", ERR_UPSTREAM_CONFIG, "AppSecret"},
		{"{\"errcode\":40164,\"errmsg\":\"invalid ip 203.0.113.9 ipv6 "
		 "::ffff:203.0.113.9, not in whitelist rid: 6-7-8\"}",
			ERR_UPSTREAM_CONFIG, "203.0.113.9 is not on"},
		{"{\"errcode\":40164,\"errmsg\":\"not in whitelist\"}",
			ERR_UPSTREAM_CONFIG, "address is not on"},
		{"{\"errcode\":40243}", ERR_UPSTREAM_CONFIG, "frozen"},
		{"{\"errcode\":41002}", ERR_UPSTREAM_CONFIG, "appid"},
		{"{\"errcode\":41004}", ERR_UPSTREAM_CONFIG, "AppSecret"},
		{"{\"errcode\":45009}", ERR_UPSTREAM_BUSY, "today"},
		{"{\"errcode\":45011}", ERR_UPSTREAM_BUSY, "minute"},
		{"{\"errcode\":50004}", ERR_UPSTREAM_CONFIG, "forbids"},
		{"{\"errcode\":50007}", ERR_UPSTREAM_CONFIG, "account"},
		{"{\"errcode\":89503}", ERR_UPSTREAM_CONFIG, "confirm"},
		{"{\"errcode\":89506}", ERR_UPSTREAM_CONFIG, "24 hours"},
		{"{\"errcode\":89507}", ERR_UPSTREAM_CONFIG, "an hour"},
		{"{\"errcode\":61024}", ERR_UPSTREAM, "61024"},
		{"{}", ERR_UPSTREAM, "no access_token"},
		{"<html>", ERR_UPSTREAM, "not JSON"},
		{"{\"access_token\":\"a b\",\"expires_in\":7200}", ERR_UPSTREAM,
			"no access_token"},
		{"{\"access_token\":\"ab\",\"expires_in\":0}", ERR_UPSTREAM,
			"no access_token"},
	};

	(void)state;
	for (size_t i = 0; i < array_size(cases); i++) {
		struct fixture *f = setup();
		struct asked a, b;

		f->refusal = cases[i].answer;
		begin(f, 0, &a);
		assert_int_equal(finish(f, &a), cases[i].err);
		assert_non_null(strstr(a.ask.job.why.text, cases[i].word));
		/* another gateway is told the same, without asking WeChat */
		begin(f, 1, &b);
		assert_int_equal(finish(f, &b), cases[i].err);
		assert_string_equal(a.ask.job.why.text, b.ask.job.why.text);
		assert_int_equal(f->fake.requests, 1);
		assert_null(strstr(a.ask.job.why.text, SECRET));
		teardown(f);
	}
}

static void
after_a_failure_nobody_asks_for_a_while(void **state)
{
	struct fixture *f = setup();
	struct asked a;

	(void)state;
	f->refusal = "{\"errcode\":40164}";
	for (int g = 0; g < GATEWAYS; g++)
		for (int i = 0; i < 5; i++) {
			begin(f, g, &a);
			assert_int_equal(finish(f, &a), ERR_UPSTREAM_CONFIG);
		}
	assert_int_equal(f->fake.requests, 1);
	time_is(f, START_S + 6);
	begin(f, 4, &a);
	assert_int_equal(finish(f, &a), ERR_UPSTREAM_CONFIG);
	assert_int_equal(f->fake.requests, 2);
	f->refusal = NULL;
	time_is(f, START_S + 100);
	assert_string_equal(get(f, 2), "tok-1");
	assert_int_equal(f->fake.requests, 3);
	teardown(f);
}

static void
a_failed_renewal_keeps_the_old_token_until_its_last_minute(void **state)
{
	struct fixture *f = setup();
	struct asked a;

	(void)state;
	assert_string_equal(get(f, 0), "tok-1");
	f->refusal = "{\"errcode\":-1}";
	for (int64_t s = LIFE_S - 299; s < LIFE_S - 60; s += 20) {
		time_is(f, START_S + s);
		assert_string_equal(get(f, 0), "tok-1");
		loop_turn(&f->loop, false);
	}
	while (f->fake.requests < 2)
		loop_turn(&f->loop, true);
	time_is(f, START_S + LIFE_S - 60);
	begin(f, 0, &a);
	assert_int_equal(finish(f, &a), ERR_UPSTREAM_BUSY);
	teardown(f);
}

static void
no_answer_at_all_is_a_failure_too(void **state)
{
	struct fixture *f = setup();
	struct asked a;

	(void)state;
	f->fake.mode = FAKE_CLOSE;
	begin(f, 0, &a);
	assert_int_equal(finish(f, &a), ERR_UPSTREAM);
	assert_non_null(strstr(a.ask.job.why.text, "not reached"));
	teardown(f);

	f = setup();
	f->refusal = "busy";
	f->status = 502;
	begin(f, 0, &a);
	assert_int_equal(finish(f, &a), ERR_UPSTREAM);
	assert_non_null(strstr(a.ask.job.why.text, "502"));
	teardown(f);
}

static void
the_lease_of_a_killed_gateway_ends_by_itself(void **state)
{
	struct fixture *f = setup();
	struct asked killed, a;

	(void)state;
	f->fake.mode = FAKE_HANG;
	begin(f, 0, &killed);
	while (f->fake.requests < 1)
		loop_turn(&f->loop, true);
	/* kill -9: nothing of it is told to anybody */
	f->tokens[0] = access_tokens_free(f->tokens[0]);
	assert_int_equal(killed.ask.job.err, ERR_SHUTDOWN);
	f->fake.mode = FAKE_ANSWER;
	begin(f, 1, &a);
	for (int i = 0; i < 5; i++)
		loop_turn(&f->loop, true);
	assert_int_equal(a.done, 0);
	assert_int_equal(f->fake.requests, 1);
	time_is(f, START_S + 16);
	assert_int_equal(finish(f, &a), 0);
	assert_string_equal(a.ask.token, "tok-1");
	assert_int_equal(f->fake.requests, 2);
	teardown(f);
}

static void
a_lease_under_a_wrong_clock_does_not_count(void **state)
{
	struct fixture *f = setup();
	char sql[256];

	(void)state;
	(void)snprintf(sql, sizeof(sql),
		"INSERT INTO mpcloud.access_tokens (appid, lease_until, "
		"lease_by) VALUES ('" APPID "', %lld, 'somebody')",
		(START_S + 3600) * 1000LL);
	(void)testpg_query(pg, sql);
	assert_string_equal(get(f, 0), "tok-1");
	teardown(f);
}

static void
each_mini_program_has_its_own(void **state)
{
	struct fixture *f = setup();
	struct app *other = app_of(f, "wxother", SECRET);
	struct asked a, b;

	(void)state;
	begin(f, 0, &a);
	memset(&b, 0, sizeof(b));
	job_init(&b.ask.job, on_done);
	access_token_get(f->tokens[0], &b.ask, other);
	assert_int_equal(finish(f, &a), 0);
	assert_int_equal(finish(f, &b), 0);
	assert_int_equal(f->fake.requests, 2);
	assert_string_equal(
		testpg_query(pg,
			"SELECT string_agg(appid, ' ' ORDER BY appid) FROM "
			"mpcloud.access_tokens"),
		APPID " wxother");
	(void)app_unref(other);
	teardown(f);
}

static void
without_an_appsecret_nobody_is_asked(void **state)
{
	struct fixture *f = setup();
	struct asked a;

	(void)state;
	(void)app_unref(f->app);
	f->app = app_of(f, APPID, "");
	begin(f, 0, &a);
	assert_int_equal(finish(f, &a), ERR_UPSTREAM_CONFIG);
	assert_non_null(strstr(a.ask.job.why.text, "secret_file"));
	assert_int_equal(f->fake.requests, 0);
	teardown(f);
}

static void
a_corrected_secret_is_tried_at_once(void **state)
{
	struct fixture *f = setup();
	struct asked a;

	(void)state;
	f->refusal = "{\"errcode\":40125}";
	begin(f, 0, &a);
	assert_int_equal(finish(f, &a), ERR_UPSTREAM_CONFIG);
	f->refusal = NULL;
	time_is(f, START_S + 6);
	(void)app_unref(f->app);
	f->app = app_of(f, APPID, "better");
	assert_string_equal(get(f, 0), "tok-1");
	assert_non_null(strstr(f->body, "better"));
	teardown(f);
}

static void
another_master_key_opens_no_token_and_says_so(void **state)
{
	struct fixture *f = setup();
	struct access_tokens *other;
	struct seal *seal;
	struct asked a;

	(void)state;
	assert_string_equal(get(f, 0), "tok-1");
	assert_int_equal(seal_new(&seal,
				 SLICE("ff0102030405060708090a0b0c0d0e0f1011121"
				       "31415161718191a1b1c1d1e1f"),
				 NULL),
		0);
	assert_int_equal(access_tokens_new(&other, &f->loop, f->pool[1],
				 f->fetcher, seal),
		0);
	memset(&a, 0, sizeof(a));
	job_init(&a.ask.job, on_done);
	access_token_get(other, &a.ask, f->app);
	assert_int_equal(finish(f, &a), ERR_UPSTREAM_CONFIG);
	assert_non_null(strstr(a.ask.job.why.text, "master_key_file"));
	assert_int_equal(f->fake.requests, 1);
	other = access_tokens_free(other);
	seal_free(seal);
	teardown(f);
}

static void
a_cancelled_caller_is_not_answered(void **state)
{
	struct fixture *f = setup();
	struct asked a, b;

	(void)state;
	begin(f, 0, &a);
	begin(f, 0, &b);
	token_ask_done(&a.ask);
	assert_int_equal(finish(f, &b), 0);
	assert_int_equal(a.done, 0);
	token_ask_done(&b.ask);
	assert_string_equal(b.ask.token, "");
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
		cmocka_unit_test(all_gateways_share_one_fetch),
		cmocka_unit_test(the_token_is_stored_sealed),
		cmocka_unit_test(a_refused_token_is_fetched_once_for_all),
		cmocka_unit_test(a_refusal_of_an_older_token_drops_nothing),
		cmocka_unit_test(
			a_token_that_is_given_again_is_not_asked_for_in_a_loop),
		cmocka_unit_test(
			the_next_token_is_fetched_early_while_the_old_one_serves),
		cmocka_unit_test(after_the_early_fetch_all_have_the_next_one),
		cmocka_unit_test(a_refusal_is_told_with_what_it_means),
		cmocka_unit_test(after_a_failure_nobody_asks_for_a_while),
		cmocka_unit_test(
			a_failed_renewal_keeps_the_old_token_until_its_last_minute),
		cmocka_unit_test(no_answer_at_all_is_a_failure_too),
		cmocka_unit_test(the_lease_of_a_killed_gateway_ends_by_itself),
		cmocka_unit_test(a_lease_under_a_wrong_clock_does_not_count),
		cmocka_unit_test(each_mini_program_has_its_own),
		cmocka_unit_test(without_an_appsecret_nobody_is_asked),
		cmocka_unit_test(a_corrected_secret_is_tried_at_once),
		cmocka_unit_test(another_master_key_opens_no_token_and_says_so),
		cmocka_unit_test(a_cancelled_caller_is_not_answered),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
