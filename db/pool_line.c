/*
 * The lines of a pool.  Reads begin in one, whose connections are deep
 * pipelines; writes in another, so that no read stands behind a commit.  There
 * a connection takes the writes of a turn under one commit, and the next when
 * that is done: what comes meanwhile gathers, so that one fsync serves as many
 * as there are.  In both what is slow would hold up what came after it, so such
 * statements leave them:
 *
 * - A statement whose shape took long a moment ago goes to the slow line.
 * - One that turns out to take long while others stand behind it is cancelled
 *   and asked again in the slow line.  A cancel may hit its neighbour; either
 *   has then done nothing and may be asked again, writes too.
 * - One that meets another's lock is refused by lock_timeout after a moment and
 *   asked again in the lock line, in slices: those that wait long take turns,
 *   until the lock is free or their deadline comes.  Writes of the same row
 *   that come meanwhile go there at once, and one of them at a time tries; when
 *   it succeeds the others go back to the line of writes.
 *
 * Writes of one row take the same connection there, so that they never wait for
 * each other's lock; so do those of one home, whose rows differ and which all
 * change a common one beside.
 *
 * A read that nobody waits for any more is cancelled as well.
 */
#include "db/pool_inside.h"

#include "base/mem.h"
#include "db/dsn.h"

enum {
	FLYING_TOP = 512,
	WATCH_MS = 20,
	EVICT_MS = 60,        /* others wait behind it */
	EVICT_WRITE_MS = 250, /* the commit is part of it */
	DROPPED_MS = 20,      /* nobody waits for it */
	REST_MS = 30000,
};

void
line_wait(struct pool *pool, struct flight *f, bool first)
{
	struct line *line = &pool->line[f->mark];

	f->pg = NULL;
	if (first)
		list_add_first(&line->waiting, &f->on);
	else
		list_add(&line->waiting, &f->on);
	pool->waiting_len++;
	loop_defer(pool->loop, &pool->send);
}

void
line_take_out(struct pool *pool, struct flight *f)
{
	list_del(&f->on);
	pool->waiting_len--;
}

static bool
line_is_busy(const struct line *line)
{
	for (unsigned i = 0; i < line->count; i++)
		if (line->pgs[i].pg.in_flight)
			return true;
	return false;
}

static bool
is_tried(const struct line *line, uint64_t row)
{
	for (unsigned i = 0; i < line->count; i++) {
		const struct flight *f =
			list_first(&line->pgs[i].pg.flying, struct flight, on);

		if (f && f->row == row)
			return true;
	}
	return false;
}

bool
line_is_first(enum line_kind kind)
{
	return kind == LINE_READ || kind == LINE_WRITE;
}

static enum line_kind
first_line(const struct pool *pool, const struct flight *f)
{
	return f->is_read || !pool->line[LINE_WRITE].count ? LINE_READ
							   : LINE_WRITE;
}

enum line_kind
line_for(const struct pool *pool, const struct flight *f)
{
	return pool->line[LINE_SLOW].count &&
			       shape_is_slow(&pool->shapes, f->hash)
		       ? LINE_SLOW
		       : first_line(pool, f);
}

static void
change_line(struct pool *pool, struct flight *f, enum line_kind line)
{
	line_take_out(pool, f);
	f->mark = (uint8_t)line;
	line_wait(pool, f, false);
}

void
line_free_row(struct pool *pool, const struct flight *done)
{
	if (done->mark != LINE_LOCK || !done->row)
		return;
	list_for_each_safe (at, &pool->line[LINE_LOCK].waiting) {
		struct flight *f = container_of(at, struct flight, on);

		if (f->row == done->row)
			change_line(pool, f, first_line(pool, f));
	}
}

/* Rows known to be locked, one bit each; two that share a bit count alike. */
struct rows {
	uint64_t bits[16];
};

static uint64_t *
rows_word(struct rows *rows, uint64_t row, uint64_t *bit)
{
	*bit = 1ull << row % 64;
	return &rows->bits[row / 64 % 16];
}

static void
rows_add(struct rows *rows, const struct flight *f)
{
	uint64_t bit, *word = rows_word(rows, f->row, &bit);

	if (f->row)
		*word |= bit;
}

