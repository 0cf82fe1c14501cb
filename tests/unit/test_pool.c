/*
 * The pool: every ask is answered once, in time, with its own answer.
 */
#include "tests/unit/pool_driver.h"

#include <stdlib.h>

static void
a_statement_is_answered_later_with_its_value(void **state)
{
	struct fixture f;
	struct one o;

	(void)state;
	setup(&f);
	ask_with(&f, &o, "SELECT upper($1::text)", true, "héllo");
	assert_int_equal(o.done, 0);
	wait_for(&f, &o, 1);
	assert_int_equal(o.err, 0);
	assert_string_equal(o.value, "HéLLO");
	teardown(&f);
}

static void
null_and_the_empty_text_are_two_things(void **state)
{
	const struct slice params[] = {{NULL, 0}, SLICE("")};
	struct fixture f;
	struct one o = {0};

	(void)state;
	setup(&f);
	job_init(&o.ask.job, on_done);
	pool_ask(f.pool, &o.ask,
		"SELECT ($1::text IS NULL)::text || ($2::text IS NULL)::text",
		params, 2);
	wait_for(&f, &o, 1);
	assert_string_equal(o.value, "truefalse");
	teardown(&f);
}

static void
a_failing_read_does_not_hurt_its_neighbours(void **state)
{
	enum { MANY = 200 };
	struct one *o = mem_array(MANY, struct one);
	struct fixture f;
	char text[16];

	(void)state;
	setup(&f);
	for (int i = 0; i < MANY; i++) {
		(void)snprintf(text, sizeof(text), "%d", i);
		ask_with(&f, &o[i],
			i % 7 == 3 ? "SELECT 1 / ($1::int - $1::int)"
				   : "SELECT $1::int * 2",
			true, text);
	}
	wait_for(&f, o, MANY);
	for (int i = 0; i < MANY; i++) {
		if (i % 7 == 3) {
			assert_int_equal(o[i].err, ERR_DB);
			assert_string_equal(o[i].ask.sqlstate, "22012");
			continue;
		}
		assert_int_equal(o[i].err, 0);
		assert_int_equal(atoi(o[i].value), i * 2);
	}
	free(o);
	teardown(&f);
}

static void
states_become_our_errors(void **state)
{
	static const struct {
		const char *sql;
		int err;
	} cases[] = {
		{"INSERT INTO pool_one VALUES (1)", ERR_DB_EXISTS},
		{"SELECT * FROM pool_none", ERR_DB_NO_COLLECTION},
		{"SELEC 1", ERR_DB},
		{"DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = 'MP403', "
		 "MESSAGE = 'no, you'; END $$",
			ERR_DB_DENIED},
	};
	struct fixture f;
	struct one o;

	(void)state;
	setup(&f);
	run(&f, &o, "CREATE TABLE pool_one (a int PRIMARY KEY)", NULL);
	run(&f, &o, "INSERT INTO pool_one VALUES (1)", NULL);
	assert_int_equal(o.err, 0);
	for (size_t i = 0; i < array_size(cases); i++) {
		run(&f, &o, cases[i].sql, NULL);
		assert_int_equal(o.err, cases[i].err);
	}
	assert_string_equal(o.why, "no, you");
	run(&f, &o, "DROP TABLE pool_one", NULL);
	teardown(&f);
}

static void
an_error_of_the_commit_is_an_error_of_the_write(void **state)
{
	struct fixture f;
	struct one o;

	(void)state;
	setup(&f);
	run(&f, &o,
		"CREATE TABLE pool_late (a int UNIQUE DEFERRABLE INITIALLY "
		"DEFERRED)",
		NULL);
	run(&f, &o, "INSERT INTO pool_late VALUES (1)", NULL);
	assert_int_equal(o.err, 0);
	run(&f, &o, "INSERT INTO pool_late VALUES (1)", NULL);
	assert_int_equal(o.err, ERR_DB_EXISTS);
	run(&f, &o, "SELECT count(*) FROM pool_late", NULL);
	assert_string_equal(o.value, "1");
	run(&f, &o, "DROP TABLE pool_late", NULL);
	teardown(&f);
}

static void
more_than_may_wait_is_busy(void **state)
{
	enum { TOP = 10, MANY = 15 };
	struct one o[MANY];
	struct fixture f;
	int busy = 0;

	(void)state;
	setup_with(&f, 1, 20000, TOP);
	for (int i = 0; i < MANY; i++)
		ask_with(&f, &o[i], "SELECT 1", true, NULL);
	wait_for(&f, o, MANY);
	for (int i = 0; i < MANY; i++) {
		busy += o[i].err == ERR_BUSY;
		assert_true(o[i].err == 0 || o[i].err == ERR_BUSY);
	}
	assert_int_equal(busy, MANY - TOP);
	teardown(&f);
}

static void
a_slow_statement_times_out_and_the_connection_lives(void **state)
{
	struct fixture f;
	struct one o;

	(void)state;
	setup_with(&f, 1, 300, 100);
	run(&f, &o, "SELECT 1", NULL);
	run(&f, &o, "SELECT pg_sleep(20)", NULL);
	assert_int_equal(o.err, ERR_TIMEOUT);
	run(&f, &o, "SELECT 2", NULL);
	assert_int_equal(o.err, 0);
	assert_string_equal(o.value, "2");
	teardown(&f);
}

static void
a_cancelled_ask_is_never_answered(void **state)
{
	struct fixture f;
	struct one gone[2], o;

	(void)state;
	setup_with(&f, 1, 20000, 100);
	run(&f, &o, "SELECT 1", NULL);
	ask_with(&f, &gone[0], "SELECT pg_sleep(0.05)", true, NULL);
	loop_turn(&f.loop, false); /* it is sent */
	ask_with(&f, &gone[1], "SELECT 2", true, NULL);
	ask_with(&f, &o, "SELECT 3", true, NULL);
	job_cancel(&gone[0].ask.job);
	job_cancel(&gone[1].ask.job);
	wait_for(&f, &o, 1);
	assert_string_equal(o.value, "3");
	assert_int_equal(gone[0].done + gone[1].done, 0);
	teardown(&f);
}

static void
a_pool_that_goes_answers_everybody(void **state)
{
	struct fixture f;
	struct one o[3];

	(void)state;
	setup_with(&f, 1, 20000, 10);
	run(&f, &o[0], "SELECT 1", NULL);
	ask_with(&f, &o[0], "SELECT pg_sleep(5)", true, NULL);
	loop_turn(&f.loop, false);
	ask_with(&f, &o[1], "SELECT 1", true, NULL);
	ask_with(&f, &o[2], "SELECT 1", false, NULL);
	f.pool = pool_free(f.pool);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(o[i].done, 1);
		assert_int_equal(o[i].err, ERR_SHUTDOWN);
	}
	teardown(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_statement_is_answered_later_with_its_value),
		cmocka_unit_test(null_and_the_empty_text_are_two_things),
		cmocka_unit_test(a_failing_read_does_not_hurt_its_neighbours),
		cmocka_unit_test(states_become_our_errors),
		cmocka_unit_test(
			an_error_of_the_commit_is_an_error_of_the_write),
		cmocka_unit_test(more_than_may_wait_is_busy),
		cmocka_unit_test(
			a_slow_statement_times_out_and_the_connection_lives),
		cmocka_unit_test(a_cancelled_ask_is_never_answered),
		cmocka_unit_test(a_pool_that_goes_answers_everybody),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
