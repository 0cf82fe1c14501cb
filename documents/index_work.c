/*
 * One statement after the other, by a table of steps:
 *
 *   LOOK    is there anything to do? (the shared pool, every check_ms)
 *   CLAIM   take one, with the session's lock
 *   UNMAKE  drop what an earlier try may have left; all of a drop
 *   MAKE    CREATE INDEX CONCURRENTLY …, ANALYZE
 *   UNDO    as UNMAKE, when MAKE failed: no invalid index stays
 *   SETTLE  say how it ended, and CLAIM again
 *
 * A lost connection goes back to rest: the claim ended with it.
 */
#include "documents/index_work.h"

#include "base/event.h"
#include "base/mem.h"
#include "base/timer.h"
#include "base/val.h"
#include "documents/index.h"

/* An index of a large collection takes its time. */
static const uint64_t BUILD_MS = 24ULL * 3600 * 1000;

enum step { REST, LOOK, CLAIM, UNMAKE, MAKE, UNDO, SETTLE };

struct index_work {
	struct pool *pool; /* everybody's */
	struct pool *own;  /* while there is work */
	char *url;
	uint64_t check_ms;
	struct timer timer;
	struct defer close;
	struct ask ask;
	enum step step;
	bool again; /* kicked meanwhile */
	size_t at;  /* of the list */
	/* the claim */
	json_t *env, *collection, *name, *state, *unmake, *make;
	struct fault why; /* that MAKE failed for; code 0: it did not */
};

static void on_asked(struct job *job);
static void go(struct index_work *w, enum step step);

static void
claim_drop(struct index_work *w)
{
	json_t **all[] = {&w->env, &w->collection, &w->name, &w->state,
		&w->unmake, &w->make};

	for (size_t i = 0; i < array_size(all); i++) {
		json_decref(*all[i]);
		*all[i] = NULL;
	}
	w->why = (struct fault){0};
}

static void
on_timer(struct timer *timer)
{
	go(container_of(timer, struct index_work, timer), LOOK);
}

static void
on_close(struct defer *defer)
{
	struct index_work *w = container_of(defer, struct index_work, close);

	if (w->step == REST)
		w->own = pool_free(w->own);
}

/* A pool cannot be freed inside its own answer. */
static void
rest(struct index_work *w)
{
	bool again = w->again;

	claim_drop(w);
	w->step = REST;
	w->again = false;
	loop_defer(pool_loop(w->pool), &w->close);
	timer_set(&w->timer, pool_loop(w->pool), again ? 10 : w->check_ms,
		on_timer);
}

static void
ask_of(struct index_work *w, struct pool *pool, const char *sql,
	const struct slice *params, int count)
{
	w->ask = (struct ask){0};
	job_init(&w->ask.job, on_asked);
	pool_ask_once(pool, &w->ask, sql, params, count);
}

static bool
own_open(struct index_work *w)
{
	const struct pool_conf conf = {
		.url = w->url,
		.connections = 1,
		.timeout_ms = BUILD_MS,
		.waiting_top = 4,
	};

	return w->own ||
	       pool_new(&w->own, pool_loop(w->pool), &conf, NULL) == 0;
}

static struct slice
text_of(const json_t *v)
{
	return slice_of(json_string_value(v), json_string_length(v));
}

static json_t *
list_of(const struct index_work *w)
{
	return w->step == MAKE ? w->make : w->unmake;
}

/* The next statement of the list, or what comes after it. */
static void
run(struct index_work *w)
{
	const json_t *sql = json_array_get(list_of(w), w->at);

	if (sql)
		ask_of(w, w->own, json_string_value(sql), NULL, 0);
	else if (w->step == UNMAKE)
		go(w, MAKE);
	else
		go(w, SETTLE);
}

static void
settle(struct index_work *w)
{
	const char *error =
		w->why.code ? fault_text(&w->why, w->why.code) : NULL;

	ask_of(w, w->own, "SELECT mpcloud.index_settle($1, $2, $3, $4, $5)",
		(struct slice[]){text_of(w->env), text_of(w->collection),
			text_of(w->name), text_of(w->state), slice_str(error)},
		5);
}

