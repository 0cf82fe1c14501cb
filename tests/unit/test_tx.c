/*
 * Transactions: what others see of them and they of others, after MongoDB's
 * rules for snapshot isolation and the conflicts that CloudBase's clients
 * expect (code and sentence at the write, not at the commit).
 */
#include "tests/unit/tx_driver.h"

static void
others_see_nothing_before_the_commit_and_all_after_it(void **state)
{
	struct fx x;
	struct tx *tx;

	(void)state;
	setup_tx(&x, 4, 30000);
	tx = begin(&x);
	assert_int_equal(
		say(&x, tx, "UPDATE acc SET n = 5 WHERE id = 'a'")->err, 0);
	assert_int_equal(
		say(&x, tx, "INSERT INTO acc VALUES ('d', 9)")->err, 0);
	assert_value(say(&x, tx, "SELECT sum(n) FROM acc"), "16");
	assert_value(plain(&x, "SELECT sum(n) FROM acc"), "3");
	assert_int_equal(commit(&x, tx), 0);
	assert_value(plain(&x, "SELECT sum(n) FROM acc"), "16");
	teardown_tx(&x);
}

static void
an_aborted_transaction_leaves_nothing(void **state)
{
	struct fx x;
	struct tx *tx;

	(void)state;
	setup_tx(&x, 4, 30000);
	tx = begin(&x);
	(void)say(&x, tx, "DELETE FROM acc");
	assert_value(say(&x, tx, "SELECT count(*) FROM acc"), "0");
	assert_int_equal(end_abort(&x, tx), 0);
	assert_value(plain(&x, "SELECT count(*) FROM acc"), "3");
	assert_int_equal(txs_count(x.txs), 0);
	teardown_tx(&x);
}

static void
the_snapshot_is_that_of_the_first_operation(void **state)
{
	struct fx x;
	struct tx *tx;

	(void)state;
	setup_tx(&x, 4, 30000);
	tx = begin(&x);
	(void)plain(&x, "UPDATE acc SET n = 2 WHERE id = 'a'");
	assert_value(say(&x, tx, "SELECT n FROM acc WHERE id = 'a'"), "2");
	(void)plain(&x, "UPDATE acc SET n = 3 WHERE id = 'b'");
	assert_value(say(&x, tx, "SELECT n FROM acc WHERE id = 'b'"), "1");
	assert_int_equal(commit(&x, tx), 0);
	teardown_tx(&x);
}

/* Lost update: read, changed by another, written. */
static void
a_write_to_what_changed_since_the_snapshot_is_a_conflict_at_once(void **state)
{
	struct fx x;
	struct tx *tx;

	(void)state;
	setup_tx(&x, 4, 30000);
	tx = begin(&x);
	assert_value(say(&x, tx, "SELECT n FROM acc WHERE id = 'a'"), "1");
	(void)plain(&x, "UPDATE acc SET n = n + 10 WHERE id = 'a'");
	assert_refused(say(&x, tx, "UPDATE acc SET n = 2 WHERE id = 'a'"),
		ERR_DB_CONFLICT, conflict);
	assert_refused(say(&x, tx, "SELECT 1"), ERR_DB_NO_TX, not_there);
	assert_int_equal(commit(&x, tx), ERR_DB_NO_TX);
	assert_value(plain(&x, "SELECT n FROM acc WHERE id = 'a'"), "11");
	teardown_tx(&x);
}

static void
a_write_to_what_another_transaction_holds_is_a_conflict_at_once(void **state)
{
	struct fx x;
	struct tx *one, *two;
	int64_t from;

	(void)state;
	setup_tx(&x, 4, 30000);
	one = begin(&x);
	two = begin(&x);
	(void)say(&x, one, "UPDATE acc SET n = 2 WHERE id = 'a'");
	from = clock_mono();
	assert_refused(say(&x, two, "UPDATE acc SET n = 3 WHERE id = 'a'"),
		ERR_DB_CONFLICT, conflict);
	assert_true(clock_mono() - from < CLOCK_S);
	assert_int_equal(commit(&x, one), 0);
	(void)tx_unref(two);
	assert_value(plain(&x, "SELECT n FROM acc WHERE id = 'a'"), "2");
	teardown_tx(&x);
}

