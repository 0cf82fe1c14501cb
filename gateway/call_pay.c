/*
 * pay.createOrder, getOrder, queryOrder and closeOrder, for functions: a
 * function says what an order costs, a mini program only pays it.
 */
#include "gateway/call.h"

#include "gateway/gateway.h"
#include "gateway/guard.h"
#include "pay/bill.h"

typedef void order_fn(struct pay *pay, struct order *o,
	const struct caller *who, struct slice out_trade_no);

static void
on_order(struct job *job)
{
	struct call *c = container_of(job, struct call, op.order.job);

	if (job->err < 0)
		call_end(c, job->err, &job->why);
	else
		call_end(c, call_answer(c, c->op.order.answer), NULL);
}

static int
begin(struct call *c)
{
	c->op.order = (struct order){.arena = c->arena};
	job_init(&c->op.order.job, on_order);
	if (!c->gateway->pay)
		return fault_set(&c->job.why, ERR_ACTION,
			"payment is off: [pay] mchid is not set");
	return 0;
}

/* The order's members stand in the body itself, or in its `data`. */
static int
order_of(struct call *c, const json_t **ret)
{
	const json_t *from = NULL;
	json_t *order;
	int e = call_value(c, "data", &from);

	if (e < 0)
		return e;
	if (json_is_object(from)) {
		*ret = from;
		return 0;
	}
	from = c->body;
	if (!c->held)
		c->held = json_array();
	order = json_object();
	if (json_array_append_new(c->held, order) < 0)
		return -ENOMEM;
	for (size_t i = 0; bill_members[i]; i++) {
		json_t *v = json_object_get(from, bill_members[i]);

		/* The body's own `function` is the caller's name. */
		if (v && strcmp(bill_members[i], "function") != 0 &&
			json_object_set(order, bill_members[i], v) < 0)
			return -ENOMEM;
	}
	*ret = order;
	return 0;
}

int
call_pay_create(struct call *c)
{
	const json_t *order;
	int e = begin(c);

	if (e < 0)
		return e;
	e = order_of(c, &order);
	if (e < 0)
		return e;
	c->gateway->count->orders++;
	call_wait(c, &c->op.order.job);
	guard_paying(c->gateway, c->caller);
	order_place(c->gateway->pay, &c->op.order, c->caller, order, true);
	return 0;
}

static int
look(struct call *c, order_fn *how)
{
	const json_t *order;
	struct slice no, mchid;
	int e = begin(c);

	if (e < 0)
		return e;
	e = order_of(c, &order);
	if (e < 0)
		return e;
	e = val_str(order, "outTradeNo", TRADE_NO, &no, &c->job.why);
	if (e == 0)
		e = val_str_or(order, "mchid", TRADE_NO, SLICE(""), &mchid,
			&c->job.why);
	if (e < 0)
		return e;
	c->op.order.mchid = arena_str(c->arena, mchid);
	call_wait(c, &c->op.order.job);
	how(c->gateway->pay, &c->op.order, c->caller, no);
	return 0;
}

int
call_pay_get(struct call *c)
{
	return look(c, order_get);
}

int
call_pay_query(struct call *c)
{
	return look(c, order_refresh);
}

int
call_pay_close(struct call *c)
{
	return look(c, order_end);
}
