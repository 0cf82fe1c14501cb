/*
 * /v1/pay/orders: a user's own orders.  What an order costs is for functions
 * to say, unless pay.client_orders is on.
 */
#include "gateway/endpoint.h"
#include "gateway/guard.h"
#include "gateway/request.h"
#include "pay/order.h"

#include <string.h>

/* Asking WeChat Pay costs a request of the merchant's quota: enough for whoever
 * has just paid and waits, not for a loop. */
enum { REFRESH_MINUTE = 20, REFRESH_BURST = 5 };

struct pay_act {
	struct request *r;
	struct order order;
};

static void
on_order(struct job *job)
{
	struct pay_act *act = container_of(job, struct pay_act, order.job);

	if (job->err >= 0)
		(void)request_reply(act->r, 200, act->order.answer);
	request_finish(act->r, job->err, &job->why);
}

static int
act_new(struct request *r, struct pay_act **ret)
{
	struct pay_act *act;

	if (!r->gateway->pay)
		return fault_set(&r->why, ERR_NOT_FOUND,
			"payment is off: [pay] mchid is not set");
	act = arena_new(request_arena(r), struct pay_act);
	act->r = r;
	act->order.arena = request_arena(r);
	job_init(&act->order.job, on_order);
	*ret = act;
	return 0;
}

int
endpoint_pay_place(struct request *r)
{
	struct gateway *g = r->gateway;
	struct pay_act *act;
	int e = act_new(r, &act);

	if (e < 0)
		return e;
	e = request_json(r);
	if (e < 0)
		return e;
	g->count->orders++;
	guard_paying(g, &r->caller);
	order_place(g->pay, &act->order, &r->caller, r->json,
		g->conf->pay_client_orders);
	return request_wait(r, &act->order.job);
}

/* ERR_LIMITED: this user has asked often enough. */
static int
refresh_admit(struct request *r)
{
	struct gateway *g = r->gateway;
	const char *uid = r->caller.uid;
	struct gcra_verdict v =
		gcra_ask(g->cells, gcra_key(g->cells, 'w', uid, strlen(uid)),
			gcra_per_minute(REFRESH_MINUTE, REFRESH_BURST),
			admit_now(&r->admit));

	if (v.allowed)
		return 0;
	r->retry_ms = (uint32_t)(v.retry_ns / 1000000);
	return fault_set(&r->why, ERR_LIMITED,
		"refresh=true asks WeChat Pay, and this user has done it often "
		"enough for now: wait as long as Retry-After says, or read the "
		"order without it");
}

int
endpoint_pay_get(struct request *r)
{
	bool fresh = slice_is(exchange_query(r->x, "refresh"), "true");
	struct pay_act *act;
	int e = act_new(r, &act);

	if (e == 0 && fresh)
		e = refresh_admit(r);
	if (e < 0)
		return e;
	(fresh ? order_refresh : order_get)(
		r->gateway->pay, &act->order, &r->caller, r->param);
	return request_wait(r, &act->order.job);
}

int
endpoint_pay_close(struct request *r)
{
	struct pay_act *act;
	int e = act_new(r, &act);

	if (e < 0)
		return e;
	order_end(r->gateway->pay, &act->order, &r->caller, r->param);
	return request_wait(r, &act->order.job);
}
