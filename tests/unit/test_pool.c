/*
 * The pool against a real server that is stopped and killed under it.
 */
#include "base/mem.h"
#include "db/pool.h"
#include "tests/lib/pg.h"
#include "tests/unit/test.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>

static struct testpg *server;

struct one {
	struct ask ask;
	int done, err;
	char value[64], why[256];
	int64_t changed;
};

struct fixture {
	struct loop loop;
	struct pool *pool;
};

static void
on_done(struct job *job)
{
	struct ask *ask = container_of(job, struct ask, job);
	struct one *o = container_of(ask, struct one, ask);

	o->done++;
	loop_stop(job->loop); /* do not sleep in this turn */
	o->err = job->err;
	(void)snprintf(
		o->why, sizeof(o->why), "%s", fault_text(&job->why, job->err));
	if (ask_rows(ask) > 0)
		(void)snprintf(o->value, sizeof(o->value), "%.*s",
			SLICE_ARG(ask_value(ask, 0, 0)));
	o->changed = ask_changed(ask);
}

static void
setup_with(struct fixture *f, unsigned connections, uint64_t timeout_ms,
	unsigned waiting_top)
{
	const struct pool_conf conf = {
		.url = testpg_url(server),
		.connections = connections,
		.timeout_ms = timeout_ms,
		.waiting_top = waiting_top,
	};

	assert_int_equal(loop_init(&f->loop), 0);
	assert_int_equal(pool_new(&f->pool, &f->loop, &conf, NULL), 0);
}

static void
setup(struct fixture *f)
{
	setup_with(f, 2, 20000, 10000);
}

static void
teardown(struct fixture *f)
{
	f->pool = pool_free(f->pool);
	loop_turn(&f->loop, false); /* takes a loop_stop with it */
	loop_done(&f->loop);
}

static void
ask_with(struct fixture *f, struct one *o, const char *sql, bool is_read,
	const char *param)
{
	const struct slice p = slice_str(param);

	memset(o, 0, sizeof(*o));
	job_init(&o->ask.job, on_done);
	o->ask.is_read = is_read;
	pool_ask(f->pool, &o->ask, sql, &p, param ? 1 : 0);
}

static void
wait_for(struct fixture *f, const struct one *o, int count)
{
	for (int i = 0; i < count; i++)
		while (!o[i].done)
			loop_turn(&f->loop, true);
}

static void
run(struct fixture *f, struct one *o, const char *sql, const char *param)
{
	ask_with(f, o, sql, false, param);
	wait_for(f, o, 1);
}

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
a_table_that_changes_its_columns_is_prepared_anew(void **state)
{
	static const char sql[] = "SELECT * FROM pool_star";
	struct fixture f;
	struct one o;

	(void)state;
	setup_with(&f, 1, 20000, 100);
	run(&f, &o, "CREATE TABLE pool_star AS SELECT 1 AS a", NULL);
	for (int i = 0; i < 10; i++)
		run(&f, &o, sql, NULL);
	assert_string_equal(o.value, "1");
	run(&f, &o, "ALTER TABLE pool_star ALTER a TYPE text USING 'x'", NULL);
	run(&f, &o, sql, NULL);
	assert_int_equal(o.err, 0);
	assert_string_equal(o.value, "x");
	run(&f, &o, "DROP TABLE pool_star", NULL);
	teardown(&f);
}

/* More texts than a connection keeps. */
static void
old_statements_make_room(void **state)
{
	enum { MANY = 1500 };
	struct one *o = mem_array(MANY, struct one);
	struct fixture f;
	char sql[64];

	(void)state;
	setup_with(&f, 1, 20000, 10000);
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < MANY; i++) {
			int n = snprintf(sql, sizeof(sql), "SELECT %d", i);

			memset(&o[i], 0, sizeof(o[i]));
			job_init(&o[i].ask.job, on_done);
			o[i].ask.is_read = i % 3 != 0;
			pool_ask_shape(f.pool, &o[i].ask,
				slice_of(sql, (size_t)n), NULL, 0);
			memset(sql, 'x', sizeof(sql)); /* it was copied */
		}
		wait_for(&f, o, MANY);
		for (int i = 0; i < MANY; i++) {
			assert_int_equal(o[i].err, 0);
			assert_int_equal(atoi(o[i].value), i);
		}
	}
	run(&f, &o[0], "SELECT count(*) FROM pg_prepared_statements", NULL);
	assert_true(atoi(o[0].value) <= 513);
	free(o);
	teardown(&f);
}

