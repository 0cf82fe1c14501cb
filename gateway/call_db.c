/*
 * The database actions, both generations.
 *
 * An action is a verb of db/doc.h and a form: what is asked is taken from the
 * body whatever its form (call_db_parse.c), what is answered is written as the
 * action's SDKs read it (call_db_answer.c).
 */
#include "gateway/call.h"

#include "db/tx.h"
#include "documents/value.h"
#include "gateway/call_db.h"
#include "gateway/gateway.h"

/* The words that SDKs and their users' code look for. */
static void
say(struct call *c, struct job *job)
{
	struct fault *why = &job->why;

	if (job->err == ERR_DB_NO_COLLECTION && !*why->text)
		(void)fault_set(why, job->err,
			"[ResourceNotFound] Db or Table not exist: %.*s.",
			SLICE_ARG(c->doc.collection));
	if (job->err == ERR_DB_EXISTS && c->doc.verb == DOC_ADD_COLLECTION)
		(void)fault_set(why, job->err,
			"Table exist: the collection %.*s is there already",
			SLICE_ARG(c->doc.collection));
}

static void
on_done(struct job *job)
{
	struct call *c = container_of(job, struct call, op.doc.job);

	if (job->err < 0) {
		say(c, job);
		call_end(c, job->err, &job->why);
		return;
	}
	if (!c->op.doc.ask.is_read && !c->doc.tx && c->gateway->queue)
		queue_heard(c->gateway->queue);
	call_end(c, call_db_answer(c), NULL);
}

const char *
call_db_owner(const struct call *c)
{
	return caller_is_admin(c->caller) ? "" : c->caller->uid;
}

int
call_db_join(struct call *c, bool must)
{
	struct slice id;
	int e = val_str_or(c->body, "transactionId", CALL_TX_TOP,
		slice_of("", 0), &id, &c->job.why);

	if (e < 0 || (!id.len && !must))
		return e;
	c->doc.tx =
		txs_find(c->gateway->txs, id, call_db_owner(c), &c->job.why);
	if (c->doc.tx)
		return 0;
	return c->job.why.code < 0 ? c->job.why.code : ERR_DB_NO_TX;
}

/* c->doc is filled. */
static int
start(struct call *c)
{
	struct doc_op *op = &c->op.doc;
	int e = call_db_join(c, false);

	if (e < 0)
		return e;
	/* Reads may be stale for whoever has a session to read his own writes
	 * by. */
	c->doc.may_be_stale = !c->doc.tx && c->doc.session.len;
	*op = (struct doc_op){.arena = c->arena};
	job_init(&op->job, on_done);
	call_wait(c, &op->job);
	doc_run(&c->gateway->docs, op, &c->doc);
	return 0;
}

static int
run(struct call *c, enum doc_verb verb)
{
	int e = call_db_parse(c, verb);

	return e < 0 ? e : start(c);
}

int
call_db_find(struct call *c)
{
	return run(c, DOC_FIND);
}

int
call_db_insert(struct call *c)
{
	return run(c, DOC_INSERT);
}

int
call_db_update(struct call *c)
{
	return run(c, DOC_UPDATE);
}

/* Says neither merge nor multi: it is always one document's change. */
int
call_db_update_return(struct call *c)
{
	int e = call_db_parse(c, DOC_UPDATE_RETURN);

	if (e < 0)
		return e;
	c->doc.merge = true;
	c->doc.multi = false;
	return start(c);
}

int
call_db_remove(struct call *c)
{
	return run(c, DOC_REMOVE);
}

int
call_db_count(struct call *c)
{
	return run(c, DOC_COUNT);
}

int
call_db_aggregate(struct call *c)
{
	return run(c, DOC_AGGREGATE);
}

int
call_db_add_collection(struct call *c)
{
	return run(c, DOC_ADD_COLLECTION);
}

/* Generation 1 in transactions.  A condition {"_id": {"$eq": …}} is doc(id),
 * any other is where(), which newer js-sdks send under the same names. */

static bool
is_document(const json_t *query)
{
	const json_t *id = json_object_get(query, "_id");

	if (json_object_size(query) != 1 || !id)
		return false;
	return !json_is_object(id) || value_is_tagged(id) ||
	       (json_object_size(id) == 1 && json_object_get(id, "$eq"));
}

static int
tx_run(struct call *c, enum doc_verb verb)
{
	int e = call_db_parse(c, verb);

	if (e < 0)
		return e;
	if (!json_object_get(c->body, "transactionId"))
		return fault_set(&c->job.why, ERR_DB_PARAM,
			"transactionId: this action is one inside a "
			"transaction");
	c->doc.by_id = verb != DOC_INSERT && is_document(c->doc.query);
	c->doc.multi = !c->doc.by_id;
	/* doc(id).set() says upsert and brings a whole document. */
	c->doc.merge = verb == DOC_UPDATE && !c->doc.upsert;
	/* where().count() is where().get() that names no limit. */
	c->doc.want_total =
		verb == DOC_FIND && !c->doc.by_id && c->doc.limit < 0;
	return start(c);
}

int
call_db_tx_get(struct call *c)
{
	return tx_run(c, DOC_FIND);
}

int
call_db_tx_insert(struct call *c)
{
	return tx_run(c, DOC_INSERT);
}

int
call_db_tx_update(struct call *c)
{
	return tx_run(c, DOC_UPDATE);
}

int
call_db_tx_remove(struct call *c)
{
	return tx_run(c, DOC_REMOVE);
}
