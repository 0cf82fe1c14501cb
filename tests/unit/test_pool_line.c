/*
 * What is slow or waits for a lock does not hold up what came after it, and
 * what leaves a line for another is done exactly once.
 */
#include "base/clock.h"
#include "db/shape.h"
#include "tests/unit/pool_driver.h"

#include <libpq-fe.h>
#include <stdlib.h>

static void
setup_lines(struct fixture *f, unsigned slow, uint64_t timeout_ms)
{
	const struct pool_conf conf = {
		.url = testpg_url(server),
		.connections = 1,
		.slow = slow,
		.timeout_ms = timeout_ms,
		.waiting_top = 10000,
	};

	assert_int_equal(loop_init(&f->loop), 0);
	assert_int_equal(pool_new(&f->pool, &f->loop, &conf, NULL), 0);
}

/* Somebody else, who holds locks. */
static PGconn *
other(const char *sql)
{
	PGconn *conn = PQconnectdb(testpg_url(server));

	PQclear(PQexec(conn, "SET search_path = mpcloud"));
	PQclear(PQexec(conn, "BEGIN"));
	PQclear(PQexec(conn, sql));
	assert_int_equal(PQtransactionStatus(conn), PQTRANS_INTRANS);
	return conn;
}

static void
let_go(PGconn *conn)
{
	PQclear(PQexec(conn, "COMMIT"));
	PQfinish(conn);
}

static void
a_slow_read_leaves_those_behind_it_alone(void **state)
{
	struct fixture f;
	struct one slow, o[20];

	(void)state;
	setup_lines(&f, 1, 20000);
	run(&f, &slow, "SELECT 1", NULL);
	ask_with(&f, &slow, "SELECT 'late' FROM pg_sleep(1)", true, NULL);
	loop_turn(&f.loop, false);
	for (int i = 0; i < 20; i++)
		ask_with(&f, &o[i], "SELECT 2", i % 2, NULL);
	wait_for(&f, o, 20);
	assert_int_equal(slow.done, 0);
	wait_for(&f, &slow, 1);
	assert_string_equal(slow.value, "late");
	teardown(&f);
}

static void
what_was_slow_goes_to_the_slow_line_at_once(void **state)
{
	static const char sql[] = "SELECT pg_backend_pid() FROM pg_sleep(0.1)";
	struct fixture f;
	struct one first, second, o;

	(void)state;
	setup_lines(&f, 1, 20000);
	ask_with(&f, &first, sql, true, NULL);
	wait_for(&f, &first, 1);
	ask_with(&f, &second, sql, true, NULL);
	wait_for(&f, &second, 1);
	assert_string_not_equal(first.value, second.value);
	run(&f, &o, "SELECT pg_backend_pid()", NULL);
	assert_string_equal(o.value, first.value);
	teardown(&f);
}

/* Cancels hit whatever runs when they arrive. */
static void
what_is_displaced_is_done_exactly_once(void **state)
{
	enum { MANY = 3000, EVERY = 600 };
	struct one *o = mem_array(MANY, struct one);
	struct fixture f;
	char key[16];

	(void)state;
	setup_lines(&f, 2, 20000);
	run(&f, &o[0], "CREATE TABLE line_once (a int, b text)", NULL);
	for (int i = 0; i < MANY; i++) {
		(void)snprintf(key, sizeof(key), "%d", i);
		ask_with(&f, &o[i],
			i % EVERY == 7 ? "INSERT INTO line_once SELECT $1::int,"
					 " 'slow' FROM pg_sleep(0.27)"
				       : "INSERT INTO line_once VALUES ($1)",
			false, key);
		if (i % 50 == 0)
			loop_turn(&f.loop, false);
	}
	wait_for(&f, o, MANY);
	for (int i = 0; i < MANY; i++)
		assert_int_equal(o[i].err, 0);
	run(&f, &o[0], "SELECT count(*) FROM line_once", NULL);
	assert_int_equal(atoi(o[0].value), MANY);
	run(&f, &o[0], "SELECT count(DISTINCT a) FROM line_once", NULL);
	assert_int_equal(atoi(o[0].value), MANY);
	run(&f, &o[0], "DROP TABLE line_once", NULL);
	free(o);
	teardown(&f);
}

