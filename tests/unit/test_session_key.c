/*
 * Generations of a session_key: which are kept, for how long, in which order,
 * and what two logins at once make of them.
 */
#include "auth/session_key.h"
#include "base/clock.h"
#include "base/mem.h"
#include "tests/unit/session_driver.h"

#define KEY(c) c "AAAAAAAAAAAAAAAAAAAAA==" /* 16 bytes */

enum { START_S = 1700000000 };

/* Keys do not go with the users that other tests made. */
static struct fixture *
begin(void)
{
	struct fixture *f = setup();

	testpg_query(pg, "DELETE FROM mpcloud.session_keys");
	return f;
}

struct got {
	struct session_key_ask ask;
	bool done;
};

static void
on_got(struct job *job)
{
	container_of(
		container_of(job, struct session_key_ask, job), struct got, ask)
		->done = true;
}

/* Newest first, a letter each: the first of the key's text. */
static const char *
kept(struct fixture *f, const char *openid)
{
	static char text[SESSION_KEYS + 1];
	struct got g = {0};

	job_init(&g.ask.job, on_got);
	session_key_get(&g.ask, &f->loop, f->pool[1], f->seal, SLICE(APPID),
		slice_str(openid));
	while (!g.done)
		loop_turn(&f->loop, true);
	assert_int_equal(g.ask.job.err, 0);
	for (int i = 0; i < g.ask.keys.count; i++)
		text[i] = g.ask.keys.key[i].text[0];
	text[g.ask.keys.count] = '\0';
	session_key_done(&g.ask);
	assert_int_equal(g.ask.keys.count, 0);
	return text;
}

static void
at(int64_t s)
{
	clock_set((START_S + s) * CLOCK_S);
}

static void
come(struct fixture *f, const char *key)
{
	static int n;
	char code[32];
	struct asked a;

	(void)snprintf(code, sizeof(code), "code-%d", n++);
	f->session_key = key;
	assert_int_equal(login(f, &a, code), 0);
}

static void
a_displaced_key_is_kept_for_ten_minutes(void **state)
{
	struct fixture *f = begin();

	(void)state;
	assert_string_equal(kept(f, "oTest1"), "");
	at(0);
	come(f, KEY("A"));
	assert_string_equal(kept(f, "oTest1"), "A");
	at(5000);
	assert_string_equal(kept(f, "oTest1"), "A"); /* for as long as newest */
	come(f, KEY("B"));
	assert_string_equal(kept(f, "oTest1"), "BA");
	at(5000 + 599);
	assert_string_equal(kept(f, "oTest1"), "BA");
	at(5000 + 600);
	assert_string_equal(kept(f, "oTest1"), "B");
	assert_string_equal(kept(f, "oTest2"), "");
	clock_set(-1);
	teardown(f);
}

static void
the_same_key_again_is_no_new_generation(void **state)
{
	struct fixture *f = begin();

	(void)state;
	at(0);
	come(f, KEY("A"));
	at(100);
	come(f, KEY("A"));
	come(f, KEY("A"));
	assert_string_equal(kept(f, "oTest1"), "A");
	assert_string_equal(testpg_query(pg, "SELECT count(*)::text FROM"
					     " mpcloud.session_keys"),
		"1");
	clock_set(-1);
	teardown(f);
}

/* The database saw them in the other order than WeChat made them: B is what
 * WeChat has, and stays good as long as A, which is taken for the newest. */
static void
keys_of_logins_at_once_are_all_newest(void **state)
{
	struct fixture *f = begin();

	(void)state;
	at(0);
	come(f, KEY("B"));
	at(2);
	come(f, KEY("A"));
	at(5000);
	assert_string_equal(kept(f, "oTest1"), "AB");
	come(f, KEY("C")); /* displaces both */
	assert_string_equal(kept(f, "oTest1"), "CAB");
	at(5000 + 599);
	assert_string_equal(kept(f, "oTest1"), "CAB");
	at(5000 + 601);
	assert_string_equal(kept(f, "oTest1"), "C");
	clock_set(-1);
	teardown(f);
}

