/*
 * The database actions, both generations.
 *
 * Only the answer's form follows the action's name.  Documents come from
 * db/doc as text and are spliced into the answer in one go.
 */
#include "gateway/call.h"

#include "gateway/gateway.h"
#include "gateway/reply.h"

static int
run(struct call *c, enum doc_verb verb, job_fn *done)
{
	struct doc_op *op = &c->op.doc;
	int e = call_db_parse(c, verb);

	if (e < 0)
		return e;
	*op = (struct doc_op){.arena = c->arena};
	job_init(&op->job, done);
	call_wait(c, &op->job);
	doc_run(&c->gateway->docs, op, &c->doc);
	return 0;
}

/* The words that SDKs and their users' code look for. */
static void
say(struct call *c, struct job *job)
{
	struct fault *why = &job->why;

	if (job->err == ERR_DB_NO_COLLECTION)
		(void)fault_set(why, job->err,
			"[ResourceNotFound] Db or Table not exist: %.*s.",
			SLICE_ARG(c->doc.collection));
	if (job->err == ERR_DB_EXISTS && c->doc.verb == DOC_ADD_COLLECTION)
		(void)fault_set(why, job->err,
			"Table exist: the collection %.*s is there already",
			SLICE_ARG(c->doc.collection));
}

static struct call *
call_of(struct job *job)
{
	return container_of(job, struct call, op.doc.job);
}

/* True when the call was answered with the error. */
static bool
failed(struct call *c, struct job *job)
{
	if (job->err >= 0)
		return false;
	say(c, job);
	call_end(c, job->err, &job->why);
	return true;
}

static size_t
list_len(const struct call *c)
{
	const struct doc_op *op = &c->op.doc;
	size_t n = 128 + op->count;

	for (size_t i = 0; i < op->count; i++)
		n += c->row->generation == 1 ? op->list[i].len
					     : reply_quoted(op->list[i]);
	return n;
}

static void
list_put(struct call *c, struct reply *r)
{
	const struct doc_op *op = &c->op.doc;

	reply_str(r, "\"list\":[");
	for (size_t i = 0; i < op->count; i++) {
		if (i)
			reply_str(r, ",");
		if (c->row->generation == 1)
			reply_put(r, op->list[i]);
		else
			reply_quote(r, op->list[i]);
	}
	reply_str(r, "]");
}

static int
answer_list(struct call *c)
{
	struct slice id = slice_str(c->request_id);
	struct reply r = reply_room(c->arena, list_len(c) + reply_quoted(id));

	if (!r.ptr)
		return ERR_ANSWER_BIG;
	reply_str(&r, "{\"requestId\":");
	reply_quote(&r, id);
	reply_str(&r, ",\"data\":{");
	list_put(c, &r);
	if (c->row->generation == 1) {
		reply_str(&r, ",\"limit\":");
		reply_number(&r, c->doc.limit < 0 ? 100 : c->doc.limit);
		reply_str(&r, ",\"offset\":");
		reply_number(&r, c->doc.skip);
	}
	reply_str(&r, "}}");
	c->answer = reply_done(&r);
	return 0;
}

static void
on_found(struct job *job)
{
	struct call *c = call_of(job);

	if (!failed(c, job))
		call_end(c, answer_list(c), NULL);
}

int
call_db_find(struct call *c)
{
	return run(c, DOC_FIND, on_found);
}

static int
answer_buf(struct call *c, const struct buf *b)
{
	int e = buf_check(b);

	return e < 0 ? ERR_ANSWER_BIG : call_answer(c, buf_all(b));
}

enum { ANSWER_TOP = 16 << 20 };

static void
on_inserted(struct job *job)
{
	struct call *c = call_of(job);
	struct buf b _buf_;

	buf_init(&b, ANSWER_TOP);
	if (failed(c, job))
		return;
	buf_char(&b, '{');
	if (c->row->generation == 1 && c->op.doc.count == 1) {
		buf_str(&b, "\"_id\":");
		buf_json(&b, slice_str(c->op.doc.ids[0]));
		buf_char(&b, ',');
	}
	buf_str(&b, "\"insertedIds\":[");
	for (size_t i = 0; i < c->op.doc.count; i++) {
		if (i)
			buf_char(&b, ',');
		buf_json(&b, slice_str(c->op.doc.ids[i]));
	}
	buf_str(&b, "]}");
	call_end(c, answer_buf(c, &b), NULL);
}

int
call_db_insert(struct call *c)
{
	return run(c, DOC_INSERT, on_inserted);
}

/* {"total": n} and its kin. */
static void
answer_number(struct call *c, const char *key)
{
	struct buf b _buf_;

	buf_init(&b, ANSWER_TOP);
	buf_printf(&b, "{\"%s\":", key);
	buf_i64(&b, c->op.doc.total);
	buf_char(&b, '}');
	call_end(c, answer_buf(c, &b), NULL);
}

static void
put_id(struct buf *b, const char *id)
{
	if (id)
		buf_json(b, slice_str(id));
	else
		buf_str(b, "null");
}

static void
on_updated(struct job *job)
{
	struct call *c = call_of(job);
	const char *id = c->op.doc.upserted_id;
	struct buf b _buf_;

	buf_init(&b, ANSWER_TOP);
	if (failed(c, job))
		return;
	buf_str(&b, "{\"updated\":");
	buf_i64(&b, c->op.doc.total);
	buf_str(&b, ",\"upsert_id\":");
	put_id(&b, id);
	if (c->row->generation == 1) {
		buf_str(&b, ",\"upserted_id\":");
		put_id(&b, id);
	}
	buf_char(&b, '}');
	call_end(c, answer_buf(c, &b), NULL);
}

int
call_db_update(struct call *c)
{
	return run(c, DOC_UPDATE, on_updated);
}

static void
on_removed(struct job *job)
{
	struct call *c = call_of(job);

	if (!failed(c, job))
		answer_number(c, "deleted");
}

int
call_db_remove(struct call *c)
{
	return run(c, DOC_REMOVE, on_removed);
}

static void
on_counted(struct job *job)
{
	struct call *c = call_of(job);

	if (!failed(c, job))
		answer_number(c, "total");
}

int
call_db_count(struct call *c)
{
	return run(c, DOC_COUNT, on_counted);
}

static void
on_collection(struct job *job)
{
	struct call *c = call_of(job);

	if (!failed(c, job))
		call_end(c, call_answer(c, slice_of("", 0)), NULL);
}

int
call_db_add_collection(struct call *c)
{
	return run(c, DOC_ADD_COLLECTION, on_collection);
}
