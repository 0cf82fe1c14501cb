/*
 * When there is no token to be had, or who fetches it is gone.
 */
#include "tests/unit/token_driver.h"

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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_refusal_is_told_with_what_it_means),
		cmocka_unit_test(after_a_failure_nobody_asks_for_a_while),
		cmocka_unit_test(
			a_failed_renewal_keeps_the_old_token_until_its_last_minute),
		cmocka_unit_test(no_answer_at_all_is_a_failure_too),
		cmocka_unit_test(the_lease_of_a_killed_gateway_ends_by_itself),
		cmocka_unit_test(a_lease_under_a_wrong_clock_does_not_count),
		cmocka_unit_test(without_an_appsecret_nobody_is_asked),
		cmocka_unit_test(a_corrected_secret_is_tried_at_once),
		cmocka_unit_test(another_master_key_opens_no_token_and_says_so),
		cmocka_unit_test(a_cancelled_caller_is_not_answered),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
