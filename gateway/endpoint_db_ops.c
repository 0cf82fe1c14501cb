/*
 * What the operator does with collections and indexes (`mpcloud db …`): one
 * operation of db/coll_op.h each, whose answer is passed on.
 */
#include "base/clock.h"
#include "base/val.h"
#include "documents/advise.h"
#include "documents/coll_op.h"
#include "documents/doc.h"
#include "documents/index_work.h"
#include "documents/slow.h"
#include "gateway/endpoint.h"
#include "gateway/request.h"

enum { NAME_TOP = 256, ANSWER_TOP = 64 << 20 };

struct ops_act {
	struct request *r;
	struct coll_op op;
	struct slice collection, name;
};

static struct ops_act *
act_of(struct job *job)
{
	return container_of(job, struct ops_act, op.job);
}

static struct ops_act *
act_new(struct request *r, job_fn *done)
{
	struct ops_act *a = arena_new(request_arena(r), struct ops_act);

	a->r = r;
	a->op.arena = request_arena(r);
	job_init(&a->op.job, done);
	r->act = a;
	return a;
}

static int
act_names(struct ops_act *a, bool both)
{
	struct request *r = a->r;
	int e = request_json(r);

	if (e == 0)
		e = val_str(r->json, "collection", NAME_TOP, &a->collection,
			&r->why);
	if (e == 0 && both)
		e = val_str(r->json, "name", NAME_TOP, &a->name, &r->why);
	return e;
}

static const char *
env_of(const struct request *r)
{
	return r->gateway->conf->server_env;
}

/* The answer is JSON already. */
static void
on_json(struct job *job)
{
	struct ops_act *a = act_of(job);

	if (job->err == 0)
		(void)request_reply(a->r, 200, a->op.json);
	request_finish(a->r, job->err, &job->why);
}

static void
answer_done(struct ops_act *a, const char *absent)
{
	struct job *job = &a->op.job;

	if (job->err == 0 && !a->op.done)
		(void)fault_set(&job->why, job->err = ERR_DB_NO_COLLECTION,
			"%s", absent);
	if (job->err == 0)
		(void)request_reply(a->r, 200, SLICE("{\"done\":true}"));
	request_finish(a->r, job->err, &job->why);
}

int
endpoint_ops_collections(struct request *r)
{
	struct ops_act *a = act_new(r, on_json);

	coll_op_list(r->gateway->pool, &a->op, env_of(r));
	return request_wait(r, &a->op.job);
}

static void
on_dropped(struct job *job)
{
	struct ops_act *a = act_of(job);

	catalog_forget(
		a->r->gateway->docs.catalog, env_of(a->r), a->collection);
	answer_done(a, "there is no such collection; `mpcloud db collections` "
		       "lists them");
}

int
endpoint_ops_collection_drop(struct request *r)
{
	struct ops_act *a = act_new(r, on_dropped);
	int e = act_names(a, false);

	if (e < 0)
		return e;
	coll_op_drop(r->gateway->pool, &a->op, env_of(r), a->collection);
	return request_wait(r, &a->op.job);
}

int
endpoint_ops_indexes(struct request *r)
{
	struct ops_act *a = act_new(r, on_json);
	int e = act_names(a, false);

	if (e < 0)
		return e;
	coll_op_indexes(r->gateway->pool, &a->op, env_of(r), a->collection);
	return request_wait(r, &a->op.job);
}

/* {"name": …, "made": false}: false when it is there already. */
static void
on_added(struct job *job)
{
	struct ops_act *a = act_of(job);
	struct gateway *g = a->r->gateway;
	struct buf b _buf_ = {0};

	buf_init(&b, 8192);
	if (job->err == 0) {
		if (g->index_work)
			index_work_kick(g->index_work);
		buf_str(&b, "{\"name\":");
		buf_slice(&b, a->op.json);
		buf_printf(&b, ",\"made\":%s}", a->op.done ? "true" : "false");
		(void)request_reply(a->r, 200, buf_all(&b));
	}
	request_finish(a->r, job->err, &job->why);
}

/* {"collection": …, "index": {…}} */
int
endpoint_ops_index_create(struct request *r)
{
	struct ops_act *a = act_new(r, on_added);
	json_t *v;
	int e = act_names(a, false);

	if (e == 0)
		e = val_obj(r->json, "index", &v, &r->why);
	if (e < 0)
		return e;
	coll_op_add_index(
		r->gateway->pool, &a->op, env_of(r), a->collection, v);
	return request_wait(r, &a->op.job);
}

static void
on_index_dropped(struct job *job)
{
	struct ops_act *a = act_of(job);
	struct gateway *g = a->r->gateway;

	catalog_forget(g->docs.catalog, env_of(a->r), a->collection);
	if (g->index_work)
		index_work_kick(g->index_work);
	answer_done(a, "there is no such index; `mpcloud db indexes "
		       "COLLECTION` lists them");
}

int
endpoint_ops_index_drop(struct request *r)
{
	struct ops_act *a = act_new(r, on_index_dropped);
	int e = act_names(a, true);

	if (e < 0)
		return e;
	coll_op_drop_index(
		r->gateway->pool, &a->op, env_of(r), a->collection, a->name);
	return request_wait(r, &a->op.job);
}

int
endpoint_ops_slow(struct request *r)
{
	struct ops_act *a = act_new(r, on_json);

	slow_list(r->gateway->docs.slow, &a->op);
	return request_wait(r, &a->op.job);
}

static void
on_cleared(struct job *job)
{
	struct ops_act *a = act_of(job);

	if (job->err == 0)
		(void)request_reply(a->r, 200, SLICE("{\"done\":true}"));
	request_finish(a->r, job->err, &job->why);
}

int
endpoint_ops_slow_clear(struct request *r)
{
	struct ops_act *a = act_new(r, on_cleared);

	slow_clear(r->gateway->docs.slow, &a->op);
	return request_wait(r, &a->op.job);
}

static void
on_facts(struct job *job)
{
	struct ops_act *a = act_of(job);
	struct buf b _buf_ = {0};
	int e = job->err;

	buf_init(&b, ANSWER_TOP);
	if (e == 0)
		e = advise_put(&b, a->op.json, clock_now_ms(), &job->why);
	if (e == 0)
		(void)request_reply(a->r, 200, buf_all(&b));
	request_finish(a->r, e, &job->why);
}

int
endpoint_ops_advise(struct request *r)
{
	struct ops_act *a = act_new(r, on_facts);

	slow_facts(r->gateway->docs.slow, &a->op);
	return request_wait(r, &a->op.job);
}
