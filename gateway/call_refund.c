/*
 * pay.refund and pay.getRefund, for functions: users cannot refund.
 */
#include "gateway/call.h"

#include "gateway/gateway.h"
#include "pay/merchant.h"
#include "pay/refund.h"

struct refund_call {
	struct call *call;
	struct refund refund;
};

static void
on_refund(struct job *job)
{
	struct refund_call *r =
		container_of(job, struct refund_call, refund.job);
	struct call *c = r->call;

	if (job->err < 0)
		call_end(c, job->err, &job->why);
	else
		call_end(c, call_answer(c, r->refund.answer), NULL);
}

static int
begin(struct call *c, struct refund_call **ret)
{
	struct refund_call *r = arena_new(c->arena, struct refund_call);

	if (!c->gateway->pay || !c->gateway->merchants->count)
		return fault_set(&c->job.why, ERR_ACTION,
			"payment is off: [pay] mchid is not set");
	r->call = c;
	r->refund.arena = c->arena;
	r->refund.env = c->gateway->conf->server_env;
	job_init(&r->refund.job, on_refund);
	*ret = r;
	return 0;
}

/* The members stand in the body itself, or in its `data`. */
static int
members_of(struct call *c, const json_t **ret)
{
	int e = call_value(c, "data", ret);

	if (e == 0 && !json_is_object(*ret))
		*ret = c->body;
	return e;
}

int
call_pay_refund(struct call *c)
{
	struct refund_call *r;
	struct refund_wish wish;
	const json_t *from = NULL;
	int e = begin(c, &r);

	if (e == 0)
		e = members_of(c, &from);
	if (e == 0)
		e = refund_wish_parse(&wish, from, c->arena, &c->job.why);
	if (e < 0)
		return e;
	if (from == c->body)
		wish.function = ""; /* there it is the caller's own name */
	wish.appid = c->caller->appid;
	call_wait(c, &r->refund.job);
	refund_ask(c->gateway->pay, &r->refund, &wish);
	return 0;
}

int
call_pay_get_refund(struct call *c)
{
	struct refund_call *r;
	const json_t *from = NULL;
	struct slice no, mchid;
	bool fresh = false;
	int e = begin(c, &r);

	if (e == 0)
		e = members_of(c, &from);
	if (e == 0)
		e = val_str(from, "outRefundNo", REFUND_NO, &no, &c->job.why);
	if (e == 0)
		e = val_str_or(
			from, "mchid", 32, SLICE(""), &mchid, &c->job.why);
	if (e == 0)
		e = val_bool_or(from, "fresh", false, &fresh, &c->job.why);
	if (e < 0)
		return e;
	call_wait(c, &r->refund.job);
	refund_get(c->gateway->pay, &r->refund, arena_str(c->arena, mchid),
		c->caller->appid, arena_str(c->arena, no), fresh);
	return 0;
}
