/*
 * The life of a transaction: who finds it, how many there may be, how it ends
 * when nobody ends it, and what a broken connection does to it.
 */
#include "tests/unit/tx_driver.h"

static void
nothing_can_be_done_after_the_end(void **state)
{
	struct fx x;
	struct tx *tx, *held;
	struct fault why = {0};
	struct end e;

	(void)state;
	setup_tx(&x, 4, 30000);
	start_as(&x, &e, "");
	wait_end(&x, &e);
	tx = txs_find(x.txs, slice_str(e.op.id), "", NULL);
	held = txs_find(x.txs, slice_str(e.op.id), "", NULL);
	assert_ptr_equal(tx, held);
	assert_int_equal(commit(&x, tx), 0);
	assert_null(txs_find(x.txs, slice_str(e.op.id), "", &why));
	assert_int_equal(why.code, ERR_DB_NO_TX);
	assert_string_equal(why.text, not_there);
	assert_refused(say(&x, held, "SELECT 1"), ERR_DB_NO_TX, not_there);
	assert_int_equal(end_abort(&x, held), ERR_DB_NO_TX);
	teardown_tx(&x);
}

static void
a_transaction_that_lives_too_long_is_rolled_back(void **state)
{
	struct fx x;
	struct tx *tx;
	struct one o;

	(void)state;
	setup_tx(&x, 4, 200);
	tx = begin(&x);
	(void)say(&x, tx, "UPDATE acc SET n = 9 WHERE id = 'a'");
	ask_with(&x.f, &o, "UPDATE acc SET n = n + 1 WHERE id = 'a'", false,
		NULL);
	wait_for(&x.f, &o, 1); /* the lock is let go */
	assert_int_equal(o.err, 0);
	assert_refused(say(&x, tx, "SELECT 1"), ERR_DB_NO_TX, not_there);
	(void)tx_unref(tx);
	assert_value(plain(&x, "SELECT n FROM acc WHERE id = 'a'"), "2");
	assert_int_equal(txs_count(x.txs), 0);
	teardown_tx(&x);
}

static void
what_runs_at_the_end_of_its_life_is_stopped(void **state)
{
	struct fx x;
	struct tx *tx;
	int64_t from = clock_mono();

	(void)state;
	setup_tx(&x, 1, 300);
	tx = begin(&x);
	assert_refused(
		say(&x, tx, "SELECT pg_sleep(15)"), ERR_DB_NO_TX, not_there);
	(void)tx_unref(tx);
	tx = begin(&x); /* the only seat is free again */
	assert_value(say(&x, tx, "SELECT 1"), "1");
	assert_int_equal(commit(&x, tx), 0);
	assert_true(clock_mono() - from < 10 * CLOCK_S);
	teardown_tx(&x);
}

static void
an_id_is_found_by_its_owner_only(void **state)
{
	struct fault why = {0};
	struct end a, b;
	struct fx x;
	struct tx *tx;

	(void)state;
	setup_tx(&x, 8, 30000);
	start_as(&x, &a, "ann");
	start_as(&x, &b, "bob");
	wait_end(&x, &a);
	wait_end(&x, &b);
	assert_string_not_equal(a.op.id, b.op.id);
	assert_int_equal(strlen(a.op.id), strlen("t7-") + 32);
	assert_null(txs_find(x.txs, slice_str(a.op.id), "bob", &why));
	assert_string_equal(why.text, not_there);
	assert_null(txs_find(x.txs, slice_str(a.op.id), "", NULL));
	assert_null(txs_find(x.txs, SLICE(""), "ann", NULL));
	tx = txs_find(x.txs, slice_str(a.op.id), "ann", NULL);
	assert_non_null(tx);
	(void)tx_unref(tx);
	teardown_tx(&x);
}

static void
an_id_names_its_gateway(void **state)
{
	(void)state;
	assert_int_equal(tx_gateway(SLICE("t7-00ff")), 7);
	assert_int_equal(tx_gateway(SLICE("t255-x")), 255);
	assert_int_equal(tx_gateway(SLICE("")), -1);
	assert_int_equal(tx_gateway(SLICE("t")), -1);
	assert_int_equal(tx_gateway(SLICE("7-00ff")), -1);
	assert_int_equal(tx_gateway(SLICE("t-00ff")), -1);
	assert_int_equal(tx_gateway(SLICE("t99999999999999999999-0")), -1);
	assert_int_equal(tx_gateway(SLICE("t-1-0")), -1);
}

