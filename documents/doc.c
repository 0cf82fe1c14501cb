/*
 * A request in, one ask, an answer out.  Everything that the statement is built
 * from lives in a scratch arena that is empty again when doc_run returns: the
 * pool has copied it.  The answer goes into the caller's arena, whose ceiling
 * is the largest answer.
 */
#include "documents/doc.h"

#include "base/clock.h"
#include "db/replica.h"
#include "db/tx.h"
#include "documents/aggregate.h"
#include "documents/doc_work.h"
#include "documents/rule.h"
#include "documents/slow.h"

#include <stdio.h>

enum { SCRATCH_TOP = 256 << 20 };

const struct doc_limits doc_limits_preset = {
	.limit_preset = 100,
	.limit_top = 1000,
	.result_top = 16 << 20,
	.stages_top = 100,
	.insert_top = 1000,
};

static void
add_make(struct doc_build *b, const char *function)
{
	sql_add(b->sql, "SELECT mpcloud.");
	sql_add(b->sql, function);
	sql_param(b->sql, slice_str(b->coll.env), "text");
	sql_add(b->sql, ", ");
	sql_param(b->sql, b->coll.name, "text");
	sql_add(b->sql, ", ");
	sql_param(b->sql, b->coll.schema, "text");
	sql_add(b->sql, ", ");
	sql_param(b->sql, b->coll.table, "text");
	sql_add(b->sql, ", ");
	sql_param(b->sql, coll_pkey(&b->coll, b->arena), "text");
	sql_add(b->sql, ", ");
	sql_param_i64(b->sql, b->now_ms);
}

static int
build_add_collection(struct doc_build *b)
{
	if (!b->req->scope.admin)
		return fault_set(b->why, ERR_DB_DENIED,
			"only an administrator makes collections");
	add_make(b, "collection_add(");
	sql_add(b->sql, ")");
	return 0;
}

/* What each verb is. */
static const struct verb {
	int (*build)(struct doc_build *b);
	enum access_act act;
	bool is_read;
} verbs[] = {
	[DOC_ADD_COLLECTION] = {build_add_collection, ACCESS_CREATE, false},
	[DOC_INSERT] = {doc_sql_insert, ACCESS_CREATE, false},
	[DOC_FIND] = {doc_sql_find, ACCESS_READ, true},
	[DOC_COUNT] = {doc_sql_count, ACCESS_READ, true},
	[DOC_UPDATE] = {doc_sql_update, ACCESS_UPDATE, false},
	[DOC_UPDATE_RETURN] = {doc_sql_update, ACCESS_UPDATE, false},
	[DOC_REMOVE] = {doc_sql_remove, ACCESS_DELETE, false},
	[DOC_AGGREGATE] = {doc_sql_aggregate, ACCESS_READ, true},
};

static bool
is_upsert(const struct doc_request *req)
{
	return req->upsert &&
	       (req->verb == DOC_UPDATE || req->verb == DOC_UPDATE_RETURN);
}

static int
prepare_ids(struct doc_op *op, struct doc_build *b)
{
	struct doc_work *w = doc_work_of(op);
	int r = 0;

	if (w->req.verb == DOC_INSERT)
		r = doc_give_ids(op, b);
	else if (is_upsert(&w->req))
		r = doc_give_upsert_id(op, b);
	b->ids = w->ids;
	return r;
}

int
doc_prepare_where(struct doc_build *b, enum access_act act)
{
	const struct doc_request *req = b->req;
	int r = query_parse(&b->where, req->query, b->arena, b->now_ms, b->why);

	if (r == 0)
		r = access_query(
			b->where, b->info, &req->scope, b->arena, b->why);
	if (r == 0 && req->verb != DOC_ADD_COLLECTION)
		r = access_where(&b->allowed, b->info, act, &req->scope,
			req->data, b->arena, b->now_ms, b->why);
	return r;
}

