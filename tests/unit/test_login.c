/*
 * Logins of several mini programs, of custom login, by password; blocked users;
 * the login trigger.
 */
#include "auth/custom.h"
#include "auth/family.h"
#include "base/clock.h"
#include "tests/unit/data/tickets.h"
#include "tests/unit/session_driver.h"

static int
login_from(struct fixture *f, struct asked *a, const char *appid)
{
	asked_init(a, f);
	a->login.from.appid = slice_str(appid);
	login_start(f->auth[0], &a->login, SLICE("code1"));
	return wait_for(f, a);
}

static void
a_code_is_asked_about_with_its_own_mini_program_s_secret(void **state)
{
	struct fixture *f = setup();
	struct caller who;
	struct asked a, b;

	(void)state;
	assert_int_equal(login_from(f, &a, ""), 0);
	assert_string_equal(f->asked, APPID " app-s3cret");
	assert_int_equal(login_from(f, &b, OTHER_APPID), 0);
	assert_string_equal(f->asked, OTHER_APPID " other-s3cret");
	/* the same openid under another appid is another user */
	assert_string_not_equal(a.login.uid, b.login.uid);
	assert_int_equal(know(f, b.login.access_token, &who), 0);
	assert_string_equal(who.appid, OTHER_APPID);
	assert_int_equal(refresh(f, &a, b.login.refresh_token), 0);
	assert_int_equal(know(f, a.login.access_token, &who), 0);
	assert_string_equal(who.appid, OTHER_APPID);
	assert_string_equal(who.openid, "oTest1");
	assert_string_equal(
		testpg_query(pg, "SELECT string_agg(appid, ' ' ORDER BY appid)"
				 " FROM mpcloud.session_keys"),
		APPID " " OTHER_APPID);
	teardown(f);
}

static void
one_code_of_two_mini_programs_is_two_questions(void **state)
{
	struct fixture *f = setup();
	struct asked a[3];

	(void)state;
	for (int i = 0; i < 3; i++) {
		asked_init(&a[i], f);
		a[i].login.from.appid = i ? SLICE(OTHER_APPID) : SLICE(APPID);
		login_start(f->auth[0], &a[i].login, SLICE("code1"));
	}
	while (!a[0].done || !a[1].done || !a[2].done)
		loop_turn(&f->loop, true);
	for (int i = 0; i < 3; i++)
		assert_int_equal(a[i].login.job.err, 0);
	assert_int_equal(f->fake.requests, 2);
	assert_string_equal(a[1].login.uid, a[2].login.uid);
	teardown(f);
}

static void
a_mini_program_that_is_not_served_is_refused(void **state)
{
	struct fixture *f = setup();
	struct asked a;

	(void)state;
	assert_int_equal(login_from(f, &a, "wxunknown"), ERR_PARAM);
	assert_non_null(strstr(a.login.job.why.text, "not served here"));
	assert_null(strstr(a.login.job.why.text, APPID));
	assert_int_equal(f->fake.requests, 0);
	teardown(f);
}

static void
block(const char *uid, const char *value)
{
	char sql[256];

	(void)snprintf(sql, sizeof(sql),
		"UPDATE mpcloud.users SET blocked_at = %s WHERE uid = '%s'",
		value, uid);
	(void)testpg_query(pg, sql);
}

static void
a_blocked_user_neither_logs_in_nor_refreshes(void **state)
{
	struct fixture *f = setup();
	struct asked a, b;

	(void)state;
	assert_int_equal(login(f, &a, "code1"), 0);
	block(a.login.uid, "1");
	assert_int_equal(login(f, &b, "code2"), ERR_USER_BLOCKED);
	assert_int_equal(
		refresh(f, &b, a.login.refresh_token), ERR_USER_BLOCKED);
	assert_string_equal(
		testpg_query(pg, "SELECT count(*) FROM mpcloud.families"), "1");
	/* the token was not used up by that */
	block(a.login.uid, "NULL");
	assert_int_equal(refresh(f, &b, a.login.refresh_token), 0);
	assert_int_equal(login(f, &b, "code3"), 0);
	teardown(f);
}

/* ---- custom login ---- */

static void
key_add(struct fixture *f, const char *id, const char *pem)
{
	char sql[2048];

	(void)f;
	(void)snprintf(sql, sizeof(sql),
		"INSERT INTO mpcloud.login_keys (id, public_pem, created_at)"
		" VALUES ('%s', '%s', 1) ON CONFLICT (id) DO UPDATE SET"
		" public_pem = excluded.public_pem, retired_at = NULL",
		id, pem);
	(void)testpg_query(pg, sql);
}

static int
login_by_ticket(struct fixture *f, struct asked *a, const char *ticket)
{
	asked_init(a, f);
	login_custom(f->auth[0], &a->login, slice_str(ticket));
	return wait_for(f, a);
}

static struct fixture *
setup_custom(void)
{
	struct fixture *f = setup();

	key_add(f, "key-1", ticket_public);
	clock_set(TICKET_NOW * CLOCK_MS);
	return f;
}

static void
a_ticket_s_user_is_made_once_and_known_by_his_own_id(void **state)
{
	struct fixture *f = setup_custom();
	struct caller who;
	struct asked a, b;

	(void)state;
	assert_int_equal(login_by_ticket(f, &a, tickets[0].ticket), 0);
	assert_true(a.login.new_user && !a.login.anonymous);
	assert_string_equal(a.login.kind, FAMILY_CUSTOM);
	assert_int_equal(login_by_ticket(f, &b, tickets[3].ticket), 0);
	assert_false(b.login.new_user);
	assert_string_equal(a.login.uid, b.login.uid);
	assert_int_equal(know(f, b.login.access_token, &who), 0);
	assert_string_equal(who.kind, FAMILY_CUSTOM);
	assert_string_equal(who.custom_id, "user-1");
	assert_string_equal(who.openid, "");
	assert_string_equal(who.appid, APPID);
	assert_int_equal(refresh(f, &b, a.login.refresh_token), 0);
	assert_string_equal(b.login.kind, FAMILY_CUSTOM);
	assert_int_equal(know(f, b.login.access_token, &who), 0);
	assert_string_equal(who.custom_id, "user-1");
	teardown(f);
}

