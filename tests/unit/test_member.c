/*
 * Users with a name and a password, and a user's devices.
 */
#include "auth/member.h"
#include "auth/profile.h"
#include "auth/sudo.h"
#include "base/clock.h"
#include "tests/unit/session_driver.h"

struct did {
	struct member member;
	int done;
};

static void
on_member(struct job *job)
{
	struct member *m = container_of(job, struct member, job);

	container_of(m, struct did, member)->done++;
}

static struct member_home
begin(struct fixture *f, struct did *d)
{
	memset(d, 0, sizeof(*d));
	job_init(&d->member.job, on_member);
	return auth_members(f->auth[0]);
}

static int
wait_member(struct fixture *f, struct did *d)
{
	assert_int_equal(d->done, 0);
	loop_turn(&f->loop, false);
	while (!d->done)
		loop_turn(&f->loop, true);
	assert_int_equal(d->done, 1);
	member_done(&d->member);
	return d->member.job.err;
}

static int
add(struct fixture *f, const char *name, const char *password)
{
	struct did d;
	struct member_home home = begin(f, &d);

	member_add(&d.member, &home, SLICE(APPID), slice_str(name),
		slice_str(password));
	return wait_member(f, &d);
}

static int
change(struct fixture *f, const char *uid, const char *old, const char *fresh,
	uint64_t keep)
{
	struct did d;
	struct member_home home = begin(f, &d);

	member_change(&d.member, &home, slice_str(uid), slice_str(old),
		slice_str(fresh), keep);
	return wait_member(f, &d);
}

static int
log_in(struct fixture *f, struct asked *a, const char *name,
	const char *password)
{
	asked_init(a, f);
	login_password(
		f->auth[0], &a->login, slice_str(name), slice_str(password));
	return wait_for(f, a);
}

static void
a_member_logs_in_with_his_password_and_no_other(void **state)
{
	struct fixture *f = setup();
	struct caller who;
	struct asked a, b;

	(void)state;
	assert_int_equal(add(f, "Anna@example.com", "correct horse"), 0);
	assert_int_equal(log_in(f, &a, "anna@example.COM", "correct horse"), 0);
	assert_true(a.login.new_user); /* his first login */
	assert_string_equal(a.login.kind, FAMILY_PASSWORD);
	assert_int_equal(log_in(f, &b, "anna@example.com", "correct horse"), 0);
	assert_false(b.login.new_user);
	assert_string_equal(a.login.uid, b.login.uid);
	assert_int_equal(know(f, a.login.access_token, &who), 0);
	assert_string_equal(who.kind, FAMILY_PASSWORD);
	assert_int_equal(log_in(f, &b, "anna@example.com", "correct hors"),
		ERR_PASSWORD_BAD);
	assert_int_equal(log_in(f, &b, "anna@example.com", "Correct horse"),
		ERR_PASSWORD_BAD);
	assert_int_equal(
		log_in(f, &b, "anna@example.com", ""), ERR_PASSWORD_BAD);
	assert_int_equal(
		log_in(f, &b, "bert", "correct horse"), ERR_PASSWORD_BAD);
	assert_int_equal(
		log_in(f, &b, "no such name", "correct horse"), ERR_PARAM);
	teardown(f);
}

static void
the_database_holds_a_hash(void **state)
{
	struct fixture *f = setup();

	(void)state;
	assert_int_equal(add(f, "anna", "correct horse"), 0);
	assert_string_equal(
		testpg_query(pg, "SELECT password LIKE '$argon2id$v=19$%'"
				 " AND users::text NOT LIKE '%horse%'"
				 " FROM mpcloud.users"),
		"t");
	teardown(f);
}

static void
a_name_is_given_once(void **state)
{
	struct fixture *f = setup();

	(void)state;
	assert_int_equal(add(f, "anna", "correct horse"), 0);
	assert_int_equal(add(f, "ANNA", "another horse"), ERR_CONFLICT);
	assert_int_equal(add(f, "an na", "another horse"), ERR_PARAM);
	assert_int_equal(add(f, "", "another horse"), ERR_PARAM);
	assert_int_equal(add(f, "bert", "seven.."), ERR_PARAM);
	assert_string_equal(
		testpg_query(pg, "SELECT count(*) FROM mpcloud.users"), "1");
	teardown(f);
}

