/*
 * cloudPay's refunds.  outRefundNo is the caller's, as there: the same number
 * again is the same refund.
 */
#include "gateway/call_cloudpay.h"

#include "gateway/gateway.h"

enum { DESCRIPTION_TOP = 256 };

static void
on_refund(struct job *job)
{
	struct cloudpay *p = container_of(job, struct cloudpay, refund.job);

	if (job->err < 0) {
		cloudpay_refused(p, job->err, &job->why);
		return;
	}
	p->no = p->refund.out_refund_no;
	cloudpay_show(p, "SELECT mpcloud.cloudpay_refund($1, $2)::text", false);
}

static void
refund_begin(struct cloudpay *p, job_fn *done)
{
	p->refund.arena = p->call->arena;
	p->refund.env = p->call->gateway->conf->server_env;
	job_init(&p->refund.job, done);
	call_wait(p->call, &p->refund.job);
}

/* The order is known; what is to be refunded was checked. */
static void
refund_found(struct cloudpay *p)
{
	struct refund_wish w = {
		.mchid = p->merchant->mchid,
		.appid = "",
		.out_trade_no = p->no,
		.key = "",
	};
	int e = cloudpay_text(p, "out_refund_no", REFUND_NO, &w.out_refund_no);

	if (e == 0)
		e = cloudpay_text(p, "refund_desc", DESCRIPTION_TOP, &w.reason);
	if (e == 0)
		e = cloudpay_text(p, "function_name", 64, &w.function);
	if (e == 0)
		e = cloudpay_fee(p, "refund_fee", true, &w.amount);
	if (e < 0) {
		cloudpay_refused(p, e, &p->call->job.why);
		return;
	}
	refund_begin(p, on_refund);
	refund_ask(p->call->gateway->pay, &p->refund, &w);
}

int
cloudpay_refund(struct cloudpay *p)
{
	const char *no;
	int64_t fee;
	int e = cloudpay_text(p, "out_refund_no", REFUND_NO, &no);

	if (e == 0 && !*no)
		e = fault_set(&p->call->job.why, ERR_PARAM,
			"outRefundNo is needed: the same number again is the "
			"same refund");
	if (e == 0)
		e = cloudpay_fee(p, "refund_fee", true, &fee);
	if (e == 0)
		e = cloudpay_fee(p, "total_fee", false, &fee);
	return e < 0 ? e : cloudpay_find(p, refund_found);
}

static void
refunds_show(struct cloudpay *p)
{
	const char *one;

	if (cloudpay_text(p, "out_refund_no", REFUND_NO, &one) < 0)
		one = "";
	if (!*one && !json_object_get(p->data, "refund_id"))
		p->refund_no = "";
	cloudpay_show(
		p, "SELECT mpcloud.cloudpay_refunds($1, $2, $3)::text", true);
}

static void
on_refund_got(struct job *job)
{
	struct cloudpay *p = container_of(job, struct cloudpay, refund.job);

	if (job->err < 0)
		cloudpay_refused(p, job->err, &job->why);
	else
		refunds_show(p);
}

static void
query_refund_found(struct cloudpay *p)
{
	if (!*p->refund_no) {
		struct fault why = {0};

		(void)fault_set(&why, ERR_ORDER_NOT_FOUND,
			"there is no refund of this order");
		cloudpay_refused(p, ERR_ORDER_NOT_FOUND, &why);
		return;
	}
	refund_begin(p, on_refund_got);
	refund_get(p->call->gateway->pay, &p->refund, p->merchant->mchid, "",
		p->refund_no, true);
}

int
cloudpay_query_refund(struct cloudpay *p)
{
	return cloudpay_find(p, query_refund_found);
}
