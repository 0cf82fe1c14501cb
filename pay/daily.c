/*
 * Now and then: of each merchant, is there a day whose turn has come?  Then it
 * is compared, and the next one looked for, until there is none.
 */
#include "pay/daily.h"

#include "base/clock.h"
#include "base/mem.h"
#include "pay/merchant.h"
#include "pay/reconcile.h"
#include "pay/run.h"

#include <inttypes.h>
#include <stdio.h>

enum {
	TICK_MS = 20000,
	LEASE_MS = 600000,
	BACK = 7,     /* days */
	READY_H = 10, /* o'clock in China */
	DAYS_AT_ONCE = 16,
};
#define HOUR_MS 3600000LL

struct daily {
	struct loop *loop;
	struct pool *pool;
	struct pay *pay;
	struct timer tick;
	struct ask ask;
	struct reconcile reconcile;
	struct merchant *merchant; /* whose turn it is */
	size_t turn;
	unsigned days; /* of this merchant, in this round */
	char day[DAY_TEXT];
	bool on;
};

static void look(struct daily *d);

static void
on_tick(struct timer *timer)
{
	struct daily *d = container_of(timer, struct daily, tick);

	d->turn = d->days = 0;
	look(d);
}

/* The round is over. */
static void
rest(struct daily *d)
{
	d->merchant = merchant_unref(d->merchant);
	timer_set(&d->tick, d->loop, TICK_MS, on_tick);
}

static void
next_merchant(struct daily *d)
{
	d->turn++;
	d->days = 0;
	look(d);
}

/* Done or not, its row says when it is looked at again. */
static void
on_compared(struct job *job)
{
	struct daily *d = container_of(job, struct daily, reconcile.job);

	if (++d->days < DAYS_AT_ONCE)
		look(d);
	else
		next_merchant(d);
}

static void
on_day(struct job *job)
{
	struct daily *d = container_of(
		container_of(job, struct ask, job), struct daily, ask);

	if (job->err < 0 || ask_rows(&d->ask) != 1) {
		next_merchant(d);
		return;
	}
	(void)snprintf(d->day, sizeof(d->day), "%.*s",
		SLICE_ARG(ask_value(&d->ask, 0, 0)));
	d->reconcile = (struct reconcile){0};
	job_init(&d->reconcile.job, on_compared);
	reconcile_day(d->pay, &d->reconcile, d->merchant->mchid, d->day);
}

/* The last day whose bill can be there. */
static void
last_day(char ret[DAY_TEXT])
{
	reconcile_day_of(ret, clock_now_ms() - (24 + READY_H) * HOUR_MS);
}

static void
look(struct daily *d)
{
	static const char sql[] =
		"SELECT day FROM mpcloud.bill_next($1, $2, $3::integer,"
		" $4::bigint, $5::bigint)";
	const struct merchants *all = d->pay->merchants;
	char last[DAY_TEXT], back[24], now[24], lease[24];

	if (!d->on || d->turn >= all->count) {
		rest(d);
		return;
	}
	(void)merchant_unref(d->merchant);
	d->merchant = merchant_ref(all->merchant[d->turn]);
	last_day(last);
	(void)snprintf(back, sizeof(back), "%d", BACK);
	(void)snprintf(now, sizeof(now), "%" PRId64, clock_now_ms());
	(void)snprintf(lease, sizeof(lease), "%d", LEASE_MS);
	d->ask = (struct ask){0};
	job_init(&d->ask.job, on_day);
	pool_ask(d->pool, &d->ask, sql,
		(struct slice[]){slice_str(d->merchant->mchid), slice_str(last),
			slice_str(back), slice_str(now), slice_str(lease)},
		5);
}

struct daily *
daily_new(struct loop *loop, struct pool *pool, struct pay *pay)
{
	struct daily *d = mem_new(struct daily);

	d->loop = loop;
	d->pool = pool;
	d->pay = pay;
	return d;
}

void
daily_configure(struct daily *d, bool on)
{
	d->on = on;
}

void
daily_start(struct daily *d)
{
	timer_set(&d->tick, d->loop, 0, on_tick);
}

struct daily *
daily_free(struct daily *d)
{
	if (!d)
		return NULL;
	timer_clear(&d->tick);
	job_cancel(&d->ask.job);
	job_cancel(&d->reconcile.job);
	(void)merchant_unref(d->merchant);
	return mem_free(d);
}
