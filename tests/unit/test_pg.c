/*
 * Connections to a server that is not there yet, is killed, or says too much.
 */
#include "tests/unit/pool_driver.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>

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

int
main(void)
{
	const struct CMUnitTest tests[] = {
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
	};

	return cmocka_run_group_tests(tests, start, stop);
}
