/*
 * The queue's clockwork: look for calls when something says so (a NOTIFY, a
 * call that ended and left room) and every poll_ms besides, keep the leases of
 * what runs, remove what ended long ago.
 */
#include "trigger/queue_inside.h"

#include "base/clock.h"
#include "base/crypto.h"
#include "base/event.h"
#include "base/mem.h"
#include "db/listen.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { SWEEP_MS = 60000, SWEEP_SOON_MS = 200, SWEEP_TOP = 500, TELL_MS = 20 };

struct slice
number_of(struct number *room, int64_t n)
{
	int len = snprintf(room->text, sizeof(room->text), "%" PRId64, n);

	return slice_of(room->text, (size_t)len);
}

uint32_t
queue_dice(void)
{
	uint32_t dice;

	crypto_random(&dice, sizeof(dice));
	return dice;
}

const char *
queue_kind_name(enum queue_kind kind)
{
	static const char *const names[QUEUE_KINDS_] = {
		[QUEUE_ASYNC] = "async",
		[QUEUE_TIMER] = "timer",
		[QUEUE_DOCUMENT] = "document",
		[QUEUE_FILE] = "file",
		[QUEUE_LOGIN] = "login",
		[QUEUE_PAY] = "pay",
		[QUEUE_CLOUDPAY] = "cloudpay",
		[QUEUE_PUSH] = "push",
		[QUEUE_CHECK] = "check",
	};

	return names[kind];
}

static void
on_soon(struct defer *defer)
{
	queue_claim(container_of(defer, struct queue, soon));
}

void
queue_look(struct queue *queue)
{
	if (queue->started && !queue->draining)
		loop_defer(queue->loop, &queue->soon);
}

static bool
is_other(const struct queue *queue, const char *payload)
{
	size_t len = strlen(queue->env);

	return strncmp(payload, queue->env, len) == 0 && payload[len] == ' ' &&
	       strcmp(payload, queue->self) != 0;
}

static void
on_notified(void *owner, const char *payload)
{
	struct queue *queue = owner;

	if (!payload || is_other(queue, payload))
		queue_look(queue);
}

static void
on_poll(struct timer *timer)
{
	struct queue *queue = container_of(timer, struct queue, poll);

	timer_set(timer, queue->loop, queue->conf.poll_ms, on_poll);
	queue_reap(queue);
	queue_look(queue);
}

static void
ignore(struct job *job)
{
	(void)job; /* the next one will tell */
}

static void on_tell(struct timer *timer);

/* PostgreSQL lets one transaction commit at a time that notifies, and holds up
 * the others over its fsync: so the one that puts a call there does not, and
 * this one writes nothing. */
static void
tell(struct queue *queue)
{
	const struct slice self = slice_str(queue->self);

	queue->untold = false;
	timer_set(&queue->tell, queue->loop, TELL_MS, on_tell);
	if (queue->telling.job.busy)
		return;
	queue->telling = (struct ask){.is_read = true};
	job_init(&queue->telling.job, ignore);
	pool_ask(queue->conf.pool, &queue->telling,
		"SELECT pg_notify('mpcloud_queue', $1::text)", &self, 1);
}

static void
on_tell(struct timer *timer)
{
	struct queue *queue = container_of(timer, struct queue, tell);

	if (queue->untold)
		tell(queue);
}

void
queue_wake(struct queue *queue)
{
	queue_look(queue);
	if (timer_is_set(&queue->tell))
		queue->untold = true;
	else
		tell(queue);
}

void
queue_heard(struct queue *queue)
{
	if (queue->hears)
		queue_wake(queue);
}

void
queue_set_hears(struct queue *queue, bool hears)
{
	queue->hears = hears;
}

/* '{1,2,3}' of the runs' ids and claims. */
static void
put_runs(const struct queue *queue, struct buf *ids, struct buf *claims)
{
	char sep = '{';

	list_for_each (at, &queue->runs) {
		const struct run *run = container_of(at, struct run, on);

		buf_char(ids, sep);
		buf_i64(ids, run->id);
		buf_char(claims, sep);
		buf_i64(claims, run->claim);
		sep = ',';
	}
	buf_char(ids, '}');
	buf_char(claims, '}');
}

static void
on_renew(struct timer *timer)
{
	struct queue *queue = container_of(timer, struct queue, renew);
	struct number until;
	_buf_ struct buf ids, claims;

	timer_set(timer, queue->loop, queue->conf.lease_ms / 4, on_renew);
	buf_init(&ids, 1 << 20);
	buf_init(&claims, 1 << 20);
	if (list_empty(&queue->runs) || queue->renewing.job.busy)
		return;
	put_runs(queue, &ids, &claims);
	queue->renewing = (struct ask){0};
	job_init(&queue->renewing.job, ignore);
	pool_ask(queue->conf.pool, &queue->renewing,
		"SELECT mpcloud.queue_renew($1::bigint[], $2::bigint[], "
		"$3::bigint)",
		(struct slice[]){buf_all(&ids), buf_all(&claims),
			number_of(
				&until, clock_now_ms() +
						(int64_t)queue->conf.lease_ms)},
		3);
}

static void on_sweep(struct timer *timer);

static void
on_swept(struct job *job)
{
	struct queue *queue = container_of(
		container_of(job, struct ask, job), struct queue, sweeping);
	bool more = job->err == 0 && ask_int(&queue->sweeping, 0, 0) > 0;

	timer_set(&queue->sweep, queue->loop, more ? SWEEP_SOON_MS : SWEEP_MS,
		on_sweep);
}

