/*
 * Collections by name.  An entry is shared by those who build statements from
 * it and goes when the last of them lets go.
 */
#include "db/catalog.h"

#include "base/list.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

struct entry {
	struct coll_info info; /* first: coll_info is what others hold */
	struct list on;
	struct arena arena;
	unsigned held;
};

struct catalog {
	struct pool *pool;
	struct list entries; /* struct entry */
	unsigned count;
};

enum { ENTRIES_TOP = 2000, ENTRY_TOP = 1 << 20, LIFE_MS = 30000 };

/* Names as one JSON array: the statement is the same for any number. */
static const char ASK[] =
	"SELECT name, version, permission, shows_openid FROM "
	"mpcloud.collections WHERE env = $1 AND name = ANY (ARRAY(SELECT "
	"jsonb_array_elements_text($2::jsonb)))";

static struct entry *
entry_of(struct coll_info *info)
{
	return container_of(info, struct entry, info);
}

static void
entry_drop(struct entry *e)
{
	if (--e->held)
		return;
	arena_done(&e->arena);
	free(e);
}

static void
entry_unlink(struct catalog *c, struct entry *e)
{
	list_del(&e->on);
	c->count--;
	entry_drop(e);
}

int
catalog_new(struct catalog **ret, struct pool *pool)
{
	struct catalog *c = mem_new(struct catalog);

	c->pool = pool;
	list_init(&c->entries);
	*ret = c;
	return 0;
}

struct catalog *
catalog_free(struct catalog *c)
{
	if (!c)
		return NULL;
	list_for_each_safe(at, &c->entries)
		entry_unlink(c, container_of(at, struct entry, on));
	free(c);
	return NULL;
}

static struct entry *
find(struct catalog *c, const char *env, struct slice name)
{
	list_for_each(at, &c->entries) {
		struct entry *e = container_of(at, struct entry, on);

		if (slice_eq(e->info.coll.name, name) &&
			strcmp(e->info.coll.env, env) == 0)
			return e;
	}
	return NULL;
}

/* A new entry, held once by the caller; NULL when the name cannot be one. */
static struct entry *
entry_new(const char *env, struct slice name, struct fault *why)
{
	struct entry *e = mem_new(struct entry);

	arena_init(&e->arena, ENTRY_TOP);
	list_init(&e->on);
	e->held = 1;
	if (coll_parse(&e->info.coll, env, name, &e->arena, why) < 0) {
		entry_drop(e);
		return NULL;
	}
	return e;
}

static void
hold(struct catalog_ask *a, size_t i, struct entry *e)
{
	e->held++;
	a->info[i] = &e->info;
}

/* True when nothing is missing. */
static bool
fill(struct catalog *c, struct catalog_ask *a)
{
	bool all = true;

	for (size_t i = 0; i < a->count; i++) {
		struct entry *e =
			a->info[i] ? NULL : find(c, a->env, a->name[i]);

		if (e)
			hold(a, i, e);
		all &= a->info[i] != NULL;
	}
	return all;
}

static enum permission
read_permission(struct slice s)
{
	static const char *const names[] = {
		[PERMISSION_ADMINONLY] = "ADMINONLY",
		[PERMISSION_READONLY] = "READONLY",
		[PERMISSION_PRIVATE] = "PRIVATE",
		[PERMISSION_ADMINWRITE] = "ADMINWRITE",
		[PERMISSION_CUSTOM] = "CUSTOM",
	};

	for (size_t i = 0; i < array_size(names); i++)
		if (slice_is(s, names[i]))
			return (enum permission)i;
	return PERMISSION_ADMINONLY;
}

static void
keep_row(struct catalog_ask *a, int row)
{
	struct entry *e =
		entry_new(a->env, ask_value(&a->ask, row, 0), &a->job.why);

	if (!e)
		return;
	e->info.version = ask_int(&a->ask, row, 1);
	e->info.permission = read_permission(ask_value(&a->ask, row, 2));
	e->info.shows_openid = ask_value(&a->ask, row, 3).ptr[0] == 't';
	list_add_first(&a->catalog->entries, &e->on);
	if (++a->catalog->count > ENTRIES_TOP)
		entry_unlink(a->catalog,
			container_of(a->catalog->entries.prev, struct entry,
				on));
}

/* What is nowhere: answered, but not kept, for it may be made any moment. */
static int
fill_absent(struct catalog_ask *a)
{
	for (size_t i = 0; i < a->count; i++) {
		struct entry *e;

		if (a->info[i])
			continue;
		e = entry_new(a->env, a->name[i], &a->job.why);
		if (!e)
			return ERR_DB_PARAM;
		a->info[i] = &e->info;
	}
	return 0;
}

static void
on_rows(struct job *job)
{
	struct catalog_ask *a =
		container_of(container_of(job, struct ask, job),
			struct catalog_ask, ask);
	int err = job->err;

	if (err < 0) {
		a->job.why = job->why;
		job_finish(&a->job, err);
		return;
	}
	for (int i = 0; i < ask_rows(&a->ask); i++)
		if (!find(a->catalog, a->env, ask_value(&a->ask, i, 0)))
			keep_row(a, i);
	if (!fill(a->catalog, a))
		err = fill_absent(a);
	job_finish(&a->job, err);
}

static void
on_drop(struct job *job)
{
	job_cancel(&container_of(job, struct catalog_ask, job)->ask.job);
}

static void
ask_rows_of(struct catalog *c, struct catalog_ask *a)
{
	_buf_ struct buf names;
	struct slice params[2] = {slice_str(a->env)};

	buf_init(&names, 16384);
	for (size_t i = 0; i < a->count; i++) {
		buf_char(&names, i ? ',' : '[');
		buf_json(&names, a->name[i]);
	}
	buf_char(&names, ']');
	params[1] = buf_all(&names);
	job_init(&a->ask.job, on_rows);
	a->ask.is_read = true;
	pool_ask(c->pool, &a->ask, ASK, params, 2);
}

bool
catalog_ask(struct catalog *c, struct catalog_ask *a)
{
	a->catalog = c;
	memset(a->info, 0, sizeof(a->info));
	if (fill(c, a))
		return true;
	job_begin(&a->job, pool_loop(c->pool), 0, on_drop);
	ask_rows_of(c, a);
	return false;
}

void
catalog_end(struct catalog_ask *a)
{
	for (size_t i = 0; i < a->count; i++) {
		if (a->info[i])
			entry_drop(entry_of(a->info[i]));
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

void
catalog_forget(struct catalog *c, const char *env, struct slice name)
{
	struct entry *e = find(c, env, name);

	if (e)
		entry_unlink(c, e);
}
