/*
 * The life of an order's run: it belongs to the order's job, is listed at the
 * pay object, and takes everything it waits for with it when it goes.
 */
#include "pay/run.h"

#include "base/mem.h"

#include <string.h>

enum {
	DEADLINE_MS = 60000, /* above the sum of what is inside */
	MEMORY_TOP = 256 * 1024,
};

int
pay_new(struct pay **ret, struct loop *loop, struct pool *pool,
	struct fetcher *fetcher, const struct pay_conf *conf, struct fault *why)
{
	_cleanup_(pay_freep) struct pay *pay = mem_new(struct pay);
	int r;

	pay->loop = loop;
	pay->pool = pool;
	pay->fetcher = fetcher;
	list_init(&pay->running);
	r = merchant_new(&pay->merchant, conf, why);
	if (r < 0)
		return r;
	*ret = take(pay);
	return 0;
}

int
pay_configure(struct pay *pay, const struct pay_conf *conf, struct fault *why)
{
	struct merchant *fresh;
	int r = merchant_new(&fresh, conf, why);

	if (r < 0)
		return r;
	merchant_unref(pay->merchant);
	pay->merchant = fresh;
	return 0;
}

static struct run *
run_free(struct run *run)
{
	list_del(&run->on);
	job_cancel(&run->ask.job);
	wxpay_done(&run->wxpay);
	merchant_unref(run->merchant);
	arena_done(&run->mem);
	run->order->inside[0] = NULL;
	return mem_free(run);
}

void
run_finish(struct run *run, int err)
{
	struct order *o = run->order;

	run_free(run);
	job_finish(&o->job, err);
}

struct pay *
pay_free(struct pay *pay)
{
	struct run *run;

	if (!pay)
		return NULL;
	while ((run = list_first(&pay->running, struct run, on)))
		run_finish(run, ERR_SHUTDOWN);
	merchant_unref(pay->merchant);
	return mem_free(pay);
}

int
run_fault(struct run *run, int err, const char *text)
{
	return fault_set(&run->order->job.why, err, "%s", text);
}

static void
on_drop(struct job *job)
{
	struct order *o = container_of(job, struct order, job);

	if (o->inside[0])
		run_free(o->inside[0]);
}

struct run *
run_new(struct pay *pay, struct order *o, const struct caller *who)
{
	struct run *run = mem_new(struct run);

	arena_init(&run->mem, MEMORY_TOP);
	list_add(&pay->running, &run->on);
	run->pay = pay;
	run->order = o;
	run->merchant = merchant_ref(pay->merchant);
	run->key.mchid = run->merchant->mchid;
	run->key.appid = run->merchant->appid;
	run->key.openid = arena_str(&run->mem, slice_str(who->openid));
	run->key.uid = arena_str(&run->mem, slice_str(who->uid));
	o->inside[0] = run;
	o->answer = slice_of(NULL, 0);
	job_begin(&o->job, pay->loop, DEADLINE_MS, on_drop);
	return run;
}

/* Trouble found at the start; the run is given back. */
void
run_fail_soon(struct run *run, int err)
{
	struct order *o = run->order;
	struct loop *loop = run->pay->loop;

	run_free(run);
	job_fail_soon(&o->job, loop, err);
}

int
run_check(struct run *run, const struct caller *who)
{
	if (!who->openid[0])
		return run_fault(run, ERR_NO_LOGIN,
			"an order has a payer: log in first");
	if (!merchant_is_on(run->merchant))
		return run_fault(run, ERR_UPSTREAM_CONFIG,
			"payment is off: the operator has not set [pay] mchid");
	if (strcmp(who->appid, run->merchant->appid) != 0)
		return run_fault(run, ERR_DENIED,
			"this caller's appid is not the one that is paid "
			"through here");
	return 0;
}
