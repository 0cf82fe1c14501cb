/*
 * Sending and reading in pipeline mode.  The server answers strictly in order,
 * so the oldest flight owns the next result:
 *
 *   PARSE (only when a Parse precedes it) → RUN → SYNC (only when a Sync
 *   follows it) → landed
 *
 * A Sync ends an implicit transaction.  Reads of one turn share one: the
 * server then answers them in one write.  When a read of a batch fails, those
 * behind it come back as "aborted" and the pool asks them again alone.
 *
 * A write lands after its Sync, that is after its commit.  Those that may share
 * one commit, and on the disk one fsync, with others: their answers are held
 * until then.  When one of them fails or the commit does, the others are
 * undone, the ones before it, too, and the pool asks them again alone.  Reads
 * and writes never share: a read would see what may be undone.
 */
#include "db/pg.h"

#include "base/clock.h"
#include "base/err.h"
#include "db/flight.h"

#include <errno.h>
#include <libpq-fe.h>
#include <sys/ioctl.h>

enum { BATCH_MOST = 64 };

void
pg_init(struct pg *pg, struct loop *loop, const struct dsn *dsn,
	uint64_t timeout_ms, const struct pg_ops *ops)
{
	*pg = (struct pg){
		.loop = loop,
		.dsn = dsn,
		.ops = ops,
		.state = PG_CLOSED,
		.silence_ms = timeout_ms + 2000,
	};
	list_init(&pg->flying);
	list_init(&pg->held);
	stmt_init(&pg->stmts);
}

void
pg_start(struct pg *pg)
{
	pg_open(pg);
}

static void
move_all(struct list *from, struct list *to)
{
	while (!list_empty(from)) {
		struct list *at = from->next;

		list_del(at);
		list_add(to, at);
	}
}

void
pg_gather(struct pg *pg, struct list *flights)
{
	move_all(&pg->held, flights);
	move_all(&pg->flying, flights);
	pg->in_flight = pg->batch = 0;
	pg->commit_failed = false;
	stmt_done(&pg->stmts);
}

void
pg_stop(struct pg *pg)
{
	struct list flights = LIST_INIT(flights);

	pg_gather(pg, &flights);
	pg_close(pg);
	pg->ops->down(pg, &flights);
}

static void
on_silence(struct timer *timer)
{
	struct pg *pg = container_of(timer, struct pg, timer);

	if (pg->in_flight && pg->landed == pg->seen) {
		pg_lost(pg, "no answer for too long");
		return;
	}
	pg->seen = pg->landed;
	timer_set(&pg->timer, pg->loop, pg->silence_ms, on_silence);
}

void
pg_on_up(struct pg *pg)
{
	pg->seen = pg->landed;
	pg->heard = 0;
	timer_set(&pg->timer, pg->loop, pg->silence_ms, on_silence);
	pg->ops->up(pg);
}

static int
end_batch(struct pg *pg)
{
	struct flight *last;

	if (!pg->batch)
		return 0;
	last = list_last(&pg->flying, struct flight, on);
	last->sync = true;
	pg->batch = 0;
	return PQpipelineSync(pg->conn) ? 0 : -EIO;
}

static void
fly(struct pg *pg, struct flight *f)
{
	if (!pg->in_flight)
		pg->head_at = uv_now(&pg->loop->uv);
	f->pg = pg;
	list_del(&f->on);
	list_add(&pg->flying, &f->on);
	pg->in_flight++;
	pg->batch++;
}

/* A statement of our own, waited for by nobody, under its own Sync. */
static int
deallocate(struct pg *pg, uint64_t stmt)
{
	char sql[48] = "DEALLOCATE ", *at = sql + strlen(sql);
	struct flight *f;
	int r = end_batch(pg);

	(void)stmt_name(stmt, at);
	if (r < 0)
		return r;
	if (!PQsendQueryParams(pg->conn, sql, 0, NULL, NULL, NULL, NULL, 0))
		return -EIO;
	f = flight_new(NULL, slice_str(""), false, NULL, 0);
	f->phase = FLIGHT_RUN;
	fly(pg, f);
	return end_batch(pg);
}