static const char *
count(const char *what)
{
	char sql[256];

	(void)snprintf(sql, sizeof(sql),
		"SELECT count(*) FROM mpcloud.families WHERE %s", what);
	return testpg_query(pg, sql);
}

static void
another_password_ends_the_other_sessions(void **state)
{
	struct fixture *f = setup();
	struct asked a, b, c;
	struct caller who;

	(void)state;
	assert_int_equal(add(f, "anna", "correct horse"), 0);
	assert_int_equal(log_in(f, &a, "anna", "correct horse"), 0);
	assert_int_equal(log_in(f, &b, "anna", "correct horse"), 0);
	assert_int_equal(know(f, b.login.access_token, &who), 0);
	assert_int_equal(
		change(f, a.login.uid, "wrong horse", "battery staple", 0),
		ERR_PASSWORD_BAD);
	assert_int_equal(
		change(f, a.login.uid, "correct horse", "short", 0), ERR_PARAM);
	assert_string_equal(count("revoked_at IS NOT NULL"), "0");
	assert_int_equal(change(f, a.login.uid, "correct horse",
				 "battery staple", who.sid),
		0);
	assert_int_equal(know(f, a.login.access_token, &who), ERR_TOKEN_BAD);
	assert_int_equal(know(f, b.login.access_token, &who), 0);
	assert_int_equal(
		refresh(f, &c, a.login.refresh_token), ERR_REFRESH_BAD);
	assert_int_equal(
		log_in(f, &c, "anna", "correct horse"), ERR_PASSWORD_BAD);
	assert_int_equal(log_in(f, &c, "anna", "battery staple"), 0);
	teardown(f);
}

static void
a_hash_of_older_settings_is_made_anew_at_login(void **state)
{
	struct fixture *f = setup();
	struct asked a;

	(void)state;
	assert_int_equal(add(f, "anna", "correct horse"), 0);
	f->conf.password_memory_kib = 128;
	reconfigure(f);
	assert_int_equal(
		log_in(f, &a, "anna", "wrong horse"), ERR_PASSWORD_BAD);
	assert_string_equal(testpg_query(pg, "SELECT password LIKE '%m=64,%'"
					     " FROM mpcloud.users"),
		"t");
	assert_int_equal(log_in(f, &a, "anna", "correct horse"), 0);
	assert_string_equal(testpg_query(pg, "SELECT password LIKE '%m=128,%'"
					     " FROM mpcloud.users"),
		"t");
	assert_int_equal(log_in(f, &a, "anna", "correct horse"), 0);
	teardown(f);
}

static void
a_blocked_member_is_told_so_only_with_his_password(void **state)
{
	struct fixture *f = setup();
	struct asked a;

	(void)state;
	assert_int_equal(add(f, "anna", "correct horse"), 0);
	(void)testpg_query(pg, "UPDATE mpcloud.users SET blocked_at = 1");
	assert_int_equal(
		log_in(f, &a, "anna", "wrong horse"), ERR_PASSWORD_BAD);
	assert_int_equal(
		log_in(f, &a, "anna", "correct horse"), ERR_USER_BLOCKED);
	teardown(f);
}

static int
sign_up(struct fixture *f, struct asked *a, const char *name)
{
	asked_init(a, f);
	login_signup(
		f->auth[0], &a->login, slice_str(name), SLICE("correct horse"));
	return wait_for(f, a);
}

static void
who_signs_up_is_logged_in(void **state)
{
	struct fixture *f = setup();
	struct asked a, b;

	(void)state;
	assert_int_equal(sign_up(f, &a, "Anna"), 0);
	assert_true(a.login.new_user);
	assert_int_equal(sign_up(f, &b, "anna"), ERR_CONFLICT);
	assert_int_equal(sign_up(f, &b, "a b"), ERR_PARAM);
	assert_int_equal(log_in(f, &b, "anna", "correct horse"), 0);
	assert_string_equal(a.login.uid, b.login.uid);
	teardown(f);
}

/* ---- devices ---- */

struct listed {
	struct devices devices;
	char text[1024];
	int done;
};