static void
go(struct index_work *w, enum step step)
{
	w->step = step;
	w->at = 0;
	timer_clear(&w->timer);
	switch (step) {
	case LOOK:
		ask_of(w, w->pool,
			"SELECT EXISTS (SELECT 1 FROM mpcloud.indexes WHERE "
			"state IN ('building', 'dropping'))",
			NULL, 0);
		break;
	case CLAIM:
		claim_drop(w);
		if (own_open(w))
			ask_of(w, w->own, "SELECT * FROM mpcloud.index_claim()",
				NULL, 0);
		else
			rest(w);
		break;
	case UNMAKE:
	case MAKE:
	case UNDO:
		run(w);
		break;
	case SETTLE:
		settle(w);
		break;
	case REST:
		rest(w);
		break;
	}
}

static json_t *
column(struct index_work *w, int col)
{
	struct slice v = ask_value(&w->ask, 0, col);

	return json_stringn(v.ptr, v.len);
}

static void
take_claim(struct index_work *w)
{
	if (ask_rows(&w->ask) == 0) {
		go(w, REST);
		return;
	}
	w->env = column(w, 0);
	w->collection = column(w, 1);
	w->name = column(w, 2);
	w->state = column(w, 3);
	if (val_parse(&w->unmake, ask_value(&w->ask, 0, 4), NULL) < 0 ||
		val_parse(&w->make, ask_value(&w->ask, 0, 5), NULL) < 0)
		go(w, REST);
	else
		go(w, UNMAKE);
}

/* Why it cannot be, in words that name it. */
static void
blame(struct index_work *w, const struct job *job)
{
	w->why = job->why;
	w->why.code = job->err;
	if (index_tell_duplicate(
		    text_of(w->collection), job->why.text, &w->why))
		(void)fault_set(&w->why, job->err,
			"E11000 duplicate key: two documents have the same "
			"value; remove one of them and create the index again");
}

static void
on_error(struct index_work *w, const struct job *job)
{
	event(EVENT_DB_INDEX_BAD, "collection",
		json_string_value(w->collection), "index",
		json_string_value(w->name), "error",
		fault_text(&job->why, job->err), NULL);
	if (w->step != MAKE || job->err == ERR_DB_DOWN ||
		job->err == ERR_SHUTDOWN) {
		go(w, REST);
		return;
	}
	blame(w, job);
	go(w, UNDO);
}

static void
on_asked(struct job *job)
{
	struct index_work *w = container_of(
		container_of(job, struct ask, job), struct index_work, ask);

	if (job->err < 0 && w->step > CLAIM) {
		on_error(w, job);
		return;
	}
	if (job->err < 0) {
		go(w, REST);
		return;
	}
	switch (w->step) {
	case LOOK:
		go(w, slice_is(ask_value(&w->ask, 0, 0), "t") ? CLAIM : REST);
		break;
	case CLAIM:
		take_claim(w);
		break;
	case SETTLE:
		if (!w->why.code)
			event(EVENT_DB_INDEX, "collection",
				json_string_value(w->collection), "index",
				json_string_value(w->name), "state",
				json_string_value(w->state), NULL);
		go(w, CLAIM);
		break;
	default:
		w->at++;
		run(w);
	}
}

int
index_work_new(struct index_work **ret, struct pool *pool,
	const struct index_work_conf *conf)
{
	struct index_work *w = mem_new(struct index_work);

	w->pool = pool;
	w->url = str_dup(conf->url);
	w->check_ms = conf->check_ms;
	defer_init(&w->close, on_close);
	job_init(&w->ask.job, on_asked);
	timer_set(&w->timer, pool_loop(pool), 0, on_timer);
	*ret = w;
	return 0;
}

struct index_work *
index_work_free(struct index_work *w)
{
	if (!w)
		return NULL;
	timer_clear(&w->timer);
	defer_clear(&w->close);
	job_cancel(&w->ask.job);
	claim_drop(w);
	w->own = pool_free(w->own);
	w->url = mem_free(w->url);
	return mem_free(w);
}

void
index_work_kick(struct index_work *w)
{
	w->again = true;
	if (w->step == REST)
		timer_set(&w->timer, pool_loop(w->pool), 0, on_timer);
}

bool
index_work_is_idle(const struct index_work *w)
{
	return w->step == REST;
}
