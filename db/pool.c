/*
 * Asks wait in lines (pool_line.c).  At the end of a turn each goes to the
 * connection of its line with the least in flight, and every connection is
 * flushed once.  What comes back is judged by its SQLSTATE: answered, or asked
 * again where that is safe (a statement under its own Sync that failed has done
 * nothing).
 */
#include "db/pool.h"

#include "base/clock.h"
#include "base/mem.h"
#include "db/pool_inside.h"
#include "db/sqlstate.h"
#include "db/stmt.h"

#include <libpq-fe.h>

enum {
	TRIES = 3,
	READ_TRIES = 5,
	PREPARE_TOP = 8192,
	SLOW_MS = 50,
	SLOW_WRITE_MS = 250,
};

static struct pool_pg *
pool_pg_of(struct pg *pg)
{
	return container_of(pg, struct pool_pg, pg);
}

static void
on_up(struct pg *pg)
{
	loop_defer(pg->loop, &pool_pg_of(pg)->pool->send);
}

static void
on_down(struct pg *pg, struct list *flights)
{
	struct pool *pool = pool_pg_of(pg)->pool;
	struct flight *f;

	if (pool->waiting_len)
		loop_defer(pool->loop, &pool->send);
	/* the newest first, so that the oldest ends up in front */
	while ((f = list_last(flights, struct flight, on))) {
		list_del(&f->on);
		PQclear(f->result);
		f->result = NULL;
		if (f->is_flood)
			flight_answer(f, ERR_ANSWER_BIG);
		else if (f->ask && f->is_read && f->tries++ < READ_TRIES &&
			 !pool->closing)
			line_wait(pool, f, true);
		else
			flight_answer(
				f, pool->closing ? ERR_SHUTDOWN : ERR_DB_DOWN);
	}
}

static void
ask_again(struct pool *pool, struct flight *f, bool first)
{
	PQclear(f->result);
	f->result = NULL;
	f->alone = true;
	line_wait(pool, f, first);
}

/* "Cancelled" is the time-out, unless we asked for it ourselves: because of
 * this one or of the one before it. */
static bool
is_displaced(
	const struct pg *pg, struct flight *f, const struct sqlstate_row *row)
{
	bool evicted = f->evicted && line_is_first(f->mark);

	if (row->verdict != STATE_CANCELLED || f->tries >= TRIES ||
		!(evicted || pg_may_be_cancelled(pg)))
		return false;
	f->tries++;
	if (evicted)
		f->mark = LINE_SLOW;
	return true;
}

static bool
is_stale(struct pg *pg, struct flight *f, const struct sqlstate_row *row)
{
	if (f->tries >= TRIES ||
		(row->verdict != STATE_ANEW && row->verdict != STATE_AGAIN))
		return false;
	f->tries++;
	if (row->verdict == STATE_AGAIN)
		return true;
	/* "feature not supported" is 0A000, too: then asking once more,
	 * unprepared, says so again */
	pg_forget(pg, f->stmt);
	if (!f->prepare)
		f->tries = TRIES;
	f->prepare = false;
	return true;
}

static void
on_failed(struct pool *pool, struct pg *pg, struct flight *f)
{
	const struct sqlstate_row *row = flight_judge(f);

	if (!f->ask) {
		(void)flight_free(f);
	} else if (row->verdict == STATE_LOCKED &&
		   pool->line[LINE_LOCK].count) {
		f->mark = LINE_LOCK;
		ask_again(pool, f, false);
	} else if (is_displaced(pg, f, row)) {
		if (f->evicted && line_is_first(f->mark))
			f->mark = LINE_SLOW;
		ask_again(pool, f, true);
	} else if (is_stale(pg, f, row)) {
		ask_again(pool, f, true);
	} else {
		flight_refuse(f, row);
	}
}

/* A write's time holds that of its commit, which is nobody's fault. */
static bool
is_slow(const struct flight *f)
{
	return f->took_ms >= (f->is_read ? SLOW_MS : SLOW_WRITE_MS);
}

/* A write that often fails does not share for a while. */
static void
note_sharing(struct pool *pool, const struct flight *f, bool failed)
{
	if (!f->is_read && (!failed || (f->shares && !f->alone)))
		shape_note(&pool->failing, f->hash, failed);
}

static void
on_undone(struct pool *pool, struct flight *f)
{
	f->undone = false;
	if (f->ask)
		ask_again(pool, f, true);
	else
		(void)flight_free(f);
}

void
pool_count(struct pool *pool, struct series_table *series)
{
	pool->reads = pool->writes = NULL;
	if (!series)
		return;
	pool->reads = series_find(series, SLICE("line=\"read\""));
	pool->writes = series_find(series, SLICE("line=\"write\""));
}

/* As classes of a status: an answer, or the server's refusal. */
enum { COUNT_GOOD = 200, COUNT_REFUSED = 500 };