static void
on_listed(struct job *job)
{
	struct devices *d = container_of(job, struct devices, job);
	struct listed *l = container_of(d, struct listed, devices);
	size_t at = 0;

	assert_int_equal(job->err, 0);
	for (int i = 0; i < devices_count(d); i++) {
		struct device one = devices_at(d, i);

		at += (size_t)snprintf(l->text + at, sizeof(l->text) - at,
			"%.*s/%.*s ", SLICE_ARG(one.kind), SLICE_ARG(one.name));
	}
	l->done++;
}

static const char *
list(struct fixture *f, struct listed *l, const char *uid)
{
	struct family_home home = auth_home(f->auth[0]);

	memset(l, 0, sizeof(*l));
	job_init(&l->devices.job, on_listed);
	devices_list(&l->devices, &home, slice_str(uid));
	while (!l->done)
		loop_turn(&f->loop, true);
	return l->text;
}

static void
login_on(struct fixture *f, struct asked *a, const char *device, const char *id)
{
	asked_init(a, f);
	a->login.from.device = slice_str(device);
	a->login.from.device_id = slice_str(id);
	login_start(f->auth[0], &a->login, SLICE("code1"));
	assert_int_equal(wait_for(f, a), 0);
}

struct ended {
	struct device_end end;
	int done;
};

static void
on_end(struct job *job)
{
	struct device_end *e = container_of(job, struct device_end, job);

	assert_int_equal(job->err, 0);
	container_of(e, struct ended, end)->done++;
}

static int
end(struct fixture *f, const char *uid, const struct device_which *which)
{
	struct family_home home = auth_home(f->auth[0]);
	struct ended e = {0};

	job_init(&e.end.job, on_end);
	device_end(&e.end, &home, slice_str(uid), which);
	while (!e.done)
		loop_turn(&f->loop, true);
	return e.end.ended;
}

static void
a_user_s_devices_are_listed_the_last_used_first(void **state)
{
	struct fixture *f = setup();
	int64_t now = clock_now();
	struct asked a, b, other;
	struct listed l;

	(void)state;
	clock_set(now);
	login_on(f, &a, "Anna\xe2\x80\x99s phone", "");
	clock_set(now + CLOCK_S);
	login_on(f, &b, "desk", "");
	f->openid = "oTest2";
	login_on(f, &other, "other", "");
	assert_string_equal(list(f, &l, a.login.uid),
		"wechat/desk wechat/Anna\xe2\x80\x99s phone ");
	clock_set(now + 2 * CLOCK_S);
	assert_int_equal(refresh(f, &other, a.login.refresh_token), 0);
	assert_string_equal(list(f, &l, a.login.uid),
		"wechat/Anna\xe2\x80\x99s phone wechat/desk ");
	/* what is over is no device */
	clock_set(now + (REFRESH_S + 1) * CLOCK_S);
	assert_string_equal(
		list(f, &l, a.login.uid), "wechat/Anna\xe2\x80\x99s phone ");
	teardown(f);
}

static void
one_device_one_kind_of_it_or_all_are_ended(void **state)
{
	struct fixture *f = setup();
	struct asked a, b, c, d, other;
	struct caller who, mine;
	struct listed l;

	(void)state;
	login_on(f, &a, "a", "device-1");
	login_on(f, &b, "b", "device-1");
	login_on(f, &c, "c", "device-2");
	login_on(f, &d, "d", "");
	f->openid = "oTest2";
	login_on(f, &other, "other", "device-1");
	assert_int_equal(know(f, d.login.access_token, &mine), 0);
	/* somebody else's uid reaches nothing */
	assert_int_equal(end(f, other.login.uid,
				 &(struct device_which){
					 .sid = mine.sid, .reason = "device"}),
		0);
	assert_int_equal(
		end(f, a.login.uid,
			&(struct device_which){.device_id = SLICE("device-1"),
				.reason = "device"}),
		2);
	assert_int_equal(know(f, a.login.access_token, &who), ERR_TOKEN_BAD);
	assert_int_equal(know(f, b.login.access_token, &who), ERR_TOKEN_BAD);
	assert_int_equal(know(f, c.login.access_token, &who), 0);
	assert_int_equal(know(f, other.login.access_token, &who), 0);
	assert_int_equal(end(f, a.login.uid,
				 &(struct device_which){
					 .keep = mine.sid, .reason = "all"}),
		1);
	assert_string_equal(list(f, &l, a.login.uid), "wechat/d ");
	assert_int_equal(end(f, a.login.uid,
				 &(struct device_which){
					 .sid = mine.sid, .reason = "device"}),
		1);
	assert_string_equal(list(f, &l, a.login.uid), "");
	assert_int_equal(
		refresh(f, &a, d.login.refresh_token), ERR_REFRESH_BAD);
	assert_int_equal(know(f, other.login.access_token, &who), 0);
	teardown(f);
}