static void
two_that_insert_one_key_conflict(void **state)
{
	struct fx x;
	struct tx *one, *two;

	(void)state;
	setup_tx(&x, 4, 30000);
	one = begin(&x);
	two = begin(&x);
	(void)say(&x, one, "INSERT INTO acc VALUES ('new', 1)");
	assert_refused(say(&x, two, "INSERT INTO acc VALUES ('new', 2)"),
		ERR_DB_CONFLICT, conflict);
	assert_int_equal(commit(&x, one), 0);
	(void)tx_unref(two);
	teardown_tx(&x);
}

static void
deletes_and_updates_of_one_document_conflict(void **state)
{
	static const char *const pairs[][2] = {
		{"DELETE FROM acc WHERE id = 'a'",
			"UPDATE acc SET n = 2 WHERE id = 'a'"},
		{"UPDATE acc SET n = 2 WHERE id = 'a'",
			"DELETE FROM acc WHERE id = 'a'"},
		{"DELETE FROM acc WHERE id = 'a'",
			"DELETE FROM acc WHERE id = 'a'"},
	};
	struct fx x;

	(void)state;
	setup_tx(&x, 4, 30000);
	for (size_t i = 0; i < array_size(pairs); i++) {
		struct tx *one = begin(&x), *two = begin(&x);

		(void)say(&x, two, "SELECT count(*) FROM acc");
		assert_int_equal(say(&x, one, pairs[i][0])->err, 0);
		assert_refused(
			say(&x, two, pairs[i][1]), ERR_DB_CONFLICT, conflict);
		assert_int_equal(end_abort(&x, one), 0);
		(void)tx_unref(two);
	}
	teardown_tx(&x);
}

static void
a_write_to_what_was_deleted_since_the_snapshot_is_a_conflict(void **state)
{
	struct fx x;
	struct tx *tx;

	(void)state;
	setup_tx(&x, 4, 30000);
	tx = begin(&x);
	(void)say(&x, tx, "SELECT 1 FROM acc");
	(void)plain(&x, "DELETE FROM acc WHERE id = 'c'");
	assert_value(say(&x, tx, "SELECT n FROM acc WHERE id = 'c'"), "1");
	assert_refused(say(&x, tx, "UPDATE acc SET n = 2 WHERE id = 'c'"),
		ERR_DB_CONFLICT, conflict);
	(void)tx_unref(tx);
	teardown_tx(&x);
}

static void
no_phantom_comes_into_a_snapshot(void **state)
{
	struct fx x;
	struct tx *tx;

	(void)state;
	setup_tx(&x, 4, 30000);
	tx = begin(&x);
	assert_value(say(&x, tx, "SELECT count(*) FROM acc WHERE n = 1"), "3");
	(void)plain(&x, "INSERT INTO acc VALUES ('d', 1)");
	assert_value(say(&x, tx, "SELECT count(*) FROM acc WHERE n = 1"), "3");
	assert_int_equal(commit(&x, tx), 0);
	teardown_tx(&x);
}

/* Snapshot isolation, as MongoDB's, lets each of two write what the other has
 * only read. */
