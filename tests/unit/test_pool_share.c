/*
 * Writes that share a commit: one fsync for many, yet each is answered as if it
 * had been alone.
 */
#include "tests/unit/pool_driver.h"

#include <signal.h>
#include <stdlib.h>

static void
share_with(struct fixture *f, struct one *o, const char *sql, const char *param)
{
	const struct slice p = slice_str(param);

	memset(o, 0, sizeof(*o));
	job_init(&o->ask.job, on_done);
	o->ask.shares = true;
	pool_ask(f->pool, &o->ask, sql, &p, param ? 1 : 0);
}

static void
setup_table(struct fixture *f)
{
	struct one o;

	setup_with(f, 1, 20000, 10000);
	run(f, &o, "CREATE TABLE shared (a int PRIMARY KEY)", NULL);
	assert_int_equal(o.err, 0);
}

static void
teardown_table(struct fixture *f)
{
	(void)testpg_query(server, "DROP TABLE mpcloud.shared");
	teardown(f);
}

static int
rows(struct fixture *f)
{
	struct one o;

	run(f, &o, "SELECT count(*) FROM shared", NULL);
	assert_int_equal(o.err, 0);
	return atoi(o.value);
}

/* Different transactions among their answers. */
static int
commits(const struct one *o, int count)
{
	int n = 1;

	for (int i = 1; i < count; i++)
		n += strcmp(o[i].value, o[i - 1].value) != 0;
	return n;
}

static const char insert[] = "INSERT INTO shared VALUES ($1) RETURNING "
			     "pg_current_xact_id()::text";

static void
inserts_of_a_turn_share_a_commit(void **state)
{
	enum { MANY = 50 };
	struct one o[MANY];
	struct fixture f;
	char key[16];

	(void)state;
	setup_table(&f);
	for (int i = 0; i < MANY; i++) {
		(void)snprintf(key, sizeof(key), "%d", i);
		share_with(&f, &o[i], insert, key);
	}
	wait_for(&f, o, MANY);
	for (int i = 0; i < MANY; i++) {
		assert_int_equal(o[i].err, 0);
		assert_string_equal(o[i].value, o[0].value);
	}
	assert_int_equal(rows(&f), MANY);
	teardown_table(&f);
}

/* What comes while a connection commits goes out together when it is done. */
static void
writes_that_come_during_a_commit_share_the_next(void **state)
{
	enum { MANY = 20 };
	struct one first, o[MANY];
	struct fixture f;
	char key[16];

	(void)state;
	setup_table(&f);
	share_with(&f, &first,
		"INSERT INTO shared SELECT 1000 FROM pg_sleep(0.2) RETURNING "
		"pg_current_xact_id()::text",
		NULL);
	loop_turn(&f.loop, false);
	for (int i = 0; i < MANY; i++) {
		(void)snprintf(key, sizeof(key), "%d", i);
		share_with(&f, &o[i], insert, key);
		loop_turn(&f.loop, false);
	}
	wait_for(&f, o, MANY);
	assert_int_equal(first.err, 0);
	for (int i = 0; i < MANY; i++)
		assert_int_equal(o[i].err, 0);
	assert_string_not_equal(first.value, o[MANY - 1].value);
	assert_int_equal(rows(&f), MANY + 1);
	assert_int_equal(commits(o, MANY), 1);
	teardown_table(&f);
}

static void
a_read_does_not_wait_for_a_commit(void **state)
{
	struct one slow, r;
	struct fixture f;

	(void)state;
	setup_table(&f);
	share_with(&f, &slow, "INSERT INTO shared SELECT 1 FROM pg_sleep(0.2)",
		NULL);
	loop_turn(&f.loop, false);
	ask_with(&f, &r, "SELECT count(*) FROM shared", true, NULL);
	wait_for(&f, &r, 1);
	assert_string_equal(r.value, "0");
	assert_true(slow.ask.job.busy);
	wait_for(&f, &slow, 1);
	teardown_table(&f);
}

static void
other_writes_have_a_commit_of_their_own(void **state)
{
	struct fixture f;
	struct one o[3];

	(void)state;
	setup_table(&f);
	share_with(&f, &o[0], insert, "1");
	ask_with(&f, &o[1], insert, false, "2");
	share_with(&f, &o[2], insert, "3");
	wait_for(&f, o, 3);
	assert_string_not_equal(o[0].value, o[1].value);
	assert_string_not_equal(o[1].value, o[2].value);
	teardown_table(&f);
}