static void
a_device_s_name_is_made_harmless(void **state)
{
	static const struct {
		const char *said, *kept;
	} rows[] = {
		{"  iPhone 15  ", "iPhone 15"},
		{"a\tb\nc\x1b[31m\x7f", "abc[31m"},
		{"\xe5\xb0\x8f\xe6\x98\x8e", "\xe5\xb0\x8f\xe6\x98\x8e"},
		{"a\xff\xfe"
		 "b\xc3",
			"ab"},
		{"a\xe2\x80\xae"
		 "b\xc2\x85"
		 "c",
			"abc"},
		{"", ""},
	};
	char long_one[2 * DEVICE_TOP], kept[DEVICE_TOP + 1];

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		device_clean(slice_str(rows[i].said), kept);
		assert_string_equal(kept, rows[i].kept);
	}
	memset(long_one, 'x', sizeof(long_one));
	device_clean(slice_of(long_one, sizeof(long_one)), kept);
	assert_int_equal(strlen(kept), DEVICE_CHARS);
	for (size_t i = 0; i < sizeof(long_one); i += 4)
		memcpy(long_one + i, "\xf0\x9f\x98\x80", 4);
	device_clean(slice_of(long_one, sizeof(long_one)), kept);
	assert_int_equal(strlen(kept), DEVICE_TOP);
	assert_true(slice_is(device_id_clean(SLICE("5e-f_A")), "5e-f_A"));
	assert_int_equal(device_id_clean(SLICE("a b")).len, 0);
}

/* ---- sudo ---- */

static void
a_proof_is_good_for_its_user_session_and_time(void **state)
{
	struct fixture *f = setup();
	struct caller who = {.uid = "u1", .sid = 7},
		      other = {.uid = "u2", .sid = 7},
		      later = {.uid = "u1", .sid = 8};
	int64_t now = 1000000;
	_buf_ struct buf token;

	(void)state;
	buf_init(&token, 512);
	assert_int_equal(sudo_make(f->seal, &who, now, &token), 0);
	assert_int_equal(
		sudo_check(f->seal, &who, buf_all(&token), now, NULL), 0);
	assert_int_equal(sudo_check(f->seal, &who, buf_all(&token),
				 now + SUDO_S - 1, NULL),
		0);
	assert_int_equal(
		sudo_check(f->seal, &who, buf_all(&token), now + SUDO_S, NULL),
		ERR_PASSWORD_BAD);
	assert_int_equal(
		sudo_check(f->seal, &other, buf_all(&token), now, NULL),
		ERR_PASSWORD_BAD);
	assert_int_equal(
		sudo_check(f->seal, &later, buf_all(&token), now, NULL),
		ERR_PASSWORD_BAD);
	assert_int_equal(sudo_check(f->seal, &who, SLICE(""), now, NULL),
		ERR_PASSWORD_BAD);
	token.ptr[token.len / 2] ^= 1;
	assert_int_equal(sudo_check(f->seal, &who, buf_all(&token), now, NULL),
		ERR_PASSWORD_BAD);
	teardown(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_member_logs_in_with_his_password_and_no_other),
		cmocka_unit_test(the_database_holds_a_hash),
		cmocka_unit_test(a_name_is_given_once),
		cmocka_unit_test(another_password_ends_the_other_sessions),
		cmocka_unit_test(
			a_hash_of_older_settings_is_made_anew_at_login),
		cmocka_unit_test(
			a_blocked_member_is_told_so_only_with_his_password),
		cmocka_unit_test(who_signs_up_is_logged_in),
		cmocka_unit_test(
			a_user_s_devices_are_listed_the_last_used_first),
		cmocka_unit_test(one_device_one_kind_of_it_or_all_are_ended),
		cmocka_unit_test(a_device_s_name_is_made_harmless),
		cmocka_unit_test(a_proof_is_good_for_its_user_session_and_time),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
