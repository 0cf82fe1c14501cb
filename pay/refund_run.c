/*
 * A refund at work: who holds what, the statement that reads its row, and the
 * answer made of it.
 */
#include "pay/refund_run.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"

#include <inttypes.h>
#include <string.h>

enum {
	DEADLINE_MS = 90000, /* above the sum of what is inside */
	MEMORY_TOP = 512 * 1024,
	ANSWER_TOP = 4096,
};

static struct refund_run *
run_free(struct refund_run *run)
{
	list_del(&run->on);
	job_cancel(&run->ask.job);
	gate_done(&run->gate);
	merchant_unref(run->merchant);
	arena_done(&run->mem);
	run->refund->inside = NULL;
	return mem_free(run);
}

void
refund_run_finish(struct refund_run *run, int err)
{
	struct refund *r = run->refund;

	if (err < 0 && run->why.text[0])
		r->job.why = run->why;
	run_free(run);
	job_finish(&r->job, err);
}

void
refund_run_fail_soon(struct refund_run *run, int err)
{
	struct refund *r = run->refund;
	struct loop *loop = run->pay->loop;

	if (run->why.text[0])
		r->job.why = run->why;
	run_free(run);
	job_fail_soon(&r->job, loop, err);
}

static void
on_drop(struct job *job)
{
	struct refund *r = container_of(job, struct refund, job);

	if (r->inside)
		run_free(r->inside);
}

struct refund_run *
refund_run_new(struct pay *pay, struct refund *r, struct merchant *m)
{
	struct refund_run *run = mem_new(struct refund_run);

	arena_init(&run->mem, MEMORY_TOP);
	list_add(&pay->refunds, &run->on);
	run->pay = pay;
	run->refund = r;
	run->merchant = m ? merchant_ref(m) : NULL;
	r->inside = run;
	r->answer = slice_of(NULL, 0);
	job_begin(&r->job, pay->loop, DEADLINE_MS, on_drop);
	return run;
}

void
refunds_stop(struct pay *pay)
{
	struct refund_run *run;

	while ((run = list_first(&pay->refunds, struct refund_run, on)))
		refund_run_finish(run, ERR_SHUTDOWN);
}

void
refund_row_ask(struct refund_run *run, const char *no, job_fn *done)
{
	static const char sql[] =
		"SELECT out_trade_no, state, body, api, appid, refund_id, why,"
		" reason, currency, amount, total, created_at, refunded_at,"
		" asked_at"
		" FROM mpcloud.refund_get($1, $2, $3)";

	run->no = no;
	job_init(&run->ask.job, done);
	run->ask.is_read = false; /* it follows our own writes */
	pool_ask(run->pay->pool, &run->ask, sql,
		(struct slice[]){slice_str(run->refund->env),
			slice_str(run->merchant->mchid), slice_str(no)},
		3);
}

bool
refund_row_read(struct refund_run *run)
{
	struct refund_row *row = &run->row;
	const char **const texts[] = {&row->out_trade_no, &row->state,
		&row->body, &row->api, &row->appid, &row->refund_id, &row->why,
		&row->reason, &row->currency};
	int64_t *const numbers[] = {&row->amount, &row->total, &row->created_at,
		&row->refunded_at, &row->asked_at};

	if (ask_rows(&run->ask) != 1)
		return false;
	for (size_t i = 0; i < array_size(texts); i++)
		*texts[i] =
			arena_str(&run->mem, ask_value(&run->ask, 0, (int)i));
	for (size_t i = 0; i < array_size(numbers); i++)
		*numbers[i] =
			ask_int(&run->ask, 0, (int)(array_size(texts) + i));
	return true;
}

static void
put_row(struct buf *to, const char *no, const struct refund_row *row)
{
	buf_str(to, "{\"outRefundNo\":");
	buf_json(to, slice_str(no));
	val_put_text(to, "outTradeNo", slice_str(row->out_trade_no));
	val_put_text(to, "state", slice_str(row->state));
	buf_printf(to, ",\"amount\":%" PRId64 ",\"total\":%" PRId64,
		row->amount, row->total);
	val_put_text(to, "currency", slice_str(row->currency));
	val_put_text(to, "refundId", slice_str(row->refund_id));
	val_put_text(to, "reason", slice_str(row->reason));
	val_put_text(to, "why", slice_str(row->why));
	val_put_time(to, "createdAt", row->created_at);
	val_put_time(to, "refundedAt", row->refunded_at);
	if (!strcmp(row->state, "CREATED") && row->asked_at > clock_now_ms())
		val_put_time(to, "waitsUntil", row->asked_at);
	buf_char(to, '}');
}

static void
on_row(struct job *job)
{
	struct refund_run *run = container_of(job, struct refund_run, ask.job);
	struct refund *r = run->refund;
	_buf_ struct buf text = {0};

	if (job->err < 0 || !refund_row_read(run)) {
		refund_run_finish(
			run, job->err < 0 ? job->err : ERR_ORDER_NOT_FOUND);
		return;
	}
	buf_init(&text, ANSWER_TOP);
	put_row(&text, run->no, &run->row);
	r->out_refund_no = arena_str(r->arena, slice_str(run->no));
	r->answer = slice_of(arena_str(r->arena, buf_all(&text)), text.len);
	refund_run_finish(run, buf_check(&text) < 0 ? ERR_INTERNAL : run->err);
}

void
refund_answer(struct refund_run *run)
{
	refund_row_ask(run, run->no, on_row);
}