static void
first_logins_at_once_make_a_generation_each(void **state)
{
	struct fixture *f = begin();
	struct asked a[2];

	(void)state;
	for (int round = 0; round < 20; round++) {
		char code[2][32];

		testpg_query(pg, "DELETE FROM mpcloud.users");
		testpg_query(pg, "DELETE FROM mpcloud.session_keys");
		for (int i = 0; i < 2; i++) {
			(void)snprintf(code[i], sizeof(code[i]),
				"at-once-%d-%d", round, i);
			asked_init(&a[i], f);
			login_start(
				f->auth[i], &a[i].login, slice_str(code[i]));
		}
		while (!a[0].done || !a[1].done)
			loop_turn(&f->loop, true);
		assert_int_equal(a[0].login.job.err, 0);
		assert_int_equal(a[1].login.job.err, 0);
		assert_string_equal(a[0].login.uid, a[1].login.uid);
	}
	teardown(f);
}

static void
what_is_swept_is_what_nobody_can_need(void **state)
{
	struct fixture *f = begin();

	(void)state;
	at(0);
	come(f, KEY("A"));
	at(100);
	come(f, KEY("B"));
	come(f, KEY("C"));
	testpg_query(pg,
		"SELECT mpcloud.session_keys_sweep(1700000100000, 1000)::text");
	assert_string_equal(kept(f, "oTest1"), "CBA");
	assert_string_equal(
		testpg_query(pg, "SELECT mpcloud.session_keys_sweep("
				 "1700000100001, 1000)::text"),
		"1");
	assert_string_equal(kept(f, "oTest1"), "CB"); /* B is C's twin */
	clock_set(-1);
	teardown(f);
}

static void
so_many_logins_leave_the_newest_sixteen(void **state)
{
	struct fixture *f = begin();
	char key[] = KEY("A"), want[SESSION_KEYS + 1] = {0};

	(void)state;
	at(0);
	for (int i = 0; i < 20; i++) {
		key[0] = (char)('A' + i);
		come(f, key);
	}
	for (int i = 0; i < SESSION_KEYS; i++)
		want[i] = (char)('A' + 19 - i);
	assert_string_equal(kept(f, "oTest1"), want);
	clock_set(-1);
	teardown(f);
}

static void
another_master_key_is_named(void **state)
{
	struct fixture *f = begin();
	struct seal *old = f->seal;
	struct got g = {0};

	(void)state;
	at(0);
	come(f, KEY("A"));
	assert_int_equal(seal_new(&f->seal,
				 SLICE("ffffffffffffffffffffffffffffffff"
				       "ffffffffffffffffffffffffffffffff"),
				 NULL),
		0);
	job_init(&g.ask.job, on_got);
	session_key_get(&g.ask, &f->loop, f->pool[0], f->seal, SLICE(APPID),
		SLICE("oTest1"));
	while (!g.done)
		loop_turn(&f->loop, true);
	assert_int_equal(g.ask.job.err, ERR_CONFIG);
	assert_non_null(strstr(g.ask.job.why.text, "master_key_file"));
	session_key_done(&g.ask);
	f->seal = seal_free(f->seal);
	f->seal = old;
	clock_set(-1);
	teardown(f);
}

static void
a_put_is_the_newest_and_sealed(void **state)
{
	struct fixture *f = begin();
	struct got g = {0};

	(void)state;
	at(0);
	come(f, KEY("A"));
	at(60);
	job_init(&g.ask.job, on_got);
	session_key_put(&g.ask, &f->loop, f->pool[0], f->seal, SLICE(APPID),
		SLICE("oTest1"), SLICE(KEY("Z")));
	while (!g.done)
		loop_turn(&f->loop, true);
	assert_int_equal(g.ask.job.err, 0);
	session_key_done(&g.ask);
	assert_string_equal(kept(f, "oTest1"), "ZA");
	assert_string_equal(
		testpg_query(pg, "SELECT count(*)::text FROM"
				 " mpcloud.session_keys WHERE position("
				 "'AAAAAAAA'::bytea IN sealed || mark) > 0"),
		"0");
	clock_set(-1);
	teardown(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_displaced_key_is_kept_for_ten_minutes),
		cmocka_unit_test(the_same_key_again_is_no_new_generation),
		cmocka_unit_test(keys_of_logins_at_once_are_all_newest),
		cmocka_unit_test(first_logins_at_once_make_a_generation_each),
		cmocka_unit_test(what_is_swept_is_what_nobody_can_need),
		cmocka_unit_test(so_many_logins_leave_the_newest_sixteen),
		cmocka_unit_test(another_master_key_is_named),
		cmocka_unit_test(a_put_is_the_newest_and_sealed),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