/* The flight's statement number; sends the Parse when it is new. */
static int
name_it(struct pg *pg, struct flight *f)
{
	uint64_t old = 0;
	char room[24];
	int r;

	f->phase = FLIGHT_RUN;
	f->stmt = stmt_find_hashed(&pg->stmts, f->sql, f->hash);
	if (f->stmt)
		return 0;
	f->stmt = stmt_add(&pg->stmts, f->sql, &old);
	r = old ? deallocate(pg, old) : 0;
	if (r < 0)
		return r;
	f->phase = FLIGHT_PARSE;
	return PQsendPrepare(
		       pg->conn, stmt_name(f->stmt, room), f->sql.ptr, 0, NULL)
		       ? 0
		       : -EIO;
}

static int
put(struct pg *pg, struct flight *f)
{
	char room[24];
	int r;

	if (!f->prepare) {
		f->phase = FLIGHT_RUN;
		f->stmt = 0;
		return PQsendQueryParams(pg->conn, f->sql.ptr, f->count, NULL,
			       f->params, NULL, NULL, 0)
			       ? 0
			       : -EIO;
	}
	r = name_it(pg, f);
	if (r < 0)
		return r;
	return PQsendQueryPrepared(pg->conn, stmt_name(f->stmt, room), f->count,
		       f->params, NULL, NULL, 0)
		       ? 0
		       : -EIO;
}

int
pg_send(struct pg *pg, struct flight *f)
{
	bool own = f->alone || (!f->is_read && !f->shares);
	int r;

	if (own || pg->batch >= BATCH_MOST ||
		(pg->batch && pg->batch_writes == f->is_read)) {
		r = end_batch(pg);
		if (r < 0)
			return r;
	}
	f->sync = false;
	f->seen_null = false; /* it may have failed before */
	r = put(pg, f);
	if (r < 0)
		return r;
	fly(pg, f);
	pg->batch_writes = !f->is_read;
	/* from here on the flight is ours: a broken write shows in flush */
	if (own)
		(void)end_batch(pg);
	return 0;
}

/* libpq keeps the error of a write to itself and has nothing left to send then:
 * only the status tells. */
static int
flush(struct pg *pg)
{
	int r = end_batch(pg);

	if (r < 0)
		return r;
	r = PQflush(pg->conn);
	if (r < 0 || PQstatus(pg->conn) != CONNECTION_OK)
		return -EIO;
	return pg_wait(pg, r > 0);
}

void
pg_forget(struct pg *pg, uint64_t stmt)
{
	if (stmt && stmt_del(&pg->stmts, stmt) && pg->state == PG_UP)
		(void)deallocate(pg, stmt);
}

struct flight *
pg_head(const struct pg *pg, uint64_t *ret_ms)
{
	struct flight *f = list_first(&pg->flying, struct flight, on);

	if (!f || f->phase == FLIGHT_SYNC)
		return NULL;
	*ret_ms = uv_now(&pg->loop->uv) - pg->head_at;
	return f;
}

/* The statement has run; the next one's turn begins. */
static void
turn_over(struct pg *pg, struct flight *f)
{
	uint64_t now = uv_now(&pg->loop->uv);

	f->took_ms = (uint32_t)(now - pg->head_at);
	pg->head_at = now;
}

static void
land(struct pg *pg, struct flight *f)
{
	list_del(&f->on);
	f->pg = NULL;
	pg->in_flight--;
	pg->landed++;
	pg->ops->landed(pg, f);
}

/* The connection itself is ending: no answer to this flight in particular. */
static bool
is_end(const PGresult *result)
{
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);

	if (PQresultStatus(result) != PGRES_FATAL_ERROR)
		return false;
	return !state || strncmp(state, "57P", 3) == 0 ||
	       strncmp(state, "08", 2) == 0;
}

/* The Parse's answer, then the statement's, then an error of the commit: the
 * first error is the one that tells. */
static void
keep(struct flight *f, PGresult *result)
{
	if (f->result && PQresultStatus(f->result) == PGRES_FATAL_ERROR) {
		PQclear(result);
		return;
	}
	PQclear(f->result);
	f->result = result;
}

static void
on_parsed(struct pg *pg, struct flight *f, PGresult *result)
{
	if (!result) {
		f->phase = FLIGHT_RUN;
		return;
	}
	if (PQresultStatus(result) == PGRES_COMMAND_OK) {
		PQclear(result);
		return;
	}
	(void)stmt_del(&pg->stmts, f->stmt); /* the server has no such name */
	keep(f, result);
}

