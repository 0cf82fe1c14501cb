/*
 * The bill comes as one text and goes into the database in parts, so that
 * neither the loop nor a statement is held by a long one; there everything is
 * compared at once.
 *
 *   download ─┬─ not made yet: again later
 *             └─ take the day ─ lines, part by part ─ compare ─ repairs, one
 *                by one, through the ledger ─ end
 */
#include "pay/reconcile.h"

#include "base/clock.h"
#include "base/event.h"
#include "base/mem.h"
#include "base/text.h"
#include "pay/gate.h"
#include "pay/ledger.h"
#include "pay/run.h"
#include "pay/tradebill.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
	DEADLINE_MS = 600000,
	LEASE_MS = 120000,       /* renewed with every part */
	AGAIN_MS = 1800000,      /* the bill is not there yet */
	FAILED_MS = 6 * 3600000, /* it cannot be read */
	PART_LINES = 1000,
	PART_TOP = 8 << 20,
	MEMORY_TOP = 64 << 20,
	WHY_TOP = 256,
	REPAIRS_TOP = 20000, /* at once */
	CHINA_S = 8 * 3600,
};

/* A line of the bill that the ledger may repair. */
struct repair {
	struct notify news;
};

struct work {
	struct list on; /* pay->bills */
	struct pay *pay;
	struct reconcile *r;
	struct merchant *merchant;
	struct arena mem;
	const char *day;
	struct gate gate;
	struct tradebill bill;
	struct ask ask;
	struct repair *repairs;
	size_t count, next;
	const char *state; /* as pay_bills has it */
	int64_t next_at;
	int err;
	struct fault why;
};

static struct work *
work_free(struct work *w)
{
	list_del(&w->on);
	job_cancel(&w->ask.job);
	gate_done(&w->gate);
	merchant_unref(w->merchant);
	arena_done(&w->mem);
	w->r->inside = NULL;
	return mem_free(w);
}

static void
work_finish(struct work *w, int err)
{
	struct reconcile *r = w->r;

	if (err < 0 && w->why.text[0])
		r->job.why = w->why;
	work_free(w);
	job_finish(&r->job, err);
}

void
reconciles_stop(struct pay *pay)
{
	struct work *w;

	while ((w = list_first(&pay->bills, struct work, on)))
		work_finish(w, ERR_SHUTDOWN);
}

static struct work *
work_of(struct job *job)
{
	return container_of(job, struct work, ask.job);
}

static struct slice
number(char room[24], int64_t n)
{
	(void)snprintf(room, 24, "%" PRId64, n);
	return slice_str(room);
}

static void
ask_begin(struct work *w, job_fn *done)
{
	job_init(&w->ask.job, done);
	w->ask.is_read = false;
	w->ask.shares = false;
	w->ask.row = 0;
}

static void
on_ended(struct job *job)
{
	struct work *w = work_of(job);
	struct reconcile *r = w->r;

	if (job->err < 0) {
		work_finish(w, job->err);
		return;
	}
	r->open = ask_int(&w->ask, 0, 0);
	if (r->open || r->repaired)
		event(EVENT_PAY_DIFFERENCE, "mchid", w->merchant->mchid, "day",
			w->day, "open", EVENT_INT(r->open), "repaired",
			EVENT_INT(r->repaired), NULL);
	if (!strcmp(w->state, "failed"))
		event(EVENT_PAY_BILL, "mchid", w->merchant->mchid, "day",
			w->day, "why", w->why.text, NULL);
	work_finish(w, w->err);
}

/* state and next_at are set; w->why, when something went wrong. */
static void
end(struct work *w)
{
	static const char sql[] =
		"SELECT mpcloud.bill_end($1, $2, $3, $4, '', $5::bigint,"
		" $6::bigint)";
	char next_at[24], now[24];

	ask_begin(w, on_ended);
	pool_ask(w->pay->pool, &w->ask, sql,
		(struct slice[]){slice_str(w->merchant->mchid),
			slice_str(w->day), slice_str(w->state),
			slice_str(w->why.text), number(next_at, w->next_at),
			number(now, clock_now_ms())},
		6);
}

static void
fail(struct work *w, int err, int64_t again_ms)
{
	w->err = err;
	w->state = "failed";
	w->next_at = clock_now_ms() + again_ms;
	end(w);
}

static void repair(struct work *w);

static void
on_repaired(struct job *job)
{
	struct work *w = work_of(job);
	const struct notify *news = &w->repairs[w->next].news;
	enum ledger_outcome outcome;
	struct slice why;
	int r = job->err;

	if (r == 0)
		r = ledger_read(&w->ask, &outcome, &why);
	if (r < 0) {
		fail(w, r, AGAIN_MS);
		return;
	}
	ledger_tell(news, "bill", outcome, why);
	if (outcome == LEDGER_APPLIED) {
		pay_applied(w->pay);
		w->r->repaired++;
	}
	w->next++;
	repair(w);
}

