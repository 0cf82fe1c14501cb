/*
 * Asks wait in one line.  At the end of a turn each goes to the connection with
 * the least in flight, and every connection is flushed once.  What comes back
 * is judged by its SQLSTATE: answered, or asked again where that is safe (a
 * statement under its own Sync that failed has done nothing).
 */
#include "db/pool.h"

#include "base/event.h"
#include "base/mem.h"
#include "db/dsn.h"
#include "db/flight.h"
#include "db/pg.h"
#include "db/sqlstate.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>

enum { FLYING_TOP = 512, TRIES = 3, READ_TRIES = 5, PREPARE_TOP = 8192 };

struct pool_pg {
	struct pg pg;
	struct pool *pool;
	bool dirty; /* sent to in this turn: flush it */
};

struct pool {
	struct loop *loop;
	struct dsn *dsn;
	uint64_t timeout_ms;
	unsigned waiting_top;
	struct list waiting; /* struct flight */
	unsigned waiting_len;
	struct defer send;
	bool closing;
	unsigned count;
	struct pool_pg pgs[];
};

static struct pool *
pool_of(struct pg *pg)
{
	return container_of(pg, struct pool_pg, pg)->pool;
}

static void
wait_in_line(struct pool *pool, struct flight *f, bool first)
{
	f->pg = NULL;
	if (first)
		list_add_first(&pool->waiting, &f->on);
	else
		list_add(&pool->waiting, &f->on);
	pool->waiting_len++;
	loop_defer(pool->loop, &pool->send);
}

static struct pool_pg *
choose(struct pool *pool)
{
	struct pool_pg *best = NULL;

	for (unsigned i = 0; i < pool->count; i++) {
		struct pool_pg *p = &pool->pgs[i];

		if (p->pg.state == PG_UP && p->pg.in_flight < FLYING_TOP &&
			(!best || p->pg.in_flight < best->pg.in_flight))
			best = p;
	}
	return best;
}

static void
flush_all(struct pool *pool)
{
	for (unsigned i = 0; i < pool->count; i++) {
		struct pool_pg *p = &pool->pgs[i];

		if (!p->dirty)
			continue;
		p->dirty = false;
		if (p->pg.state == PG_UP)
			pg_flush(&p->pg);
	}
}

static void
on_send(struct defer *defer)
{
	struct pool *pool = container_of(defer, struct pool, send);
	struct flight *f;
	struct pool_pg *p;

	while ((f = list_first(&pool->waiting, struct flight, on)) &&
		(p = choose(pool))) {
		p->dirty = true;
		if (pg_send(&p->pg, f) < 0)
			pg_lost(&p->pg, "the connection broke while sending");
		else
			pool->waiting_len--;
	}
	flush_all(pool);
}

static void
on_up(struct pg *pg)
{
	loop_defer(pg->loop, &pool_of(pg)->send);
}

/* The asker has its answer; the flight's time is over. */
static void
answer(struct flight *flight, int err)
{
	_cleanup_(flight_freep) struct flight *f = flight;
	struct ask *ask = f->ask;

	if (!ask)
		return;
	ask->inside[0] = NULL;
	ask->result = err == 0 ? f->result : NULL;
	job_finish(&ask->job, err);
}

static void
on_down(struct pg *pg, struct list *flights)
{
	struct pool *pool = pool_of(pg);

	while (!list_empty(flights)) {
		/* the newest first, so that the oldest ends up in front */
		struct flight *f =
			container_of(flights->prev, struct flight, on);

		list_del(&f->on);
		PQclear(f->result);
		f->result = NULL;
		if (f->is_flood)
			answer(f, ERR_ANSWER_BIG);
		else if (f->ask && f->is_read && f->tries++ < READ_TRIES &&
			 !pool->closing)
			wait_in_line(pool, f, true);
		else
			answer(f, pool->closing ? ERR_SHUTDOWN : ERR_DB_DOWN);
	}
}

/* The server's sentence up to the first quoted value after a colon: "invalid
 * input syntax for type bigint". */
static void
report(const char *state, const PGresult *result)
{
	const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	char room[160];
	char *end;

	(void)snprintf(room, sizeof(room), "%s", text ? text : "");
	end = strstr(room, ": \"");
	if (end)
		*end = '\0';
	event(EVENT_DB_ERROR, "sqlstate", state, "message", room, NULL);
}

