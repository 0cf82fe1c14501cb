/*
 * A transaction is BEGIN … COMMIT on a seat of its own (tx_seat.c), with these
 * turns:
 *
 * - BEGIN goes out together with the first statement: PostgreSQL takes the
 *   snapshot there, which is where clients expect it.
 * - Asks wait in the transaction's own line and are sent one by one, so that
 *   the error of one is known before the next.
 * - REPEATABLE READ refuses a write to what changed since the snapshot (40001);
 *   a lock_timeout of a few ms refuses one that another transaction holds
 *   (55P03).  Both are ERR_DB_CONFLICT, at the write.
 * - Whatever else a statement fails with ends the transaction, too, as in
 *   MongoDB: no savepoints, which would cost two statements and an id of their
 *   own for each write.
 *
 * Who holds a struct tx may find it over at any time: it then has no seat.
 */
#include "db/sqlstate.h"
#include "db/tx_inside.h"

#include <libpq-fe.h>

enum {
	GRACE_MS = 5000,   /* a commit's answer, beyond its time-out */
	WAITING_TOP = 256, /* asks of one transaction */
	PREPARE_TOP = 8192,
};

static const char lost[] =
	"the connection to the database broke: nothing of this transaction "
	"was kept; run it again";
static const char changed[] =
	"a collection that this transaction uses was changed meanwhile: "
	"nothing of the transaction was kept; run it again";
static const char unknown[] =
	"the connection to the database broke while the transaction was "
	"committed: it is not known whether it was; read its documents before "
	"you run it again";

static void
tx_unrefp_(struct tx **tx)
{
	(void)tx_unref(*tx);
}
#define _held_ _cleanup_(tx_unrefp_) _unused_

/* The flight stays where it is; nobody waits for it any more. */
static void
ask_fail(struct flight *f, int err, const char *words)
{
	struct ask *ask = take(f->ask);

	if (!ask)
		return;
	ask->inside[0] = NULL;
	if (words)
		(void)fault_set(&ask->job.why, err, "%s", words);
	job_finish(&ask->job, err);
}

/*
 * The end, whatever the reason: the seat is left to the caller, the asks that
 * wait get `err`.  Then what comes next gets `next`: ERR_DB_NO_TX, or once
 * ERR_DB_CONFLICT where nobody could be told yet that it is over.
 */
static struct seat *
tx_over(struct tx *tx, int err, int next, const char *words)
{
	struct seat *s = take(tx->seat);
	struct list waiting = LIST_INIT(waiting);
	struct flight *out = take(tx->out), *f;
	struct tx_op *ending = take(tx->ending);
	_held_ struct tx *held = tx_ref(tx);

	tx->next = next;
	tx->words = next == ERR_DB_CONFLICT ? words : NULL;
	if (s)
		s->tx = NULL;
	if (next == ERR_DB_NO_TX)
		tx_unlist(tx);
	while ((f = list_first(&tx->waiting, struct flight, on))) {
		list_del(&f->on);
		list_add(&waiting, &f->on);
	}
	if (out)
		ask_fail(out, err, words);
	while ((f = list_first(&waiting, struct flight, on))) {
		ask_fail(f, err, words);
		(void)flight_free(f);
	}
	if (ending)
		tx_op_fail(ending, err, words);
	return s;
}

/* Ends it and rolls back what it did. */
void
tx_end(struct tx *tx, int err, int next, const char *words, struct tx_op *wait)
{
	bool begun = tx->begun;
	struct seat *s = tx_over(tx, err, next, words);

	if (s && begun) {
		seat_clear(s, wait);
		return;
	}
	if (s)
		seat_free(s);
	if (wait)
		tx_op_finish(wait, 0);
}

/* The next statement, when the one before it is answered. */
static void
go(struct tx *tx)
{
	struct flight *f = list_first(&tx->waiting, struct flight, on);

	if (!tx->seat || tx->out)
		return;
	if (f) {
		if (!tx->begun &&
			!seat_say(tx->seat,
				"BEGIN ISOLATION LEVEL REPEATABLE READ",
				MARK_BEGIN))
			return;
		tx->begun = true;
		list_del(&f->on);
		tx->out = f;
		if (!seat_send(tx->seat, f))
			(void)flight_free(f);
		return;
	}
	if (!tx->ending || tx->committing)
		return;
	tx->committing = true;
	timer_clear(&tx->life);
	(void)seat_say(tx->seat, "COMMIT", MARK_COMMIT);
}