static void
repair(struct work *w)
{
	if (w->next == w->count) {
		end(w);
		return;
	}
	ask_begin(w, on_repaired);
	ledger_apply(w->pay->pool, &w->ask, &w->repairs[w->next].news,
		w->pay->more.env, "bill", SLICE(""), SLICE(""), clock_now_ms());
}

static const char *
text_at(struct work *w, int row, int col)
{
	return arena_str(&w->mem, ask_value(&w->ask, row, col));
}

/* What the bill says, as if WeChat had called. */
static void
news_read(struct work *w, int row, struct notify *n)
{
	bool is_refund =
		slice_is(ask_value(&w->ask, row, 0), "refund_unfinished");

	*n = (struct notify){
		.kind = is_refund ? NOTIFY_REFUND : NOTIFY_PAID,
		.event_id = "",
		.event_type = "",
		.mchid = w->merchant->mchid,
		.out_trade_no = text_at(w, row, 1),
		.out_refund_no = text_at(w, row, 2),
		.appid = text_at(w, row, 3),
		.openid = text_at(w, row, 4),
		.transaction_id = text_at(w, row, 5),
		.trade_type = text_at(w, row, 6),
		.bank_type = text_at(w, row, 7),
		.currency = text_at(w, row, 8),
		.attach = "",
		.state = "SUCCESS",
		.total = is_refund ? 0 : ask_int(&w->ask, row, 9),
		.payer_total = -1,
		.refund_id = text_at(w, row, 10),
		.refund = ask_int(&w->ask, row, 11),
		.at_ms = ask_int(&w->ask, row, 12),
	};
	n->resource = arena_printf(&w->mem,
		"{\"bill\":\"%s\",\"out_trade_no\":\"%s\"}", w->day,
		n->out_trade_no);
}

static void
on_compared(struct job *job)
{
	struct work *w = work_of(job);

	if (job->err < 0) {
		fail(w, job->err, AGAIN_MS);
		return;
	}
	w->count = (size_t)ask_rows(&w->ask);
	if (w->count == REPAIRS_TOP) /* the rest, of this day once more */
		w->next_at = clock_now_ms();
	w->repairs = arena_try(&w->mem, w->count * sizeof(struct repair) + 1);
	if (!w->repairs) {
		fail(w, ERR_TOO_BIG, FAILED_MS);
		return;
	}
	for (size_t i = 0; i < w->count; i++)
		news_read(w, (int)i, &w->repairs[i].news);
	repair(w);
}

static void
compare(struct work *w)
{
	static const char sql[] =
		"SELECT kind, out_trade_no, out_refund_no, appid, openid,"
		" transaction_id, trade_type, bank_type, currency, total,"
		" refund_id, refund, at"
		" FROM mpcloud.bill_compare($1, $2, $3::bigint)"
		" LIMIT $4::integer";
	char now[24], top[24];

	ask_begin(w, on_compared);
	pool_ask(w->pay->pool, &w->ask, sql,
		(struct slice[]){slice_str(w->merchant->mchid),
			slice_str(w->day), number(now, clock_now_ms()),
			number(top, REPAIRS_TOP)},
		4);
}

static void
put_text(struct buf *to, const char *name, struct slice text)
{
	buf_printf(to, ",\"%s\":", name);
	buf_json(to, text);
}

static void
put_line(struct buf *to, unsigned n, const struct tradebill_line *l)
{
	static const char *const kinds[] = {"paid", "refund", "revoked"};

	buf_printf(to,
		"{\"line\":%u,\"kind\":\"%s\",\"at\":%" PRId64
		",\"total\":%" PRId64 ",\"refund\":%" PRId64,
		n, kinds[l->kind], l->at_ms, l->total, l->refund);
	put_text(to, "appid", l->appid);
	put_text(to, "openid", l->openid);
	put_text(to, "tx", l->transaction_id);
	put_text(to, "no", l->out_trade_no);
	put_text(to, "trade", l->trade_type);
	put_text(to, "bank", l->bank_type);
	put_text(to, "currency", l->currency);
	put_text(to, "rid", l->refund_id);
	put_text(to, "rno", l->out_refund_no);
	put_text(to, "rstate", l->refund_state);
	buf_char(to, '}');
}

static void part(struct work *w);

static void
on_part(struct job *job)
{
	struct work *w = work_of(job);

	if (job->err < 0)
		fail(w, job->err, AGAIN_MS);
	else
		part(w);
}

/* The next lines as a JSON array; how many, 0: there are no more. */
static int
part_build(struct work *w, struct buf *to)
{
	struct tradebill_line line;
	int n = 0, r = 1;

	while (n < PART_LINES &&
		(r = tradebill_next(&w->bill, &line, &w->why)) > 0) {
		buf_char(to, n++ ? ',' : '[');
		put_line(to, w->bill.count, &line);
	}
	if (r < 0)
		return r;
	buf_char(to, ']');
	return buf_check(to) < 0 ? ERR_TOO_BIG : n;
}

