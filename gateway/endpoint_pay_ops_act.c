/*
 * What `mpcloud pay` does: refunds, closings, questions to WeChat Pay, and a
 * day's bill.
 */
#include "base/clock.h"
#include "gateway/endpoint.h"
#include "gateway/request.h"
#include "pay/gate.h"
#include "pay/order.h"
#include "pay/reconcile.h"
#include "pay/refund.h"

#include <stdio.h>
#include <string.h>

enum { NO_TOP = 64, MCHID_TOP = 32, DAY_MS = 86400000 };

struct refund_act {
	struct request *r;
	struct refund refund;
};

static int
check_on(struct request *r)
{
	if (r->gateway->pay && r->gateway->merchants->count)
		return 0;
	return fault_set(&r->why, ERR_NOT_FOUND,
		"payment is off: [pay] mchid is not set");
}

static void
on_refund(struct job *job)
{
	struct refund_act *a = container_of(job, struct refund_act, refund.job);

	if (job->err == 0)
		(void)request_reply(a->r, 200, a->refund.answer);
	request_finish(a->r, job->err, &job->why);
}

static struct refund_act *
refund_act_new(struct request *r)
{
	struct refund_act *a = arena_new(request_arena(r), struct refund_act);

	a->r = r;
	a->refund.arena = request_arena(r);
	a->refund.env = "";
	job_init(&a->refund.job, on_refund);
	return a;
}

/* A string of the body, in the arena; absent: "". */
static int
read_text(struct request *r, const char *name, size_t top, const char **ret)
{
	struct slice s;
	int e = val_str_or(r->json, name, top, SLICE(""), &s, &r->why);

	if (e == 0)
		*ret = arena_str(request_arena(r), s);
	return e;
}

int
endpoint_ops_pay_refund(struct request *r)
{
	struct refund_act *a = refund_act_new(r);
	struct refund_wish wish;
	int e = check_on(r);

	if (e == 0)
		e = request_json(r);
	if (e == 0)
		e = refund_wish_parse(
			&wish, r->json, request_arena(r), &r->why);
	if (e < 0)
		return e;
	refund_ask(r->gateway->pay, &a->refund, &wish);
	return request_wait(r, &a->refund.job);
}

struct order_act {
	struct request *r;
	struct order order;
};

static void
on_order(struct job *job)
{
	struct order_act *a = container_of(job, struct order_act, order.job);

	if (job->err == 0)
		(void)request_reply(a->r, 200, a->order.answer);
	request_finish(a->r, job->err, &job->why);
}

static int
order_do(struct request *r, void (*act)(struct pay *, struct order *,
				    const struct caller *, struct slice))
{
	struct order_act *a = arena_new(request_arena(r), struct order_act);
	const char *no;
	int e = check_on(r);

	if (e == 0)
		e = request_json(r);
	if (e == 0)
		e = read_text(r, "outTradeNo", NO_TOP, &no);
	if (e == 0)
		e = read_text(r, "mchid", MCHID_TOP, &a->order.mchid);
	if (e < 0)
		return e;
	a->r = r;
	a->order.arena = request_arena(r);
	job_init(&a->order.job, on_order);
	act(r->gateway->pay, &a->order, &r->caller, slice_str(no));
	return request_wait(r, &a->order.job);
}

int
endpoint_ops_pay_close(struct request *r)
{
	return order_do(r, order_end);
}

/* {outTradeNo} or {outRefundNo, mchid?}. */
int
endpoint_ops_pay_query(struct request *r)
{
	struct refund_act *a;
	const char *no, *mchid;
	int e = check_on(r);

	if (e == 0)
		e = request_json(r);
	if (e < 0)
		return e;
	if (!json_object_get(r->json, "outRefundNo"))
		return order_do(r, order_refresh);
	e = read_text(r, "outRefundNo", REFUND_NO, &no);
	if (e == 0)
		e = read_text(r, "mchid", MCHID_TOP, &mchid);
	if (e < 0)
		return e;
	a = refund_act_new(r);
	refund_get(r->gateway->pay, &a->refund, mchid, "", no, true);
	return request_wait(r, &a->refund.job);
}

struct day_act {
	struct request *r;
	struct reconcile reconcile;
	struct gate gate;
};

static void
on_day(struct job *job)
{
	struct day_act *a = container_of(job, struct day_act, reconcile.job);
	const struct reconcile *d = &a->reconcile;
	char text[128];

	if (job->err == 0) {
		(void)snprintf(text, sizeof(text),
			"{\"ready\":%s,\"open\":%lld,\"repaired\":%lld}",
			d->ready ? "true" : "false", (long long)d->open,
			(long long)d->repaired);
		(void)request_reply(a->r, 200,
			slice_str(arena_str(
				request_arena(a->r), slice_str(text))));
	}
	request_finish(a->r, job->err, &job->why);
}

/* The day must be over in China. */
static int
check_day(struct request *r, const char *day)
{
	char today[DAY_TEXT];

	if (reconcile_day_check(slice_str(day)) < 0)
		return fault_set(&r->why, ERR_PARAM,
			"day: a date as 2026-11-20, of China");
	reconcile_day_of(today, clock_now_ms());
	if (strcmp(day, today) >= 0)
		return fault_set(&r->why, ERR_PARAM,
			"day: %s is not over; WeChat Pay makes the bill of a "
			"day at about 10:00 (China) of the next",
			day);
	return 0;
}

int
endpoint_ops_pay_reconcile(struct request *r)
{
	struct day_act *a = arena_new(request_arena(r), struct day_act);
	const char *day, *mchid;
	int e = check_on(r);

	if (e == 0)
		e = request_json(r);
	if (e == 0)
		e = read_text(r, "day", 16, &day);
	if (e == 0)
		e = read_text(r, "mchid", MCHID_TOP, &mchid);
	if (e == 0)
		e = check_day(r, day);
	if (e < 0)
		return e;
	a->r = r;
	job_init(&a->reconcile.job, on_day);
	reconcile_day(r->gateway->pay, &a->reconcile, mchid, day);
	return request_wait(r, &a->reconcile.job);
}

static void
on_bill(struct job *job)
{
	struct day_act *a = container_of(job, struct day_act, gate.job);
	struct request *r = a->r;

	if (job->err == 0) {
		exchange_add_header(
			r->x, "Content-Type", "text/csv; charset=utf-8");
		r->typed = true;
		(void)request_reply(r, 200, buf_all(&a->gate.bill));
	}
	request_finish(r, job->err, &job->why);
}

/* The bill's bytes are needed until they are sent. */
static void
bill_end(struct request *r)
{
	struct day_act *a = r->act;

	gate_done(&a->gate);
}

int
endpoint_ops_pay_bill(struct request *r)
{
	struct gateway *g = r->gateway;
	struct day_act *a = arena_new(request_arena(r), struct day_act);
	struct slice mchid = exchange_query(r->x, "mchid");
	const struct gate_home home = {g->loop, g->fetcher};
	const char *day =
		arena_str(request_arena(r), exchange_query(r->x, "day"));
	struct merchant *m;
	int e = check_on(r);

	if (e == 0)
		e = check_day(r, day);
	if (e < 0)
		return e;
	m = merchants_find(g->merchants, mchid.ptr ? mchid : SLICE(""));
	if (!m)
		return fault_set(&r->why, ERR_PARAM,
			"mchid: no merchant of this server");
	a->r = r;
	r->act = a;
	r->end = bill_end;
	job_init(&a->gate.job, on_bill);
	gate_bill(&a->gate, &home, m, request_arena(r), m->appid, day);
	return request_wait(r, &a->gate.job);
}
