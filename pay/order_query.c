/*
 * Question, ledger: the answer's fields are a struct notify as a callback's
 * are, so a query is no other way to change an order than a callback.
 */
#include "pay/order_query.h"

#include "base/clock.h"
#include "base/mem.h"
#include "pay/run.h"

#include <stdio.h>

enum { MEMORY_TOP = 1024 * 1024 };

static void
on_applied(struct job *job)
{
	struct order_query *q = container_of(
		container_of(job, struct ask, job), struct order_query, ask);
	struct slice why;
	int err = job->err;

	if (err == 0)
		err = ledger_read(&q->ask, &q->outcome, &why);
	if (err == 0) {
		ledger_tell(&q->gate.told, "query", q->outcome, why);
		if (q->outcome == LEDGER_APPLIED)
			pay_applied(q->pay);
	}
	job_finish(&q->job, err);
}

static void
on_told(struct job *job)
{
	struct order_query *q = container_of(
		container_of(job, struct gate, job), struct order_query, gate);

	if (job->err < 0) {
		(void)snprintf(q->code, sizeof(q->code), "%s", q->gate.code);
		q->job.why = job->why;
		job_finish(&q->job, job->err);
		return;
	}
	(void)snprintf(q->state, sizeof(q->state), "%s", q->gate.told.state);
	job_init(&q->ask.job, on_applied);
	ledger_apply(q->pay->pool, &q->ask, &q->gate.told, q->pay->more.env,
		"query", SLICE(""), SLICE(""), clock_now_ms());
}

static void
on_drop(struct job *job)
{
	struct order_query *q = container_of(job, struct order_query, job);

	gate_done(&q->gate);
	job_cancel(&q->ask.job);
}

void
order_query_start(struct order_query *q, struct pay *pay, struct merchant *m,
	const char *appid, const char *out_trade_no)
{
	struct gate_home home = pay_gate_home(pay);

	q->pay = pay;
	q->code[0] = q->state[0] = '\0';
	q->mem = mem_new(struct arena);
	arena_init(q->mem, MEMORY_TOP);
	/* what is inside has deadlines */
	job_begin(&q->job, pay->loop, 0, on_drop);
	job_init(&q->ask.job, on_applied);
	q->gate = (struct gate){0};
	job_init(&q->gate.job, on_told);
	gate_query(&q->gate, &home, m, q->mem, appid, out_trade_no);
}

void
order_query_done(struct order_query *q)
{
	if (!q->mem)
		return;
	job_cancel(&q->job);
	gate_done(&q->gate);
	arena_done(q->mem);
	q->mem = mem_free(q->mem);
}
