/*
 * Collections by name.  An entry is shared by those who build statements from
 * it and goes when the last of them lets go.
 *
 * Who asks for names that are not kept waits on one list for all.  When a load
 * ends, each of them takes what is there now, and asks on for what is still
 * missing and on no load: so nobody needs to know which load was whose, and a
 * load that was overtaken (catalog_forget came while it ran) is simply thrown
 * away.
 */
#include "documents/catalog.h"

#include "base/clock.h"
#include "base/crypto.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/sip.h"
#include "documents/catalog_entry.h"
#include "documents/rule.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	ENTRIES_TOP = 2000,
	BUCKETS = 1024,
	ABSENT_MS = 100, /* how long "no such collection" is true */
	UPKEEP_MS = 1000,
	/* A version may be taken before, and seen after, a later one. */
	VERSIONS_BACK = 100,
};

struct catalog {
	struct pool *pool;
	struct list entries;         /* the last used first */
	struct list bucket[BUCKETS]; /* the same, by name */
	uint64_t key[2];
	unsigned count;
	struct list loads; /* struct load */
	uint64_t load_count;
	struct list waiting; /* struct catalog_ask */
	struct timer upkeep;
	struct ask news; /* of the upkeep */
	int64_t newest;  /* version seen, or -1 */
};

/* One question on its way. */
struct load {
	struct ask ask;
	struct list on;
	struct catalog *catalog;
	struct arena arena;
	const char *env;
	struct slice name[CATALOG_NAMES];
	size_t count;
	uint64_t number; /* from 1 */
	bool overtaken;
};

static struct catalog_entry *
entry_on(struct list *on)
{
	return container_of(on, struct catalog_entry, on);
}

static struct list *
bucket_of(struct catalog *c, struct slice name)
{
	return &c->bucket[sip_hash(c->key, name.ptr, name.len) % BUCKETS];
}

static struct catalog_entry *
find(struct catalog *c, const char *env, struct slice name)
{
	struct list *bucket = bucket_of(c, name);

	list_for_each (at, bucket) {
		struct catalog_entry *e =
			container_of(at, struct catalog_entry, in);

		if (slice_eq(e->info.coll.name, name) &&
			strcmp(e->info.coll.env, env) == 0)
			return e;
	}
	return NULL;
}

static void
unlink_entry(struct catalog *c, struct catalog_entry *e)
{
	list_del(&e->on);
	list_del(&e->in);
	c->count--;
	catalog_entry_drop(e);
}

/* Takes the caller's hold.  What does not exist goes first when room is
 * wanted, so that names made up by strangers push nothing out. */
static void
keep(struct catalog *c, struct catalog_entry *e)
{
	struct catalog_entry *old =
		find(c, e->info.coll.env, e->info.coll.name);

	if (old && old->load > e->load) {
		catalog_entry_drop(e);
		return;
	}
	if (old)
		unlink_entry(c, old);
	if (e->info.version)
		list_add_first(&c->entries, &e->on);
	else
		list_add(&c->entries, &e->on);
	list_add_first(bucket_of(c, e->info.coll.name), &e->in);
	c->count++;
}

static void
trim(struct catalog *c)
{
	while (c->count > ENTRIES_TOP)
		unlink_entry(c, entry_on(c->entries.prev));
}

static bool
is_current(const struct catalog_entry *e, uint64_t after)
{
	return e->load > after &&
	       (e->info.version ||
		       clock_mono() / CLOCK_MS - e->made_ms < ABSENT_MS);
}

/* True when nothing is missing. */
static bool
fill(struct catalog *c, struct catalog_ask *a)
{
	bool all = true;

	for (size_t i = 0; i < a->count; i++) {
		struct catalog_entry *e =
			a->info[i] ? NULL : find(c, a->env, a->name[i]);

		if (e && is_current(e, a->after)) {
			e->held++;
			a->info[i] = &e->info;
			if (e->info.version) {
				list_del(&e->on);
				list_add_first(&c->entries, &e->on);
			}
		}
		all &= a->info[i] != NULL;
	}
	return all;
}

static bool
load_has(const struct load *l, const char *env, struct slice name)
{
	for (size_t i = 0; i < l->count; i++)
		if (slice_eq(l->name[i], name) && strcmp(l->env, env) == 0)
			return true;
	return false;
}

static bool
is_on_load(
	const struct catalog *c, const struct catalog_ask *a, struct slice name)
{
	list_for_each (at, (struct list *)(uintptr_t)&c->loads) {
		const struct load *l = container_of(at, struct load, on);

		if (!l->overtaken && l->number > a->after &&
			load_has(l, a->env, name))
			return true;
	}
	return false;
}