static void
a_login_by_ticket_ends_when_the_ticket_says(void **state)
{
	struct fixture *f = setup_custom();
	int64_t end = TICKET_NOW + 604800000;
	struct asked a, b;

	(void)state;
	assert_int_equal(login_by_ticket(f, &a, tickets[0].ticket), 0);
	assert_true(a.login.expires_in_s == ACCESS_S);
	clock_set((end - 60000) * CLOCK_MS);
	assert_int_equal(refresh(f, &b, a.login.refresh_token), 0);
	assert_true(b.login.expires_in_s == 60);
	clock_set(end * CLOCK_MS);
	assert_int_equal(
		refresh(f, &a, b.login.refresh_token), ERR_REFRESH_EXPIRED);
	teardown(f);
}

static void
tickets_of_unknown_and_retired_keys_are_refused(void **state)
{
	struct fixture *f = setup_custom();
	struct asked a;

	(void)state;
	(void)testpg_query(pg, "UPDATE mpcloud.login_keys SET retired_at = 2");
	assert_int_equal(
		login_by_ticket(f, &a, tickets[0].ticket), ERR_TICKET_BAD);
	assert_non_null(strstr(a.login.job.why.text, "retired"));
	(void)testpg_query(pg, "DELETE FROM mpcloud.login_keys");
	assert_int_equal(
		login_by_ticket(f, &a, tickets[0].ticket), ERR_TICKET_BAD);
	/* another key under its id */
	key_add(f, "key-1", other_public);
	assert_int_equal(
		login_by_ticket(f, &a, tickets[0].ticket), ERR_TICKET_BAD);
	assert_int_equal(login_by_ticket(f, &a, "key-1"), ERR_TICKET_BAD);
	assert_string_equal(
		testpg_query(pg, "SELECT count(*) FROM mpcloud.users"), "0");
	teardown(f);
}

static void
a_blocked_user_s_ticket_is_refused(void **state)
{
	struct fixture *f = setup_custom();
	struct asked a;

	(void)state;
	assert_int_equal(login_by_ticket(f, &a, tickets[0].ticket), 0);
	block(a.login.uid, "1");
	assert_int_equal(
		login_by_ticket(f, &a, tickets[0].ticket), ERR_USER_BLOCKED);
	teardown(f);
}

/* ---- the login trigger ---- */

static void
trigger_add(const char *name, const char *events)
{
	char sql[512];

	(void)snprintf(sql, sizeof(sql),
		"INSERT INTO mpcloud.triggers (env, function, name, type, spec)"
		" VALUES ('" ENV "', '%s', '%s', 'login', '%s')",
		name, name, events);
	(void)testpg_query(pg, sql);
}

static void
login_triggers_are_put_once_for_each_login(void **state)
{
	struct fixture *f = setup_custom();
	struct asked a;

	(void)state;
	(void)testpg_query(pg, "DELETE FROM mpcloud.queue");
	trigger_add("first", "{\"events\": [\"first\"]}");
	trigger_add("every", "{\"events\": [\"every\"]}");
	trigger_add("plain", "{}");
	clock_set(-1);
	assert_int_equal(login(f, &a, "code1"), 0);
	assert_string_equal(
		testpg_query(pg, "SELECT string_agg(function, ' ' ORDER BY"
				 " function) FROM mpcloud.queue"),
		"every first plain");
	assert_int_equal(login(f, &a, "code2"), 0);
	assert_int_equal(refresh(f, &a, a.login.refresh_token), 0);
	assert_string_equal(
		testpg_query(pg, "SELECT string_agg(function, ' ' ORDER BY"
				 " function) FROM mpcloud.queue"),
		"every every first plain plain");
	(void)testpg_query(pg, "DELETE FROM mpcloud.queue");
	clock_set(TICKET_NOW * CLOCK_MS);
	assert_int_equal(login_by_ticket(f, &a, tickets[0].ticket), 0);
	assert_int_equal(login_by_ticket(f, &a, tickets[0].ticket), 0);
	assert_string_equal(
		testpg_query(pg, "SELECT string_agg(function, ' ' ORDER BY"
				 " function) FROM mpcloud.queue"),
		"every every first plain plain");
	(void)testpg_query(
		pg, "DELETE FROM mpcloud.queue; DELETE FROM mpcloud.triggers");
	teardown(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_code_is_asked_about_with_its_own_mini_program_s_secret),
		cmocka_unit_test(
			one_code_of_two_mini_programs_is_two_questions),
		cmocka_unit_test(a_mini_program_that_is_not_served_is_refused),
		cmocka_unit_test(a_blocked_user_neither_logs_in_nor_refreshes),
		cmocka_unit_test(
			a_ticket_s_user_is_made_once_and_known_by_his_own_id),
		cmocka_unit_test(a_login_by_ticket_ends_when_the_ticket_says),
		cmocka_unit_test(
			tickets_of_unknown_and_retired_keys_are_refused),
		cmocka_unit_test(a_blocked_user_s_ticket_is_refused),
		cmocka_unit_test(login_triggers_are_put_once_for_each_login),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