static void
count(const struct pool *pool, const struct flight *f)
{
	bool good = PQresultStatus(f->result) != PGRES_FATAL_ERROR;

	if (pool->reads)
		series_add(f->is_read ? pool->reads : pool->writes,
			good ? COUNT_GOOD : COUNT_REFUSED,
			(int64_t)f->took_ms * CLOCK_MS);
}

static void
on_landed(struct pg *pg, struct flight *f)
{
	struct pool *pool = pool_pg_of(pg)->pool;

	if (pool->waiting_len)
		loop_defer(pool->loop, &pool->send);
	if (f->undone) {
		on_undone(pool, f);
		return;
	}
	count(pool, f);
	switch (PQresultStatus(f->result)) {
	case PGRES_TUPLES_OK:
	case PGRES_COMMAND_OK:
		shape_note(&pool->shapes, f->hash, is_slow(f));
		note_sharing(pool, f, false);
		line_free_row(pool, f);
		flight_answer(f, 0);
		break;
	case PGRES_PIPELINE_ABORTED:
		if (f->ask)
			ask_again(pool, f, true);
		else
			(void)flight_free(f);
		break;
	case PGRES_FATAL_ERROR:
		note_sharing(pool, f, true);
		on_failed(pool, pg, f);
		break;
	default: /* an empty statement, COPY: nothing we ask */
		flight_answer(f, ERR_DB);
	}
}

const struct pg_ops pool_ops = {
	.up = on_up,
	.landed = on_landed,
	.down = on_down,
};

int
pool_new(struct pool **ret, struct loop *loop, const struct pool_conf *conf,
	struct fault *why)
{
	_cleanup_(pool_freep) struct pool *pool = mem_new(struct pool);
	int r;

	pool->loop = loop;
	pool->timeout_ms = conf->timeout_ms;
	pool->waiting_top = conf->waiting_top;
	r = lines_init(pool, conf, why);
	if (r < 0)
		return r;
	*ret = take(pool);
	return 0;
}

/* Asks that are out are answered ERR_SHUTDOWN. */
struct pool *
pool_free(struct pool *pool)
{
	if (!pool)
		return NULL;
	pool->closing = true;
	lines_done(pool);
	return mem_free(pool);
}

bool
pool_is_up(const struct pool *pool)
{
	return line_is_up(&pool->line[LINE_READ]);
}

struct loop *
pool_loop(const struct pool *pool)
{
	return pool->loop;
}

/* The asker lost interest.  What waits is taken out of the line; what the
 * server has already comes back to nobody. */
static void
on_drop(struct job *job)
{
	struct ask *ask = container_of(job, struct ask, job);
	struct flight *f = ask->inside[0];
	struct pool *pool = ask->inside[1];

	ask->result = NULL;
	if (!f)
		return;
	ask->inside[0] = NULL;
	f->ask = NULL;
	if (f->pg)
		return;
	if (!pool_is_up(pool))
		job->err = ERR_DB_DOWN;
	line_take_out(pool, f);
	(void)flight_free(f);
}

uint64_t
pool_row(struct slice table, struct slice key)
{
	return stmt_hash(table) * 31 + stmt_hash(key);
}

enum ask_how { ASK_NAMED, ASK_SHAPE, ASK_ONCE };

static void
start(struct pool *pool, struct ask *ask, struct slice sql, enum ask_how how,
	const struct slice *params, int count)
{
	struct flight *f;

	ask->result = NULL;
	ask->sqlstate[0] = '\0';
	ask->inside[0] = NULL;
	ask->inside[1] = pool;
	if (pool->closing || pool->waiting_len >= pool->waiting_top ||
		count > ASK_PARAMS) {
		job_fail_soon(&ask->job, pool->loop,
			pool->closing        ? ERR_SHUTDOWN
			: count > ASK_PARAMS ? ERR_DB_PARAM
					     : ERR_BUSY);
		return;
	}
	f = flight_new(ask, sql, how != ASK_NAMED, params, count);
	f->is_read = ask->is_read;
	f->row = ask->is_read ? 0 : ask->row;
	f->home = !ask->is_read && ask->home ? ask->home : f->row;
	f->shares = ask->shares && !ask->is_read &&
		    !shape_is_slow(&pool->failing, f->hash);
	/* A long text is rarely asked twice, and the server keeps its plan. */
	f->prepare = how != ASK_ONCE && sql.len <= PREPARE_TOP;
	f->mark = (uint8_t)line_for(pool, f);
	ask->inside[0] = f;
	job_begin(&ask->job, pool->loop, pool->timeout_ms, on_drop);
	line_wait(pool, f, false);
}

void
pool_ask(struct pool *pool, struct ask *ask, const char *sql,
	const struct slice *params, int count)
{
	start(pool, ask, slice_str(sql), ASK_NAMED, params, count);
}

void
pool_ask_shape(struct pool *pool, struct ask *ask, struct slice sql,
	const struct slice *params, int count)
{
	start(pool, ask, sql, ASK_SHAPE, params, count);
}

void
pool_ask_once(struct pool *pool, struct ask *ask, const char *sql,
	const struct slice *params, int count)
{
	start(pool, ask, slice_str(sql), ASK_ONCE, params, count);
}
