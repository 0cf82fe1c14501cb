/*
 * A list of functions whose triggers are to be written, one statement at a
 * time; after the last, the tables are brought up to date
 * (mpcloud.triggers_attach), which may have to wait for transactions that hold
 * them and is then asked again.
 */
#include "trigger/triggers.h"

#include "base/event.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/timer.h"
#include "base/val.h"

#include <assert.h>
#include <string.h>

enum { AGAIN_MS = 250, AGAIN_TOP_MS = 15000, SPECS_TOP = 1 << 20 };

struct declared {
	struct list on; /* triggers->todo */
	char name[64];
	json_t *specs;
};

struct triggers {
	struct pool *pool;
	char *env;
	triggers_fn *changed;
	void *owner;
	struct list todo;
	struct declared *now; /* being written */
	struct ask ask;
	struct timer again;
	uint64_t again_ms; /* grows with each failure */
	bool attach;       /* the tables come next */
	bool started;
};

static void go(struct triggers *t);

static struct declared *
declared_free(struct declared *d)
{
	if (!d)
		return NULL;
	list_del(&d->on);
	json_decref(d->specs);
	return mem_free(d);
}

static void
on_again(struct timer *timer)
{
	go(container_of(timer, struct triggers, again));
}

static void
later(struct triggers *t)
{
	t->again_ms = min(max(t->again_ms * 2, (uint64_t)AGAIN_MS),
		(uint64_t)AGAIN_TOP_MS);
	timer_set(&t->again, pool_loop(t->pool), t->again_ms, on_again);
}

static struct triggers *
of(struct job *job)
{
	return container_of(
		container_of(job, struct ask, job), struct triggers, ask);
}

static void
on_attached(struct job *job)
{
	struct triggers *t = of(job);

	if (job->err == 0 && ask_int(&t->ask, 0, 0) == 0) {
		t->attach = false;
		t->again_ms = 0;
		go(t);
	} else {
		later(t);
	}
}

static void
on_set(struct job *job)
{
	struct triggers *t = of(job);
	struct declared *d = take(t->now);

	if (job->err < 0) {
		event(EVENT_TRIGGERS_BAD, "function", d->name, "error",
			fault_text(&job->why, job->err), NULL);
		/* unless it has been said anew meanwhile */
		list_for_each (at, &t->todo)
			if (strcmp(container_of(at, struct declared, on)->name,
				    d->name) == 0) {
				d = declared_free(d);
				break;
			}
		if (d)
			list_add(&t->todo, &d->on);
		later(t);
		return;
	}
	t->again_ms = 0;
	if (slice_is(ask_value(&t->ask, 0, 0), "t")) {
		event(EVENT_TRIGGERS, "function", d->name, NULL);
		t->attach = true;
		if (t->changed)
			t->changed(t->owner);
	}
	(void)declared_free(d);
	go(t);
}

static void
set(struct triggers *t)
{
	struct declared *d = list_first(&t->todo, struct declared, on);
	_buf_ struct buf specs;

	assert(d); /* go looked */
	list_del(&d->on);
	t->now = d;
	buf_init(&specs, SPECS_TOP);
	val_put(&specs, d->specs);
	t->ask = (struct ask){0};
	job_init(&t->ask.job, on_set);
	pool_ask(t->pool, &t->ask,
		"SELECT mpcloud.triggers_set($1::text, $2::text, $3::jsonb)",
		(struct slice[]){
			slice_str(t->env), slice_str(d->name), buf_all(&specs)},
		3);
}

static void
attach(struct triggers *t)
{
	const struct slice env = slice_str(t->env);

	t->ask = (struct ask){0};
	job_init(&t->ask.job, on_attached);
	pool_ask(t->pool, &t->ask, "SELECT mpcloud.triggers_attach($1::text)",
		&env, 1);
}

static void
go(struct triggers *t)
{
	if (t->ask.job.busy || timer_is_set(&t->again) || !t->started)
		return;
	if (!list_empty(&t->todo))
		set(t);
	else if (t->attach)
		attach(t);
}

void
triggers_put(struct triggers *t, const char *function, const json_t *specs)
{
	struct declared *d = mem_new(struct declared);

	list_for_each (at, &t->todo) {
		struct declared *old = container_of(at, struct declared, on);

		if (strcmp(old->name, function) == 0) {
			(void)declared_free(old);
			break;
		}
	}
	list_init(&d->on);
	memcpy(d->name, function, min(strlen(function), sizeof(d->name) - 1));
	d->specs = specs ? json_deep_copy(specs) : json_array();
	list_add(&t->todo, &d->on);
	go(t);
}

/* What an earlier process began to attach may be unfinished. */
void
triggers_start(struct triggers *t)
{
	t->started = true;
	t->attach = true;
	go(t);
}

bool
triggers_is_idle(const struct triggers *t)
{
	return list_empty(&t->todo) && !t->now && !t->attach &&
	       !t->ask.job.busy;
}

struct triggers *
triggers_new(
	struct pool *pool, const char *env, triggers_fn *changed, void *owner)
{
	struct triggers *t = mem_new(struct triggers);

	t->pool = pool;
	t->env = str_dup(env);
	t->changed = changed;
	t->owner = owner;
	list_init(&t->todo);
	job_init(&t->ask.job, on_set);
	return t;
}

struct triggers *
triggers_free(struct triggers *t)
{
	struct declared *d;

	if (!t)
		return NULL;
	timer_clear(&t->again);
	job_cancel(&t->ask.job);
	while ((d = list_first(&t->todo, struct declared, on)))
		(void)declared_free(d);
	(void)declared_free(t->now);
	(void)mem_free(t->env);
	return mem_free(t);
}
