/*
 * Transactions: what others see of them and they of others, after MongoDB's
 * rules for snapshot isolation and the conflicts that CloudBase's clients
 * expect (code and sentence at the write, not at the commit).
 */
#include "base/clock.h"
#include "db/tx.h"
#include "tests/unit/pool_driver.h"

#include <stdlib.h>

static const char conflict[] =
	"[ResourceUnavailable.TransactionConflict] Transaction is conflict, "
	"maybe resource operated by others. Please check your request, but if "
	"the problem persists, contact us.";
static const char not_there[] =
	"[ResourceUnavailable.TransactionNotExist] Transaction does not exist "
	"on the server, transaction must be commit or abort in 30 seconds. "
	"Please check your request, but if the problem persists, contact us.";

struct fx {
	struct fixture f;
	struct txs *txs;
};

/* A start, commit or abort and what came of it. */
struct end {
	struct tx_op op;
	int done, err;
	char why[256];
};

static void
on_end(struct job *job)
{
	struct tx_op *op = container_of(job, struct tx_op, job);
	struct end *e = container_of(op, struct end, op);

	e->done++;
	e->err = job->err;
	(void)snprintf(
		e->why, sizeof(e->why), "%s", fault_text(&job->why, job->err));
	loop_stop(job->loop);
}

static void
wait_end(struct fx *x, const struct end *e)
{
	while (!e->done)
		loop_turn(&x->f.loop, true);
}

static void
setup_tx(struct fx *x, unsigned top, uint64_t life_ms)
{
	const struct txs_conf conf = {
		.url = testpg_url(server),
		.top = top,
		.warm = 2,
		.life_ms = life_ms,
		.timeout_ms = 20000,
		.gateway = 7,
	};
	struct one o;

	setup(&x->f);
	assert_int_equal(txs_new(&x->txs, &x->f.loop, &conf, NULL), 0);
	run(&x->f, &o,
		"CREATE TABLE acc (id text PRIMARY KEY, n int NOT NULL)", NULL);
	run(&x->f, &o, "INSERT INTO acc VALUES ('a', 1), ('b', 1), ('c', 1)",
		NULL);
	assert_int_equal(o.err, 0);
}

static void
teardown_tx(struct fx *x)
{
	x->txs = txs_free(x->txs);
	(void)testpg_query(server, "DROP TABLE mpcloud.acc");
	teardown(&x->f);
}

static void
start_as(struct fx *x, struct end *e, const char *owner)
{
	memset(e, 0, sizeof(*e));
	job_init(&e->op.job, on_end);
	tx_start(x->txs, &e->op, owner);
}

static struct tx *
begin_as(struct fx *x, const char *owner)
{
	struct end e;
	struct tx *tx;

	start_as(x, &e, owner);
	wait_end(x, &e);
	assert_int_equal(e.err, 0);
	tx = txs_find(x->txs, slice_str(e.op.id), owner, NULL);
	assert_non_null(tx);
	return tx;
}

static struct tx *
begin(struct fx *x)
{
	return begin_as(x, "");
}

static void
commit_soon(struct tx *tx, struct end *e)
{
	memset(e, 0, sizeof(*e));
	job_init(&e->op.job, on_end);
	tx_commit(tx, &e->op);
	(void)tx_unref(tx);
}

static int
commit(struct fx *x, struct tx *tx)
{
	struct end e;

	commit_soon(tx, &e);
	wait_end(x, &e);
	return e.err;
}

static int
end_abort(struct fx *x, struct tx *tx)
{
	struct end e = {0};

	job_init(&e.op.job, on_end);
	tx_abort(tx, &e.op);
	(void)tx_unref(tx);
	wait_end(x, &e);
	return e.err;
}

static void
say_soon(struct tx *tx, struct one *o, const char *sql)
{
	memset(o, 0, sizeof(*o));
	job_init(&o->ask.job, on_done);
	tx_ask(tx, &o->ask, slice_str(sql), NULL, 0);
}

static struct one *
say(struct fx *x, struct tx *tx, const char *sql)
{
	static struct one o;

	say_soon(tx, &o, sql);
	wait_for(&x->f, &o, 1);
	return &o;
}

static struct one *
plain(struct fx *x, const char *sql)
{
	static struct one o;

	run(&x->f, &o, sql, NULL);
	return &o;
}

#define assert_value(o, text) \
	do { \
		struct one *o_ = (o); \
		assert_int_equal(o_->err, 0); \
		assert_string_equal(o_->value, text); \
	} while (0)

#define assert_refused(o, code, text) \
	do { \
		struct one *o_ = (o); \
		assert_int_equal(o_->err, code); \
		assert_string_equal(o_->why, text); \
	} while (0)

static void
others_see_nothing_before_the_commit_and_all_after_it(void **state)
{
	struct fx x;
	struct tx *tx;

	(void)state;
	setup_tx(&x, 4, 30000);
	tx = begin(&x);
	assert_int_equal(say(&x, tx, "UPDATE acc SET n = 5 WHERE id = 'a'")->err, 0);
	assert_int_equal(say(&x, tx, "INSERT INTO acc VALUES ('d', 9)")->err, 0);
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
		assert_refused(say(&x, two, pairs[i][1]), ERR_DB_CONFLICT,
			conflict);
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
	assert_int_equal(say(&x, one, "UPDATE acc SET n = 0 WHERE id = 'b'")->err, 0);
	assert_int_equal(say(&x, two, "UPDATE acc SET n = 0 WHERE id = 'a'")->err, 0);
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
	assert_refused(say(&x, tx, "SELECT pg_sleep(15)"), ERR_DB_NO_TX,
		not_there);
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
	struct fx x;

	(void)state;
	setup_tx(&x, 8, 30000);
	while (atoi(testpg_query(server, count)) != 2 + 2)
		loop_turn(&x.f.loop, false);
	for (int i = 0; i < 20; i++) {
		struct tx *tx = begin(&x);

		assert_value(say(&x, tx, "SELECT 1"), "1");
		assert_int_equal(commit(&x, tx), 0);
	}
	while (atoi(testpg_query(server, count)) != 2 + 3)
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

static void
an_asker_that_goes_away_leaves_the_transaction_whole(void **state)
{
	struct fx x;
	struct tx *tx;
	struct one gone[2];

	(void)state;
	setup_tx(&x, 4, 30000);
	tx = begin(&x);
	say_soon(tx, &gone[0], "UPDATE acc SET n = 5 WHERE id = 'a'");
	say_soon(tx, &gone[1], "UPDATE acc SET n = 6 WHERE id = 'b'");
	loop_turn(&x.f.loop, false);
	job_cancel(&gone[0].ask.job); /* sent */
	job_cancel(&gone[1].ask.job); /* not yet */
	assert_value(say(&x, tx, "SELECT sum(n) FROM acc"), "7");
	assert_int_equal(commit(&x, tx), 0);
	assert_int_equal(gone[0].done + gone[1].done, 0);
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
		cmocka_unit_test(an_error_at_the_commit_is_its_error),
		cmocka_unit_test(
			a_table_that_changed_is_prepared_anew_in_the_first_statement),
		cmocka_unit_test(
			a_first_statement_that_was_stale_may_be_asked_anew),
		cmocka_unit_test(
			a_later_statement_that_is_stale_is_a_conflict_when_asked_anew),
		cmocka_unit_test(
			an_asker_that_goes_away_leaves_the_transaction_whole),
		cmocka_unit_test(
			starts_that_are_cancelled_leave_no_transaction),
		cmocka_unit_test(transactions_that_go_answer_everybody),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
