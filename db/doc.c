/*
 * A request in, one ask, an answer out.  Everything that the statement is built
 * from lives in a scratch arena that is empty again when doc_run returns: the
 * pool has copied it.  The answer goes into the caller's arena, whose ceiling
 * is the largest answer.
 */
#include "db/doc.h"

#include "base/clock.h"
#include "base/text.h"
#include "db/aggregate.h"
#include "db/doc_sql.h"
#include "db/index.h"
#include "db/slow.h"
#include "db/replica.h"
#include "db/rule.h"
#include "db/tx.h"

#include <inttypes.h>
#include <stdio.h>

enum { SCRATCH_TOP = 256 << 20, ID_LEN = 32 };

/* What must outlive doc_run; in the caller's arena. */
struct work {
	struct doc_request req;
	bool without_id;
	bool on_replica; /* where it was sent */
	bool on_primary; /* a replica failed */
	unsigned tries;
	const char **ids; /* keys */
	size_t id_count;
	int64_t began; /* clock_mono */
};

const struct doc_limits doc_limits_preset = {
	.limit_preset = 100,
	.limit_top = 1000,
	.result_top = 16 << 20,
	.stages_top = 100,
};

static struct work *
work_of(struct doc_op *op)
{
	return op->inside[0];
}

/* Time first, so that ids sort as they were made; then chance. */
static void
make_id(char ret[ID_LEN + 1])
{
	static int64_t last;
	char chance[2 * 10 + 1];
	int64_t us = clock_now() / 1000;

	last = us = us > last ? us : last + 1;
	text_random_hex(chance, 10);
	(void)snprintf(ret, ID_LEN + 1, "%08" PRIx64 "%05" PRIx64 "%.19s",
		us / 1000000 & 0xffffffff, us % 1000000, chance);
}

static const char *
copy_key(struct doc_op *op, struct slice key)
{
	char *p = arena_try(op->arena, key.len + 1);

	if (p && key.len)
		memcpy(p, key.ptr, key.len);
	return p;
}

static int
give_id(struct doc_op *op, struct doc_build *b, const json_t *given,
	const char **ret)
{
	char made[ID_LEN + 1];
	struct slice key;
	int r = 0;

	if (given) {
		r = value_key(&key, given, b->arena, b->now_ms, b->why);
	} else {
		make_id(made);
		key = slice_str(made);
	}
	if (r < 0)
		return r;
	*ret = copy_key(op, key);
	return *ret ? 0 : ERR_TOO_BIG;
}

static int
give_ids(struct doc_op *op, struct doc_build *b)
{
	const json_t *docs = b->req->data;
	struct work *w = work_of(op);
	json_t *doc;
	size_t i;

	if (!json_is_array(docs))
		return fault_set(&op->job.why, ERR_DB_PARAM,
			"what is inserted must be a list of documents");
	w->id_count = json_array_size(docs);
	w->ids = arena_try(op->arena, (w->id_count + 1) * sizeof(w->ids[0]));
	if (!w->ids)
		return ERR_TOO_BIG;
	json_array_foreach (docs, i, doc) {
		int r = give_id(op, b, json_object_get(doc, "_id"), &w->ids[i]);

		if (r < 0)
			return r;
	}
	return 0;
}

/* The _id of a document that an upsert may make: the request's or a new
 * one. */
static int
give_upsert_id(struct doc_op *op, struct doc_build *b)
{
	struct work *w = work_of(op);

	w->ids = arena_try(op->arena, sizeof(w->ids[0]));
	if (!w->ids)
		return ERR_TOO_BIG;
	return give_id(op, b, doc_upsert_id(b->req), &w->ids[0]);
}

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
	struct work *w = work_of(op);
	int r = 0;

	if (w->req.verb == DOC_INSERT)
		r = give_ids(op, b);
	else if (is_upsert(&w->req))
		r = give_upsert_id(op, b);
	b->ids = w->ids;
	return r;
}

/* The condition, and what the permission adds to it. */
static int
prepare_where(struct doc_build *b)
{
	const struct doc_request *req = b->req;
	int r = query_parse(&b->where, req->query, b->arena, b->now_ms, b->why);

	if (r == 0)
		r = access_query(
			b->where, b->info, &req->scope, b->arena, b->why);
	if (r == 0 && req->verb != DOC_ADD_COLLECTION)
		r = access_where(&b->allowed, b->info, verbs[req->verb].act,
			&req->scope, req->data, b->arena, b->now_ms, b->why);
	return r;
}

