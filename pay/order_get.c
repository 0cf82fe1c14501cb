/*
 * Looking at an order, asking WeChat Pay about it, and closing it: each begins
 * and ends with the row, so that what is told is what is stored.
 */
#include "base/clock.h"
#include "pay/answer.h"
#include "pay/run.h"

#include <string.h>

enum { ANSWER_TOP = 8192 };

static int
found(struct run *run, int err)
{
	int r = run_found(run, err);

	if (r == 0 && !run->row.is_his && !run->may_all)
		r = ERR_ORDER_NOT_FOUND;
	return r;
}

static void
on_got(struct job *job)
{
	struct run *run = container_of(job, struct run, ask.job);
	int r = found(run, job->err);
	_buf_ struct buf text;

	buf_init(&text, ANSWER_TOP);
	if (r == 0) {
		answer_state(&text, run->key.no, &run->row);
		r = run_answer(run, &text);
	}
	run_end(run, r);
}

/* What is there now. */
static void
again(struct run *run, struct job *job)
{
	if (job->err < 0) {
		run->order->job.why = job->why;
		run_end(run, job->err);
		return;
	}
	run_look(run, on_got);
}

static void
on_queried(struct job *job)
{
	struct run *run = container_of(job, struct run, query.job);

	/* WeChat has never heard of it: it is CREATED here, and stays so */
	if (job->err == ERR_PAY_REFUSED &&
		strcmp(run->query.code, "ORDER_NOT_EXIST") == 0)
		job->err = 0;
	again(run, job);
}

static void
on_closed(struct job *job)
{
	again(container_of(job, struct run, close.job), job);
}

static const char *
appid_of(struct run *run)
{
	return arena_str(&run->mem, run->row.appid);
}

static void
query(struct run *run)
{
	job_init(&run->query.job, on_queried);
	order_query_start(&run->query, run->pay, run->merchant, appid_of(run),
		run->key.no);
}

static void
end(struct run *run)
{
	if (slice_is(run->row.state, "CLOSED") ||
		slice_is(run->row.state, "REVOKED")) {
		run_look(run, on_got);
		return;
	}
	if (!row_is_open(&run->row)) {
		run_end(run, run_fault(run, ERR_CONFLICT,
				     "this order is paid: refund it"));
		return;
	}
	job_init(&run->close.job, on_closed);
	order_close_start(&run->close, run->pay, run->merchant, appid_of(run),
		run->key.no);
}

static void
on_found_query(struct job *job)
{
	struct run *run = container_of(job, struct run, ask.job);
	int r = found(run, job->err);

	if (r < 0)
		run_end(run, r);
	else
		query(run);
}

static void
on_found_end(struct job *job)
{
	struct run *run = container_of(job, struct run, ask.job);
	int r = found(run, job->err);

	if (r < 0)
		run_end(run, r);
	else
		end(run);
}

static void
begin(struct pay *pay, struct order *o, const struct caller *who,
	struct slice out_trade_no, job_fn *then)
{
	struct run *run = run_begin(pay, o, who);
	int r = run_check(run, who, false);

	if (r == 0 && !trade_no_is(out_trade_no))
		r = ERR_ORDER_NOT_FOUND;
	if (r < 0) {
		run_fail_soon(run, r);
		return;
	}
	run->key.no = arena_str(&run->mem, out_trade_no);
	run_look(run, then);
}

void
order_get(struct pay *pay, struct order *o, const struct caller *who,
	struct slice out_trade_no)
{
	begin(pay, o, who, out_trade_no, on_got);
}

void
order_refresh(struct pay *pay, struct order *o, const struct caller *who,
	struct slice out_trade_no)
{
	begin(pay, o, who, out_trade_no, on_found_query);
}

void
order_end(struct pay *pay, struct order *o, const struct caller *who,
	struct slice out_trade_no)
{
	begin(pay, o, who, out_trade_no, on_found_end);
}
