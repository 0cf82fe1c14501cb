/*
 * Transactions of the tests, each step waited for.
 */
#include "tests/unit/tx_driver.h"

const char conflict[] =
	"[ResourceUnavailable.TransactionConflict] Transaction is conflict, "
	"maybe resource operated by others. Please check your request, but if "
	"the problem persists, contact us.";
const char not_there[] =
	"[ResourceUnavailable.TransactionNotExist] Transaction does not exist "
	"on the server, transaction must be commit or abort in 30 seconds. "
	"Please check your request, but if the problem persists, contact us.";

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

void
wait_end(struct fx *x, const struct end *e)
{
	while (!e->done)
		loop_turn(&x->f.loop, true);
}

void
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
	run(&x->f, &o, "CREATE TABLE acc (id text PRIMARY KEY, n int NOT NULL)",
		NULL);
	run(&x->f, &o, "INSERT INTO acc VALUES ('a', 1), ('b', 1), ('c', 1)",
		NULL);
	assert_int_equal(o.err, 0);
}

void
teardown_tx(struct fx *x)
{
	x->txs = txs_free(x->txs);
	(void)testpg_query(server, "DROP TABLE mpcloud.acc");
	teardown(&x->f);
}

void
start_as(struct fx *x, struct end *e, const char *owner)
{
	memset(e, 0, sizeof(*e));
	job_init(&e->op.job, on_end);
	tx_start(x->txs, &e->op, owner);
}

struct tx *
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

struct tx *
begin(struct fx *x)
{
	return begin_as(x, "");
}

void
commit_soon(struct tx *tx, struct end *e)
{
	memset(e, 0, sizeof(*e));
	job_init(&e->op.job, on_end);
	tx_commit(tx, &e->op);
	(void)tx_unref(tx);
}

int
commit(struct fx *x, struct tx *tx)
{
	struct end e;

	commit_soon(tx, &e);
	wait_end(x, &e);
	return e.err;
}

int
end_abort(struct fx *x, struct tx *tx)
{
	struct end e = {0};

	job_init(&e.op.job, on_end);
	tx_abort(tx, &e.op);
	(void)tx_unref(tx);
	wait_end(x, &e);
	return e.err;
}

void
say_soon(struct tx *tx, struct one *o, const char *sql)
{
	memset(o, 0, sizeof(*o));
	job_init(&o->ask.job, on_done);
	tx_ask(tx, &o->ask, slice_str(sql), NULL, 0);
}

struct one *
say(struct fx *x, struct tx *tx, const char *sql)
{
	static struct one o;

	say_soon(tx, &o, sql);
	wait_for(&x->f, &o, 1);
	return &o;
}

struct one *
plain(struct fx *x, const char *sql)
{
	static struct one o;

	run(&x->f, &o, sql, NULL);
	return &o;
}