static int
build(struct doc_op *op, struct doc_build *b)
{
	int r;

	b->names = &op->names;
	b->info = catalog_of(b->names, b->req->collection);
	b->coll = b->info->coll;
	r = prepare_where(b);
	if (r == 0)
		r = prepare_ids(op, b);
	if (r == 0 && b->req->explain)
		sql_add(b->sql, "EXPLAIN (FORMAT JSON) ");
	if (r == 0)
		r = verbs[b->req->verb].build(b);
	work_of(op)->without_id = b->without_id;
	return r < 0 ? r : sql_check(b->sql, b->why);
}

/* {"_id":"…", and the stored text without its first brace.  A NULL key: the
 * document holds an _id of another type itself. */
static int
join_row(struct doc_op *op, int row, struct buf *head, struct slice *ret)
{
	bool has_id =
		!work_of(op)->without_id && !ask_is_null(&op->ask, row, 0);
	struct slice id = ask_value(&op->ask, row, 0);
	struct slice doc = ask_value(&op->ask, row, 1);
	char *to;

	buf_clear(head);
	buf_char(head, '{');
	if (has_id) {
		buf_str(head, "\"_id\":");
		buf_json(head, id);
		if (doc.len > 2)
			buf_str(head, ", ");
	}
	to = arena_try(op->arena, head->len + doc.len);
	if (!to)
		return ERR_ANSWER_BIG;
	memcpy(to, head->ptr, head->len);
	memcpy(to + head->len, doc.ptr + 1, doc.len - 1);
	*ret = slice_of(to, head->len + doc.len - 1);
	return 0;
}

static int
check_result(struct doc_op *op, size_t bytes)
{
	if ((int64_t)bytes <= op->docs->limits.result_top)
		return 0;
	return fault_set(&op->job.why, ERR_ANSWER_BIG,
		"the result is larger than %lld bytes: ask for fewer documents "
		"or fields, or raise database.result_top",
		(long long)op->docs->limits.result_top);
}

/* Columns: _id, doc.  The total, when it was asked for, is a last row. */
static int
answer_find(struct doc_op *op)
{
	const struct doc_request *req = &work_of(op)->req;
	int rows = ask_rows(&op->ask);
	_buf_ struct buf head;
	size_t bytes = 0;
	int r = 0;

	buf_init(&head, 6 * VALUE_ID_TOP + 64);
	if (req->verb == DOC_FIND && req->want_total && rows)
		op->total = ask_int(&op->ask, --rows, 2);
	op->list =
		arena_try(op->arena, ((size_t)rows + 1) * sizeof(op->list[0]));
	if (!op->list)
		return ERR_ANSWER_BIG;
	for (int i = 0; i < rows && r == 0; i++) {
		r = join_row(op, i, &head, &op->list[i]);
		bytes += op->list[i].len;
		if (r == 0)
			r = check_result(op, bytes);
	}
	op->count = (size_t)rows;
	return r;
}

static int
answer_aggregate(struct doc_op *op)
{
	int rows = ask_rows(&op->ask);
	size_t bytes = 0;
	int r = 0;

	op->list =
		arena_try(op->arena, ((size_t)rows + 1) * sizeof(op->list[0]));
	if (!op->list)
		return ERR_ANSWER_BIG;
	for (int i = 0; i < rows && r == 0; i++) {
		struct slice doc = ask_value(&op->ask, i, 0);
		char *to = arena_try(op->arena, doc.len + 1);

		if (!to)
			return ERR_ANSWER_BIG;
		memcpy(to, doc.ptr, doc.len);
		op->list[i] = slice_of(to, doc.len);
		bytes += doc.len;
		r = check_result(op, bytes);
	}
	op->count = (size_t)rows;
	return r;
}

/* The stored form of an _id from its key (value_key). */
static const char *
id_of_key(struct doc_op *op, const char *key)
{
	_buf_ struct buf text;

	buf_init(&text, 6 * VALUE_ID_TOP + 64);
	if (key[0] == 1)
		buf_str(&text, key + 1);
	else
		buf_json(&text, slice_str(key));
	return copy_key(op, buf_all(&text));
}

static int
answer_ids(struct doc_op *op)
{
	struct work *w = work_of(op);

	op->ids = arena_try(op->arena, (w->id_count + 1) * sizeof(op->ids[0]));
	for (size_t i = 0; op->ids && i < w->id_count; i++) {
		op->ids[i] = id_of_key(op, w->ids[i]);
		if (!op->ids[i])
			return ERR_ANSWER_BIG;
	}
	op->count = w->id_count;
	return op->ids ? 0 : ERR_ANSWER_BIG;
}