static void
more_than_may_be_open_are_refused_with_the_setting(void **state)
{
	struct fx x;
	struct tx *tx[2];
	struct end e;

	(void)state;
	setup_tx(&x, 2, 30000);
	tx[0] = begin(&x);
	tx[1] = begin(&x);
	start_as(&x, &e, "");
	wait_end(&x, &e);
	assert_int_equal(e.err, ERR_BUSY);
	assert_non_null(strstr(e.why, "database.transactions"));
	assert_int_equal(commit(&x, tx[0]), 0);
	tx[0] = begin(&x);
	(void)tx_unref(tx[0]);
	(void)tx_unref(tx[1]);
	teardown_tx(&x);
}

/* Users cannot take them all: a quarter for one, half for all of them. */
static void
users_leave_some_to_functions(void **state)
{
	static const struct {
		const char *owner;
		int err;
	} steps[] = {{"ann", 0}, {"ann", 0}, {"ann", ERR_BUSY}, {"bob", 0},
		{"cyd", 0}, {"dan", ERR_BUSY}, {"", 0}, {"", 0}, {"", 0},
		{"", 0}, {"", ERR_BUSY}};
	struct fx x;

	(void)state;
	setup_tx(&x, 8, 30000);
	for (size_t i = 0; i < array_size(steps); i++) {
		struct end e;

		start_as(&x, &e, steps[i].owner);
		wait_end(&x, &e);
		assert_int_equal(e.err, steps[i].err);
	}
	teardown_tx(&x);
}

/* Two wait beside the one in use: none is opened for the next. */
static void
a_start_costs_no_new_connection(void **state)
{
	static const char count[] = "SELECT count(*) FROM pg_stat_activity "
				    "WHERE application_name = 'mpcloud'";
	enum { POOL = 2 + 2 }; /* for reads, for writes */
	struct fx x;

	(void)state;
	setup_tx(&x, 8, 30000);
	while (atoi(testpg_query(server, count)) != POOL + 2)
		loop_turn(&x.f.loop, false);
	for (int i = 0; i < 20; i++) {
		struct tx *tx = begin(&x);

		assert_value(say(&x, tx, "SELECT 1"), "1");
		assert_int_equal(commit(&x, tx), 0);
	}
	while (atoi(testpg_query(server, count)) != POOL + 3)
		loop_turn(&x.f.loop, false);
	teardown_tx(&x);
}

static void
kill_connections(void)
{
	(void)testpg_query(server,
		"SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
		" WHERE application_name = 'mpcloud'");
}

static void
a_lost_connection_is_a_conflict_that_says_so(void **state)
{
	struct fx x;
	struct tx *tx;
	struct one o;

	(void)state;
	setup_tx(&x, 4, 30000);
	tx = begin(&x);
	(void)say(&x, tx, "UPDATE acc SET n = 5");
	say_soon(tx, &o, "SELECT pg_sleep(10)");
	loop_turn(&x.f.loop, false);
	kill_connections();
	wait_for(&x.f, &o, 1);
	assert_int_equal(o.err, ERR_DB_CONFLICT);
	assert_non_null(strstr(o.why, "run it again"));
	assert_refused(say(&x, tx, "SELECT 1"), ERR_DB_NO_TX, not_there);
	(void)tx_unref(tx);
	while (plain(&x, "SELECT n FROM acc WHERE id = 'a'")->err != 0)
		;
	assert_value(plain(&x, "SELECT n FROM acc WHERE id = 'a'"), "1");
	teardown_tx(&x);
}

static void
a_connection_lost_between_two_asks_is_told_at_the_next(void **state)
{
	struct fx x;
	struct tx *tx;

	(void)state;
	setup_tx(&x, 4, 30000);
	tx = begin(&x);
	(void)say(&x, tx, "UPDATE acc SET n = 5");
	kill_connections();
	while (txs_count(x.txs))
		loop_turn(&x.f.loop, true);
	assert_int_equal(say(&x, tx, "SELECT 1")->err, ERR_DB_CONFLICT);
	assert_refused(say(&x, tx, "SELECT 1"), ERR_DB_NO_TX, not_there);
	(void)tx_unref(tx);
	teardown_tx(&x);
}