static void
a_write_that_waits_for_a_lock_holds_nobody_up(void **state)
{
	enum { BLOCKED = 10 };
	struct one blocked[BLOCKED], o;
	struct fixture f;
	PGconn *conn;

	(void)state;
	setup_lines(&f, 2, 20000);
	run(&f, &o,
		"CREATE TABLE line_lock AS SELECT 'x' AS id, 0 AS n UNION "
		"SELECT 'y', 0",
		NULL);
	conn = other("UPDATE line_lock SET n = 100 WHERE id = 'x'");
	for (int i = 0; i < BLOCKED; i++)
		ask_with(&f, &blocked[i],
			"UPDATE line_lock SET n = n + 1 WHERE id = 'x'", false,
			NULL);
	for (int i = 0; i < 50; i++) {
		run(&f, &o, "UPDATE line_lock SET n = n + 1 WHERE id = 'y'",
			NULL);
		assert_int_equal(o.err, 0);
	}
	for (int i = 0; i < BLOCKED; i++)
		assert_int_equal(blocked[i].done, 0);
	let_go(conn);
	wait_for(&f, blocked, BLOCKED);
	for (int i = 0; i < BLOCKED; i++)
		assert_int_equal(blocked[i].err, 0);
	run(&f, &o, "SELECT n FROM line_lock WHERE id = 'x'", NULL);
	assert_int_equal(atoi(o.value), 100 + BLOCKED);
	run(&f, &o, "DROP TABLE line_lock", NULL);
	teardown(&f);
}

/* Two connections for those that wait, three that wait for ever: the fourth
 * has its turn. */
