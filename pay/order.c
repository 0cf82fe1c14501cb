/*
 * Placing an order without ever losing one.  The row is committed before
 * WeChat Pay is asked, with the request's bytes in it; whatever breaks after
 * that, the same number can be tried again and WeChat Pay sees the same bytes,
 * which is its condition for giving a fresh prepay_id.
 *
 *   insert ──made──────────────┐
 *     └─there already─ find ───┤
 *   (only a number) ── find ───┴─ prepay_id young ────────────── answer
 *                                └─ else ask WeChat ─ store it ─ answer
 */
#include "pay/order.h"

#include "base/clock.h"
#include "pay/answer.h"
#include "pay/run.h"

#include <string.h>

enum {
	BODY_TOP = 8192,
	ANSWER_TOP = 4096,
	PREPAY_TOP = 64,
	/* WeChat's two hours, less the time to type a password. */
	PREPAY_MS = (2 * 3600 - 300) * 1000,
};

static int
answer_set(struct run *run, const struct buf *text)
{
	struct order *o = run->order;
	char *p;

	if (buf_check(text) < 0)
		return ERR_INTERNAL;
	p = arena_try(o->arena, text->len + 1);
	if (!p)
		return ERR_TOO_BIG;
	memcpy(p, text->ptr, text->len);
	p[text->len] = '\0';
	o->answer = slice_of(p, text->len);
	return 0;
}

static int
payment_answer(struct run *run, struct slice prepay_id)
{
	_buf_ struct buf text;
	int r;

	buf_init(&text, ANSWER_TOP);
	r = answer_payment(&text, run->merchant, run->key.no, prepay_id);
	return r < 0 ? r : answer_set(run, &text);
}

static void
on_stored(struct job *job)
{
	struct run *run = container_of(job, struct run, ask.job);
	int err = job->err;

	if (err == 0 && ask_changed(&run->ask) != 1)
		err = run_fault(run, ERR_CONFLICT,
			"this order was paid or closed meanwhile");
	if (err == 0)
		err = payment_answer(run, run->row.prepay_id);
	run_finish(run, err);
}

static bool
is_prepay_id(const char *s)
{
	size_t n = strlen(s);

	for (size_t i = 0; i < n; i++)
		if (s[i] <= 0x20 || s[i] > 0x7e || s[i] == '"' || s[i] == '\\')
			return false;
	return n > 0 && n <= PREPAY_TOP;
}

static void
on_wxpay(struct job *job)
{
	struct run *run = container_of(job, struct run, wxpay.job);
	const char *id;

	if (job->err < 0) {
		if (job->why.text[0])
			run->order->job.why = job->why;
		run_finish(run, job->err);
		return;
	}
	id = json_string_value(json_object_get(run->wxpay.answer, "prepay_id"));
	if (!id || !is_prepay_id(id)) {
		run_finish(
			run, run_fault(run, ERR_UPSTREAM,
				     "WeChat Pay's answer has no prepay_id"));
		return;
	}
	run->row.prepay_id =
		slice_of(arena_str(&run->mem, slice_str(id)), strlen(id));
	job_init(&run->ask.job, on_stored);
	row_set_prepay(run->pay->pool, &run->ask, &run->key, run->row.prepay_id,
		run->asked_ms);
}

static void
wechat_ask(struct run *run)
{
	run->asked_ms = clock_now_ms();
	job_init(&run->wxpay.job, on_wxpay);
	wxpay_post(&run->wxpay, run->pay->loop, run->pay->fetcher,
		run->merchant, "/v3/pay/transactions/jsapi", run->row.body);
}

/* The row is there and his: pay it. */
static void
order_pay(struct run *run)
{
	const struct order_row *row = &run->row;
	int64_t age = clock_now_ms() - row->prepay_at;

	if (!slice_is(row->state, "CREATED") &&
		!slice_is(row->state, "NOTPAY")) {
		(void)fault_set(&run->order->job.why, ERR_CONFLICT,
			"this order cannot be paid any more: its state is %.*s",
			SLICE_ARG(row->state));
		run_finish(run, ERR_CONFLICT);
		return;
	}
	if (slice_is(row->state, "NOTPAY") && row->prepay_id.len && age >= 0 &&
		age < PREPAY_MS) {
		run_finish(run, payment_answer(run, row->prepay_id));
		return;
	}
	wechat_ask(run);
}

