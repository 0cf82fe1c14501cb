/*
 * The ring: what was seen last is kept.  An entry counts what has not been
 * written down yet; mpcloud.slow adds what all gateways write.
 */
#include "documents/slow.h"

#include "base/clock.h"
#include "base/crypto.h"
#include "base/event.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/timer.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
	FLUSH_MS = 5000,
	LIST_TOP = SLOW_TOP * (SLOW_SHAPE_TOP + 512),
	HASH = 16,
	EVENTS_A_SECOND = 10
};

struct entry {
	char hash[2 * HASH + 1]; /* "": empty */
	char *shape;
	/* since it was last written down */
	int64_t times, total_ms, top_ms, top_rows, first_ms, last_ms;
};

struct slow {
	struct pool *pool;
	char *env;
	int64_t least_ns; /* 0: none is noted */
	struct entry entries[SLOW_TOP];
	struct timer timer;
	struct ask ask;
	bool writing;
	/* Events of this second. */
	int64_t second;
	unsigned events;
};

static void on_timer(struct timer *timer);

static void
hash_of(struct slice shape, char ret[2 * HASH + 1])
{
	uint8_t sum[SHA256_LEN];
	_buf_ struct buf hex = {0};

	buf_init(&hex, 2 * HASH + 1);
	crypto_sha256(shape, sum);
	text_hex(&hex, slice_of(sum, HASH));
	memcpy(ret, hex.ptr, 2 * HASH + 1);
}

/* Its own entry, an empty one, or the one seen longest ago. */
static struct entry *
find(struct slow *s, struct slice shape)
{
	struct entry *oldest = &s->entries[0];
	char hash[2 * HASH + 1];

	hash_of(shape, hash);
	for (size_t i = 0; i < SLOW_TOP; i++) {
		struct entry *e = &s->entries[i];

		if (strcmp(e->hash, hash) == 0)
			return e;
		if (e->last_ms < oldest->last_ms)
			oldest = e;
	}
	free(oldest->shape);
	*oldest = (struct entry){.shape = str_ndup(shape.ptr, shape.len)};
	memcpy(oldest->hash, hash, sizeof(hash));
	return oldest;
}

static void
add(struct entry *e, int64_t ms, int64_t rows)
{
	int64_t now = clock_now_ms();

	e->first_ms = e->times ? e->first_ms : now;
	e->last_ms = now;
	e->times++;
	e->total_ms += ms;
	e->top_ms = max(e->top_ms, ms);
	e->top_rows = max(e->top_rows, rows);
}

/* A flood of slow requests is not to be a flood of lines. */
static void
tell(struct slow *s, const struct entry *e, int64_t ms, int64_t rows)
{
	int64_t second = clock_mono() / CLOCK_S;

	if (second != s->second)
		s->events = 0;
	s->second = second;
	if (s->events++ < EVENTS_A_SECOND)
		event(EVENT_DB_SLOW, "shape", e->shape, "ms", EVENT_INT(ms),
			"rows", EVENT_INT(rows), NULL);
}

void
slow_note(struct slow *s, const struct doc_request *req,
	const struct coll_info *info, int64_t ns, int64_t rows)
{
	_buf_ struct buf shape = {0};
	struct entry *e;

	if (!s || !s->least_ns || ns < s->least_ns ||
		req->verb == DOC_ADD_COLLECTION)
		return;
	buf_init(&shape, SLOW_SHAPE_TOP);
	slow_shape(&shape, req, info);
	if (buf_check(&shape) < 0)
		return; /* nobody could read it */
	e = find(s, buf_all(&shape));
	add(e, ns / CLOCK_MS, rows);
	tell(s, e, ns / CLOCK_MS, rows);
	if (!timer_is_set(&s->timer) && !s->writing)
		timer_set(&s->timer, pool_loop(s->pool), FLUSH_MS, on_timer);
}

