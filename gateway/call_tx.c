/*
 * The transaction actions, and the way of any call to the gateway that holds
 * the transaction it names.
 */
#include "db/replica.h"
#include "db/tx.h"
#include "gateway/call.h"
#include "gateway/call_db.h"
#include "gateway/gateway.h"

static struct call *
call_of(struct job *job)
{
	return container_of(job, struct call, op.tx.job);
}

static void
on_ended(struct job *job)
{
	struct call *c = call_of(job);

	if (job->err < 0)
		call_end(c, job->err, &job->why);
	else
		call_end(c, call_answer(c, slice_of("", 0)), NULL);
}

/* What it wrote counts from now on, also when it is not known whether it did.
 */
static void
on_committed(struct job *job)
{
	struct call *c = call_of(job);
	struct replicas *replicas = c->gateway->docs.replicas;

	if (replicas)
		replicas_wrote(replicas, slice_str(c->caller->uid));
	if (job->err == 0 && c->gateway->queue)
		queue_heard(c->gateway->queue);
	on_ended(job);
}

static void
on_started(struct job *job)
{
	struct call *c = call_of(job);
	struct buf b _buf_;

	buf_init(&b, 256);
	if (job->err < 0) {
		call_end(c, job->err, &job->why);
		return;
	}
	buf_str(&b, "\"transactionId\":");
	buf_json(&b, slice_str(c->op.tx.id));
	call_end(c, call_answer_beside(c, buf_all(&b)), NULL);
}

static struct tx_op *
op_of(struct call *c, job_fn *done)
{
	c->op.tx = (struct tx_op){0};
	job_init(&c->op.tx.job, done);
	call_wait(c, &c->op.tx.job);
	return &c->op.tx;
}

int
call_tx_start(struct call *c)
{
	tx_start(c->gateway->txs, op_of(c, on_started), call_db_owner(c));
	return 0;
}

int
call_tx_commit(struct call *c)
{
	int e = call_db_join(c, true);

	if (e == 0)
		tx_commit(c->doc.tx, op_of(c, on_committed));
	return e;
}

int
call_tx_abort(struct call *c)
{
	int e = call_db_join(c, true);

	if (e == 0)
		tx_abort(c->doc.tx, op_of(c, on_ended));
	return e;
}

static void
on_forwarded(struct job *job)
{
	struct call *c = container_of(job, struct call, op.forward.job);

	c->answer = c->op.forward.answer;
	call_end(c, job->err, &job->why);
}

bool
call_tx_elsewhere(struct call *c)
{
	const json_t *id = json_object_get(c->body, "transactionId");
	int at;

	if (!json_is_string(id) || c->is_forwarded)
		return false;
	at = tx_gateway(
		slice_of(json_string_value(id), json_string_length(id)));
	if (at < 0 || (unsigned)at == c->gateway->index)
		return false;
	c->op.forward = (struct forward_ask){0};
	job_init(&c->op.forward.job, on_forwarded);
	call_wait(c, &c->op.forward.job);
	forward_call(c->gateway->forward, &c->op.forward, c, (unsigned)at);
	return true;
}
