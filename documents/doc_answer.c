/*
 * Rows into answers.  Documents come as text and stay text: an answer is
 * spliced, never parsed.
 */
#include "documents/doc_work.h"
#include "documents/index.h"

/* {"_id":"…", and the stored text without its first brace.  A NULL key: the
 * document holds an _id of another type itself. */
static int
join_row(struct doc_op *op, int row, struct buf *head, struct slice *ret)
{
	bool has_id =
		!doc_work_of(op)->without_id && !ask_is_null(&op->ask, row, 0);
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
	const struct doc_request *req = &doc_work_of(op)->req;
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
	return doc_copy_key(op, buf_all(&text));
}

static int
answer_ids(struct doc_op *op)
{
	struct doc_work *w = doc_work_of(op);

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
		op->upserted_id = id_of_key(op, doc_work_of(op)->ids[0]);
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
		op->upserted_id = id_of_key(op, doc_work_of(op)->ids[0]);
		op->total = 0;
	}
	return r;
}

int
doc_answer(struct doc_op *op)
{
	struct doc_work *w = doc_work_of(op);

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
void
doc_tell(struct doc_op *op, int err)
{
	const struct doc_request *req = &doc_work_of(op)->req;

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