/* What is new, as mpcloud.slow_add takes it; false when nothing is. */
static bool
put_new(struct slow *s, struct buf *to)
{
	buf_char(to, '[');
	for (size_t i = 0; i < SLOW_TOP; i++) {
		struct entry *e = &s->entries[i];

		if (!e->times)
			continue;
		buf_printf(to, "%s{\"hash\":\"%s\",\"shape\":%s,",
			to->len > 1 ? "," : "", e->hash, e->shape);
		buf_printf(to,
			"\"times\":%" PRId64 ",\"totalMs\":%" PRId64
			",\"topMs\":%" PRId64 ",\"topRows\":%" PRId64
			",\"firstAt\":%" PRId64 ",\"lastAt\":%" PRId64 "}",
			e->times, e->total_ms, e->top_ms, e->top_rows,
			e->first_ms, e->last_ms);
	}
	buf_char(to, ']');
	return to->len > 2;
}

static void
forget_new(struct slow *s)
{
	for (size_t i = 0; i < SLOW_TOP; i++) {
		struct entry *e = &s->entries[i];

		e->times = e->total_ms = e->top_ms = e->top_rows = 0;
	}
}

/* A failure loses what was in the statement: it is a log, and counting twice
 * would be worse. */
static void
on_written(struct job *job)
{
	struct slow *s = container_of(
		container_of(job, struct ask, job), struct slow, ask);

	s->writing = false;
	for (size_t i = 0; i < SLOW_TOP; i++)
		if (s->entries[i].times) {
			timer_set(&s->timer, pool_loop(s->pool), FLUSH_MS,
				on_timer);
			return;
		}
}

static void
on_timer(struct timer *timer)
{
	struct slow *s = container_of(timer, struct slow, timer);
	_buf_ struct buf list = {0};

	buf_init(&list, LIST_TOP);
	if (!put_new(s, &list))
		return;
	forget_new(s);
	s->writing = true;
	s->ask = (struct ask){0};
	job_init(&s->ask.job, on_written);
	pool_ask_once(s->pool, &s->ask, "SELECT mpcloud.slow_add($1, $2)",
		(struct slice[]){slice_str(s->env), buf_all(&list)}, 2);
}

/* What is new goes with the question. */
static void
ask_with_new(struct slow *s, struct coll_op *op, const char *sql)
{
	_buf_ struct buf list = {0};

	buf_init(&list, LIST_TOP);
	(void)put_new(s, &list);
	forget_new(s);
	coll_op_ask(s->pool, op, sql,
		(struct slice[]){slice_str(s->env), buf_all(&list)}, 2);
}

void
slow_list(struct slow *s, struct coll_op *op)
{
	ask_with_new(s, op, "SELECT mpcloud.slow_report($1, $2)");
}

void
slow_facts(struct slow *s, struct coll_op *op)
{
	ask_with_new(s, op, "SELECT mpcloud.advise_facts($1, $2)");
}

void
slow_clear(struct slow *s, struct coll_op *op)
{
	forget_new(s);
	coll_op_ask(s->pool, op, "SELECT mpcloud.slow_clear($1)",
		(struct slice[]){slice_str(s->env)}, 1);
}

void
slow_set(struct slow *s, int64_t ms)
{
	s->least_ns = ms * CLOCK_MS;
}

int
slow_new(struct slow **ret, struct pool *pool, const char *env)
{
	struct slow *s = mem_new(struct slow);

	s->pool = pool;
	s->env = str_dup(env);
	job_init(&s->ask.job, on_written);
	*ret = s;
	return 0;
}

struct slow *
slow_free(struct slow *s)
{
	if (!s)
		return NULL;
	timer_clear(&s->timer);
	job_cancel(&s->ask.job);
	for (size_t i = 0; i < SLOW_TOP; i++)
		free(s->entries[i].shape);
	s->env = mem_free(s->env);
	return mem_free(s);
}