static void
those_that_wait_for_locks_take_turns(void **state)
{
	struct one for_ever[3], o;
	struct fixture f;
	PGconn *one, *two;

	(void)state;
	setup_lines(&f, 2, 20000);
	run(&f, &o,
		"CREATE TABLE line_turn AS SELECT 'x' AS id, 0 AS n UNION "
		"SELECT 'y', 0",
		NULL);
	one = other("UPDATE line_turn SET n = 1 WHERE id = 'x'");
	two = other("UPDATE line_turn SET n = 1 WHERE id = 'y'");
	for (int i = 0; i < 3; i++)
		ask_with(&f, &for_ever[i],
			"UPDATE line_turn SET n = 2 WHERE id = 'x'", false,
			NULL);
	ask_with(&f, &o, "UPDATE line_turn SET n = 2 WHERE id = 'y'", false,
		NULL);
	let_go(two);
	wait_for(&f, &o, 1);
	assert_int_equal(o.err, 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(for_ever[i].done, 0);
	let_go(one);
	wait_for(&f, for_ever, 3);
	run(&f, &o, "DROP TABLE line_turn", NULL);
	teardown(&f);
}

static void
write_home(struct fixture *f, struct one *o, const char *sql, uint64_t row,
	uint64_t home)
{
	memset(o, 0, sizeof(*o));
	job_init(&o->ask.job, on_done);
	o->ask.row = row;
	o->ask.home = home;
	o->ask.shares = true;
	pool_ask(f->pool, &o->ask, sql, NULL, 0);
}

static void
write_row(struct fixture *f, struct one *o, const char *sql, uint64_t row)
{
	write_home(f, o, sql, row, 0);
}

/* Until each of its four connections for writes stands. */
static void
warm_up(struct fixture *f)
{
	struct one o[4];
	bool all = false;

	while (!all) {
		for (int i = 0; i < 4; i++)
			ask_with(f, &o[i],
				"SELECT pg_backend_pid() FROM pg_sleep(0.01)",
				false, NULL);
		wait_for(f, o, 4);
		all = true;
		for (int i = 0; i < 4; i++)
			for (int j = 0; j < i; j++)
				all &= strcmp(o[i].value, o[j].value) != 0;
	}
}

static void
writes_of_one_row_take_one_connection(void **state)
{
	enum { MANY = 40 };
	struct one o[MANY];
	struct fixture f;

	(void)state;
	setup_with(&f, 4, 20000, 10000);
	warm_up(&f);
	for (int i = 0; i < MANY; i++) {
		write_row(&f, &o[i],
			"SELECT pg_backend_pid() FROM pg_sleep(0.001)", 77);
		if (i % 5 == 0)
			loop_turn(&f.loop, false);
	}
	wait_for(&f, o, MANY);
	for (int i = 1; i < MANY; i++)
		assert_string_equal(o[i].value, o[0].value);
	teardown(&f);
}

static void
writes_of_one_home_take_one_connection_whatever_their_rows(void **state)
{
	enum { MANY = 40 };
	static const char sql[] =
		"SELECT pg_backend_pid() FROM pg_sleep(0.001)";
	struct one o[MANY];
	struct fixture f;
	bool other = false;

	(void)state;
	setup_with(&f, 4, 20000, 10000);
	warm_up(&f);
	for (int i = 0; i < MANY; i++)
		write_home(&f, &o[i], sql, (uint64_t)i + 1, 77);
	wait_for(&f, o, MANY);
	for (int i = 1; i < MANY; i++)
		assert_string_equal(o[i].value, o[0].value);
	for (int i = 0; i < MANY; i++)
		write_row(&f, &o[i], sql, (uint64_t)i + 1);
	wait_for(&f, o, MANY);
	for (int i = 1; i < MANY; i++)
		other |= strcmp(o[i].value, o[0].value) != 0;
	assert_true(other);
	teardown(&f);
}

static int
backends_that_wait(void)
{
	return atoi(testpg_query(server,
		"SELECT count(*) FROM pg_stat_activity WHERE "
		"wait_event_type = 'Lock'"));
}

/* One of them tries; the others do not even take a connection. */
static void
of_writes_of_a_locked_row_one_waits_for_all(void **state)
{
	enum { MANY = 30 };
	static const char sql[] = "UPDATE line_row SET n = n + 1";
	struct one o[MANY];
	struct fixture f;
	PGconn *conn;

	(void)state;
	setup_lines(&f, 4, 20000);
	run(&f, &o[0], "CREATE TABLE line_row AS SELECT 0 AS n", NULL);
	conn = other("UPDATE line_row SET n = 100");
	for (int i = 0; i < MANY; i++) {
		write_row(&f, &o[i], sql, 77);
		if (i % 10 == 9)
			for (int turns = 0; turns < 3; turns++)
				loop_turn(&f.loop, true);
	}
	do /* until those have come back that were sent before it was known */
		loop_turn(&f.loop, true);
	while (backends_that_wait() > 1);
	for (int turns = 0; turns < 20; turns++) {
		loop_turn(&f.loop, true);
		assert_in_range(backends_that_wait(), 0, 1);
	}
	let_go(conn);
	wait_for(&f, o, MANY);
	for (int i = 0; i < MANY; i++)
		assert_int_equal(o[i].err, 0);
	run(&f, &o[0], "SELECT n FROM line_row", NULL);
	assert_int_equal(atoi(o[0].value), 100 + MANY);
	run(&f, &o[0], "DROP TABLE line_row", NULL);
	teardown(&f);
}

static void
a_lock_that_is_never_free_times_out(void **state)
{
	struct fixture f;
	struct one o;
	PGconn *conn;

	(void)state;
	setup_lines(&f, 1, 500);
	run(&f, &o, "CREATE TABLE line_late AS SELECT 0 AS n", NULL);
	conn = other("UPDATE line_late SET n = 1");
	run(&f, &o, "UPDATE line_late SET n = 2", NULL);
	assert_int_equal(o.err, ERR_TIMEOUT);
	while (testpg_query(server, "SELECT 1 FROM pg_stat_activity WHERE "
				    "wait_event_type = 'Lock'"))
		loop_turn(&f.loop, false); /* its last slice */
	let_go(conn);
	run(&f, &o, "SELECT n FROM line_late", NULL);
	assert_string_equal(o.value, "1");
	run(&f, &o, "DROP TABLE line_late", NULL);
	teardown(&f);
}

static void
a_read_that_nobody_waits_for_is_stopped(void **state)
{
	static const char runs[] =
		"SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
	struct fixture f;
	struct one gone, o;
	int64_t from = clock_mono();

	(void)state;
	setup_lines(&f, 0, 20000);
	run(&f, &o, "SELECT 1", NULL);
	ask_with(&f, &gone, "SELECT pg_sleep(15)", true, NULL);
	while (!testpg_query(server, runs))
		loop_turn(&f.loop, false);
	job_cancel(&gone.ask.job);
	while (testpg_query(server, runs))
		loop_turn(&f.loop, false);
	run(&f, &o, "SELECT 2", NULL);
	assert_string_equal(o.value, "2");
	assert_true(clock_mono() - from < 10 * CLOCK_S);
	assert_int_equal(gone.done, 0);
	teardown(&f);
}

/* Without lines of their own, slow ones take the time they take. */
static void
a_pool_without_slow_lines_waits(void **state)
{
	struct fixture f;
	struct one slow, o;

	(void)state;
	setup_lines(&f, 0, 20000);
	run(&f, &o, "SELECT 1", NULL);
	ask_with(&f, &slow, "SELECT 'late' FROM pg_sleep(0.3)", true, NULL);
	loop_turn(&f.loop, false);
	ask_with(&f, &o, "SELECT 2", true, NULL);
	wait_for(&f, &o, 1);
	assert_int_equal(slow.done, 1);
	teardown(&f);
}

static void
without_more_connections_all_goes_on_in_the_fast_line(void **state)
{
	struct pool_conf conf = {.connections = 1,
		.slow = 1,
		.timeout_ms = 20000,
		.waiting_top = 100};
	struct one slow[2], o;
	struct fixture f;
	char url[200];

	(void)state;
	(void)testpg_query(server, "CREATE ROLE few LOGIN CONNECTION LIMIT 1");
	(void)snprintf(url, sizeof(url), "%s user=few", testpg_url(server));
	conf.url = url;
	assert_int_equal(loop_init(&f.loop), 0);
	assert_int_equal(pool_new(&f.pool, &f.loop, &conf, NULL), 0);
	for (int i = 0; i < 2; i++) {
		ask_with(&f, &slow[i], "SELECT 'late' FROM pg_sleep(0.2)", true,
			NULL);
		loop_turn(&f.loop, false);
		ask_with(&f, &o, "SELECT 2", true, NULL);
		wait_for(&f, &o, 1);
		wait_for(&f, &slow[i], 1);
		assert_int_equal(slow[i].err, 0);
	}
	teardown(&f);
	(void)testpg_query(server, "DROP ROLE few");
}

static void
one_slow_run_is_forgotten_after_two_fast_ones(void **state)
{
	struct shapes *all = mem_new(struct shapes);
	const uint64_t name = 0x123456789abcdef0u, twin = name ^ 1ull << 40;

	(void)state;
	assert_false(shape_is_slow(all, name));
	shape_note(all, name, true);
	assert_true(shape_is_slow(all, name));
	assert_false(shape_is_slow(all, twin));
	shape_note(all, twin, false); /* of the same cell */
	assert_true(shape_is_slow(all, name));
	shape_note(all, name, false);
	shape_note(all, name, false);
	assert_false(shape_is_slow(all, name));
	for (int i = 0; i < 100; i++)
		shape_note(all, name, true);
	for (int i = 0; i < 8; i++)
		shape_note(all, name, false);
	assert_false(shape_is_slow(all, name));
	(void)mem_free(all);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_slow_read_leaves_those_behind_it_alone),
		cmocka_unit_test(what_was_slow_goes_to_the_slow_line_at_once),
		cmocka_unit_test(what_is_displaced_is_done_exactly_once),
		cmocka_unit_test(a_write_that_waits_for_a_lock_holds_nobody_up),
		cmocka_unit_test(those_that_wait_for_locks_take_turns),
		cmocka_unit_test(writes_of_one_row_take_one_connection),
		cmocka_unit_test(
			writes_of_one_home_take_one_connection_whatever_their_rows),
		cmocka_unit_test(of_writes_of_a_locked_row_one_waits_for_all),
		cmocka_unit_test(a_lock_that_is_never_free_times_out),
		cmocka_unit_test(a_read_that_nobody_waits_for_is_stopped),
		cmocka_unit_test(a_pool_without_slow_lines_waits),
		cmocka_unit_test(
			without_more_connections_all_goes_on_in_the_fast_line),
		cmocka_unit_test(one_slow_run_is_forgotten_after_two_fast_ones),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