static bool
rows_find(struct rows *rows, uint64_t row)
{
	uint64_t bit, *word = rows_word(rows, row, &bit);

	return row && (*word & bit);
}

static void
rows_locked(struct rows *rows, const struct line *lock)
{
	for (unsigned i = 0; i < lock->count; i++)
		list_for_each (at, &lock->pgs[i].pg.flying)
			rows_add(rows, container_of(at, struct flight, on));
	list_for_each (at, &lock->waiting)
		rows_add(rows, container_of(at, struct flight, on));
}

static void
leave_line(struct pool *pool, struct line *line, struct rows *locked)
{
	list_for_each_safe (at, &line->waiting) {
		struct flight *f = container_of(at, struct flight, on);

		if (rows_find(locked, f->row))
			change_line(pool, f, LINE_LOCK);
	}
}

/* What waits elsewhere for a row that is known to be locked by now. */
static void
leave_locked(struct pool *pool)
{
	const struct line *lock = &pool->line[LINE_LOCK];
	struct rows rows = {0};

	if (list_empty(&lock->waiting) && !line_is_busy(lock))
		return;
	rows_locked(&rows, lock);
	leave_line(pool, &pool->line[LINE_READ], &rows);
	leave_line(pool, &pool->line[LINE_WRITE], &rows);
}

bool
line_is_up(const struct line *line)
{
	for (unsigned i = 0; i < line->count; i++)
		if (line->pgs[i].pg.state == PG_UP)
			return true;
	return false;
}

static bool
may_share(const struct flight *f)
{
	return f->shares && !f->alone;
}

static bool
has_room(const struct line *line, const struct pool_pg *p,
	const struct flight *f)
{
	if (p->pg.state != PG_UP)
		return false;
	if (p->line != LINE_WRITE)
		return p->pg.in_flight < line->depth;
	return !p->pg.in_flight ||
	       (p->open && may_share(f) && p->pg.in_flight < line->depth);
}

/* Writes of one row, or home, have one connection, where there are pipelines.
 */
static bool
has_home(const struct line *line, const struct flight *f)
{
	return f->home && line->depth > 1;
}

static struct pool_pg *
choose(const struct line *line, const struct flight *f)
{
	struct pool_pg *best = NULL;

	if (has_home(line, f)) {
		best = &line->pgs[f->home % line->count];
		if (has_room(line, best, f))
			return best;
		if (best->line == LINE_WRITE && best->pg.state == PG_UP)
			return NULL;
		best = NULL;
	}

	for (unsigned i = 0; i < line->count; i++) {
		struct pool_pg *p = &line->pgs[i];

		if (has_room(line, p, f) &&
			(!best || p->pg.in_flight < best->pg.in_flight))
			best = p;
	}
	return best;
}

/* A write that cannot go now holds up no others: whether one of them might. */
static bool
hold(struct line *line, struct flight *f)
{
	bool more = false;

	for (unsigned i = 0; i < line->count; i++) {
		const struct pool_pg *p = &line->pgs[i];

		more |= p->line == LINE_WRITE && p->pg.state == PG_UP &&
			(p->open || !p->pg.in_flight);
	}
	if (!more)
		return false;
	list_del(&f->on);
	list_add(&line->held, &f->on);
	return true;
}

static bool
has_idle(const struct line *line)
{
	for (unsigned i = 0; i < line->count; i++)
		if (line->pgs[i].pg.state == PG_UP &&
			!line->pgs[i].pg.in_flight)
			return true;
	return false;
}

/* They came before those that wait. */
static void
unhold(struct line *line)
{
	while (!list_empty(&line->held)) {
		struct list *last = line->held.prev;

		list_del(last);
		list_add_first(&line->waiting, last);
	}
}

static void
flush_line(struct line *line)
{
	for (unsigned i = 0; i < line->count; i++) {
		struct pool_pg *p = &line->pgs[i];

		if (!p->dirty)
			continue;
		p->dirty = p->open = false;
		if (p->pg.state == PG_UP)
			pg_flush(&p->pg);
	}
}

