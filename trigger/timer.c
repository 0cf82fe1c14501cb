/*
 * The tick of timers: look, set what is new, run what is due, sleep until the
 * next is due.  It never sleeps longer than check_ms, since definitions come
 * from other gateways and a test may move the clock; and it begins at a random
 * phase, so that the gateways of a machine do not all ask at once.
 */
#include "trigger/timer.h"

#include "base/clock.h"
#include "base/event.h"
#include "base/mem.h"
#include "base/timer.h"
#include "trigger/queue.h"
#include "trigger/timer_due.h"

#include <inttypes.h>
#include <stdio.h>

/* Timers of one look; runs that one statement puts into the queue. */
enum {
	TOP = 200,
	WHOLE_EVERY = 10,
	RUNS_TOP = 4000,
	LIST_TOP = 64 << 20,
	LAG_MS = 20
};

struct timers {
	struct pool *pool;
	struct queue *queue; /* or NULL */
	char *env;
	uint64_t check_ms;
	int64_t grace_s;
	struct timer timer;
	struct ask ask;
	int64_t next_ms;     /* the earliest that is not due; 0: none known */
	json_t *sync, *fire; /* what the look brought */
	size_t runs;         /* in `fire` */
	bool full;           /* there is more to do than one look brings */
	unsigned looks;
	bool kicked; /* while asking */
	bool whole;  /* the next look compares with what is declared */
	bool synced; /* the last look brought timers to set */
	bool stopped;
};

static void on_timer(struct timer *timer);
static void run_sync(struct timers *t);
static void run_fire(struct timers *t);

/* Less than `top`. */
static uint64_t
jitter(uint64_t top)
{
	uint32_t n = 0;

	(void)uv_random(NULL, NULL, &n, sizeof(n), 0, NULL);
	return n % top;
}

static struct timers *
timers_of(struct job *job)
{
	return container_of(
		container_of(job, struct ask, job), struct timers, ask);
}

static void
forget(struct timers *t)
{
	json_decref(t->sync);
	json_decref(t->fire);
	t->sync = t->fire = NULL;
	t->runs = 0;
}

/* `done`: it went well. */
static void
sleep_on(struct timers *t, bool done)
{
	uint64_t ms = t->check_ms - jitter(t->check_ms / 8 + 1);
	int64_t left = t->next_ms - clock_now_ms();

	forget(t);
	if (t->stopped)
		return;
	if (done && t->next_ms && left < (int64_t)ms)
		ms = (uint64_t)max(left, (int64_t)0) + jitter(LAG_MS);
	if ((done && t->full) || t->kicked)
		ms = 0;
	t->whole |= t->kicked;
	t->kicked = false;
	timer_set(&t->timer, pool_loop(t->pool), ms, on_timer);
}

static void
ask(struct timers *t, job_fn *done, const char *sql, const struct slice *params,
	int count)
{
	t->ask = (struct ask){0};
	job_init(&t->ask.job, done);
	pool_ask(t->pool, &t->ask, sql, params, count);
}

static struct slice
now_text(char room[24])
{
	int n = snprintf(room, 24, "%" PRId64, clock_now_ms());

	return slice_of(room, (size_t)n);
}

/* What was asked with this row as JSON: the names of the timer. */
static json_t *
row_object(const struct timers *t, int row)
{
	struct slice function = ask_value(&t->ask, row, 1);
	struct slice name = ask_value(&t->ask, row, 2);

	return json_pack("{s:s%,s:s%}", "function", function.ptr, function.len,
		"name", name.ptr, name.len);
}

static json_t *
text_of(struct slice s)
{
	return json_stringn(s.ptr, s.len);
}

static json_t *
time_of(int64_t s)
{
	return s < 0 ? json_null() : json_integer(s * 1000);
}

static void
add_sync(struct timers *t, int row, const json_t *from)
{
	json_t *v = row_object(t, row);
	struct timer_spec spec = {0};
	struct fault why = {0};
	int64_t next = -1;
	int e = timer_spec_parse(&spec, from, &why);

	if (e == 0)
		next = timer_next(&spec, clock_now_s());
	if (e == 0 && next < 0)
		(void)fault_set(&why, ERR_PARAM,
			"no time before the year 2100 matches");
	/* As they stand there, also when they cannot be read. */
	(void)json_object_set_new(
		v, "expression", json_incref(json_object_get(from, "config")));
	(void)json_object_set_new(v, "zone",
		e == 0 ? text_of(spec.timezone)
		       : json_incref(json_object_get(from, "timezone")));
	if (!json_object_get(v, "zone"))
		(void)json_object_set_new(v, "zone", json_string(""));
	(void)json_object_set_new(v, "next", time_of(next));
	if (next < 0)
		(void)json_object_set_new(v, "error", json_string(why.text));
	(void)json_array_append_new(t->sync, v);
	timer_spec_done(&spec);
}

static void
add_due(struct timers *t, int row, const json_t *from)
{
	int64_t seen = ask_int(&t->ask, row, 4);
	struct timer_spec spec = {0};
	struct timer_due due;
	json_t *v;

	if (t->runs >= RUNS_TOP) {
		t->full = true;
		return;
	}
	/* A zone that this machine does not know: another's business. */
	if (timer_spec_parse(&spec, from, NULL) < 0)
		return;
	timer_due(&due, &spec, seen / 1000, clock_now_s(), t->grace_s);
	timer_spec_done(&spec);
	t->runs += json_array_size(due.runs);
	v = row_object(t, row);
	(void)json_object_set_new(v, "seen", json_integer(seen));
	(void)json_object_set_new(v, "next", time_of(due.next));
	(void)json_object_set_new(v, "missed", json_integer(due.missed));
	(void)json_object_set_new(v, "runs", due.runs);
	(void)json_array_append_new(t->fire, v);
	if (due.next >= 0 && (!t->next_ms || due.next * 1000 < t->next_ms))
		t->next_ms = due.next * 1000;
}