static void
a_commit_whose_answer_is_lost_says_that_nobody_knows(void **state)
{
	struct fx x;
	struct tx *tx;
	struct end e;

	(void)state;
	setup_tx(&x, 4, 30000);
	(void)plain(&x,
		"CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS "
		"'BEGIN PERFORM pg_sleep(10); RETURN NULL; END'");
	(void)plain(&x, "CREATE CONSTRAINT TRIGGER slow AFTER UPDATE ON acc "
			"INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION "
			"slow()");
	tx = begin(&x);
	(void)say(&x, tx, "UPDATE acc SET n = 5");
	commit_soon(tx, &e);
	while (!testpg_query(server, "SELECT 1 FROM pg_stat_activity WHERE "
				     "wait_event = 'PgSleep'"))
		loop_turn(&x.f.loop, false);
	kill_connections();
	wait_end(&x, &e);
	assert_int_equal(e.err, ERR_DB_DOWN);
	assert_non_null(strstr(e.why, "not known"));
	while (plain(&x, "DROP FUNCTION slow CASCADE")->err != 0)
		;
	teardown_tx(&x);
}

static void
an_asker_that_goes_away_leaves_the_transaction_whole(void **state)
{
	struct fx x;
	struct tx *tx;
	struct one gone[2];
	struct one *sum;
	int answered;

	(void)state;
	setup_tx(&x, 4, 30000);
	tx = begin(&x);
	say_soon(tx, &gone[0], "UPDATE acc SET n = 5 WHERE id = 'a'");
	say_soon(tx, &gone[1], "UPDATE acc SET n = 6 WHERE id = 'b'");
	loop_turn(&x.f.loop, false);
	job_cancel(&gone[0].ask.job); /* sent */
	job_cancel(&gone[1].ask.job); /* not yet, or where we are slow it is */
	answered = gone[0].done + gone[1].done; /* before it went away */
	sum = say(&x, tx, "SELECT sum(n) FROM acc");
	assert_value(sum, strcmp(sum->value, "12") == 0 ? "12" : "7");
	assert_int_equal(commit(&x, tx), 0);
	assert_int_equal(gone[0].done + gone[1].done, answered);
	teardown_tx(&x);
}

static void
starts_that_are_cancelled_leave_no_transaction(void **state)
{
	struct fx x;
	struct end e;

	(void)state;
	setup_tx(&x, 2, 30000);
	for (int i = 0; i < 10; i++) {
		start_as(&x, &e, "");
		job_cancel(&e.op.job);
	}
	assert_int_equal(end_abort(&x, begin(&x)), 0);
	assert_int_equal(txs_count(x.txs), 0);
	teardown_tx(&x);
}

static void
transactions_that_go_answer_everybody(void **state)
{
	struct fx x;
	struct tx *tx[2];
	struct one o[3];
	struct end e;

	(void)state;
	setup_tx(&x, 2, 30000);
	tx[0] = begin(&x);
	tx[1] = begin(&x);
	say_soon(tx[0], &o[0], "SELECT pg_sleep(10)");
	say_soon(tx[0], &o[1], "SELECT 1");
	say_soon(tx[1], &o[2], "SELECT 1");
	commit_soon(tx[1], &e);
	x.txs = txs_free(x.txs);
	for (int i = 0; i < 3; i++)
		assert_int_equal(o[i].err, ERR_SHUTDOWN);
	assert_int_equal(e.err, ERR_SHUTDOWN);
	(void)tx_unref(tx[0]);
	teardown_tx(&x);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_can_be_done_after_the_end),
		cmocka_unit_test(
			a_transaction_that_lives_too_long_is_rolled_back),
		cmocka_unit_test(what_runs_at_the_end_of_its_life_is_stopped),
		cmocka_unit_test(an_id_is_found_by_its_owner_only),
		cmocka_unit_test(an_id_names_its_gateway),
		cmocka_unit_test(
			more_than_may_be_open_are_refused_with_the_setting),
		cmocka_unit_test(users_leave_some_to_functions),
		cmocka_unit_test(a_start_costs_no_new_connection),
		cmocka_unit_test(a_lost_connection_is_a_conflict_that_says_so),
		cmocka_unit_test(
			a_connection_lost_between_two_asks_is_told_at_the_next),
		cmocka_unit_test(
			a_commit_whose_answer_is_lost_says_that_nobody_knows),
		cmocka_unit_test(
			an_asker_that_goes_away_leaves_the_transaction_whole),
		cmocka_unit_test(
			starts_that_are_cancelled_leave_no_transaction),
		cmocka_unit_test(transactions_that_go_answer_everybody),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