static void
write_skew_is_let_through(void **state)
{
	struct fx x;
	struct tx *one, *two;

	(void)state;
	setup_tx(&x, 4, 30000);
	one = begin(&x);
	two = begin(&x);
	assert_value(say(&x, one, "SELECT n FROM acc WHERE id = 'a'"), "1");
	assert_value(say(&x, two, "SELECT n FROM acc WHERE id = 'b'"), "1");
	assert_int_equal(
		say(&x, one, "UPDATE acc SET n = 0 WHERE id = 'b'")->err, 0);
	assert_int_equal(
		say(&x, two, "UPDATE acc SET n = 0 WHERE id = 'a'")->err, 0);
	assert_int_equal(commit(&x, one), 0);
	assert_int_equal(commit(&x, two), 0);
	assert_value(plain(&x, "SELECT sum(n) FROM acc"), "1");
	teardown_tx(&x);
}

static void
a_plain_write_waits_for_the_lock(void **state)
{
	struct fx x;
	struct tx *tx;
	struct one o;
	struct end e;

	(void)state;
	setup_tx(&x, 4, 30000);
	tx = begin(&x);
	(void)say(&x, tx, "UPDATE acc SET n = 5 WHERE id = 'a'");
	ask_with(&x.f, &o, "UPDATE acc SET n = n + 1 WHERE id = 'a'", false,
		NULL);
	while (!testpg_query(server, "SELECT 1 FROM pg_stat_activity WHERE "
				     "wait_event_type = 'Lock'"))
		loop_turn(&x.f.loop, false);
	assert_int_equal(o.done, 0);
	commit_soon(tx, &e);
	wait_end(&x, &e);
	wait_for(&x.f, &o, 1);
	assert_int_equal(o.err, 0);
	assert_value(plain(&x, "SELECT n FROM acc WHERE id = 'a'"), "6");
	teardown_tx(&x);
}

static void
asks_run_one_after_the_other(void **state)
{
	enum { MANY = 30 };
	struct one o[MANY];
	struct fx x;
	struct tx *tx;
	struct end e;
	char text[8];

	(void)state;
	setup_tx(&x, 4, 30000);
	tx = begin(&x);
	for (int i = 0; i < MANY; i++)
		say_soon(tx, &o[i],
			"UPDATE acc SET n = n + 1 WHERE id = 'a' RETURNING n");
	commit_soon(tx, &e); /* behind them */
	wait_for(&x.f, o, MANY);
	for (int i = 0; i < MANY; i++) {
		(void)snprintf(text, sizeof(text), "%d", i + 2);
		assert_value(&o[i], text);
	}
	wait_end(&x, &e);
	assert_int_equal(e.err, 0);
	assert_value(plain(&x, "SELECT n FROM acc WHERE id = 'a'"), "31");
	teardown_tx(&x);
}

static void
an_error_of_a_statement_ends_the_transaction(void **state)
{
	struct fx x;
	struct tx *tx;

	(void)state;
	setup_tx(&x, 4, 30000);
	tx = begin(&x);
	(void)say(&x, tx, "UPDATE acc SET n = 7");
	assert_int_equal(say(&x, tx, "INSERT INTO acc VALUES ('a', 1)")->err,
		ERR_DB_EXISTS);
	assert_refused(say(&x, tx, "SELECT 1"), ERR_DB_NO_TX, not_there);
	assert_int_equal(commit(&x, tx), ERR_DB_NO_TX);
	assert_value(plain(&x, "SELECT max(n) FROM acc"), "1");
	teardown_tx(&x);
}

static void
an_error_at_the_commit_is_its_error(void **state)
{
	struct fx x;
	struct tx *tx;

	(void)state;
	setup_tx(&x, 4, 30000);
	(void)plain(&x, "ALTER TABLE acc ADD u int UNIQUE DEFERRABLE "
			"INITIALLY DEFERRED");
	tx = begin(&x);
	assert_int_equal(say(&x, tx, "UPDATE acc SET u = 1")->err, 0);
	assert_int_equal(commit(&x, tx), ERR_DB_EXISTS);
	tx = begin(&x);
	assert_value(say(&x, tx, "SELECT count(u) FROM acc"), "0");
	assert_int_equal(commit(&x, tx), 0);
	teardown_tx(&x);
}

