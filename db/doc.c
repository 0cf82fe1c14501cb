/*
 * A request in, one ask, an answer out.  Everything that the statement is built
 * from lives in a scratch arena that is empty again when doc_run returns: the
 * pool has copied it.  The answer goes into the caller's arena, whose ceiling
 * is the largest answer.
 */
#include "db/doc.h"

#include "base/clock.h"
#include "base/text.h"
#include "db/doc_sql.h"

#include <inttypes.h>
#include <stdio.h>

enum { SCRATCH_TOP = 256 << 20, ID_LEN = 32 };

/* What must outlive doc_run; in the caller's arena. */
struct work {
	enum doc_verb verb;
	bool upsert, without_id;
	char name[124]; /* of the collection */
	const char **ids;
	size_t id_count;
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
copy_id(struct doc_op *op, struct slice id)
{
	char *p = arena_try(op->arena, id.len + 1);

	if (p && id.len)
		memcpy(p, id.ptr, id.len);
	return p;
}

static int
give_id(struct doc_op *op, const json_t *given, const char **ret)
{
	char made[ID_LEN + 1];
	struct slice id;
	int r = 0;

	if (given) {
		r = value_id(given, &id, &op->job.why);
	} else {
		make_id(made);
		id = slice_str(made);
	}
	if (r < 0)
		return r;
	*ret = copy_id(op, id);
	return *ret ? 0 : ERR_TOO_BIG;
}

static int
give_ids(struct doc_op *op, const json_t *docs)
{
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
		int r = give_id(op, json_object_get(doc, "_id"), &w->ids[i]);

		if (r < 0)
			return r;
	}
	return 0;
}

/* The _id of a document that an upsert may make: the condition's or a new
 * one. */