static int
build(struct doc_op *op, struct doc_build *b)
{
	int r;

	b->names = &op->names;
	b->info = catalog_of(b->names, b->req->collection);
	b->coll = b->info->coll;
	/* the collection's trigger finds it in the statement's own text (see
	 * mpcloud.queue_change): nobody else pays for it */
	if (b->req->depth && !b->req->explain)
		buf_printf(
			&b->sql->text, "/*mpcloud depth%u*/ ", b->req->depth);
	r = doc_prepare_where(b, verbs[b->req->verb].act);
	if (r == 0)
		r = prepare_ids(op, b);
	if (r == 0 && b->req->explain)
		sql_add(b->sql, "EXPLAIN (FORMAT JSON) ");
	if (r == 0)
		r = verbs[b->req->verb].build(b);
	doc_work_of(op)->without_id = b->without_id;
	return r < 0 ? r : sql_check(b->sql, b->why);
}

static void
finish(struct doc_op *op, int err)
{
	catalog_end(&op->names);
	job_finish(&op->job, err);
}

static void find_names(struct doc_op *op);

static void
find_anew(struct doc_op *op)
{
	catalog_end(&op->names);
	find_names(op);
}

/* A collection that a rule's get() asks may be gone since the catalog knew it:
 * then there is nothing in it.  And PostgreSQL may refuse what is made by old
 * rules before it looks whether they are old. */
static bool
is_stale(struct doc_op *op, int err)
{
	if (doc_work_of(op)->req.tx)
		return err == ERR_DB_STALE;
	if (err == ERR_DB_NO_COLLECTION)
		for (size_t i = 0; i < op->names.count; i++)
			if (op->names.info[i] &&
				rules_get(op->names.info[i]->rules))
				return true;
	return err == ERR_DB_STALE || (err == ERR_DB_DENIED && !op->names.anew);
}

static void
on_answer(struct job *job)
{
	enum { TRIES_TOP = 3 };
	struct doc_op *op = container_of(
		container_of(job, struct ask, job), struct doc_op, ask);
	struct doc_work *w = doc_work_of(op);
	int err = job->err;

	if (err < 0 && w->on_replica) {
		w->on_primary = true; /* it may only be behind, or gone */
		find_anew(op);
		return;
	}
	if (is_stale(op, err) && w->tries++ < TRIES_TOP) {
		find_anew(op);
		return;
	}
	if (op->docs->replicas && !op->ask.is_read)
		replicas_wrote(op->docs->replicas, w->req.session);
	if (err == 0)
		err = doc_answer(op);
	else
		doc_tell(op, err);
	if (!w->req.explain)
		slow_note(op->docs->slow, &w->req,
			catalog_of(&op->names, w->req.collection),
			clock_mono() - w->began,
			max(op->total, (int64_t)op->count));
	finish(op, err);
}

static void
on_drop(struct job *job)
{
	struct doc_op *op = container_of(job, struct doc_op, job);

	job_cancel(&op->names.job);
	job_cancel(&op->ask.job);
	catalog_end(&op->names);
}

/* What a statement is built from, from one to the next: it is only used between
 * the beginning and the end of one of the functions below. */
static struct arena *
scratch_get(void)
{
	static _Thread_local struct arena scratch;

	scratch.ceiling = SCRATCH_TOP;
	return &scratch;
}

static bool
is_read(const struct doc_request *req)
{
	return verbs[req->verb].is_read &&
	       !(req->verb == DOC_AGGREGATE && aggregate_writes(req->stages));
}

/* A replica for a read that may be stale, or NULL. */
static struct pool *
replica_for(struct doc_op *op)
{
	const struct doc_work *w = doc_work_of(op);

	if (!op->docs->replicas || !w->req.may_be_stale || w->on_primary ||
		!is_read(&w->req))
		return NULL;
	return replicas_pick(op->docs->replicas, w->req.session);
}

/* What the pool may know of a write: inserts and changes of one document may
 * stand under one commit with others'. */
static void
hint(struct doc_op *op, const struct doc_build *b)
{
	enum doc_verb verb = b->req->verb;
	struct slice id;

	op->ask.row = 0;
	if ((verb == DOC_UPDATE || verb == DOC_UPDATE_RETURN ||
		    verb == DOC_REMOVE) &&
		query_id(b->where, &id))
		op->ask.row = pool_row(b->coll.table, id);
	/* whole documents would be held until the commit */
	op->ask.shares = verb == DOC_INSERT ||
			 (op->ask.row && verb != DOC_UPDATE_RETURN);
}

