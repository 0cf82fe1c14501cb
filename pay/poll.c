/*
 * Once a second: for each merchant, orders and then refunds that are due, as
 * many as the rate still allows; each is a job of its own.
 *
 *   order:  query ─┬─ paid, closed, still open: the ledger has set the next
 * time ├─ open, and its time to be paid is over: close it ├─ WeChat knows no
 * such order: later, or closed here └─ busy or away: later, and everything
 * waits a little refund: pay/refund.h's business
 */
#include "pay/poll.h"

#include "base/clock.h"
#include "base/mem.h"
#include "pay/order_close.h"
#include "pay/order_query.h"
#include "pay/refund.h"
#include "pay/run.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
	TICK_MS = 1000,
	/* Longer than all that is done with one. */
	LEASE_MS = 120000,
	RUNNING_TOP = 256,
	PAUSE_FIRST_MS = 1000,
	PAUSE_LAST_MS = 60000,
	LATER_MS = 5000,
	NO_TOP = 72,
	APPID_TOP = 40,
};

/* One that is asked about. */
struct one {
	struct list on;
	struct poll *poll;
	const struct kind *kind;
	struct merchant *merchant;
	char no[NO_TOP], appid[APPID_TOP];
	int64_t expires_ms; /* 0: never */
	struct order_query query;
	struct order_close close;
	struct refund refund;
	struct arena mem; /* the refund's answer */
	struct ask ask;
};

/* What is polled. */
struct kind {
	const char *due_sql;
	bool has_end; /* columns appid and expires_at follow the number */
	void (*start)(struct one *one);
};

static void order_start(struct one *one);
static void refund_start(struct one *one);

static const struct kind kinds[] = {
	{"SELECT out_trade_no, appid, expires_at FROM mpcloud.pay_due($1,"
	 " $2::bigint, $3::bigint, $4::integer)",
		true, order_start},
	{"SELECT out_refund_no FROM mpcloud.refund_due($1,"
	 " $2::bigint, $3::bigint, $4::integer)",
		false, refund_start},
};

struct poll {
	struct loop *loop;
	struct pool *pool;
	struct pay *pay;
	struct poll_conf conf;
	struct list ones;
	unsigned running;
	struct timer tick;
	struct ask claiming;
	/* this tick's claims: the merchant and kind whose turn it is, how many
	 * turns are left, how many questions */
	struct merchant *merchant;
	size_t turn, turns;
	unsigned budget;
	/* WeChat is busy */
	int64_t pause_ms;
	unsigned paused; /* ticks left */
	bool draining;
};

struct number {
	char text[24];
};

static struct slice
number_of(struct number *room, int64_t n)
{
	(void)snprintf(room->text, sizeof(room->text), "%" PRId64, n);
	return slice_str(room->text);
}

/* ---- one ---- */

static void
one_free(struct one *one)
{
	order_query_done(&one->query);
	order_close_done(&one->close);
	job_cancel(&one->refund.job);
	job_cancel(&one->ask.job);
	arena_done(&one->mem);
	merchant_unref(one->merchant);
	list_del(&one->on);
	one->poll->running--;
	(void)mem_free(one);
}

static void
on_written(struct job *job)
{
	/* else its lease runs out */
	one_free(container_of(
		container_of(job, struct ask, job), struct one, ask));
}

/* It is asked again at `at_ms`. */
static void
one_later(struct one *one, int64_t at_ms)
{
	struct number at;

	job_init(&one->ask.job, on_written);
	one->ask.shares = true;
	pool_ask(one->poll->pool, &one->ask,
		"SELECT mpcloud.pay_poll_later($1, $2, $3::bigint)",
		(struct slice[]){slice_str(one->merchant->mchid),
			slice_str(one->no), number_of(&at, at_ms)},
		3);
}