static void
load_free(struct load *l)
{
	list_del(&l->on);
	job_cancel(&l->ask.job);
	arena_done(&l->arena);
	free(l);
}

static void
keep_rows(struct catalog *c, const struct load *l)
{
	for (int i = 0; i < ask_rows(&l->ask); i++) {
		struct catalog_entry *e = catalog_entry_new(l->env,
			ask_value(&l->ask, i, CATALOG_COLUMN_NAME), NULL);

		if (!e)
			continue;
		catalog_entry_read(e, &l->ask, i);
		e->load = l->number;
		keep(c, e);
		if (c->newest < 0)
			c->newest = ask_int(&l->ask, i, CATALOG_COLUMN_NEWEST);
	}
}

static void
keep_absent(struct catalog *c, const struct load *l)
{
	for (size_t i = 0; i < l->count; i++) {
		struct catalog_entry *e = find(c, l->env, l->name[i]);

		if (e && e->load == l->number)
			continue;
		e = catalog_entry_new(l->env, l->name[i], NULL);
		if (!e)
			continue;
		e->load = l->number;
		keep(c, e);
	}
}

static void start_loads(struct catalog *c, struct catalog_ask *a);
static void on_upkeep(struct timer *t);

static void
arm(struct catalog *c)
{
	if (c->count && !timer_is_set(&c->upkeep) && !c->news.job.busy)
		timer_set(&c->upkeep, pool_loop(c->pool), UPKEEP_MS, on_upkeep);
}

/* Why `a` will never get what it misses: the load failed, or the name cannot be
 * one; or 0. */
static int
hopeless(const struct catalog_ask *a, const struct load *l)
{
	if (l->overtaken || l->number <= a->after)
		return 0;
	for (size_t i = 0; i < a->count; i++)
		if (!a->info[i] && load_has(l, a->env, a->name[i]))
			return l->ask.job.err < 0 ? l->ask.job.err
						  : ERR_DB_PARAM;
	return 0;
}

/* Those who wait take what there is after `l`.  Finishing one may add others:
 * hence a list aside. */
static void
serve(struct catalog *c, const struct load *l)
{
	struct list aside = LIST_INIT(aside);

	while (!list_empty(&c->waiting)) {
		struct list *at = c->waiting.next;

		list_del(at);
		list_add(&aside, at);
	}
	while (!list_empty(&aside)) {
		struct catalog_ask *a =
			list_first(&aside, struct catalog_ask, on);
		bool all = fill(c, a);
		int err = all ? 0 : hopeless(a, l);

		list_del(&a->on);
		if (all || err < 0) {
			a->job.why = l->ask.job.why;
			job_finish(&a->job, err);
			continue;
		}
		list_add(&c->waiting, &a->on);
		start_loads(c, a);
	}
}

static void
on_load(struct job *job)
{
	struct load *l = container_of(
		container_of(job, struct ask, job), struct load, ask);
	struct catalog *c = l->catalog;

	list_del(&l->on);
	if (job->err == 0 && !l->overtaken) {
		keep_rows(c, l);
		keep_absent(c, l);
	}
	serve(c, l);
	trim(c);
	arm(c);
	load_free(l);
}

static void
load_send(struct catalog *c, struct load *l)
{
	_buf_ struct buf names = {0};
	struct slice params[2] = {slice_str(l->env)};

	buf_init(&names, 16384);
	for (size_t i = 0; i < l->count; i++) {
		buf_char(&names, i ? ',' : '[');
		buf_json(&names, l->name[i]);
	}
	buf_char(&names, ']');
	params[1] = buf_all(&names);
	job_init(&l->ask.job, on_load);
	l->ask.is_read = true;
	list_add(&c->loads, &l->on);
	pool_ask(c->pool, &l->ask, catalog_select, params, 2);
}

/* What `a` misses and nobody asks for yet. */
static void
start_loads(struct catalog *c, struct catalog_ask *a)
{
	struct load *l = mem_new(struct load);

	arena_init(&l->arena, 64 << 10);
	list_init(&l->on);
	l->catalog = c;
	l->number = ++c->load_count;
	l->env = arena_str(&l->arena, slice_str(a->env));
	for (size_t i = 0; i < a->count; i++)
		if (!a->info[i] && !is_on_load(c, a, a->name[i]) &&
			!load_has(l, a->env, a->name[i]))
			l->name[l->count++] =
				slice_of(arena_str(&l->arena, a->name[i]),
					a->name[i].len);
	if (l->count)
		load_send(c, l);
	else
		load_free(l);
}