static void
one_that_fails_hurts_no_neighbour(void **state)
{
	enum { MANY = 30, BAD = 17 };
	struct one o[MANY];
	struct fixture f;
	char key[16];

	(void)state;
	setup_table(&f);
	run(&f, &o[0], "INSERT INTO shared VALUES (17)", NULL);
	for (int i = 0; i < MANY; i++) {
		(void)snprintf(key, sizeof(key), "%d", i);
		share_with(&f, &o[i], insert, key);
	}
	wait_for(&f, o, MANY);
	for (int i = 0; i < MANY; i++)
		assert_int_equal(o[i].err, i == BAD ? ERR_DB_EXISTS : 0);
	assert_int_equal(rows(&f), MANY);
	teardown_table(&f);
}

static void
of_two_with_one_key_the_first_wins(void **state)
{
	struct fixture f;
	struct one o[2];

	(void)state;
	setup_table(&f);
	share_with(&f, &o[0], insert, "1");
	share_with(&f, &o[1], insert, "1");
	wait_for(&f, o, 2);
	assert_int_equal((o[0].err == 0) + (o[1].err == 0), 1);
	assert_int_equal(
		(o[0].err == ERR_DB_EXISTS) + (o[1].err == ERR_DB_EXISTS), 1);
	assert_int_equal(rows(&f), 1);
	teardown_table(&f);
}

/* It shows at the commit, where nobody in particular is to blame. */
static void
an_error_of_the_commit_is_told_to_whom_it_belongs(void **state)
{
	static const char sql[] = "INSERT INTO shared_late VALUES ($1)";
	struct fixture f;
	struct one o[4];

	(void)state;
	setup_table(&f);
	run(&f, &o[0],
		"CREATE TABLE shared_late (a int UNIQUE DEFERRABLE INITIALLY "
		"DEFERRED)",
		NULL);
	run(&f, &o[0], "INSERT INTO shared_late VALUES (2)", NULL);
	share_with(&f, &o[0], sql, "1");
	share_with(&f, &o[1], sql, "2");
	share_with(&f, &o[2], sql, "3");
	share_with(&f, &o[3], sql, "4");
	wait_for(&f, o, 4);
	for (int i = 0; i < 4; i++)
		assert_int_equal(o[i].err, i == 1 ? ERR_DB_EXISTS : 0);
	run(&f, &o[0], "SELECT count(*) FROM shared_late", NULL);
	assert_string_equal(o[0].value, "4");
	run(&f, &o[0], "DROP TABLE shared_late", NULL);
	teardown_table(&f);
}

/* What fails at the commit and is tried again costs its connection nothing. */
static void
a_commit_that_fails_again_and_again_keeps_the_connection(void **state)
{
	static const char pid[] = "INSERT INTO shared VALUES ($1) RETURNING "
				  "pg_backend_pid()::text";
	struct fixture f;
	struct one o, before, after;

	(void)state;
	setup_table(&f);
	run(&f, &o, "CREATE SEQUENCE shared_tries", NULL);
	run(&f, &o,
		"CREATE FUNCTION shared_refuse() RETURNS trigger LANGUAGE "
		"plpgsql AS $$ BEGIN IF nextval('shared_tries') < 4 THEN RAISE "
		"EXCEPTION 'not yet' USING ERRCODE = '40001'; END IF; RETURN "
		"NULL; END $$",
		NULL);
	run(&f, &o, "CREATE TABLE shared_late (a int)", NULL);
	run(&f, &o,
		"CREATE CONSTRAINT TRIGGER late AFTER INSERT ON shared_late "
		"DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION "
		"shared_refuse()",
		NULL);
	assert_int_equal(o.err, 0);
	share_with(&f, &before, pid, "1");
	wait_for(&f, &before, 1);
	share_with(&f, &o, "INSERT INTO shared_late VALUES ($1)", "1");
	wait_for(&f, &o, 1);
	assert_int_not_equal(o.err, ERR_DB_DOWN);
	share_with(&f, &after, pid, "2");
	wait_for(&f, &after, 1);
	assert_string_equal(after.value, before.value);
	run(&f, &o, "DROP TABLE shared_late", NULL);
	run(&f, &o, "DROP FUNCTION shared_refuse", NULL);
	run(&f, &o, "DROP SEQUENCE shared_tries", NULL);
	teardown_table(&f);
}