static void
one_missing(struct one *one)
{
	struct number now;

	job_init(&one->ask.job, on_written);
	one->ask.shares = true;
	pool_ask(one->poll->pool, &one->ask,
		"SELECT mpcloud.pay_poll_missing($1, $2, $3::bigint)",
		(struct slice[]){slice_str(one->merchant->mchid),
			slice_str(one->no), number_of(&now, clock_now_ms())},
		3);
}

/* WeChat is busy, or away: one question at a time finds out when it is not. */
static void
pause_more(struct poll *poll)
{
	if (poll->paused)
		return; /* asked together with what failed before */
	poll->pause_ms =
		poll->pause_ms ? min(poll->pause_ms * 2, (int64_t)PAUSE_LAST_MS)
			       : PAUSE_FIRST_MS;
	poll->paused = (unsigned)(poll->pause_ms / TICK_MS);
}

static void
one_failed(struct one *one, int err)
{
	struct poll *poll = one->poll;
	uint32_t dice;

	if (err == ERR_SHUTDOWN) {
		one_free(one);
		return;
	}
	/* an answer, of which asking soon again makes no other */
	if (err == ERR_PAY_REFUSED || err == ERR_PAY_FORGED) {
		one_missing(one);
		return;
	}
	if (err == ERR_UPSTREAM_BUSY || err == ERR_UPSTREAM ||
		err == ERR_TIMEOUT || err == ERR_UPSTREAM_CONFIG)
		pause_more(poll);
	crypto_random(&dice, sizeof(dice));
	one_later(one,
		clock_now_ms() + LATER_MS + poll->pause_ms + dice % LATER_MS);
}

static void
on_closed(struct job *job)
{
	struct one *one = container_of(
		container_of(job, struct order_close, job), struct one, close);

	if (job->err < 0 && !one->close.is_paid)
		one_failed(one, job->err);
	else
		one_free(one);
}

static void
order_expire(struct one *one)
{
	job_init(&one->close.job, on_closed);
	order_close_start(&one->close, one->poll->pay, one->merchant,
		one->appid, one->no);
}

static bool
is_unpaid(const char *state)
{
	return strcmp(state, "NOTPAY") == 0 || strcmp(state, "PAYERROR") == 0;
}

static void
on_queried(struct job *job)
{
	struct one *one = container_of(
		container_of(job, struct order_query, job), struct one, query);
	bool is_over = one->expires_ms && clock_now_ms() >= one->expires_ms;
	bool is_missing = job->err == ERR_PAY_REFUSED &&
			  strcmp(one->query.code, "ORDER_NOT_EXIST") == 0;

	if (job->err == 0 || is_missing)
		one->poll->pause_ms = 0;
	if (job->err < 0 && !is_missing)
		one_failed(one, job->err);
	else if (is_over && (is_missing || is_unpaid(one->query.state)))
		order_expire(one);
	else if (is_missing)
		one_missing(one);
	else
		one_free(one);
}

static void
order_start(struct one *one)
{
	job_init(&one->query.job, on_queried);
	order_query_start(&one->query, one->poll->pay, one->merchant,
		one->appid, one->no);
}

static void
on_refund(struct job *job)
{
	struct one *one = container_of(
		container_of(job, struct refund, job), struct one, refund);

	if (job->err == ERR_UPSTREAM_BUSY || job->err == ERR_TIMEOUT)
		pause_more(one->poll);
	one_free(one);
}

static void
refund_start(struct one *one)
{
	one->refund.arena = &one->mem;
	one->refund.env = "";
	job_init(&one->refund.job, on_refund);
	refund_poll(
		one->poll->pay, &one->refund, one->merchant->mchid, one->no);
}

static void
copy(char *to, size_t size, struct slice s)
{
	(void)snprintf(to, size, "%.*s", SLICE_ARG(s));
}

