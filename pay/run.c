/*
 * The life of an order's run: it belongs to the order's job, is listed at the
 * pay object, and takes everything it waits for with it when it goes.
 */
#include "pay/run.h"

#include "base/mem.h"
#include "pay/reconcile.h"
#include "pay/refund.h"

#include <string.h>

enum {
	DEADLINE_MS = 60000, /* about the sum of what is inside */
	MEMORY_TOP = 256 * 1024,
	MCHIDS_TOP = 4096,
};

struct pay *
pay_new(struct loop *loop, struct pool *pool, struct fetcher *fetcher,
	struct merchants *merchants)
{
	struct pay *pay = mem_new(struct pay);

	pay->loop = loop;
	pay->pool = pool;
	pay->fetcher = fetcher;
	pay->merchants = merchants;
	pay->more.env = str_dup("");
	pay->more.order_life_ms = PAY_LIFE_MS;
	list_init(&pay->running);
	list_init(&pay->refunds);
	list_init(&pay->bills);
	return pay;
}

void
pay_configure(struct pay *pay, struct merchants *merchants)
{
	pay->merchants = merchants;
}

void
pay_set(struct pay *pay, const struct pay_more *more)
{
	(void)mem_free((char *)(uintptr_t)pay->more.env);
	pay->more = *more;
	pay->more.env = str_dup(more->env);
}

struct gate_home
pay_gate_home(const struct pay *pay)
{
	return (struct gate_home){pay->loop, pay->fetcher};
}

void
pay_applied(const struct pay *pay)
{
	if (pay->more.applied)
		pay->more.applied(pay->more.owner);
}

static struct run *
run_free(struct run *run)
{
	list_del(&run->on);
	job_cancel(&run->ask.job);
	gate_done(&run->gate);
	order_query_done(&run->query);
	order_close_done(&run->close);
	merchant_unref(run->merchant);
	arena_done(&run->mem);
	run->order->inside[0] = NULL;
	return mem_free(run);
}

void
run_end(struct run *run, int err)
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
		run_end(run, ERR_SHUTDOWN);
	refunds_stop(pay);
	reconciles_stop(pay);
	(void)mem_free((char *)(uintptr_t)pay->more.env);
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

/* Those that the caller's mini program pays through; a function may look at
 * all. */
static struct slice
mchids_of(struct run *run)
{
	const struct merchants *all = run->pay->merchants;
	_buf_ struct buf list;

	buf_init(&list, MCHIDS_TOP);
	buf_char(&list, '{');
	for (size_t i = 0; i < all->count; i++) {
		const struct merchant *m = all->merchant[i];

		if (run->order->mchid && *run->order->mchid &&
			strcmp(run->order->mchid, m->mchid) != 0)
			continue;
		if (run->may_all ||
			merchant_has_app(m, slice_str(run->key.appid)))
			buf_printf(&list, "%s%s", list.len > 1 ? "," : "",
				m->mchid);
	}
	buf_char(&list, '}');
	return slice_of(arena_str(&run->mem, buf_all(&list)), list.len);
}

struct run *
run_begin(struct pay *pay, struct order *o, const struct caller *who)
{
	struct run *run = mem_new(struct run);

	arena_init(&run->mem, MEMORY_TOP);
	list_add(&pay->running, &run->on);
	run->pay = pay;
	run->order = o;
	run->may_all = caller_is_admin(who);
	run->key.mchid = "";
	run->key.appid = arena_str(&run->mem, slice_str(who->appid));
	run->key.openid = arena_str(&run->mem, slice_str(who->openid));
	run->key.uid = arena_str(&run->mem, slice_str(who->uid));
	run->mchids = mchids_of(run);
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
run_check(struct run *run, const struct caller *who, bool must_pay)
{
	if (!who->openid[0] && (must_pay || !run->may_all))
		return run_fault(run, ERR_NO_LOGIN,
			"an order has a payer: log in first");
	if (!run->pay->merchants->count)
		return run_fault(run, ERR_UPSTREAM_CONFIG,
			"payment is off: the operator has not set [pay] mchid");
	if (run->mchids.len <= 2 && run->order->mchid && *run->order->mchid)
		return run_fault(run, ERR_PARAM,
			"mchid: no merchant of this number is configured here");
	if (run->mchids.len <= 2)
		return run_fault(run, ERR_DENIED,
			"this caller's appid is not one that is paid through "
			"here: the operator adds it to [pay] appid");
	return 0;
}

static void
take_merchant(struct run *run, struct merchant *m)
{
	merchant_unref(run->merchant);
	run->merchant = merchant_ref(m);
	run->key.mchid = run->merchant->mchid;
}

int
run_choose(struct run *run, struct slice mchid)
{
	const struct merchants *all = run->pay->merchants;
	struct slice appid = slice_str(run->key.appid);
	struct merchant *m = mchid.len ? merchants_find(all, mchid)
				       : merchants_for_app(all, appid);

	if (!m && mchid.len)
		return run_fault(run, ERR_PARAM,
			"mchid: no merchant of this number is configured here");
	if (!m || !merchant_has_app(m, appid))
		return run_fault(run, ERR_DENIED,
			"this caller's appid is not one that is paid through "
			"this merchant: the operator adds it to [pay] appid");
	take_merchant(run, m);
	return 0;
}

void
run_look(struct run *run, job_fn *done)
{
	job_init(&run->ask.job, done);
	row_find(run->pay->pool, &run->ask, &run->key, run->mchids);
}

int
run_found(struct run *run, int err)
{
	struct merchant *m;

	if (err < 0)
		return err;
	if (ask_rows(&run->ask) != 1)
		return ERR_ORDER_NOT_FOUND;
	if (!row_read(&run->ask, &run->mem, &run->row))
		return ERR_INTERNAL;
	m = merchants_find(run->pay->merchants, run->row.mchid);
	if (!m)
		return ERR_ORDER_NOT_FOUND;
	take_merchant(run, m);
	return 0;
}

int
run_answer(struct run *run, const struct buf *text)
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