static int
give_upsert_id(struct doc_op *op, const struct query *where)
{
	struct work *w = work_of(op);
	struct slice id;

	w->ids = arena_try(op->arena, sizeof(w->ids[0]));
	if (!w->ids)
		return ERR_TOO_BIG;
	if (!query_id(where, &id))
		return give_id(op, NULL, &w->ids[0]);
	w->ids[0] = copy_id(op, id);
	return w->ids[0] ? 0 : ERR_TOO_BIG;
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

static int (*const builders[])(struct doc_build *b) = {
	[DOC_ADD_COLLECTION] = build_add_collection,
	[DOC_INSERT] = doc_sql_insert,
	[DOC_FIND] = doc_sql_find,
	[DOC_COUNT] = doc_sql_count,
	[DOC_UPDATE] = doc_sql_update,
	[DOC_REMOVE] = doc_sql_remove,
};

static int
prepare_ids(struct doc_op *op, struct doc_build *b)
{
	struct work *w = work_of(op);
	int r = 0;

	if (w->verb == DOC_INSERT)
		r = give_ids(op, b->req->data);
	else if (w->upsert)
		r = give_upsert_id(op, b->where);
	b->ids = w->ids;
	return r;
}

static int
build(struct doc_op *op, struct doc_build *b)
{
	struct work *w = work_of(op);
	int r = coll_parse(
		&b->coll, b->req->env, b->req->collection, b->arena, b->why);

	if (r < 0)
		return r;
	memcpy(w->name, b->coll.name.ptr,
		min(b->coll.name.len, sizeof(w->name) - 1));
	r = query_parse(&b->where, b->req->query, b->arena, b->now_ms, b->why);
	if (r == 0 && !b->req->scope.admin)
		r = query_guard(
			b->where, b->req->scope.openid, b->arena, b->why);
	if (r == 0)
		r = prepare_ids(op, b);
	if (r == 0)
		r = builders[w->verb](b);
	w->without_id = b->without_id;
	return r < 0 ? r : sql_check(b->sql, b->why);
}

/* {"_id":"…", and the stored text without its first brace. */
static int
join_row(struct doc_op *op, int row, struct buf *head, struct slice *ret)
{
	struct slice id = ask_value(&op->ask, row, 0);
	struct slice doc = ask_value(&op->ask, row, 1);
	char *to;

	buf_clear(head);
	buf_char(head, '{');
	if (!work_of(op)->without_id) {
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
answer_find(struct doc_op *op)
{
	int rows = ask_rows(&op->ask);
	_buf_ struct buf head;
	int r = 0;

	buf_init(&head, 6 * VALUE_ID_TOP + 64);
	op->list =
		arena_try(op->arena, ((size_t)rows + 1) * sizeof(op->list[0]));
	if (!op->list)
		return ERR_ANSWER_BIG;
	for (int i = 0; i < rows && r == 0; i++)
		r = join_row(op, i, &head, &op->list[i]);
	op->count = (size_t)rows;
	return r;
}

/* One row: made or not, and how many changed when that is said. */
static void
answer_upsert(struct doc_op *op)
{
	if (ask_rows(&op->ask) == 0)
		return; /* somebody else's document */
	if (ask_value(&op->ask, 0, 0).ptr[0] == 't')
		op->upserted_id = work_of(op)->ids[0];
	else
		op->total =
			ask_columns(&op->ask) > 1 ? ask_int(&op->ask, 0, 1) : 1;
}

static int
answer(struct doc_op *op)
{
	struct work *w = work_of(op);

	switch (w->verb) {
	case DOC_FIND:
		return answer_find(op);
	case DOC_COUNT:
		op->total = ask_int(&op->ask, 0, 0);
		break;
	case DOC_INSERT:
		op->ids = w->ids;
		op->count = w->id_count;
		break;
	case DOC_UPDATE:
		if (w->upsert) {
			answer_upsert(op);
			break;
		}
		__attribute__((fallthrough));
	case DOC_REMOVE:
		op->total = ask_changed(&op->ask);
		break;
	case DOC_ADD_COLLECTION:
		break;
	}
	return 0;
}

/* The sentences that clients know. */
static void
explain(struct doc_op *op, int err)
{
	struct work *w = work_of(op);

	op->job.why = op->ask.job.why;
	if (err == ERR_DB_NO_COLLECTION)
		(void)fault_set(&op->job.why, err,
			"[ResourceNotFound] Db or Table not exist: %s.",
			w->name);
	else if (err == ERR_DB_EXISTS && w->verb != DOC_ADD_COLLECTION)
		(void)fault_set(&op->job.why, err,
			"[FailedOperation] duplicate key: a document with "
			"this _id exists already in %s",
			w->name);
}

static void
on_answer(struct job *job)
{
	struct doc_op *op = container_of(
		container_of(job, struct ask, job), struct doc_op, ask);
	int err = job->err;

	if (err == 0)
		err = answer(op);
	else
		explain(op, err);
	job_finish(&op->job, err);
}

static void
on_drop(struct job *job)
{
	job_cancel(&container_of(job, struct doc_op, job)->ask.job);
}

/* Nothing of an earlier run may show. */
static int
begin(struct pool *pool, struct doc_op *op, enum doc_verb verb)
{
	struct work *w;

	op->list = NULL;
	op->ids = NULL;
	op->upserted_id = NULL;
	op->count = 0;
	op->total = 0;
	op->pool = pool;
	job_init(&op->ask.job, on_answer);
	job_begin(&op->job, pool_loop(pool), 0, on_drop);
	op->inside[0] = w = arena_try(op->arena, sizeof(*w));
	if (!w)
		return ERR_TOO_BIG;
	w->verb = verb;
	return 0;
}

static void
ask(struct doc_op *op, const struct sql *s, bool is_read)
{
	op->ask.is_read = is_read;
	pool_ask_shape(
		op->pool, &op->ask, buf_all(&s->text), s->param, s->count);
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

void
doc_run(struct pool *pool, struct doc_op *op, const struct doc_request *request)
{
	struct doc_request req = *request;
	struct arena *scratch = scratch_get();
	struct sql sql;
	struct doc_build b = {
		.req = &req,
		.sql = &sql,
		.arena = scratch,
		.now_ms = clock_now_ms(),
		.why = &op->job.why,
	};
	int r = begin(pool, op, request->verb);

	if (!req.scope.openid)
		req.scope.openid = "";
	sql_init(&sql, scratch);
	if (r == 0) {
		work_of(op)->upsert =
			request->verb == DOC_UPDATE && request->upsert;
		r = build(op, &b);
	}
	if (r == 0)
		ask(op, &sql,
			request->verb == DOC_FIND ||
				request->verb == DOC_COUNT);
	else
		job_fail_soon(&op->job, pool_loop(pool), r);
	sql_done(&sql);
	arena_clear(scratch, SCRATCH_TOP);
}

void
doc_set_permission(struct pool *pool, struct doc_op *op, const char *env,
	struct slice collection, struct slice permission)
{
	const struct doc_request request = {
		.verb = DOC_ADD_COLLECTION,
		.env = env,
		.collection = collection,
		.scope.admin = true,
	};
	struct arena *scratch = scratch_get();
	struct sql sql;
	struct doc_build b = {
		.req = &request,
		.sql = &sql,
		.arena = scratch,
		.now_ms = clock_now_ms(),
		.why = &op->job.why,
	};
	int r = begin(pool, op, DOC_ADD_COLLECTION);

	sql_init(&sql, scratch);
	if (r == 0)
		r = coll_check_permission(permission, b.why);
	if (r == 0)
		r = coll_parse(&b.coll, env, collection, scratch, b.why);
	if (r == 0) {
		add_make(&b, "collection_permit(");
		sql_add(&sql, ", ");
		sql_param(&sql, permission, "text");
		sql_add(&sql, ")");
		ask(op, &sql, false);
	} else {
		job_fail_soon(&op->job, pool_loop(pool), r);
	}
	sql_done(&sql);
	arena_clear(scratch, SCRATCH_TOP);
}
