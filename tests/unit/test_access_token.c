/*
 * One token for several processes: who fetches it, and who gets it.
 */
#include "tests/unit/token_driver.h"

/* Turns until what goes on beside the callers is over. */
static void
until_fetched(struct fixture *f, unsigned requests, const char *fetches)
{
	while (f->fake.requests < requests ||
		strcmp(testpg_query(
			       pg, "SELECT fetches FROM mpcloud.access_tokens"),
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
		cmocka_unit_test(each_mini_program_has_its_own),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