static void
a_long_statement_is_not_kept_by_the_server(void **state)
{
	static const char kept[] =
		"SELECT count(*) FROM pg_prepared_statements WHERE "
		"length(statement) > 1000";
	struct fixture f;
	struct one o;
	char sql[9001];

	(void)state;
	setup_with(&f, 1, 20000, 100);
	memset(sql, ' ', sizeof(sql));
	memcpy(sql, "SELECT 'long'", 13);
	memset(&o, 0, sizeof(o));
	job_init(&o.ask.job, on_done);
	pool_ask_shape(f.pool, &o.ask, slice_of(sql, 9000), NULL, 0);
	wait_for(&f, &o, 1);
	assert_string_equal(o.value, "long");
	run(&f, &o, kept, NULL);
	assert_string_equal(o.value, "0");
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
asks_before_the_server_is_up_wait_for_it(void **state)
{
	struct fixture f;
	struct one o[20];

	(void)state;
	testpg_kill(server);
	setup(&f);
	for (int i = 0; i < 20; i++)
		ask_with(&f, &o[i], "SELECT 5", i % 2, NULL);
	for (int i = 0; i < 20; i++)
		loop_turn(&f.loop, i > 5);
	assert_false(pool_is_up(f.pool));
	testpg_start(server);
	wait_for(&f, o, 20);
	for (int i = 0; i < 20; i++)
		assert_int_equal(o[i].err, 0);
	assert_true(pool_is_up(f.pool));
	teardown(&f);
}

static void
no_server_at_all_is_down_at_the_deadline(void **state)
{
	struct fixture f;
	struct one o;

	(void)state;
	testpg_kill(server);
	setup_with(&f, 2, 200, 100);
	run(&f, &o, "SELECT 5", NULL);
	assert_int_equal(o.err, ERR_DB_DOWN);
	teardown(&f);
	testpg_start(server);
}

static void
kill_backends(void)
{
	(void)testpg_query(server,
		"SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
		" WHERE application_name = 'mpcloud'");
}

static void
a_terminated_backend_is_replaced_and_reads_are_asked_again(void **state)
{
	struct fixture f;
	struct one o[8], warm;

	(void)state;
	setup(&f);
	run(&f, &warm, "SELECT 1", NULL);
	for (int i = 0; i < 8; i++)
		ask_with(&f, &o[i], "SELECT pg_sleep(0.2)::text || 'ok'", true,
			NULL);
	loop_turn(&f.loop, false);
	kill_backends();
	wait_for(&f, o, 8);
	for (int i = 0; i < 8; i++) {
		assert_int_equal(o[i].err, 0);
		assert_string_equal(o[i].value, "ok");
	}
	teardown(&f);
}

static void
a_write_in_flight_is_not_repeated(void **state)
{
	struct fixture f;
	struct one o, warm;

	(void)state;
	setup_with(&f, 1, 20000, 100);
	run(&f, &warm, "CREATE TABLE pool_w (a int)", NULL);
	ask_with(&f, &o, "INSERT INTO pool_w SELECT 1 FROM pg_sleep(0.3)",
		false, NULL);
	loop_turn(&f.loop, false);
	kill_backends();
	wait_for(&f, &o, 1);
	assert_int_equal(o.err, ERR_DB_DOWN);
	run(&f, &o, "SELECT count(*) FROM pool_w", NULL);
	assert_string_equal(o.value, "0");
	run(&f, &o, "DROP TABLE pool_w", NULL);
	teardown(&f);
}

/* The process of one connection, killed with -9: PostgreSQL itself then
 * restarts all of its children and refuses connections for a while. */
static void
kill_9_of_a_backend_loses_no_acknowledged_write(void **state)
{
	enum { ROUNDS = 300 };
	struct fixture f;
	struct one o[8];
	int acknowledged = 0;

	(void)state;
	setup(&f);
	run(&f, &o[0], "CREATE TABLE pool_k (a int)", NULL);
	for (int round = 0; round < ROUNDS; round++) {
		for (int i = 0; i < 8; i++)
			ask_with(&f, &o[i], "INSERT INTO pool_k VALUES (1)",
				false, NULL);
		if (round == ROUNDS / 2) {
			const char *pid = testpg_query(server,
				"SELECT pid FROM pg_stat_activity WHERE "
				"application_name = 'mpcloud' LIMIT 1");

			assert_non_null(pid);
			assert_int_equal(kill(atoi(pid), SIGKILL), 0);
		}
		wait_for(&f, o, 8);
		for (int i = 0; i < 8; i++) {
			acknowledged += o[i].err == 0;
			assert_true(o[i].err == 0 || o[i].err == ERR_DB_DOWN);
		}
	}
	assert_true(acknowledged > ROUNDS * 4);
	do
		run(&f, &o[0], "SELECT count(*) FROM pool_k", NULL);
	while (o[0].err == ERR_DB_DOWN);
	assert_true(atoi(o[0].value) >= acknowledged);
	assert_true(atoi(o[0].value) <= ROUNDS * 8);
	run(&f, &o[0], "DROP TABLE pool_k", NULL);
	teardown(&f);
}

static void
a_restart_of_the_server_in_the_middle_hangs_nobody(void **state)
{
	enum { MANY = 400 };
	struct one *o = mem_array(MANY, struct one);
	struct fixture f;

	(void)state;
	setup_with(&f, 3, 15000, 10000);
	for (int i = 0; i < MANY; i++) {
		ask_with(&f, &o[i], "SELECT 7", i % 2, NULL);
		if (i % 40 == 0)
			loop_turn(&f.loop, false);
		if (i == MANY / 2) {
			testpg_kill(server);
			loop_turn(&f.loop, false);
		}
		if (i == MANY * 3 / 4)
			testpg_start(server);
	}
	wait_for(&f, o, MANY);
	for (int i = 0; i < MANY; i++) {
		assert_true(o[i].err == 0 ||
			    (o[i].err == ERR_DB_DOWN && !o[i].ask.is_read));
		assert_int_equal(o[i].done, 1);
	}
	free(o);
	teardown(&f);
}

static void
a_host_name_is_resolved_on_the_loop(void **state)
{
	const struct pool_conf conf = {
		.url = "host=localhost port=9 dbname=x user=x",
		.connections = 1,
		.timeout_ms = 200,
		.waiting_top = 10,
	};
	struct fixture f;
	struct one o;

	(void)state;
	assert_int_equal(loop_init(&f.loop), 0);
	assert_int_equal(pool_new(&f.pool, &f.loop, &conf, NULL), 0);
	run(&f, &o, "SELECT 1", NULL);
	assert_int_equal(o.err, ERR_DB_DOWN);
	teardown(&f);
}

static void
a_connection_string_that_is_none_is_refused(void **state)
{
	const struct pool_conf conf = {
		.url = "password=hush =", .connections = 1};
	struct fixture f;
	struct fault why = {0};

	(void)state;
	assert_int_equal(loop_init(&f.loop), 0);
	assert_int_equal(pool_new(&f.pool, &f.loop, &conf, &why), ERR_CONFIG);
	assert_null(strstr(why.text, "hush"));
	loop_done(&f.loop);
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

/* Less than the answer of 1 GB; how much libpq reads at a time is its own
 * affair.  AddressSanitizer keeps what was freed for a while. */
#ifdef HAVE_SANITIZERS
#define HELD_TOP_KIB (4096 * 1024)
#else
#define HELD_TOP_KIB (900 * 1024)
#endif

static void
an_answer_too_large_to_hold_is_refused_on_its_way(void **state)
{
	struct rusage used;
	struct fixture f;
	struct one o[2];

	(void)state;
	setup_with(&f, 1, 20000, 100);
	ask_with(&f, &o[0],
		"SELECT repeat('x', 1000000) FROM generate_series(1, 1000)",
		true, NULL);
	wait_for(&f, o, 1);
	assert_int_equal(o[0].err, ERR_ANSWER_BIG);
	(void)getrusage(RUSAGE_SELF, &used);
	assert_true(used.ru_maxrss < HELD_TOP_KIB);
	run(&f, &o[1], "SELECT 'next'", NULL);
	assert_string_equal(o[1].value, "next");
	teardown(&f);
}

static int
start(void **state)
{
	(void)state;
	server = testpg_new();
	(void)testpg_query(server, "CREATE SCHEMA mpcloud");
	return 0;
}

static int
stop(void **state)
{
	(void)state;
	server = testpg_free(server);
	return 0;
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
		cmocka_unit_test(
			a_table_that_changes_its_columns_is_prepared_anew),
		cmocka_unit_test(old_statements_make_room),
		cmocka_unit_test(a_long_statement_is_not_kept_by_the_server),
		cmocka_unit_test(more_than_may_wait_is_busy),
		cmocka_unit_test(
			a_slow_statement_times_out_and_the_connection_lives),
		cmocka_unit_test(a_cancelled_ask_is_never_answered),
		cmocka_unit_test(asks_before_the_server_is_up_wait_for_it),
		cmocka_unit_test(no_server_at_all_is_down_at_the_deadline),
		cmocka_unit_test(
			a_terminated_backend_is_replaced_and_reads_are_asked_again),
		cmocka_unit_test(a_write_in_flight_is_not_repeated),
		cmocka_unit_test(
			kill_9_of_a_backend_loses_no_acknowledged_write),
		cmocka_unit_test(
			a_restart_of_the_server_in_the_middle_hangs_nobody),
		cmocka_unit_test(a_host_name_is_resolved_on_the_loop),
		cmocka_unit_test(a_connection_string_that_is_none_is_refused),
		cmocka_unit_test(
			an_answer_too_large_to_hold_is_refused_on_its_way),
		cmocka_unit_test(a_pool_that_goes_answers_everybody),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