/* One row: made or not, and how many changed when that is said. */
static void
answer_upsert(struct doc_op *op)
{
	if (ask_rows(&op->ask) == 0)
		return; /* somebody else's document */
	if (ask_value(&op->ask, 0, 0).ptr[0] == 't')
		op->upserted_id = id_of_key(op, work_of(op)->ids[0]);
	else
		op->total =
			ask_columns(&op->ask) > 1 ? ask_int(&op->ask, 0, 1) : 1;
}

/* The changed document; and whether it was made, when that may be. */
static int
answer_changed(struct doc_op *op)
{
	int r = answer_find(op);

	op->total = (int64_t)op->count;
	if (r == 0 && op->count && ask_columns(&op->ask) > 2 &&
		ask_value(&op->ask, 0, 2).ptr[0] == 't') {
		op->upserted_id = id_of_key(op, work_of(op)->ids[0]);
		op->total = 0;
	}
	return r;
}

static int
answer(struct doc_op *op)
{
	struct work *w = work_of(op);

	if (w->req.explain)
		return answer_aggregate(op);
	switch (w->req.verb) {
	case DOC_FIND:
		return answer_find(op);
	case DOC_AGGREGATE:
		return answer_aggregate(op);
	case DOC_COUNT:
		op->total = ask_int(&op->ask, 0, 0);
		break;
	case DOC_INSERT:
		return answer_ids(op);
	case DOC_UPDATE_RETURN:
		return answer_changed(op);
	case DOC_UPDATE:
		if (w->req.upsert) {
			answer_upsert(op);
			break;
		}
		__attribute__((fallthrough));
	case DOC_REMOVE:
		op->total = ask_changed(&op->ask);
		break;
	case DOC_ADD_COLLECTION:
		catalog_forget(
			op->docs->catalog, w->req.env, w->req.collection);
		break;
	}
	return 0;
}

/* The sentences that clients know. */
static void
tell(struct doc_op *op, int err)
{
	const struct doc_request *req = &work_of(op)->req;

	op->job.why = op->ask.job.why;
	if (err == ERR_DB_NO_COLLECTION)
		(void)fault_set(&op->job.why, err,
			"[ResourceNotFound] Db or Table not exist: %.*s.",
			SLICE_ARG(req->collection));
	else if (strcmp(op->ask.sqlstate, "23514") == 0)
		(void)fault_set(&op->job.why, err,
			"a document may have %d MiB at most: this would make "
			"a larger one in %.*s",
			VALUE_SIZE_TOP >> 20, SLICE_ARG(req->collection));
	else if (err == ERR_DB_EXISTS && req->verb != DOC_ADD_COLLECTION &&
		 !index_tell_duplicate(
			 req->collection, op->ask.job.why.text, &op->job.why))
		(void)fault_set(&op->job.why, err,
			"[FailedOperation] duplicate key: a document with "
			"this _id exists already in %.*s",
			SLICE_ARG(req->collection));
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
 * then there is nothing in it. */
static bool
is_stale(const struct doc_op *op, int err)
{
	if (err == ERR_DB_NO_COLLECTION)
		for (size_t i = 0; i < op->names.count; i++)
			if (op->names.info[i] &&
				rules_get(op->names.info[i]->rules))
				return true;
	return err == ERR_DB_STALE;
}

static void
on_answer(struct job *job)
{
	enum { TRIES_TOP = 3 };
	struct doc_op *op = container_of(
		container_of(job, struct ask, job), struct doc_op, ask);
	struct work *w = work_of(op);
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
		err = answer(op);
	else
		tell(op, err);
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
	const struct work *w = work_of(op);

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
	op->ask.shares = verb == DOC_INSERT || op->ask.row;
}

/* To where such a statement goes: a transaction's connection, a replica, or
 * the primary. */
static void
dispatch(struct doc_op *op, const struct sql *s)
{
	struct work *w = work_of(op);
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
	struct work *w = work_of(op);
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
	const struct doc_request *req = &work_of(op)->req;
	int r = 0;

	a->env = req->env;
	a->name[0] = req->collection;
	a->count = 1;
	a->anew = work_of(op)->tries > 0;
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
		work_of(op)->tries++ == 0) {
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
	struct work *w;

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
