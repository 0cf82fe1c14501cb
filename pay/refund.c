/*
 * What becomes of a wish for a refund:
 *
 *   refund_put ─ made or there ─┬─ its minute has not come, or it has ended ─
 * answer └─ ask WeChat ─┬─ it says how it stands ─ ledger ─ answer ├─ it says
 * no ─ does it know the number? │      ├─ yes ─ ledger │      └─ no ── CLOSED ─
 * error └─ nothing that counts ─ a poll asks again
 *
 * That WeChat refuses is not signed, so the refusal alone ends nothing: the
 * number is asked for, and a CLOSED refund that lives after all is revived by
 * whatever news comes.  NOT_ENOUGH ends nothing either: the merchant's balance
 * fills, and the same number is tried again.
 */
#include "pay/refund_run.h"

#include "base/clock.h"
#include "base/event.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static struct refund_run *
run_of(struct job *job)
{
	return container_of(job, struct refund_run, ask.job);
}

/* It stands in the ledger. */
static void
on_applied(struct job *job)
{
	struct refund_run *run = run_of(job);
	enum ledger_outcome outcome;
	struct slice why;
	int r = job->err;

	if (r == 0)
		r = ledger_read(&run->ask, &outcome, &why);
	if (r < 0) {
		refund_run_finish(run, r);
		return;
	}
	ledger_tell(&run->told, "query", outcome, why);
	if (outcome == LEDGER_APPLIED)
		pay_applied(run->pay);
	refund_answer(run);
}

static void
apply(struct refund_run *run)
{
	run->told = run->gate.told;
	job_init(&run->ask.job, on_applied);
	ledger_apply(run->pay->pool, &run->ask, &run->told, run->pay->more.env,
		"query", SLICE(""), SLICE(""), clock_now_ms());
}

static void
on_failed(struct job *job)
{
	struct refund_run *run = run_of(job);

	if (job->err < 0)
		refund_run_finish(run, job->err);
	else
		refund_answer(run);
}

/* `refused`: it is not done, and WeChat does not know it. */
static void
failed(struct refund_run *run, bool refused)
{
	static const char sql[] =
		"SELECT mpcloud.refund_failed($1, $2, $3, $4::boolean,"
		" $5::bigint)";
	char now[24];

	(void)snprintf(now, sizeof(now), "%" PRId64, clock_now_ms());
	job_init(&run->ask.job, on_failed);
	run->ask.is_read = false;
	pool_ask(run->pay->pool, &run->ask, sql,
		(struct slice[]){slice_str(run->merchant->mchid),
			slice_str(run->no), slice_str(run->why.text),
			ask_flag(refused), slice_str(now)},
		5);
}

/* Does WeChat know the number that it refused? */
static void
on_looked(struct job *job)
{
	struct refund_run *run = container_of(job, struct refund_run, gate.job);

	if (job->err == 0) {
		apply(run);
		return;
	}
	if (job->err == ERR_PAY_REFUSED &&
		!strcmp(run->gate.code, "RESOURCE_NOT_EXISTS")) {
		run->err = ERR_PAY_REFUSED;
		event(EVENT_PAY_REFUND_REFUSED, "mchid", run->merchant->mchid,
			"outRefundNo", run->no, "why", run->why.text, NULL);
		failed(run, true);
		return;
	}
	failed(run, false);
}

static void
look(struct refund_run *run)
{
	const struct gate_home home = pay_gate_home(run->pay);

	gate_done(&run->gate);
	run->gate = (struct gate){0};
	job_init(&run->gate.job, on_looked);
	gate_refund_query(&run->gate, &home, run->merchant, &run->mem,
		run->row.appid, run->no);
}

static void
on_gate(struct job *job)
{
	struct refund_run *run = container_of(job, struct refund_run, gate.job);
	bool is_new = !strcmp(run->row.state, "CREATED");

	if (job->err == 0) {
		apply(run);
		return;
	}
	run->why = job->why;
	if (!run->why.text[0])
		(void)fault_set(
			&run->why, job->err, "%s", err_info(job->err)->text);
	if (is_new && job->err == ERR_PAY_REFUSED &&
		strcmp(run->gate.code, "NOT_ENOUGH") != 0)
		look(run);
	else
		failed(run, false);
}

void
refund_send(struct refund_run *run)
{
	const struct gate_home home = pay_gate_home(run->pay);

	job_init(&run->gate.job, on_gate);
	gate_refund(&run->gate, &home, run->merchant, &run->mem, run->row.appid,
		slice_str(run->row.body));
}

void
refund_query(struct refund_run *run)
{
	const struct gate_home home = pay_gate_home(run->pay);

	job_init(&run->gate.job, on_gate);
	gate_refund_query(&run->gate, &home, run->merchant, &run->mem,
		run->row.appid, run->no);
}