/* From the beginning, which nobody has seen anything of yet. */
static void
begin_again(struct tx *tx)
{
	tx->begun = false;
	(void)seat_say(tx->seat, "ROLLBACK", MARK_ROLLBACK);
}

static void
on_stale_plan(struct tx *tx, struct flight *f)
{
	struct seat *s = tx->seat;
	uint64_t stmt = f->stmt;

	PQclear(take(f->result));
	if (!f->ask || tx->has_seen || f->tries++) {
		tx->out = f;
		tx_end(tx, ERR_DB_CONFLICT, ERR_DB_NO_TX, changed, NULL);
		(void)flight_free(f);
		return;
	}
	f->prepare = false;
	list_add_first(&tx->waiting, &f->on);
	begin_again(tx);
	if (tx->seat == s)
		pg_forget(&s->pg, stmt);
	go(tx);
}

static void
on_stale_text(struct tx *tx, struct flight *f, const struct sqlstate_row *row)
{
	if (tx->has_seen)
		tx_end(tx, ERR_DB_NO_TX, ERR_DB_CONFLICT, changed, NULL);
	else
		begin_again(tx);
	flight_refuse(f, row);
	go(tx);
}

static void
on_failed(struct tx *tx, struct flight *f)
{
	const struct sqlstate_row *row = flight_judge(f);

	if (row->verdict == STATE_ANEW) {
		on_stale_plan(tx, f);
		return;
	}
	if (row->err == ERR_DB_STALE) {
		on_stale_text(tx, f, row);
		return;
	}
	tx_end(tx, ERR_DB_NO_TX, ERR_DB_NO_TX, NULL, NULL);
	flight_refuse(f, row);
}

static void
on_answered(struct tx *tx, struct flight *f)
{
	ExecStatusType status = PQresultStatus(f->result);

	tx->out = NULL;
	if (status == PGRES_FATAL_ERROR) {
		on_failed(tx, f);
	} else if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK) {
		tx->has_seen = true;
		flight_answer(f, 0);
		go(tx);
	} else { /* BEGIN failed, or COPY */
		tx_end(tx, ERR_DB_NO_TX, ERR_DB_NO_TX, NULL, NULL);
		flight_answer(f, ERR_DB);
	}
}

/* A failed COMMIT has rolled back, and one that answers "ROLLBACK", too. */
static void
on_committed(struct tx *tx, struct flight *f)
{
	bool is_ok = PQresultStatus(f->result) == PGRES_COMMAND_OK &&
		     strcmp(PQcmdStatus(f->result), "COMMIT") == 0;
	struct tx_op *op = take(tx->ending);
	int err = 0;

	if (!is_ok && PQresultStatus(f->result) == PGRES_FATAL_ERROR)
		err = flight_judge(f)->err;
	else if (!is_ok)
		err = ERR_DB_NO_TX;
	(void)flight_free(f);
	seat_free(tx_over(tx, ERR_DB_NO_TX, ERR_DB_NO_TX, NULL));
	if (op)
		tx_op_finish(op, err);
}

void
tx_on_landed(struct seat *s, struct flight *f)
{
	_held_ struct tx *tx = tx_ref(s->tx);

	if (f->mark == MARK_COMMIT)
		on_committed(tx, f);
	else if (f == tx->out)
		on_answered(tx, f);
	else
		(void)flight_free(f);
}

void
tx_on_down(struct seat *s)
{
	struct tx *tx = take(s->tx);
	bool told = tx->out || tx->ending || !list_empty(&tx->waiting);
	_held_ struct tx *held = tx_ref(tx);

	tx->seat = NULL;
	if (s->all->closing)
		(void)tx_over(tx, ERR_SHUTDOWN, ERR_DB_NO_TX, NULL);
	else if (tx->committing)
		(void)tx_over(tx, ERR_DB_DOWN, ERR_DB_NO_TX, unknown);
	else
		(void)tx_over(tx, ERR_DB_CONFLICT,
			told ? ERR_DB_NO_TX : ERR_DB_CONFLICT, lost);
}

/* The asker lost interest: what was sent goes on. */
static void
on_ask_drop(struct job *job)
{
	struct ask *ask = container_of(job, struct ask, job);
	struct flight *f = ask->inside[0];
	const struct tx *tx = ask->inside[1];

	ask->result = NULL;
	ask->inside[0] = NULL;
	if (!f)
		return;
	f->ask = NULL;
	if (f != tx->out)
		(void)flight_free(f);
}