static void
reads_beside_writes_see_what_is_committed_only(void **state)
{
	static const char count[] = "SELECT count(*) FROM shared";
	struct fixture f;
	struct one w[3], r[3];

	(void)state;
	setup_table(&f);
	run(&f, &w[0], "INSERT INTO shared VALUES (7)", NULL);
	share_with(&f, &w[0], insert, "1");
	ask_with(&f, &r[0], count, true, NULL);
	share_with(&f, &w[1], insert, "2");
	share_with(&f, &w[2], insert, "7"); /* undoes its neighbour */
	ask_with(&f, &r[1], count, true, NULL);
	wait_for(&f, r, 2);
	wait_for(&f, w, 3);
	for (int i = 0; i < 2; i++)
		assert_in_range(atoi(r[i].value), 1, 3);
	assert_int_equal(rows(&f), 3);
	teardown_table(&f);
}

/* Those that may not be answered any more, and one whose neighbour fails. */
static void
cancelled_ones_are_done_or_not(void **state)
{
	struct fixture f;
	struct one o[4];

	(void)state;
	setup_table(&f);
	run(&f, &o[0], "INSERT INTO shared VALUES (7)", NULL);
	share_with(&f, &o[0], insert, "1");
	share_with(&f, &o[1], insert, "2");
	share_with(&f, &o[2], insert, "7");
	share_with(&f, &o[3], insert, "4");
	loop_turn(&f.loop, false);
	job_cancel(&o[0].ask.job);
	job_cancel(&o[2].ask.job);
	wait_for(&f, &o[1], 1);
	wait_for(&f, &o[3], 1);
	assert_int_equal(o[1].err + o[3].err, 0);
	assert_in_range(rows(&f), 3, 4);
	teardown_table(&f);
}

static void
kill_9_of_the_server_loses_no_acknowledged_one(void **state)
{
	enum { ROUNDS = 60, EACH = 40 };
	struct one *o = mem_array(EACH, struct one);
	int acknowledged = 0, n = 0;
	struct fixture f;
	char key[16];

	(void)state;
	setup_table(&f);
	for (int round = 0; round < ROUNDS; round++) {
		for (int i = 0; i < EACH; i++) {
			(void)snprintf(key, sizeof(key), "%d", n++);
			share_with(&f, &o[i], insert, key);
		}
		if (round % 20 == 10) {
			const char *pid = testpg_query(server,
				"SELECT pid FROM pg_stat_activity WHERE "
				"application_name = 'mpcloud' LIMIT 1");

			loop_turn(&f.loop, false);
			if (pid)
				(void)kill(atoi(pid), SIGKILL);
		}
		wait_for(&f, o, EACH);
		for (int i = 0; i < EACH; i++) {
			acknowledged += o[i].err == 0;
			assert_true(o[i].err == 0 || o[i].err == ERR_DB_DOWN);
		}
	}
	assert_true(acknowledged > ROUNDS * EACH / 2);
	do
		run(&f, &o[0], "SELECT count(*) FROM shared", NULL);
	while (o[0].err == ERR_DB_DOWN);
	assert_in_range(atoi(o[0].value), acknowledged, n);
	free(o);
	teardown_table(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(inserts_of_a_turn_share_a_commit),
		cmocka_unit_test(
			writes_that_come_during_a_commit_share_the_next),
		cmocka_unit_test(a_read_does_not_wait_for_a_commit),
		cmocka_unit_test(other_writes_have_a_commit_of_their_own),
		cmocka_unit_test(one_that_fails_hurts_no_neighbour),
		cmocka_unit_test(of_two_with_one_key_the_first_wins),
		cmocka_unit_test(
			an_error_of_the_commit_is_told_to_whom_it_belongs),
		cmocka_unit_test(
			a_commit_that_fails_again_and_again_keeps_the_connection),
		cmocka_unit_test(
			reads_beside_writes_see_what_is_committed_only),
		cmocka_unit_test(cancelled_ones_are_done_or_not),
		cmocka_unit_test(
			kill_9_of_the_server_loses_no_acknowledged_one),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