static void
on_drop(struct job *job)
{
	list_del(&container_of(job, struct catalog_ask, job)->on);
}

bool
catalog_ask(struct catalog *c, struct catalog_ask *a)
{
	memset(a->info, 0, sizeof(a->info));
	list_init(&a->on);
	a->after = a->anew ? c->load_count : 0;
	if (fill(c, a))
		return true;
	/* its loads have a deadline of their own */
	job_begin(&a->job, pool_loop(c->pool), 0, on_drop);
	list_add(&c->waiting, &a->on);
	start_loads(c, a);
	return false;
}

void
catalog_end(struct catalog_ask *a)
{
	for (size_t i = 0; i < a->count; i++) {
		if (a->info[i])
			catalog_entry_drop(container_of(
				a->info[i], struct catalog_entry, info));
		a->info[i] = NULL;
	}
}

const struct coll_info *
catalog_of(const struct catalog_ask *a, struct slice name)
{
	for (size_t i = 0; i < a->count; i++)
		if (slice_eq(a->name[i], name))
			return a->info[i];
	return NULL;
}

/* Whose rules ask other collections knows which of them exist. */
static void
forget_askers(struct catalog *c, const char *env)
{
	list_for_each_safe (at, &c->entries) {
		struct catalog_entry *e = entry_on(at);

		if (rules_get(e->info.rules) &&
			strcmp(e->info.coll.env, env) == 0)
			unlink_entry(c, e);
	}
}

void
catalog_forget(struct catalog *c, const char *env, struct slice name)
{
	struct catalog_entry *e = find(c, env, name);

	if (e)
		unlink_entry(c, e);
	forget_askers(c, env);
	list_for_each (at, &c->loads) {
		struct load *l = container_of(at, struct load, on);

		l->overtaken |= load_has(l, env, name);
	}
}

/* Columns: env, name, version. */
static void
on_news(struct job *job)
{
	struct ask *ask = container_of(job, struct ask, job);
	struct catalog *c = container_of(ask, struct catalog, news);
	_buf_ struct buf env = {0};

	buf_init(&env, 1024);
	for (int i = 0; job->err == 0 && i < ask_rows(ask); i++) {
		struct slice name = ask_value(ask, i, 1);
		int64_t version = ask_int(ask, i, 2);
		struct catalog_entry *e;

		buf_clear(&env);
		buf_slice(&env, ask_value(ask, i, 0));
		e = find(c, buf_all(&env).ptr, name);
		if (e && e->info.version != version)
			catalog_forget(c, buf_all(&env).ptr, name);
		else if (version > c->newest)
			forget_askers(c, buf_all(&env).ptr);
		c->newest = max(c->newest, version);
	}
	arm(c);
}

static void
on_upkeep(struct timer *t)
{
	static const char select[] =
		"SELECT env, name, version FROM mpcloud.collections WHERE "
		"version > $1::bigint ORDER BY version LIMIT 10000";
	struct catalog *c = container_of(t, struct catalog, upkeep);
	char last[24];
	struct slice param;

	(void)snprintf(last, sizeof(last), "%lld",
		(long long)(c->newest - VERSIONS_BACK));
	param = slice_str(last);
	job_init(&c->news.job, on_news);
	c->news.is_read = true;
	pool_ask(c->pool, &c->news, select, &param, 1);
}

int
catalog_new(struct catalog **ret, struct pool *pool)
{
	struct catalog *c = mem_new(struct catalog);

	c->pool = pool;
	c->newest = -1;
	list_init(&c->entries);
	list_init(&c->loads);
	list_init(&c->waiting);
	for (size_t i = 0; i < BUCKETS; i++)
		list_init(&c->bucket[i]);
	crypto_random(c->key, sizeof(c->key));
	job_init(&c->news.job, on_news);
	*ret = c;
	return 0;
}

struct catalog *
catalog_free(struct catalog *c)
{
	if (!c)
		return NULL;
	timer_clear(&c->upkeep);
	job_cancel(&c->news.job);
	while (!list_empty(&c->waiting))
		job_cancel(
			&list_first(&c->waiting, struct catalog_ask, on)->job);
	while (!list_empty(&c->loads))
		load_free(list_first(&c->loads, struct load, on));
	list_for_each_safe (at, &c->entries)
		unlink_entry(c, entry_on(at));
	free(c);
	return NULL;
}
