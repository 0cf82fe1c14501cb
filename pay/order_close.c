/*
 * close at WeChat ─┬─ done, or WeChat knows of no such order ─ closed here
 *                  ├─ it is paid ─ query, which applies it
 *                  └─ else it was not closed: told
 */
#include "pay/order_close.h"

#include "base/clock.h"
#include "base/mem.h"
#include "pay/run.h"

#include <string.h>

enum { MEMORY_TOP = 256 * 1024 };

static void
on_queried(struct job *job)
{
	struct order_close *c =
		container_of(container_of(job, struct order_query, job),
			struct order_close, query);

	if (job->err < 0) {
		c->job.why = job->why;
		job_finish(&c->job, job->err);
		return;
	}
	c->is_paid = true;
	job_finish(&c->job,
		fault_set(&c->job.why, ERR_CONFLICT,
			"this order was paid before it could be closed: refund "
			"it"));
}

static void
on_applied(struct job *job)
{
	struct order_close *c = container_of(
		container_of(job, struct ask, job), struct order_close, ask);
	enum ledger_outcome outcome;
	struct slice why;
	int err = job->err;

	if (err == 0)
		err = ledger_read(&c->ask, &outcome, &why);
	if (err == 0)
		ledger_tell(&c->closed, "query", outcome, why);
	job_finish(&c->job, err);
}

static void
apply(struct order_close *c)
{
	c->closed = (struct notify){
		.kind = NOTIFY_PAID,
		.mchid = c->merchant->mchid,
		.appid = c->appid,
		.out_trade_no = c->no,
		.payer_total = -1,
		.state = "CLOSED",
		.resource = "{\"trade_state\":\"CLOSED\"}",
	};
	job_init(&c->ask.job, on_applied);
	ledger_apply(c->pay->pool, &c->ask, &c->closed, c->pay->more.env,
		"query", SLICE(""), SLICE(""), clock_now_ms());
}

static void
on_closed(struct job *job)
{
	struct order_close *c = container_of(
		container_of(job, struct gate, job), struct order_close, gate);

	if (job->err == 0 ||
		(job->err == ERR_PAY_REFUSED &&
			strcmp(c->gate.code, "ORDER_NOT_EXIST") == 0)) {
		apply(c);
		return;
	}
	if (job->err == ERR_PAY_REFUSED &&
		strcmp(c->gate.code, "ORDERPAID") == 0) {
		job_init(&c->query.job, on_queried);
		order_query_start(
			&c->query, c->pay, c->merchant, c->appid, c->no);
		return;
	}
	c->job.why = job->why;
	job_finish(&c->job, job->err);
}

static void
on_drop(struct job *job)
{
	struct order_close *c = container_of(job, struct order_close, job);

	gate_done(&c->gate);
	job_cancel(&c->ask.job);
	order_query_done(&c->query);
}

void
order_close_start(struct order_close *c, struct pay *pay, struct merchant *m,
	const char *appid, const char *out_trade_no)
{
	struct gate_home home = pay_gate_home(pay);

	c->pay = pay;
	c->is_paid = false;
	c->merchant = merchant_ref(m);
	c->mem = mem_new(struct arena);
	arena_init(c->mem, MEMORY_TOP);
	c->appid = arena_str(c->mem, slice_str(appid));
	c->no = arena_str(c->mem, slice_str(out_trade_no));
	job_begin(&c->job, pay->loop, 0, on_drop);
	job_init(&c->ask.job, on_applied);
	c->gate = (struct gate){0};
	job_init(&c->gate.job, on_closed);
	gate_close(&c->gate, &home, m, c->mem, c->appid, c->no);
}

void
order_close_done(struct order_close *c)
{
	if (!c->mem)
		return;
	job_cancel(&c->job);
	gate_done(&c->gate);
	order_query_done(&c->query);
	c->merchant = merchant_unref(c->merchant);
	arena_done(c->mem);
	c->mem = mem_free(c->mem);
}