static void
part(struct work *w)
{
	static const char sql[] =
		"SELECT mpcloud.bill_put($1, $2, $3::jsonb, $4::bigint)";
	_buf_ struct buf lines = {0};
	char until[24];
	int n;

	buf_init(&lines, PART_TOP);
	n = part_build(w, &lines);
	if (n < 0) {
		fail(w, n, FAILED_MS);
		return;
	}
	if (!n) {
		compare(w);
		return;
	}
	ask_begin(w, on_part);
	pool_ask(w->pay->pool, &w->ask, sql,
		(struct slice[]){slice_str(w->merchant->mchid),
			slice_str(w->day), buf_all(&lines),
			number(until, clock_now_ms() + LEASE_MS)},
		4);
}

static void
on_begun(struct job *job)
{
	struct work *w = work_of(job);

	if (job->err == 0 && !slice_is(ask_value(&w->ask, 0, 0), "t"))
		job->err = fault_set(&w->why, ERR_BUSY,
			"another gateway compares this day just now");
	if (job->err < 0)
		work_finish(w, job->err);
	else if (!strcmp(w->state, "empty"))
		compare(w);
	else
		part(w);
}

/* From here on the day is ours. */
static void
begin(struct work *w)
{
	static const char sql[] =
		"SELECT mpcloud.bill_begin($1, $2, $3::bigint, $4::bigint)";
	char now[24], lease[24];

	ask_begin(w, on_begun);
	pool_ask(w->pay->pool, &w->ask, sql,
		(struct slice[]){slice_str(w->merchant->mchid),
			slice_str(w->day), number(now, clock_now_ms()),
			number(lease, LEASE_MS)},
		4);
}

/* Refused: there is none, or not yet. */
static bool
is_no_bill(struct work *w)
{
	if (!strcmp(w->gate.code, "NO_STATEMENT_EXIST")) {
		w->state = "empty";
		begin(w);
		return true;
	}
	if (!strcmp(w->gate.code, "STATEMENT_CREATING")) {
		w->state = "waiting";
		w->r->ready = false;
		w->next_at = clock_now_ms() + AGAIN_MS;
		(void)fault_set(
			&w->why, 0, "WeChat Pay is still making this bill");
		end(w);
		return true;
	}
	return false;
}

static void
on_bill(struct job *job)
{
	struct work *w = container_of(job, struct work, gate.job);
	int r;

	if (job->err == ERR_PAY_REFUSED && is_no_bill(w))
		return;
	if (job->err < 0) {
		w->why = job->why;
		fail(w, job->err, AGAIN_MS);
		return;
	}
	r = tradebill_open(&w->bill, buf_all(&w->gate.bill), &w->why);
	if (r < 0)
		fail(w, r, FAILED_MS);
	else
		begin(w);
}

static void
on_drop(struct job *job)
{
	struct reconcile *r = container_of(job, struct reconcile, job);

	if (r->inside)
		work_free(r->inside);
}

static struct work *
work_new(struct pay *pay, struct reconcile *r, struct merchant *m)
{
	struct work *w = mem_new(struct work);

	arena_init(&w->mem, MEMORY_TOP);
	list_add(&pay->bills, &w->on);
	w->pay = pay;
	w->r = r;
	w->merchant = merchant_ref(m);
	w->state = "done";
	r->inside = w;
	r->open = r->repaired = 0;
	r->ready = true;
	job_begin(&r->job, pay->loop, DEADLINE_MS, on_drop);
	return w;
}

void
reconcile_day(struct pay *pay, struct reconcile *r, const char *mchid,
	const char *day)
{
	const struct gate_home home = pay_gate_home(pay);
	struct merchant *m = merchants_find(pay->merchants, slice_str(mchid));
	struct work *w;

	if (!m) {
		(void)fault_set(&r->job.why, ERR_PARAM,
			"mchid: no merchant of this server");
		job_begin(&r->job, pay->loop, DEADLINE_MS, NULL);
		job_fail_soon(&r->job, pay->loop, ERR_PARAM);
		return;
	}
	w = work_new(pay, r, m);
	w->day = arena_str(&w->mem, slice_str(day));
	job_init(&w->gate.job, on_bill);
	gate_bill(&w->gate, &home, m, &w->mem, m->appid, w->day);
}

void
reconcile_day_of(char ret[DAY_TEXT], int64_t ms)
{
	_buf_ struct buf text = {0};

	buf_init(&text, 64);
	text_time(&text, (ms + CHINA_S * 1000) * CLOCK_MS);
	(void)snprintf(ret, DAY_TEXT, "%.10s", text.ptr);
}

int
reconcile_day_check(struct slice day)
{
	char text[40], again[DAY_TEXT];
	int64_t ns;

	if (day.len != DAY_TEXT - 1)
		return -EINVAL;
	(void)snprintf(
		text, sizeof(text), "%.*sT12:00:00+08:00", SLICE_ARG(day));
	if (text_untime(slice_str(text), &ns) < 0)
		return -EINVAL;
	reconcile_day_of(again, ns / CLOCK_MS);
	return slice_is(day, again) ? 0 : -EINVAL;
}
