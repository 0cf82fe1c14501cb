/*
 * A login's code at WeChat: asked once for all who bring it at the same time.
 */
#include "tests/unit/session_driver.h"

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
		testpg_query(pg, "SELECT count(DISTINCT uid) || ' ' || "
				 "max(generation) FROM mpcloud.users"
				 " JOIN mpcloud.session_keys"
				 " USING (appid, openid)"),
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

/* Two gateways, one code: WeChat tells the first who it is, and the second that
 * the code was used. */
static void
two_gateways_with_one_code_at_once_are_both_answered(void **state)
{
	struct fixture *f = setup();
	struct asked a, b, late;

	(void)state;
	f->codes_are_used = true;
	asked_init(&a, f);
	asked_init(&b, f);
	login_start(f->auth[0], &a.login, SLICE("code1"));
	login_start(f->auth[1], &b.login, SLICE("code1"));
	while (!a.done || !b.done)
		loop_turn(&f->loop, true);
	assert_int_equal(f->fake.requests, 2);
	assert_int_equal(a.login.job.err, 0);
	assert_int_equal(b.login.job.err, 0);
	assert_string_equal(a.login.uid, b.login.uid);
	assert_string_not_equal(a.login.refresh_token, b.login.refresh_token);
	assert_string_equal(
		testpg_query(pg, "SELECT count(*) || ' ' || max(generation)"
				 " FROM mpcloud.session_keys"),
		"1 1");
	/* afterwards it is used, for either */
	for (int i = 0; i < GATEWAYS; i++) {
		asked_init(&late, f);
		login_start(f->auth[i], &late.login, SLICE("code1"));
		assert_int_equal(wait_for(f, &late), ERR_CODE_BAD);
	}
	teardown(f);
}

static void
a_note_is_of_one_code_and_one_mini_program(void **state)
{
	static const struct {
		const char *appid, *code;
	} rows[] = {{OTHER_APPID, "code1"}, {APPID, "code2"}};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct fixture *f = setup();
		struct asked a, b;

		f->codes_are_used = true;
		asked_init(&a, f);
		asked_init(&b, f);
		b.login.from.appid = slice_str(rows[i].appid);
		login_start(f->auth[0], &a.login, SLICE("code1"));
		login_start(f->auth[1], &b.login, slice_str(rows[i].code));
		while (!a.done || !b.done)
			loop_turn(&f->loop, true);
		assert_int_equal(a.login.job.err + b.login.job.err,
			ERR_CODE_BAD); /* one of them */
		teardown(f);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			two_gateways_with_one_code_at_once_are_both_answered),
		cmocka_unit_test(a_note_is_of_one_code_and_one_mini_program),
		cmocka_unit_test(the_same_code_twice_at_once_asks_wechat_once),
		cmocka_unit_test(
			one_of_two_may_leave_and_the_other_is_answered),
		cmocka_unit_test(the_end_of_one_may_cancel_the_other),
		cmocka_unit_test(all_may_leave_and_the_code_may_come_again),
		cmocka_unit_test(
			wechat_s_refusal_reaches_the_caller_with_its_words),
		cmocka_unit_test(codes_that_cannot_be_wechat_s_are_not_sent),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