/* Somebody waits for lack of connections: those of the first lines are always
 * open, of the others one more is. */
static void
open_more(struct line *line)
{
	unsigned opening = 0;

	for (unsigned i = 0; i < line->count; i++)
		opening += line->pgs[i].pg.state != PG_UP &&
			   line->pgs[i].pg.state != PG_CLOSED;
	for (unsigned i = 0; i < line->count && !opening; i++)
		if (line->pgs[i].pg.state == PG_CLOSED) {
			pg_start(&line->pgs[i].pg);
			opening++;
		}
}

/* No connection of it can be opened (the server has no more to give, say): then
 * where it began after all. */
static bool
is_shut(const struct line *line)
{
	bool resting = false;

	for (unsigned i = 0; i < line->count; i++) {
		if (line->pgs[i].pg.state == PG_UP)
			return false;
		resting |= line->pgs[i].pg.state == PG_RESTING;
	}
	return resting;
}

static void
leave_shut(struct pool *pool, struct line *line)
{
	struct flight *f;

	while ((f = list_first(&line->waiting, struct flight, on)))
		change_line(pool, f, first_line(pool, f));
}

/* The first that may be sent: in the lock line one of each row at a time. */
static struct flight *
next_of(const struct pool *pool, const struct line *line)
{
	if (line != &pool->line[LINE_LOCK])
		return list_first(&line->waiting, struct flight, on);
	list_for_each (at, &line->waiting) {
		struct flight *f = container_of(at, struct flight, on);

		if (!f->row || !is_tried(line, f->row))
			return f;
	}
	return NULL;
}

static void
send_line(struct pool *pool, struct line *line)
{
	struct flight *f;
	struct pool_pg *p;

	if (line != &pool->line[LINE_READ] && line != &pool->line[LINE_WRITE] &&
		is_shut(line))
		leave_shut(pool, line);

	while ((f = next_of(pool, line))) {
		p = choose(line, f);
		if (!p && hold(line, f))
			continue;
		if (!p)
			break;
		p->dirty = true;
		p->open = may_share(f);
		p->rested = false;
		if (pg_send(&p->pg, f) < 0)
			pg_lost(&p->pg, "the connection broke while sending");
		else
			pool->waiting_len--;
	}
	if (next_of(pool, line) || !list_empty(&line->held))
		open_more(line);
	flush_line(line);
}

static void on_watch(struct timer *timer);
static void on_rest(struct timer *timer);

static void
on_send(struct defer *defer)
{
	struct pool *pool = container_of(defer, struct pool, send);

	if (has_idle(&pool->line[LINE_WRITE]))
		unhold(&pool->line[LINE_WRITE]);
	leave_locked(pool);
	for (int i = 0; i < LINES; i++)
		if (pool->line[i].count)
			send_line(pool, &pool->line[i]);
	if (!timer_is_set(&pool->watch))
		timer_set(&pool->watch, pool->loop, WATCH_MS, on_watch);
	if (pool->line[LINE_SLOW].count && !timer_is_set(&pool->rest))
		timer_set(&pool->rest, pool->loop, REST_MS, on_rest);
}

static bool
others_wait(const struct line *line, const struct pool_pg *p)
{
	return p->pg.in_flight > 1 || !list_empty(&line->held) ||
	       !list_empty(&line->waiting);
}

/* Whether what runs on the connection should stop. */
static bool
is_unwanted(struct pool *pool, struct pool_pg *p)
{
	uint64_t ms;
	struct flight *f = pg_head(&p->pg, &ms);

	if (!f || pg_may_be_cancelled(&p->pg))
		return false;
	if (!f->ask)
		return f->is_read && ms >= DROPPED_MS;
	if (!line_is_first(p->line) || !others_wait(&pool->line[p->line], p) ||
		ms < (f->is_read ? EVICT_MS : EVICT_WRITE_MS) ||
		!pool->line[LINE_SLOW].count || f->evicted)
		return false;
	shape_note(&pool->shapes, f->hash, true);
	f->evicted = true;
	return true;
}