static int
may_ask(struct tx *tx, int count, const char **words)
{
	int err = tx->next;
	unsigned n = 0;

	list_for_each (at, &tx->waiting)
		n++;
	if (tx->seat && !tx->ending)
		return count > ASK_PARAMS ? ERR_DB_PARAM
		       : n >= WAITING_TOP ? ERR_BUSY
					  : 0;
	*words = take(tx->words);
	tx->next = ERR_DB_NO_TX;
	if (!tx->seat)
		tx_unlist(tx);
	return err;
}

void
tx_ask(struct tx *tx, struct ask *ask, struct slice sql,
	const struct slice *params, int count)
{
	_held_ struct tx *held = tx_ref(tx);
	struct loop *loop = tx->all->loop;
	const char *words = NULL;
	int err = may_ask(tx, count, &words);
	struct flight *f;

	ask->result = NULL;
	ask->sqlstate[0] = '\0';
	ask->inside[0] = NULL;
	ask->inside[1] = tx;
	if (err < 0) {
		job_begin(&ask->job, loop, 0, NULL);
		if (words)
			(void)fault_set(&ask->job.why, err, "%s", words);
		job_fail_soon(&ask->job, loop, err);
		return;
	}
	f = flight_new(ask, sql, true, params, count);
	f->is_read = true; /* shares the Sync with BEGIN */
	f->prepare = sql.len <= PREPARE_TOP;
	ask->inside[0] = f;
	job_begin(&ask->job, loop, tx->all->conf.timeout_ms, on_ask_drop);
	list_add(&tx->waiting, &f->on);
	go(tx);
}

/* The commit goes on; only its answer is not waited for. */
static void
on_commit_drop(struct job *job)
{
	struct tx_op *op = container_of(job, struct tx_op, job);
	struct tx *tx = take(op->tx);

	if (!tx)
		return;
	if (tx->ending == op)
		tx->ending = NULL;
	if (job->err == ERR_TIMEOUT) {
		job->err = ERR_DB_DOWN;
		(void)fault_set(&job->why, job->err, "%s", unknown);
	}
}

static void
fail_over(struct tx *tx, struct tx_op *op)
{
	struct loop *loop = tx->all->loop;
	const char *words = NULL;
	int err = may_ask(tx, 0, &words);

	tx_op_fail_soon(op, loop, err ? err : ERR_DB_NO_TX, words);
}

void
tx_commit(struct tx *tx, struct tx_op *op)
{
	_held_ struct tx *held = tx_ref(tx);
	struct seat *s = tx->seat;

	list_init(&op->on);
	op->tx = NULL;
	if (!s || tx->ending || tx->committing) {
		fail_over(tx, op);
		return;
	}
	if (!tx->begun && list_empty(&tx->waiting)) {
		seat_free(tx_over(tx, ERR_DB_NO_TX, ERR_DB_NO_TX, NULL));
		job_fail_soon(&op->job, tx->all->loop, 0);
		return;
	}
	op->tx = tx;
	tx->ending = op;
	job_begin(&op->job, tx->all->loop, tx->all->conf.timeout_ms + GRACE_MS,
		on_commit_drop);
	go(tx);
}

/* It is rolled back all the same. */
static void
on_abort_drop(struct job *job)
{
	struct tx_op *op = container_of(job, struct tx_op, job);
	struct txs *txs = op->txs;

	for (unsigned i = 0; i < txs->conf.top; i++)
		if (txs->all[i].wait == op)
			txs->all[i].wait = NULL;
	if (job->err == ERR_TIMEOUT)
		job->err = 0;
}

void
tx_abort(struct tx *tx, struct tx_op *op)
{
	_held_ struct tx *held = tx_ref(tx);

	list_init(&op->on);
	op->tx = NULL;
	op->txs = tx->all;
	if (!tx->seat || tx->ending || tx->committing) {
		fail_over(tx, op);
		return;
	}
	job_begin(&op->job, tx->all->loop, tx->all->conf.timeout_ms + GRACE_MS,
		on_abort_drop);
	if (tx->begun) {
		tx_end(tx, ERR_DB_NO_TX, ERR_DB_NO_TX, NULL, op);
		return;
	}
	tx_end(tx, ERR_DB_NO_TX, ERR_DB_NO_TX, NULL, NULL);
	job_fail_soon(&op->job, tx->all->loop, 0);
}