static void
a_table_that_changed_is_prepared_anew_in_the_first_statement(void **state)
{
	static const char sql[] = "SELECT * FROM star";
	struct fx x;
	struct tx *tx;

	(void)state;
	setup_tx(&x, 1, 30000);
	(void)plain(&x, "CREATE TABLE star AS SELECT 1 AS a");
	tx = begin(&x);
	assert_value(say(&x, tx, sql), "1");
	assert_int_equal(commit(&x, tx), 0);
	(void)plain(&x, "ALTER TABLE star ALTER a TYPE text USING 'x'");
	tx = begin(&x);
	assert_value(say(&x, tx, sql), "x");
	assert_value(say(&x, tx, "SELECT 2"), "2");
	assert_int_equal(commit(&x, tx), 0);
	(void)plain(&x, "ALTER TABLE star ALTER a TYPE int USING 3");
	tx = begin(&x);
	assert_value(say(&x, tx, sql), "3");
	assert_int_equal(commit(&x, tx), 0);
	(void)plain(&x, "DROP TABLE star");
	teardown_tx(&x);
}

static const char stale[] = "DO $$ BEGIN RAISE SQLSTATE 'MP410'; END $$";

static void
a_first_statement_that_was_stale_may_be_asked_anew(void **state)
{
	struct fx x;
	struct tx *tx;

	(void)state;
	setup_tx(&x, 1, 30000);
	tx = begin(&x);
	assert_int_equal(say(&x, tx, stale)->err, ERR_DB_STALE);
	assert_value(say(&x, tx, "SELECT 2"), "2");
	assert_int_equal(commit(&x, tx), 0);
	teardown_tx(&x);
}

static void
a_later_statement_that_is_stale_is_a_conflict_when_asked_anew(void **state)
{
	struct fx x;
	struct tx *tx;

	(void)state;
	setup_tx(&x, 1, 30000);
	tx = begin(&x);
	(void)say(&x, tx, "UPDATE acc SET n = 5");
	assert_int_equal(say(&x, tx, stale)->err, ERR_DB_STALE);
	assert_int_equal(say(&x, tx, "SELECT 2")->err, ERR_DB_CONFLICT);
	assert_int_equal(say(&x, tx, "SELECT 2")->err, ERR_DB_NO_TX);
	(void)tx_unref(tx);
	assert_value(plain(&x, "SELECT n FROM acc WHERE id = 'a'"), "1");
	teardown_tx(&x);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			others_see_nothing_before_the_commit_and_all_after_it),
		cmocka_unit_test(an_aborted_transaction_leaves_nothing),
		cmocka_unit_test(the_snapshot_is_that_of_the_first_operation),
		cmocka_unit_test(
			a_write_to_what_changed_since_the_snapshot_is_a_conflict_at_once),
		cmocka_unit_test(
			a_write_to_what_another_transaction_holds_is_a_conflict_at_once),
		cmocka_unit_test(two_that_insert_one_key_conflict),
		cmocka_unit_test(deletes_and_updates_of_one_document_conflict),
		cmocka_unit_test(
			a_write_to_what_was_deleted_since_the_snapshot_is_a_conflict),
		cmocka_unit_test(no_phantom_comes_into_a_snapshot),
		cmocka_unit_test(write_skew_is_let_through),
		cmocka_unit_test(a_plain_write_waits_for_the_lock),
		cmocka_unit_test(asks_run_one_after_the_other),
		cmocka_unit_test(an_error_of_a_statement_ends_the_transaction),
		cmocka_unit_test(an_error_at_the_commit_is_its_error),
		cmocka_unit_test(
			a_table_that_changed_is_prepared_anew_in_the_first_statement),
		cmocka_unit_test(
			a_first_statement_that_was_stale_may_be_asked_anew),
		cmocka_unit_test(
			a_later_statement_that_is_stale_is_a_conflict_when_asked_anew),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