static void
on_watch(struct timer *timer)
{
	struct pool *pool = container_of(timer, struct pool, watch);
	bool busy = false;

	for (int i = 0; i < LINES; i++)
		for (unsigned j = 0; j < pool->line[i].count; j++) {
			struct pool_pg *p = &pool->line[i].pgs[j];

			busy |= p->pg.in_flight != 0;
			if (is_unwanted(pool, p))
				(void)pg_cancel(&p->pg);
		}
	if (busy)
		timer_set(&pool->watch, pool->loop, WATCH_MS, on_watch);
}

/* What a busy moment opened. */
static void
on_rest(struct timer *timer)
{
	struct pool *pool = container_of(timer, struct pool, rest);
	bool more = false;

	for (int i = LINE_SLOW; i < LINES; i++)
		for (unsigned j = 0; j < pool->line[i].count; j++) {
			struct pool_pg *p = &pool->line[i].pgs[j];

			if (p->pg.state == PG_CLOSED)
				continue;
			if (p->rested && !p->pg.in_flight &&
				list_empty(&pool->line[i].waiting))
				pg_stop(&p->pg);
			else
				more = true;
			p->rested = true;
		}
	if (more)
		timer_set(&pool->rest, pool->loop, REST_MS, on_rest);
}

static const struct {
	unsigned depth;
	const char *option; /* of its sessions, when there is a lock line */
} rows[LINES] = {
	[LINE_READ] = {FLYING_TOP, "lock_timeout=20"},
	[LINE_WRITE] = {FLYING_TOP, "lock_timeout=20"},
	[LINE_SLOW] = {1, "lock_timeout=20"},
	[LINE_LOCK] = {1, "lock_timeout=100"},
};

static int
line_init(struct pool *pool, int kind, unsigned count,
	const struct pool_conf *conf, struct fault *why)
{
	struct line *line = &pool->line[kind];
	int r = dsn_parse(&line->dsn, conf->url, conf->timeout_ms, why);

	if (r < 0)
		return r;
	if (conf->slow)
		dsn_set_option(line->dsn, rows[kind].option);
	line->depth = rows[kind].depth;
	line->count = count;
	line->pgs = mem_array(max(count, 1u), struct pool_pg);
	for (unsigned i = 0; i < count; i++) {
		line->pgs[i].pool = pool;
		line->pgs[i].line = (enum line_kind)kind;
		pg_init(&line->pgs[i].pg, pool->loop, line->dsn,
			conf->timeout_ms, &pool_ops);
	}
	return 0;
}

int
lines_init(struct pool *pool, const struct pool_conf *conf, struct fault *why)
{
	const unsigned counts[LINES] = {
		[LINE_READ] = max(conf->connections, 1u),
		[LINE_WRITE] = conf->writers,
		[LINE_SLOW] = conf->slow,
		[LINE_LOCK] = conf->slow,
	};
	int r = 0;

	defer_init(&pool->send, on_send);
	for (int i = 0; i < LINES; i++) {
		list_init(&pool->line[i].waiting);
		list_init(&pool->line[i].held);
	}
	for (int i = 0; i < LINES && r == 0; i++)
		r = line_init(pool, i, counts[i], conf, why);
	for (int i = LINE_READ; i <= LINE_WRITE && r == 0; i++)
		for (unsigned j = 0; j < pool->line[i].count; j++)
			pg_start(&pool->line[i].pgs[j].pg);
	return r;
}

void
lines_done(struct pool *pool)
{
	timer_clear(&pool->watch);
	timer_clear(&pool->rest);
	for (int i = 0; i < LINES; i++)
		for (unsigned j = 0; j < pool->line[i].count; j++)
			pg_stop(&pool->line[i].pgs[j].pg);
	for (int i = 0; i < LINES; i++) {
		struct flight *f;

		unhold(&pool->line[i]);
		while ((f = list_first(
				&pool->line[i].waiting, struct flight, on))) {
			list_del(&f->on);
			flight_answer(f, ERR_SHUTDOWN);
		}
	}
	for (int i = 0; i < LINES; i++) {
		(void)dsn_free(pool->line[i].dsn);
		pool->line[i].pgs = mem_free(pool->line[i].pgs);
	}
	defer_clear(&pool->send);
}
