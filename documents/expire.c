/*
 * One statement removes at most BATCH documents of each index (see
 * mpcloud.expire); while it removes some, the next follows after a breath, so
 * that a million expired documents are no wall in the way of requests.  The
 * time is ours, not PostgreSQL's: a test may move it.
 */
#include "documents/expire.h"

#include "base/clock.h"
#include "base/event.h"
#include "base/mem.h"
#include "base/timer.h"

#include <inttypes.h>
#include <stdio.h>

enum { BATCH = 500, BREATH_MS = 50 };

struct expire {
	struct pool *pool;
	char *env;
	uint64_t check_ms;
	struct timer timer;
	struct ask ask;
	int64_t removed; /* since the last line of the log */
};

static void on_timer(struct timer *timer);

static void
on_removed(struct job *job)
{
	struct expire *e = container_of(
		container_of(job, struct ask, job), struct expire, ask);
	int64_t n = job->err == 0 ? ask_int(&e->ask, 0, 0) : 0;

	e->removed += n;
	if (n == 0 && e->removed) {
		event(EVENT_DB_EXPIRED, "documents", EVENT_INT(e->removed),
			NULL);
		e->removed = 0;
	}
	timer_set(&e->timer, pool_loop(e->pool), n ? BREATH_MS : e->check_ms,
		on_timer);
}

static void
on_timer(struct timer *timer)
{
	struct expire *e = container_of(timer, struct expire, timer);
	char now[24], top[12];

	(void)snprintf(now, sizeof(now), "%" PRId64, clock_now_ms());
	(void)snprintf(top, sizeof(top), "%d", BATCH);
	e->ask = (struct ask){0};
	job_init(&e->ask.job, on_removed);
	pool_ask(e->pool, &e->ask, "SELECT mpcloud.expire($1, $2, $3)",
		(struct slice[]){
			slice_str(e->env), slice_str(now), slice_str(top)},
		3);
}

int
expire_new(struct expire **ret, struct pool *pool, const char *env,
	uint64_t check_ms)
{
	struct expire *e = mem_new(struct expire);

	e->pool = pool;
	e->env = str_dup(env);
	e->check_ms = check_ms;
	job_init(&e->ask.job, on_removed);
	timer_set(&e->timer, pool_loop(pool), check_ms, on_timer);
	*ret = e;
	return 0;
}

struct expire *
expire_free(struct expire *e)
{
	if (!e)
		return NULL;
	timer_clear(&e->timer);
	job_cancel(&e->ask.job);
	e->env = mem_free(e->env);
	return mem_free(e);
}