static void
one_start(struct poll *poll, const struct kind *kind, const struct ask *ask,
	int row)
{
	struct one *one = mem_new(struct one);

	one->poll = poll;
	one->kind = kind;
	one->merchant = merchant_ref(poll->merchant);
	arena_init(&one->mem, 256 * 1024);
	job_init(&one->ask.job, on_written);
	job_init(&one->refund.job, on_refund);
	copy(one->no, sizeof(one->no), ask_value(ask, row, 0));
	if (kind->has_end) {
		copy(one->appid, sizeof(one->appid), ask_value(ask, row, 1));
		one->expires_ms = ask_int(ask, row, 2);
	}
	list_add(&poll->ones, &one->on);
	poll->running++;
	if (poll->conf.count)
		(*poll->conf.count)++;
	kind->start(one);
}

/* ---- claims ---- */

static void claim_next(struct poll *poll);

static void
on_claimed(struct job *job)
{
	struct poll *poll = container_of(
		container_of(job, struct ask, job), struct poll, claiming);
	const struct kind *kind = &kinds[poll->turn % array_size(kinds)];
	int rows = job->err == 0 ? ask_rows(&poll->claiming) : 0;

	for (int i = 0; i < rows; i++)
		one_start(poll, kind, &poll->claiming, i);
	poll->merchant = merchant_unref(poll->merchant);
	poll->budget -= min(poll->budget, (unsigned)rows);
	poll->turn++;
	if (job->err == 0)
		claim_next(poll);
}

static void
claim_next(struct poll *poll)
{
	const struct merchants *all = poll->pay->merchants;
	struct number now, lease, top;
	const struct kind *kind;

	if (!poll->turns || !poll->budget || !all->count || poll->draining)
		return;
	poll->turns--;
	poll->turn %= all->count * array_size(kinds);
	kind = &kinds[poll->turn % array_size(kinds)];
	poll->merchant =
		merchant_ref(all->merchant[poll->turn / array_size(kinds)]);
	poll->claiming = (struct ask){.shares = true};
	job_init(&poll->claiming.job, on_claimed);
	pool_ask(poll->pool, &poll->claiming, kind->due_sql,
		(struct slice[]){slice_str(poll->merchant->mchid),
			number_of(&now, clock_now_ms()),
			number_of(&lease, LEASE_MS),
			number_of(&top, poll->budget)},
		4);
}

static void
on_tick(struct timer *timer)
{
	struct poll *poll = container_of(timer, struct poll, tick);
	unsigned room = RUNNING_TOP - min(poll->running, (unsigned)RUNNING_TOP);

	timer_set(timer, poll->loop, TICK_MS, on_tick);
	if (poll->paused) {
		poll->paused--;
		return;
	}
	if (poll->claiming.job.busy)
		return;
	poll->budget = min(poll->conf.rate, room);
	if (poll->pause_ms && poll->budget)
		poll->budget = 1;
	poll->turns = poll->pay->merchants->count * array_size(kinds);
	claim_next(poll);
}

struct poll *
poll_new(struct loop *loop, struct pool *pool, struct pay *pay,
	const struct poll_conf *conf)
{
	struct poll *poll = mem_new(struct poll);

	poll->loop = loop;
	poll->pool = pool;
	poll->pay = pay;
	poll->conf = *conf;
	list_init(&poll->ones);
	job_init(&poll->claiming.job, on_claimed);
	return poll;
}

void
poll_configure(struct poll *poll, const struct poll_conf *conf)
{
	poll->conf = *conf;
}

/* Those of one machine begin at different moments. */
void
poll_start(struct poll *poll)
{
	uint32_t dice;

	crypto_random(&dice, sizeof(dice));
	timer_set(&poll->tick, poll->loop, dice % TICK_MS, on_tick);
}

bool
poll_drain(struct poll *poll)
{
	poll->draining = true;
	timer_clear(&poll->tick);
	return list_empty(&poll->ones);
}

struct poll *
poll_free(struct poll *poll)
{
	struct one *one;

	if (!poll)
		return NULL;
	(void)poll_drain(poll);
	job_cancel(&poll->claiming.job);
	poll->merchant = merchant_unref(poll->merchant);
	while ((one = list_first(&poll->ones, struct one, on)))
		one_free(one);
	return mem_free(poll);
}