static void
refuse(struct flight *f, const struct sqlstate_row *row, const char *state)
{
	const char *text =
		PQresultErrorField(f->result, PG_DIAG_MESSAGE_PRIMARY);

	if (!f->ask) {
		(void)flight_free(f);
		return;
	}
	if (row->verdict != STATE_FAIL)
		report(state, f->result);
	(void)snprintf(f->ask->sqlstate, sizeof(f->ask->sqlstate), "%s", state);
	if (row->tell && text)
		(void)fault_set(&f->ask->job.why, row->err, "%s", text);
	else if (row->err == ERR_DB)
		(void)fault_set(&f->ask->job.why, row->err,
			"the database refused the request (SQLSTATE %s)",
			state);
	answer(f, row->err);
}

static void
ask_again(struct pool *pool, struct flight *f)
{
	PQclear(f->result);
	f->result = NULL;
	f->alone = true;
	wait_in_line(pool, f, true);
}

static void
on_failed(struct pool *pool, struct pg *pg, struct flight *f)
{
	const char *state = PQresultErrorField(f->result, PG_DIAG_SQLSTATE);
	const struct sqlstate_row *row = sqlstate_find(state ? state : "");

	if (f->ask && row->verdict >= STATE_ANEW && f->tries < TRIES) {
		f->tries++;
		if (row->verdict == STATE_ANEW) {
			/* "feature not supported" is 0A000, too: then asking
			 * once more, unprepared, says so again */
			pg_forget(pg, f->stmt);
			if (!f->prepare)
				f->tries = TRIES;
			f->prepare = false;
		}
		ask_again(pool, f);
		return;
	}
	refuse(f, row, state ? state : "");
}

static void
on_landed(struct pg *pg, struct flight *f)
{
	struct pool *pool = pool_of(pg);

	if (pool->waiting_len)
		loop_defer(pool->loop, &pool->send);
	switch (PQresultStatus(f->result)) {
	case PGRES_TUPLES_OK:
	case PGRES_COMMAND_OK:
		answer(f, 0);
		break;
	case PGRES_PIPELINE_ABORTED:
		if (f->ask)
			ask_again(pool, f);
		else
			(void)flight_free(f);
		break;
	case PGRES_FATAL_ERROR:
		on_failed(pool, pg, f);
		break;
	default: /* an empty statement, COPY: nothing we ask */
		answer(f, ERR_DB);
	}
}

static const struct pg_ops pool_ops = {
	.up = on_up,
	.landed = on_landed,
	.down = on_down,
};

int
pool_new(struct pool **ret, struct loop *loop, const struct pool_conf *conf,
	struct fault *why)
{
	unsigned count = max(conf->connections, 1u);
	struct dsn *dsn = NULL;
	struct pool *pool;
	int r;

	r = dsn_parse(&dsn, conf->url, conf->timeout_ms, why);
	if (r < 0)
		return r;
	pool = mem_alloc(sizeof(*pool) + count * sizeof(pool->pgs[0]));
	pool->loop = loop;
	pool->dsn = dsn;
	pool->timeout_ms = conf->timeout_ms;
	pool->waiting_top = conf->waiting_top;
	pool->count = count;
	list_init(&pool->waiting);
	defer_init(&pool->send, on_send);
	for (unsigned i = 0; i < count; i++) {
		pool->pgs[i].pool = pool;
		pg_init(&pool->pgs[i].pg, loop, dsn, conf->timeout_ms,
			&pool_ops);
	}
	for (unsigned i = 0; i < count; i++)
		pg_start(&pool->pgs[i].pg);
	*ret = pool;
	return 0;
}

/* Asks that are out are answered ERR_SHUTDOWN. */
struct pool *
pool_free(struct pool *pool)
{
	struct flight *f;

	if (!pool)
		return NULL;
	pool->closing = true;
	for (unsigned i = 0; i < pool->count; i++)
		pg_stop(&pool->pgs[i].pg);
	while ((f = list_first(&pool->waiting, struct flight, on))) {
		list_del(&f->on);
		answer(f, ERR_SHUTDOWN);
	}
	defer_clear(&pool->send);
	(void)dsn_free(pool->dsn);
	return mem_free(pool);
}

bool
pool_is_up(const struct pool *pool)
{
	for (unsigned i = 0; i < pool->count; i++)
		if (pool->pgs[i].pg.state == PG_UP)
			return true;
	return false;
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
	pool->waiting_len--;
	(void)flight_free(f);
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
	/* A long text is rarely asked twice, and the server keeps its plan. */
	f->prepare = how != ASK_ONCE && sql.len <= PREPARE_TOP;
	ask->inside[0] = f;
	job_begin(&ask->job, pool->loop, pool->timeout_ms, on_drop);
	wait_in_line(pool, f, false);
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
