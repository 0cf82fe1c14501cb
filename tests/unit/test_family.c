/*
 * Families of refresh tokens: each works once, and one shown twice ends all.
 */
#include "base/clock.h"
#include "tests/unit/session_driver.h"

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

/* A login without WeChat, of a client that keeps one refresh token. */
static int
visit(struct fixture *f, struct asked *a)
{
	asked_init(a, f);
	a->login.from.fixed = true;
	login_anonymous(f->auth[0], &a->login);
	return wait_for(f, a);
}

static int
renew(struct fixture *f, struct asked *a, const char *token)
{
	asked_init(a, f);
	login_renew(f->auth[0], &a->login, slice_str(token));
	return wait_for(f, a);
}

static int
forget(struct fixture *f, struct asked *a, const char *token)
{
	asked_init(a, f);
	login_forget(f->auth[0], &a->login, slice_str(token));
	return wait_for(f, a);
}

static void
every_visitor_is_a_user_of_his_own_without_an_openid(void **state)
{
	struct fixture *f = setup();
	struct asked a, b, c;
	struct caller who;

	(void)state;
	assert_int_equal(visit(f, &a), 0);
	assert_int_equal(visit(f, &b), 0);
	assert_true(a.login.new_user && a.login.anonymous);
	assert_string_not_equal(a.login.uid, b.login.uid);
	assert_int_equal(know(f, a.login.access_token, &who), 0);
	assert_string_equal(who.uid, a.login.uid);
	assert_string_equal(who.openid, "");
	assert_int_equal(who.role, CALLER_USER);
	assert_int_equal(f->fake.requests, 0);
	/* his tokens are refreshed as everybody's are */
	assert_int_equal(refresh(f, &c, a.login.refresh_token), 0);
	assert_string_equal(c.login.uid, a.login.uid);
	assert_true(c.login.anonymous);
	teardown(f);
}

static void
a_visitor_s_refresh_token_may_be_renewed_again_and_again(void **state)
{
	struct fixture *f = setup();
	struct asked a, b;
	struct caller who;

	(void)state;
	assert_int_equal(visit(f, &a), 0);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(renew(f, &b, a.login.refresh_token), 0);
		assert_string_equal(b.login.uid, a.login.uid);
		assert_string_equal(
			b.login.refresh_token, a.login.refresh_token);
		assert_int_equal(know(f, b.login.access_token, &who), 0);
	}
	/* once it was exchanged, to show it again is theft */
	assert_int_equal(refresh(f, &b, a.login.refresh_token), 0);
	assert_int_equal(renew(f, &a, a.login.refresh_token), ERR_REFRESH_BAD);
	assert_int_equal(renew(f, &a, b.login.refresh_token), ERR_REFRESH_BAD);
	teardown(f);
}

static void
a_refresh_token_is_renewed_only_where_it_was_made_for_that(void **state)
{
	struct fixture *f = setup();
	struct asked a, b;

	(void)state;
	asked_init(&a, f);
	login_anonymous(f->auth[0], &a.login);
	assert_int_equal(wait_for(f, &a), 0);
	assert_int_equal(renew(f, &b, a.login.refresh_token), ERR_REFRESH_BAD);
	assert_int_equal(login(f, &a, "code1"), 0);
	assert_false(a.login.anonymous);
	assert_int_equal(renew(f, &b, a.login.refresh_token), ERR_REFRESH_BAD);
	assert_int_equal(refresh(f, &b, a.login.refresh_token), 0);
	teardown(f);
}

static void
a_renewed_token_expires_after_its_last_use(void **state)
{
	struct fixture *f = setup();
	int64_t now = clock_now();
	struct asked a, b;

	(void)state;
	clock_set(now);
	assert_int_equal(visit(f, &a), 0);
	clock_set(now + (REFRESH_S - 1) * CLOCK_S);
	assert_int_equal(renew(f, &b, a.login.refresh_token), 0);
	clock_set(now + (2 * REFRESH_S - 2) * CLOCK_S);
	assert_int_equal(renew(f, &b, a.login.refresh_token), 0);
	clock_set(now + (3 * REFRESH_S) * CLOCK_S);
	assert_int_equal(
		renew(f, &b, a.login.refresh_token), ERR_REFRESH_EXPIRED);
	teardown(f);
}

static void
a_session_ends_by_its_refresh_token_too(void **state)
{
	struct fixture *f = setup();
	struct asked a, b;
	struct caller who;

	(void)state;
	assert_int_equal(visit(f, &a), 0);
	assert_int_equal(forget(f, &b, a.login.refresh_token), 0);
	assert_int_equal(know(f, a.login.access_token, &who), ERR_TOKEN_BAD);
	assert_int_equal(renew(f, &b, a.login.refresh_token), ERR_REFRESH_BAD);
	/* nothing to end is fine */
	assert_int_equal(forget(f, &b, a.login.refresh_token), 0);
	assert_int_equal(forget(f, &b, "nothing"), 0);
	teardown(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_refresh_token_works_once_and_gives_the_next),
		cmocka_unit_test(a_refresh_token_shown_twice_ends_its_family),
		cmocka_unit_test(of_two_refreshes_at_once_exactly_one_wins),
		cmocka_unit_test(refresh_tokens_expire_after_their_last_use),
		cmocka_unit_test(words_that_are_no_refresh_token_are_refused),
		cmocka_unit_test(a_logout_ends_both_tokens_at_once),
		cmocka_unit_test(nobody_cannot_log_out),
		cmocka_unit_test(
			every_visitor_is_a_user_of_his_own_without_an_openid),
		cmocka_unit_test(
			a_visitor_s_refresh_token_may_be_renewed_again_and_again),
		cmocka_unit_test(
			a_refresh_token_is_renewed_only_where_it_was_made_for_that),
		cmocka_unit_test(a_renewed_token_expires_after_its_last_use),
		cmocka_unit_test(a_session_ends_by_its_refresh_token_too),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
