/*
 * Each operation is a function of db/routines with names, texts and JSON as
 * parameters; what it answers is passed on as it is.
 */
#include "documents/coll_op.h"

#include "base/clock.h"
#include "documents/index.h"
#include "documents/rule.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { ANSWER_TOP = 64 << 20, DEFINITION_TOP = 4 << 20 };

static struct coll_op *
op_of(struct job *job)
{
	return container_of(
		container_of(job, struct ask, job), struct coll_op, ask);
}

/* One value: a boolean, or JSON. */
static void
on_answer(struct job *job)
{
	struct coll_op *op = op_of(job);
	struct slice v;
	char *copy;

	if (job->err < 0) {
		op->job.why = job->why;
		job_finish(&op->job, job->err);
		return;
	}
	v = ask_value(&op->ask, 0, 0);
	op->done = slice_is(v, "t");
	if (!op->json.len) {
		copy = arena_try(op->arena, v.len + 1);
		if (!copy) {
			job_finish(&op->job, ERR_ANSWER_BIG);
			return;
		}
		memcpy(copy, v.ptr, v.len);
		op->json = slice_of(copy, v.len);
	}
	job_finish(&op->job, 0);
}

static void
on_drop(struct job *job)
{
	job_cancel(&container_of(job, struct coll_op, job)->ask.job);
}

static void
begin(struct pool *pool, struct coll_op *op)
{
	op->json = slice_of("", 0);
	op->done = false;
	op->ask = (struct ask){0};
	job_init(&op->ask.job, on_answer);
	job_begin(&op->job, pool_loop(pool), 0, on_drop);
}

static void
fail(struct pool *pool, struct coll_op *op, int err)
{
	job_fail_soon(&op->job, pool_loop(pool), err);
}

/* Parses the name; false when it failed and the job knows. */
static bool
find(struct pool *pool, struct coll_op *op, const char *env,
	struct slice collection, struct coll *coll)
{
	int r;

	begin(pool, op);
	r = coll_parse(coll, env, collection, op->arena, &op->job.why);
	if (r < 0)
		fail(pool, op, r);
	return r == 0;
}

void
coll_op_ask(struct pool *pool, struct coll_op *op, const char *sql,
	const struct slice *params, int count)
{
	begin(pool, op);
	pool_ask_once(pool, &op->ask, sql, params, count);
}

void
coll_op_list(struct pool *pool, struct coll_op *op, const char *env)
{
	const struct slice params[] = {slice_str(env)};

	begin(pool, op);
	op->ask.is_read = true;
	pool_ask_once(pool, &op->ask, "SELECT mpcloud.collection_list($1)",
		params, 1);
}

void
coll_op_drop(struct pool *pool, struct coll_op *op, const char *env,
	struct slice collection)
{
	struct coll c;

	if (!find(pool, op, env, collection, &c))
		return;
	pool_ask_once(pool, &op->ask,
		"SELECT mpcloud.collection_drop($1, $2, $3, $4)",
		(struct slice[]){slice_str(c.env), c.name, c.schema, c.table},
		4);
}

int
coll_check_rules(struct slice permission, const json_t *rules,
	struct arena *arena, struct fault *why)
{
	struct rules *parsed;
	int r = permission.len ? coll_check_permission(permission, why) : 0;

	if (r < 0)
		return r;
	if (!rules && slice_is(permission, "CUSTOM"))
		return fault_set(
			why, ERR_DB_PARAM, "permission CUSTOM needs rules");
	if (!rules)
		return 0;
	if (!slice_is(permission, "CUSTOM"))
		return fault_set(
			why, ERR_DB_PARAM, "rules need permission CUSTOM");
	return rules_parse(&parsed, rules, NULL, arena, why);
}

void
coll_op_permit(struct pool *pool, struct coll_op *op, const char *env,
	struct slice collection, struct slice permission, const json_t *rules,
	int shows_openid)
{
	static const char *const shows[] = {NULL, "f", "t"};
	_buf_ struct buf text = {0};
	struct coll c;
	int r;

	buf_init(&text, DEFINITION_TOP);
	if (!find(pool, op, env, collection, &c))
		return;
	r = coll_check_rules(permission, rules, op->arena, &op->job.why);
	if (r < 0) {
		fail(pool, op, r);
		return;
	}
	if (rules)
		val_put(&text, rules);
	pool_ask_once(pool, &op->ask,
		"SELECT mpcloud.collection_set($1, $2, $3, $4, $5)",
		(struct slice[]){slice_str(c.env), c.name,
			permission.len ? permission : slice_str(NULL),
			rules ? buf_all(&text) : slice_str(NULL),
			slice_str(shows[shows_openid + 1])},
		5);
}

void
coll_op_indexes(struct pool *pool, struct coll_op *op, const char *env,
	struct slice collection)
{
	struct coll c;

	if (!find(pool, op, env, collection, &c))
		return;
	op->ask.is_read = true;
	pool_ask_once(pool, &op->ask,
		"SELECT mpcloud.index_list($1, $2, $3, $4, $5)",
		(struct slice[]){slice_str(c.env), c.name, c.schema, c.table,
			coll_pkey(&c, op->arena)},
		5);
}

/* Definition and what is made of it, as JSON texts. */
static int
define(struct coll_op *op, const struct coll *coll, const json_t *v,
	struct slice *name, struct buf *definition, struct buf *build)
{
	_json_ json_t *stored = NULL, *made = NULL;
	struct index_info *info;
	int r = index_define(&stored, name, v, op->arena, &op->job.why);

	if (r < 0)
		return r;
	if (!stored)
		return fault_set(&op->job.why, ERR_DB_EXISTS,
			"_id has its index already");
	r = index_load(&info, coll, *name, stored, op->arena, &op->job.why);
	if (r == 0)
		r = index_build(&made, coll, info, op->arena, &op->job.why);
	if (r < 0)
		return r;
	val_put(definition, stored);
	val_put(build, made);
	r = buf_check(definition);
	return r < 0 ? r : buf_check(build);
}

void
coll_op_add_index(struct pool *pool, struct coll_op *op, const char *env,
	struct slice collection, const json_t *v)
{
	_buf_ struct buf definition = {0}, build = {0}, answer = {0};
	struct slice name;
	struct coll c;
	char now[24];
	int r;

	buf_init(&definition, DEFINITION_TOP);
	buf_init(&build, DEFINITION_TOP);
	buf_init(&answer, 6 * INDEX_NAME_TOP + 8);
	if (!find(pool, op, env, collection, &c))
		return;
	r = define(op, &c, v, &name, &definition, &build);
	if (r < 0) {
		fail(pool, op, r);
		return;
	}
	buf_json(&answer, name);
	op->json = slice_of(arena_str(op->arena, buf_all(&answer)), answer.len);
	(void)snprintf(now, sizeof(now), "%" PRId64, clock_now_ms());
	pool_ask_once(pool, &op->ask,
		"SELECT mpcloud.index_add($1, $2, $3, $4, $5, $6)",
		(struct slice[]){slice_str(c.env), c.name, name,
			buf_all(&definition), buf_all(&build), slice_str(now)},
		6);
}

void
coll_op_drop_index(struct pool *pool, struct coll_op *op, const char *env,
	struct slice collection, struct slice name)
{
	struct coll c;

	if (!find(pool, op, env, collection, &c))
		return;
	pool_ask_once(pool, &op->ask, "SELECT mpcloud.index_drop($1, $2, $3)",
		(struct slice[]){slice_str(c.env), c.name, name}, 3);
}