static void
take_row(struct timers *t, int row)
{
	struct slice what = ask_value(&t->ask, row, 0);
	_json_ json_t *spec = NULL;

	if (slice_is(what, "next"))
		return;
	if (val_parse(&spec, ask_value(&t->ask, row, 3), NULL) < 0)
		return;
	if (slice_is(what, "sync"))
		add_sync(t, row, spec);
	else
		add_due(t, row, spec);
}

static void
on_looked(struct job *job)
{
	struct timers *t = timers_of(job);
	int rows = ask_rows(&t->ask);

	if (job->err < 0) {
		t->whole = true;
		sleep_on(t, false);
		return;
	}
	forget(t);
	t->sync = json_array();
	t->fire = json_array();
	t->full = rows > TOP;
	/* The last row says when the earliest of the others comes. */
	t->next_ms = rows && !ask_is_null(&t->ask, rows - 1, 4)
			     ? ask_int(&t->ask, rows - 1, 4)
			     : 0;
	for (int i = 0; i < rows; i++)
		take_row(t, i);
	t->whole |= json_array_size(t->sync) >= TOP;
	run_sync(t);
}

static void
on_synced(struct job *job)
{
	struct timers *t = timers_of(job);

	/* Now they have a next time, which the look did not know.  Those that
	 * cannot be set are not tried again and again. */
	t->kicked |= job->err == 0 && !t->synced;
	t->synced = true;
	run_fire(t);
}

static void
run_sync(struct timers *t)
{
	struct buf list _buf_ = {0};

	if (json_array_size(t->sync) == 0) {
		t->synced = false;
		run_fire(t);
		return;
	}
	buf_init(&list, LIST_TOP);
	val_put(&list, t->sync);
	ask(t, on_synced, "SELECT mpcloud.timers_sync($1, $2)",
		(struct slice[]){slice_str(t->env), buf_all(&list)}, 2);
}

static void
on_fired(struct job *job)
{
	struct timers *t = timers_of(job);

	for (int i = 0; job->err == 0 && i < ask_rows(&t->ask); i++) {
		_free_ char *function = NULL, *name = NULL;
		struct slice s = ask_value(&t->ask, i, 0);

		if (ask_int(&t->ask, i, 3) == 0)
			continue;
		function = str_ndup(s.ptr, s.len);
		s = ask_value(&t->ask, i, 1);
		name = str_ndup(s.ptr, s.len);
		event(EVENT_TIMER_MISSED, "function", function, "timer", name,
			"missed", EVENT_INT(ask_int(&t->ask, i, 3)), NULL);
	}
	if (t->queue && job->err == 0 && ask_rows(&t->ask) > 0)
		queue_wake(t->queue);
	sleep_on(t, job->err == 0);
}

static void
run_fire(struct timers *t)
{
	struct buf list _buf_ = {0};
	char now[24];

	if (json_array_size(t->fire) == 0 || t->stopped) {
		sleep_on(t, true);
		return;
	}
	buf_init(&list, LIST_TOP);
	val_put(&list, t->fire);
	ask(t, on_fired, "SELECT * FROM mpcloud.timers_fire($1, $2, $3)",
		(struct slice[]){
			slice_str(t->env), buf_all(&list), now_text(now)},
		3);
}

static void
on_timer(struct timer *timer)
{
	struct timers *t = container_of(timer, struct timers, timer);
	char now[24], top[12];
	bool whole = t->whole || ++t->looks % WHOLE_EVERY == 0;

	t->whole = false;
	(void)snprintf(top, sizeof(top), "%d", TOP);
	ask(t, on_looked, "SELECT * FROM mpcloud.timers_look($1, $2, $3, $4)",
		(struct slice[]){slice_str(t->env), now_text(now),
			slice_str(top), ask_flag(whole)},
		4);
}

struct timers *
timers_new(const struct timers_conf *conf)
{
	struct timers *t = mem_new(struct timers);

	t->pool = conf->pool;
	t->queue = conf->queue;
	t->env = str_dup(conf->env);
	t->check_ms = conf->check_ms;
	t->grace_s = conf->grace_ms / 1000;
	t->whole = true;
	job_init(&t->ask.job, on_looked);
	timer_set(&t->timer, pool_loop(t->pool), jitter(t->check_ms + 1),
		on_timer);
	return t;
}

void
timers_stop(struct timers *timers)
{
	timers->stopped = true;
	timer_clear(&timers->timer);
}

void
timers_kick(struct timers *timers)
{
	timers->whole = true;
	timers->kicked = !timer_is_set(&timers->timer);
	if (!timers->kicked)
		timer_set(&timers->timer, pool_loop(timers->pool), 0, on_timer);
}

struct timers *
timers_free(struct timers *timers)
{
	if (!timers)
		return NULL;
	timer_clear(&timers->timer);
	job_cancel(&timers->ask.job);
	forget(timers);
	timers->env = mem_free(timers->env);
	return mem_free(timers);
}