/* To where such a statement goes: a transaction's connection, a replica, or
 * the primary. */
static void
dispatch(struct doc_op *op, const struct sql *s)
{
	struct doc_work *w = doc_work_of(op);
	struct pool *replica = replica_for(op);

	w->on_replica = replica != NULL;
	op->ask.is_read = is_read(&w->req);
	job_init(&op->ask.job, on_answer);
	if (w->req.tx)
		tx_ask(w->req.tx, &op->ask, buf_all(&s->text), s->param,
			s->count);
	else
		pool_ask_shape(replica ? replica : op->docs->pool, &op->ask,
			buf_all(&s->text), s->param, s->count);
}

static int
build_and_send(struct doc_op *op)
{
	struct doc_work *w = doc_work_of(op);
	struct arena *scratch = scratch_get();
	struct sql sql;
	struct doc_build b = {
		.docs = op->docs,
		.req = &w->req,
		.sql = &sql,
		.arena = scratch,
		.now_ms = clock_now_ms(),
		.why = &op->job.why,
	};
	int r;

	sql_init(&sql, scratch);
	r = build(op, &b);
	if (r == 0) {
		hint(op, &b);
		dispatch(op, &sql);
	}
	sql_done(&sql);
	arena_clear(scratch, SCRATCH_TOP);
	return r;
}

static void
on_names(struct job *job)
{
	struct doc_op *op =
		container_of(container_of(job, struct catalog_ask, job),
			struct doc_op, names);
	int r = job->err;

	if (r < 0)
		op->job.why = job->why;
	else
		r = build_and_send(op);
	if (r < 0)
		finish(op, r);
}

/* The catalog's word on every collection that takes part. */
static void
find_names(struct doc_op *op)
{
	struct catalog_ask *a = &op->names;
	const struct doc_request *req = &doc_work_of(op)->req;
	int r = 0;

	a->env = req->env;
	a->name[0] = req->collection;
	a->count = 1;
	a->anew = doc_work_of(op)->tries > 0;
	job_init(&a->job, on_names);
	if (req->verb == DOC_AGGREGATE)
		r = aggregate_names(
			req->stages, a->name, &a->count, &op->job.why);
	if (r == 0 && !catalog_ask(op->docs->catalog, a))
		return;
	if (r == 0)
		r = build_and_send(op);
	if (r == 0)
		return;
	/* no statement will tell that what denies is of yesterday */
	if ((r == ERR_DB_DENIED || r == ERR_DB_NO_COLLECTION) &&
		doc_work_of(op)->tries++ == 0) {
		find_anew(op);
		return;
	}
	catalog_end(a);
	job_fail_soon(&op->job, pool_loop(op->docs->pool), r);
}

/* Nothing of an earlier run may show. */
static int
begin(const struct docs *docs, struct doc_op *op, const struct doc_request *req)
{
	struct doc_work *w;

	op->list = NULL;
	op->ids = NULL;
	op->upserted_id = NULL;
	op->count = 0;
	op->total = 0;
	op->docs = docs;
	op->names.count = 0;
	job_init(&op->names.job, on_names);
	job_init(&op->ask.job, on_answer);
	job_begin(&op->job, pool_loop(docs->pool), 0, on_drop);
	op->inside[0] = w = arena_try(op->arena, sizeof(*w));
	if (!w)
		return ERR_TOO_BIG;
	w->req = *req;
	w->began = clock_mono();
	if (!w->req.scope.openid)
		w->req.scope.openid = "";
	return 0;
}

void
doc_run(const struct docs *docs, struct doc_op *op,
	const struct doc_request *request)
{
	struct coll coll;
	int r = begin(docs, op, request);

	if (r == 0)
		r = coll_parse(&coll, request->env, request->collection,
			scratch_get(), &op->job.why);
	arena_clear(scratch_get(), SCRATCH_TOP);
	if (r < 0)
		job_fail_soon(&op->job, pool_loop(docs->pool), r);
	else
		find_names(op);
}
