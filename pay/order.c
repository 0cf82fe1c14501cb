/*
 * Placing an order without ever losing one.  The row is committed before
 * WeChat Pay is asked, with the request's bytes in it; whatever breaks after
 * that, the same number can be tried again and WeChat Pay sees the same bytes,
 * which is its condition for giving a fresh prepay_id.
 *
 *   insert ──made──────────────┐
 *     └─there already─ find ───┤
 *   (only a number) ── find ───┴─ prepay_id young ── hand out ─── answer
 *                                └─ else ask WeChat ─ store it ── answer
 *                                     └─ paid or closed there: query, apply
 */
#include "pay/order.h"

#include "base/clock.h"
#include "pay/answer.h"
#include "pay/run.h"

#include <string.h>

enum {
	BODY_TOP = 32768,
	ANSWER_TOP = 4096,
	PREPAY_TOP = 64,
	/* WeChat's two hours, less the time to type a password. */
	PREPAY_MS = (2 * 3600 - 300) * 1000,
};

static int
payment_answer(struct run *run, struct slice prepay_id)
{
	_buf_ struct buf text;
	int r;

	buf_init(&text, ANSWER_TOP);
	r = answer_payment(
		&text, run->merchant, run->key.appid, run->key.no, prepay_id);
	return r < 0 ? r : run_answer(run, &text);
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
	run_end(run, err);
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

/* What WeChat had said of the order, now that it is applied. */
static void
on_learned(struct job *job)
{
	struct run *run = container_of(job, struct run, query.job);
	const char *state = run->query.state;
	int err = ERR_PAY_REFUSED; /* with the words of the refusal */

	if (job->err == 0 &&
		(strcmp(state, "SUCCESS") == 0 || strcmp(state, "REFUND") == 0))
		err = run_fault(
			run, ERR_CONFLICT, "this order is paid already");
	else if (job->err == 0 && strcmp(state, "CLOSED") == 0)
		err = run_fault(run, ERR_CONFLICT,
			"this order is closed: place a new one under another "
			"outTradeNo");
	run_end(run, err);
}

/* Refused because of what became of the order? */
static bool
is_over(const char *code)
{
	static const char *const codes[] = {
		"ORDERPAID", "OUT_TRADE_NO_USED", "ORDER_CLOSED"};

	for (size_t i = 0; i < array_size(codes); i++)
		if (strcmp(code, codes[i]) == 0)
			return true;
	return false;
}

static void
refused(struct run *run, const struct job *job)
{
	if (job->why.text[0])
		run->order->job.why = job->why;
	if (job->err != ERR_PAY_REFUSED || !is_over(run->gate.code)) {
		run_end(run, job->err);
		return;
	}
	job_init(&run->query.job, on_learned);
	order_query_start(&run->query, run->pay, run->merchant, run->key.appid,
		run->key.no);
}

static void
on_placed(struct job *job)
{
	struct run *run = container_of(job, struct run, gate.job);
	const char *id;

	if (job->err < 0) {
		refused(run, job);
		return;
	}
	id = run->gate.prepay_id;
	if (!id || !is_prepay_id(id)) {
		run_end(run, run_fault(run, ERR_UPSTREAM,
				     "WeChat Pay's answer has no prepay_id"));
		return;
	}
	run->row.prepay_id = slice_str(id);
	job_init(&run->ask.job, on_stored);
	row_set_prepay(run->pay->pool, &run->ask, &run->key, run->row.prepay_id,
		run->asked_ms);
}

static void
wechat_ask(struct run *run)
{
	struct gate_home home = pay_gate_home(run->pay);

	run->asked_ms = clock_now_ms();
	job_init(&run->gate.job, on_placed);
	gate_order(&run->gate, &home, run->merchant, &run->mem, run->row.body);
}

static void
on_handed_out(struct job *job)
{
	struct run *run = container_of(job, struct run, ask.job);

	/* without it the order is asked about a little later */
	run_end(run, job->err < 0 && job->err != ERR_DB_DOWN
			     ? job->err
			     : payment_answer(run, run->row.prepay_id));
}

static int
payable(struct run *run)
{
	const struct order_row *row = &run->row;

	if (!row_is_open(row))
		return fault_set(&run->order->job.why, ERR_CONFLICT,
			"this order cannot be paid any more: its state is %.*s",
			SLICE_ARG(row->state));
	if (row->expires_at && clock_now_ms() >= row->expires_at)
		return run_fault(run, ERR_CONFLICT,
			"the time to pay this order is over: place a new one "
			"under another outTradeNo");
	return 0;
}

/* The row is there and his: pay it. */
static void
order_pay(struct run *run)
{
	const struct order_row *row = &run->row;
	int64_t now = clock_now_ms(), age = now - row->prepay_at;
	int r = payable(run);

	if (r < 0) {
		run_end(run, r);
		return;
	}
	if (!slice_is(row->state, "CREATED") && row->prepay_id.len &&
		age >= 0 && age < PREPAY_MS) {
		job_init(&run->ask.job, on_handed_out);
		row_hand_out(run->pay->pool, &run->ask, &run->key, now);
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

static void
on_found(struct job *job)
{
	struct run *run = container_of(job, struct run, ask.job);
	int r = run_found(run, job->err);

	if (r == 0)
		r = row_check(run);
	if (r < 0)
		run_end(run, r);
	else
		order_pay(run);
}

static void
on_inserted(struct job *job)
{
	struct run *run = container_of(job, struct run, ask.job);

	if (job->err < 0) {
		run_end(run, job->err);
	} else if (ask_rows(&run->ask) == 1) {
		order_pay(run);
	} else {
		run->mchids = slice_str(
			arena_printf(&run->mem, "{%s}", run->key.mchid));
		run_look(run, on_found);
	}
}

/* The row as it will be, so that what was made goes on like what was found. */
static int
row_prepare(struct run *run, int64_t now_ms)
{
	struct bill *b = &run->bill;
	const struct pay_more *more = &run->pay->more;
	bool tells_end = b->expires_at || more->order_life_ms != PAY_LIFE_MS;
	_buf_ struct buf body;
	int r;

	buf_init(&body, BODY_TOP);
	if (!b->expires_at)
		b->expires_at = now_ms + more->order_life_ms;
	b->no = slice_str(run->key.no);
	b->description.ptr = arena_str(&run->mem, b->description);
	b->attach.ptr = arena_str(&run->mem, b->attach);
	r = bill_build(b, run->merchant, run->key.appid, run->key.openid,
		tells_end, &body);
	if (r < 0)
		return r;
	run->row = (struct order_row){
		.description = b->description,
		.attach = b->attach,
		.total = b->total,
		.state = SLICE("CREATED"),
		.body = slice_of(
			arena_str(&run->mem, buf_all(&body)), body.len),
		.expires_at = b->expires_at,
		.is_his = true,
	};
	return 0;
}

static void
row_make(struct run *run)
{
	int64_t now = clock_now_ms();
	int r = run_choose(run, run->bill.mchid);

	if (r == 0)
		r = row_prepare(run, now);
	if (r < 0) {
		run_fail_soon(run, r);
		return;
	}
	job_init(&run->ask.job, on_inserted);
	row_insert(run->pay->pool, &run->ask, &run->key, &run->bill,
		&(struct order_new){.body = run->row.body,
			.env = run->pay->more.env,
			.api = run->merchant->api == MERCHANT_V2 ? "v2" : "v3",
			.now_ms = now});
}

void
order_place(struct pay *pay, struct order *o, const struct caller *who,
	const json_t *body, bool may_price)
{
	struct run *run = run_begin(pay, o, who);
	enum bill_may may = !may_price     ? BILL_PAY
			    : run->may_all ? BILL_ALL
					   : BILL_PRICE;
	char no[TRADE_NO + 1];
	int r;

	r = run_check(run, who, true);
	if (r == 0)
		r = bill_parse(
			&run->bill, body, may, clock_now_ms(), &o->job.why);
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
		run_look(run, on_found);
}