static void
on_run(struct pg *pg, struct flight *f, PGresult *result)
{
	if (result) {
		keep(f, result);
		return;
	}
	turn_over(pg, f);
	if (f->sync) {
		f->phase = FLIGHT_SYNC;
	} else if (!f->is_read && f->shares) {
		list_del(&f->on);
		list_add(&pg->held, &f->on);
	} else {
		land(pg, f);
	}
}

static bool
has_failed(const struct flight *f)
{
	return PQresultStatus(f->result) == PGRES_FATAL_ERROR;
}

/* The writes of one Sync, `last` the one before it. */
static void
land_together(struct pg *pg, struct flight *last)
{
	bool failed = pg->commit_failed;
	unsigned count = 0;

	list_del(&last->on);
	list_add(&pg->held, &last->on);
	list_for_each (at, &pg->held) {
		failed |= has_failed(container_of(at, struct flight, on));
		count++;
	}
	list_for_each (at, &pg->held) {
		struct flight *f = container_of(at, struct flight, on);

		f->undone = failed && (pg->commit_failed || !has_failed(f));
	}
	pg->commit_failed = false;
	while (count-- && !list_empty(&pg->held))
		land(pg, container_of(pg->held.next, struct flight, on));
}

static int
on_synced(struct pg *pg, struct flight *f, PGresult *result)
{
	if (!result) { /* one may follow an error of the commit */
		bool again = f->seen_null;

		f->seen_null = true;
		return again ? -EIO : 0;
	}
	if (PQresultStatus(result) != PGRES_PIPELINE_SYNC) {
		pg->commit_failed = !list_empty(&pg->held);
		keep(f, result);
		return 0;
	}
	PQclear(result);
	if (list_empty(&pg->held))
		land(pg, f);
	else
		land_together(pg, f);
	return 0;
}

static int
take_result(struct pg *pg)
{
	struct flight *f = container_of(pg->flying.next, struct flight, on);
	PGresult *result = PQgetResult(pg->conn);

	if (result && is_end(result)) {
		PQclear(result);
		return -EIO;
	}
	if (f->phase == FLIGHT_PARSE)
		on_parsed(pg, f, result);
	else if (f->phase == FLIGHT_RUN)
		on_run(pg, f, result);
	else
		return on_synced(pg, f, result);
	return 0;
}

static int
take_results(struct pg *pg)
{
	int r = 0;

	while (r == 0 && pg->state == PG_UP && !PQisBusy(pg->conn) &&
		!list_empty(&pg->flying))
		r = take_result(pg);
	return r;
}

/* While it writes, libpq may read, too: results that it holds already would
 * raise no event. */
void
pg_flush(struct pg *pg)
{
	int r = flush(pg);

	if (r == 0)
		r = take_results(pg);
	if (r < 0 && pg->state == PG_UP)
		pg_lost(pg, "the connection broke while sending");
}

/* libpq keeps an answer until all of it is there, however much that is.  Only
 * when the same answer is still on its way at the next turn is it counted. */
static bool
is_flood(struct pg *pg)
{
	int n = 0;

	if (pg->counted != pg->landed || list_empty(&pg->flying)) {
		pg->counted = pg->landed;
		pg->heard = 0;
		return false;
	}
	if (ioctl(PQsocket(pg->conn), FIONREAD, &n) == 0 && n > 0)
		pg->heard += (size_t)n;
	return pg->heard > PG_ANSWER_TOP;
}

static void
refuse_flood(struct pg *pg)
{
	container_of(pg->flying.next, struct flight, on)->is_flood = true;
	pg_lost(pg, "an answer is too large to be held");
}

/* Told one by one; who is told may stop us. */
static void
take_notices(struct pg *pg)
{
	PGnotify *n;

	while (pg->ops->notified && pg->state == PG_UP &&
		(n = PQnotifies(pg->conn))) {
		pg->ops->notified(pg, n->extra);
		PQfreemem(n);
	}
}

/* What came before the end of a connection still counts: it is read first. */
void
pg_on_ready(struct pg *pg)
{
	bool alive;
	int r;

	if (is_flood(pg)) {
		refuse_flood(pg);
		return;
	}
	alive = PQconsumeInput(pg->conn);
	r = take_results(pg);
	take_notices(pg);
	if (pg->state != PG_UP)
		return; /* somebody stopped us in between */
	if (r == 0)
		r = alive ? flush(pg) : -EIO;
	if (r < 0)
		pg_lost(pg, "the connection broke");
}