static int
row_check(struct run *run)
{
	const struct order_row *row = &run->row;
	const struct bill *bill = &run->bill;

	if (!bill->is_priced)
		return row->is_his ? 0 : ERR_ORDER_NOT_FOUND;
	if (!row->is_his)
		return run_fault(run, ERR_CONFLICT,
			"this outTradeNo is taken: choose another");
	if (row->total != bill->total ||
		!slice_eq(row->description, bill->description) ||
		!slice_eq(row->attach, bill->attach))
		return run_fault(run, ERR_CONFLICT,
			"an order of this outTradeNo exists with another "
			"total, description or attach");
	return 0;
}

/* 0, and run->row holds the caller's row. */
static int
found(struct run *run, int err)
{
	if (err < 0)
		return err;
	if (ask_rows(&run->ask) != 1)
		return ERR_ORDER_NOT_FOUND;
	if (!row_read(&run->ask, &run->mem, &run->row))
		return ERR_INTERNAL;
	return row_check(run);
}

static void
on_found(struct job *job)
{
	struct run *run = container_of(job, struct run, ask.job);
	int r = found(run, job->err);

	if (r < 0)
		run_finish(run, r);
	else
		order_pay(run);
}

static void
row_look(struct run *run, job_fn *done)
{
	job_init(&run->ask.job, done);
	row_find(run->pay->pool, &run->ask, &run->key);
}

static void
on_inserted(struct job *job)
{
	struct run *run = container_of(job, struct run, ask.job);

	if (job->err < 0)
		run_finish(run, job->err);
	else if (ask_rows(&run->ask) == 1)
		order_pay(run);
	else
		row_look(run, on_found);
}

/* The row as it will be, so that what was made goes on like what was found. */
static int
row_prepare(struct run *run)
{
	struct bill *b = &run->bill;
	_buf_ struct buf body;
	int r;

	buf_init(&body, BODY_TOP);
	b->no = slice_str(run->key.no);
	b->description.ptr = arena_str(&run->mem, b->description);
	b->attach.ptr = arena_str(&run->mem, b->attach);
	r = bill_build(b, run->merchant, run->key.openid, &body);
	if (r < 0)
		return r;
	run->row = (struct order_row){
		.description = b->description,
		.attach = b->attach,
		.total = b->total,
		.state = SLICE("CREATED"),
		.body = slice_of(
			arena_str(&run->mem, buf_all(&body)), body.len),
		.is_his = true,
	};
	return 0;
}

static void
row_make(struct run *run)
{
	int r = row_prepare(run);

	if (r < 0) {
		run_fail_soon(run, r);
		return;
	}
	job_init(&run->ask.job, on_inserted);
	row_insert(run->pay->pool, &run->ask, &run->key, &run->bill,
		run->row.body, clock_now_ms());
}

void
order_place(struct pay *pay, struct order *o, const struct caller *who,
	const json_t *body, bool may_price)
{
	struct run *run = run_new(pay, o, who);
	char no[TRADE_NO + 1];
	int r;

	r = run_check(run, who);
	if (r == 0)
		r = bill_parse(&run->bill, body, may_price, &o->job.why);
	if (r < 0) {
		run_fail_soon(run, r);
		return;
	}
	trade_no_make(no, clock_now_ms());
	run->key.no = arena_str(
		&run->mem, run->bill.no.len ? run->bill.no : slice_str(no));
	if (run->bill.is_priced)
		row_make(run);
	else
		row_look(run, on_found);
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
		r = answer_set(run, &text);
	}
	run_finish(run, r);
}

void
order_get(struct pay *pay, struct order *o, const struct caller *who,
	struct slice out_trade_no)
{
	struct run *run = run_new(pay, o, who);
	int r = run_check(run, who);

	if (r == 0 && !trade_no_is(out_trade_no))
		r = ERR_ORDER_NOT_FOUND;
	if (r < 0) {
		run_fail_soon(run, r);
		return;
	}
	run->key.no = arena_str(&run->mem, out_trade_no);
	row_look(run, on_got);
}