/* refund_put's outcomes that are errors. */
static int
put_error(struct refund_run *run, struct slice outcome, struct slice why)
{
	int err = slice_is(outcome, "missing") ? ERR_ORDER_NOT_FOUND
					       : ERR_CONFLICT;

	return fault_set(&run->why, err, "%.*s", SLICE_ARG(why));
}

static void
on_put(struct job *job)
{
	struct refund_run *run = run_of(job);
	struct slice outcome;
	bool send;

	if (job->err < 0 || ask_rows(&run->ask) != 1) {
		refund_run_finish(run, job->err < 0 ? job->err : ERR_INTERNAL);
		return;
	}
	outcome = ask_value(&run->ask, 0, 0);
	if (!slice_is(outcome, "made") && !slice_is(outcome, "existed")) {
		refund_run_finish(run,
			put_error(run, outcome, ask_value(&run->ask, 0, 1)));
		return;
	}
	send = slice_is(ask_value(&run->ask, 0, 2), "t");
	run->no = arena_str(&run->mem, ask_value(&run->ask, 0, 3));
	run->row.body = arena_str(&run->mem, ask_value(&run->ask, 0, 4));
	run->row.state = arena_str(&run->mem, ask_value(&run->ask, 0, 5));
	run->row.appid = arena_str(&run->mem, ask_value(&run->ask, 0, 6));
	if (send)
		refund_send(run);
	else
		refund_answer(run);
}

static struct merchant *
merchant_of(struct pay *pay, const char *mchid, const char *appid)
{
	if (mchid && *mchid)
		return merchants_find(pay->merchants, slice_str(mchid));
	if (appid && *appid)
		return merchants_for_app(pay->merchants, slice_str(appid));
	return merchants_find(pay->merchants, SLICE(""));
}

static int
no_merchant(struct refund_run *run)
{
	return fault_set(&run->why, ERR_ORDER_NOT_FOUND,
		"no merchant of this server is meant: check mchid, and appid "
		"in "
		"[pay]");
}

void
refund_ask(struct pay *pay, struct refund *r, const struct refund_wish *w)
{
	static const char sql[] =
		"SELECT outcome, why, send, out_refund_no, body, state, appid"
		" FROM mpcloud.refund_put($1, $2, $3, $4, $5, $6::bigint, $7,"
		" $8, $9, $10::bigint)";
	struct refund_run *run =
		refund_run_new(pay, r, merchant_of(pay, w->mchid, w->appid));
	char amount[24], now[24];

	if (!run->merchant) {
		refund_run_fail_soon(run, no_merchant(run));
		return;
	}
	(void)snprintf(amount, sizeof(amount), "%" PRId64, w->amount);
	(void)snprintf(now, sizeof(now), "%" PRId64, clock_now_ms());
	job_init(&run->ask.job, on_put);
	run->ask.is_read = false;
	pool_ask(pay->pool, &run->ask, sql,
		(struct slice[]){slice_str(r->env),
			slice_str(run->merchant->mchid),
			slice_str(w->out_trade_no), slice_str(w->out_refund_no),
			slice_str(w->key), slice_str(amount),
			slice_str(w->reason), slice_str(w->function),
			slice_str(run->merchant->notify_url), slice_str(now)},
		10);
}

static bool
has_ended(const char *state)
{
	return !strcmp(state, "SUCCESS") || !strcmp(state, "CLOSED");
}

static void
on_found(struct job *job)
{
	struct refund_run *run = run_of(job);

	if (job->err < 0) {
		refund_run_finish(run, job->err);
		return;
	}
	if (!refund_row_read(run)) {
		refund_run_finish(
			run, fault_set(&run->why, ERR_ORDER_NOT_FOUND,
				     "there is no refund of this number"));
		return;
	}
	if (has_ended(run->row.state) || run->row.asked_at > clock_now_ms())
		refund_answer(run);
	else if (!strcmp(run->row.state, "CREATED"))
		refund_send(run);
	else
		refund_query(run);
}

static void
on_shown(struct job *job)
{
	struct refund_run *run = run_of(job);

	if (job->err < 0)
		refund_run_finish(run, job->err);
	else if (ask_rows(&run->ask) != 1)
		on_found(job);
	else
		refund_answer(run);
}

void
refund_get(struct pay *pay, struct refund *r, const char *mchid,
	const char *appid, const char *out_refund_no, bool fresh)
{
	struct refund_run *run =
		refund_run_new(pay, r, merchant_of(pay, mchid, appid));

	if (!run->merchant) {
		refund_run_fail_soon(run, no_merchant(run));
		return;
	}
	refund_row_ask(run, arena_str(&run->mem, slice_str(out_refund_no)),
		fresh ? on_found : on_shown);
}

void
refund_poll(struct pay *pay, struct refund *r, const char *mchid,
	const char *out_refund_no)
{
	refund_get(pay, r, mchid, "", out_refund_no, true);
}
