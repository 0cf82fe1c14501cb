/*
 * One clock for all: the primary's log position, sampled at every check, turns
 * a replica's position into "it holds all that was written before then".
 */
#include "db/replica.h"

#include "base/clock.h"
#include "base/event.h"
#include "base/mem.h"

#include <stdlib.h>

enum { SAMPLES = 64 };

/* The primary's log at a moment. */
struct sample {
	int64_t began; /* clock_mono, before it was asked */
	int64_t lsn;   /* bytes */
};

struct replica {
	struct replicas *of;
	struct pool *pool;
	struct ask ask;
	int64_t fresh_to; /* clock_mono: it holds what was written before; 0:
			     not to be used */
	bool said;        /* that it is fit, or that it is not */
};

struct replicas {
	struct pool *primary;
	struct shm *shm;
	struct timer timer;
	struct ask ask;
	uint64_t check_ms;
	int64_t lag_top; /* ns */
	int64_t began;   /* of the sample that is being asked */
	struct sample samples[SAMPLES];
	unsigned next_sample, turn, count;
	struct replica replica[];
};

/* Numeric, because one may lie beyond a bigint only in theory. */
static const char WRITTEN[] =
	"SELECT (pg_current_wal_flush_lsn() - '0/0'::pg_lsn)::bigint";
static const char REPLAYED[] =
	"SELECT (pg_last_wal_replay_lsn() - '0/0'::pg_lsn)::bigint "
	"WHERE pg_is_in_recovery()";

/* The newest moment whose log position it has reached. */
static int64_t
fresh_to(const struct replicas *r, int64_t replayed)
{
	int64_t newest = 0;

	for (unsigned i = 0; i < SAMPLES; i++)
		if (r->samples[i].began && r->samples[i].lsn <= replayed)
			newest = max(newest, r->samples[i].began);
	return newest;
}

static bool
is_fit(const struct replica *one)
{
	return one->fresh_to &&
	       clock_mono() - one->fresh_to <= one->of->lag_top &&
	       pool_is_up(one->pool);
}

/* An operator reads when one comes and goes. */
static void
say(struct replica *one)
{
	bool fit = is_fit(one);

	if (fit == one->said)
		return;
	one->said = fit;
	event(fit ? EVENT_REPLICA_UP : EVENT_REPLICA_DOWN, "replica",
		EVENT_INT(one - one->of->replica + 1), NULL);
}

static void
on_replayed(struct job *job)
{
	struct replica *one = container_of(
		container_of(job, struct ask, job), struct replica, ask);
	bool known = job->err == 0 && ask_rows(&one->ask) == 1 &&
		     !ask_is_null(&one->ask, 0, 0);

	one->fresh_to = known ? fresh_to(one->of, ask_int(&one->ask, 0, 0)) : 0;
	say(one);
}

static void
ask_position(struct pool *pool, struct ask *ask, job_fn *done, const char *sql)
{
	if (ask->job.busy)
		return; /* the last one has no answer yet */
	job_init(&ask->job, done);
	ask->is_read = true;
	pool_ask(pool, ask, sql, NULL, 0);
}

static void
on_written(struct job *job)
{
	struct replicas *r = container_of(
		container_of(job, struct ask, job), struct replicas, ask);
	struct sample *s = &r->samples[r->next_sample % SAMPLES];

	if (job->err == 0 && ask_rows(&r->ask) == 1) {
		*s = (struct sample){r->began, ask_int(&r->ask, 0, 0)};
		r->next_sample++;
	}
	for (unsigned i = 0; i < r->count; i++)
		ask_position(r->replica[i].pool, &r->replica[i].ask,
			on_replayed, REPLAYED);
}

static void
check(struct timer *timer)
{
	struct replicas *r = container_of(timer, struct replicas, timer);

	if (!r->ask.job.busy)
		r->began = clock_mono();
	ask_position(r->primary, &r->ask, on_written, WRITTEN);
	timer_set(timer, pool_loop(r->primary), r->check_ms, check);
}

static int
add(struct replicas *r, const struct replicas_conf *conf, unsigned i,
	struct fault *why)
{
	struct pool_conf pool = conf->pool;

	r->replica[i].of = r;
	pool.url = conf->urls[i];
	pool.writers = 0;
	r->count++;
	return pool_new(&r->replica[i].pool, pool_loop(r->primary), &pool, why);
}

int
replicas_new(struct replicas **ret, struct pool *primary,
	const struct replicas_conf *conf, struct fault *why)
{
	_cleanup_(replicas_freep) struct replicas *r = NULL;
	unsigned count = 0;
	int e = 0;

	while (conf->urls[count])
		count++;
	r = mem_alloc(sizeof(*r) + count * sizeof(r->replica[0]));
	r->primary = primary;
	r->shm = conf->shm;
	r->check_ms = conf->check_ms;
	r->lag_top = conf->lag_top_ms * CLOCK_MS;
	for (unsigned i = 0; i < count && e == 0; i++)
		e = add(r, conf, i, why);
	if (e < 0)
		return e;
	check(&r->timer);
	*ret = take(r);
	return 0;
}

struct replicas *
replicas_free(struct replicas *r)
{
	if (!r)
		return NULL;
	timer_clear(&r->timer);
	job_cancel(&r->ask.job);
	for (unsigned i = 0; i < r->count; i++) {
		job_cancel(&r->replica[i].ask.job);
		(void)pool_free(r->replica[i].pool);
	}
	free(r);
	return NULL;
}

struct pool *
replicas_pick(struct replicas *r, struct slice session)
{
	int64_t wrote = session.len ? shm_last_write(r->shm, session) : 0;

	for (unsigned i = 0; i < r->count; i++) {
		struct replica *one = &r->replica[r->turn++ % r->count];

		if (is_fit(one) && wrote < one->fresh_to)
			return one->pool;
	}
	return NULL;
}

void
replicas_wrote(struct replicas *r, struct slice session)
{
	if (session.len)
		shm_wrote(r->shm, session, clock_mono());
}

unsigned
replicas_fit(const struct replicas *r)
{
	unsigned n = 0;

	for (unsigned i = 0; i < r->count; i++)
		n += is_fit(&r->replica[i]);
	return n;
}