static void
on_sweep(struct timer *timer)
{
	struct queue *queue = container_of(timer, struct queue, sweep);
	int64_t now = clock_now_ms();
	struct number done, dead, top;

	queue->sweeping = (struct ask){0};
	job_init(&queue->sweeping.job, on_swept);
	pool_ask(queue->conf.pool, &queue->sweeping,
		"SELECT mpcloud.queue_sweep($1::text, $2::bigint, $3::bigint, "
		"$4::integer)",
		(struct slice[]){slice_str(queue->env),
			number_of(&done, now - queue->conf.keep_ms),
			number_of(&dead, now - queue->conf.dead_keep_ms),
			number_of(&top, SWEEP_TOP)},
		4);
}

int
queue_new(struct queue **ret, struct loop *loop, const struct queue_conf *conf,
	struct fault *why)
{
	struct queue *queue = mem_new(struct queue);
	struct ask *asks[] = {&queue->claiming, &queue->reaping,
		&queue->renewing, &queue->sweeping, &queue->telling};

	(void)why;
	queue->loop = loop;
	queue->env = str_dup(conf->env);
	queue->node = str_dup(conf->node);
	list_init(&queue->runs);
	list_init(&queue->known);
	defer_init(&queue->soon, on_soon);
	for (size_t i = 0; i < array_size(asks); i++)
		job_init(&asks[i]->job, ignore);
	/* claims of a gateway that was here before are not taken for ours */
	crypto_random(&queue->next_claim, sizeof(queue->next_claim));
	queue->next_claim &= INT64_MAX >> 8;
	queue->self = str_printf("%s %" PRId64, conf->env, queue->next_claim);
	queue->conf = *conf;
	queue->conf.url = conf->url ? str_dup(conf->url) : NULL;
	*ret = queue;
	return 0;
}

void
queue_configure(struct queue *queue, const struct queue_conf *conf)
{
	queue->conf.running_top = conf->running_top;
	queue->conf.each_top = conf->each_top;
	queue->conf.depth_top = conf->depth_top;
	queue->conf.poll_ms = conf->poll_ms;
	queue->conf.lease_ms = conf->lease_ms;
	queue->conf.missing_ms = conf->missing_ms;
	queue->conf.keep_ms = conf->keep_ms;
	queue->conf.dead_keep_ms = conf->dead_keep_ms;
}

void
queue_start(struct queue *queue)
{
	struct fault why = {0};
	int r = 0;

	queue->started = true;
	if (queue->conf.url)
		r = listen_new(&queue->listen, queue->loop, queue->conf.url,
			"mpcloud_queue", on_notified, queue, &why);
	if (r < 0) /* polling does it, too, only later */
		event(EVENT_DB_DOWN, "why", fault_text(&why, r), NULL);
	timer_set(&queue->poll, queue->loop, 0, on_poll);
	timer_set(
		&queue->renew, queue->loop, queue->conf.lease_ms / 4, on_renew);
	timer_set(&queue->sweep, queue->loop, SWEEP_MS, on_sweep);
}

bool
queue_drain(struct queue *queue)
{
	queue->draining = true;
	timer_clear(&queue->poll);
	timer_clear(&queue->sweep);
	return list_empty(&queue->runs) && !queue->claiming.job.busy;
}

void
queue_give_back(struct queue *queue)
{
	(void)queue_drain(queue);
	list_for_each (at, &queue->runs)
		run_give_back(container_of(at, struct run, on));
}

static struct known *
find(const struct queue *queue, const char *name)
{
	list_for_each (at, &queue->known) {
		struct known *k = container_of(at, struct known, on);

		if (strcmp(k->name, name) == 0)
			return k;
	}
	return NULL;
}

void
queue_know(struct queue *queue, const char *function, unsigned retries)
{
	struct known *k = find(queue, function);

	if (!k) {
		k = mem_new(struct known);
		(void)snprintf(k->name, sizeof(k->name), "%s", function);
		list_add(&queue->known, &k->on);
		queue_look(queue); /* calls of it may wait */
	}
	k->retries = retries;
}

void
queue_forget(struct queue *queue, const char *function)
{
	struct known *k = find(queue, function);

	if (!k)
		return;
	list_del(&k->on);
	(void)mem_free(k);
}

bool
queue_has(const struct queue *queue, const char *function)
{
	return find(queue, function) != NULL;
}

unsigned
queue_retries(const struct queue *queue, const char *function)
{
	const struct known *k = find(queue, function);

	return k ? k->retries : 0;
}

json_t *
queue_status(const struct queue *queue)
{
	return json_pack("{s:i,s:b}", "running", (int)queue->running,
		"draining", queue->draining);
}

struct queue *
queue_free(struct queue *queue)
{
	struct known *k;
	struct run *run;

	if (!queue)
		return NULL;
	queue->draining = true;
	queue->listen = listen_free(queue->listen);
	timer_clear(&queue->poll);
	timer_clear(&queue->renew);
	timer_clear(&queue->sweep);
	timer_clear(&queue->tell);
	defer_clear(&queue->soon);
	job_cancel(&queue->claiming.job);
	job_cancel(&queue->reaping.job);
	job_cancel(&queue->renewing.job);
	job_cancel(&queue->sweeping.job);
	job_cancel(&queue->telling.job);
	while ((run = list_first(&queue->runs, struct run, on)))
		run_free(run);
	while ((k = list_first(&queue->known, struct known, on))) {
		list_del(&k->on);
		(void)mem_free(k);
	}
	(void)mem_free((char *)(uintptr_t)queue->conf.url);
	(void)mem_free(queue->env);
	(void)mem_free(queue->self);
	(void)mem_free(queue->node);
	return mem_free(queue);
}
