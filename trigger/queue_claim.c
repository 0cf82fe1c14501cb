/*
 * Taking calls: one statement at a time, for as much as there is room.  While
 * it brings as many as were asked for, the next follows.
 */
#include "trigger/queue_inside.h"

#include "base/clock.h"
#include "base/event.h"
#include "base/mem.h"
#include "base/val.h"

#include <string.h>

/* A function that takes down whoever runs it must not do so for ever. */
enum { LOST_TOP = 20, BUSY_TOP = 1 << 20 };

static const char claim_sql[] =
	"SELECT * FROM mpcloud.queue_claim($1::text, $2::bigint, $3::text, "
	"$4::integer, $5::integer, $6::integer, $7::jsonb, $8::bigint, "
	"$9::bigint)";

/* {name: calls of it under way here} */
static void
put_busy(const struct queue *queue, struct buf *to)
{
	_json_ json_t *busy = json_object();

	list_for_each (at, &queue->runs) {
		const char *name =
			container_of(at, struct run, on)->call.function;
		json_int_t n = json_integer_value(json_object_get(busy, name));

		(void)json_object_set_new(busy, name, json_integer(n + 1));
	}
	val_put(to, busy);
}

static void
on_claimed(struct job *job)
{
	struct queue *queue = container_of(
		container_of(job, struct ask, job), struct queue, claiming);
	const struct ask *ask = &queue->claiming;
	int rows = job->err == 0 ? ask_rows(ask) : 0;

	for (int i = 0; i < rows; i++)
		run_start(queue, ask, i, queue->next_claim);
	/* some of a line may be left: its share was taken, no more */
	if (rows || queue->wanted)
		queue_look(queue);
	queue->wanted = false;
}

void
queue_claim(struct queue *queue)
{
	int64_t room = (int64_t)queue->conf.running_top - queue->running;
	struct number claim, gateway, top, each, lease, now;
	_buf_ struct buf busy;

	buf_init(&busy, BUSY_TOP);
	if (queue->claiming.job.busy) {
		queue->wanted = true;
		return;
	}
	if (room <= 0 || queue->draining)
		return; /* the end of a call looks again */
	put_busy(queue, &busy);
	queue->next_claim++;
	queue->claiming = (struct ask){0};
	job_init(&queue->claiming.job, on_claimed);
	pool_ask(queue->conf.pool, &queue->claiming, claim_sql,
		(struct slice[]){slice_str(queue->env),
			number_of(&claim, queue->next_claim),
			slice_str(queue->node),
			number_of(&gateway, queue->conf.gateway),
			number_of(&top, room),
			number_of(&each, queue->conf.each_top), buf_all(&busy),
			number_of(&lease, (int64_t)queue->conf.lease_ms),
			number_of(&now, clock_now_ms())},
		9);
}

static void
on_reaped(struct job *job)
{
	struct queue *queue = container_of(
		container_of(job, struct ask, job), struct queue, reaping);
	int64_t n = job->err == 0 ? ask_int(&queue->reaping, 0, 0) : 0;

	if (n == 0)
		return;
	event(EVENT_QUEUE_LOST, "calls", EVENT_INT(n), NULL);
	queue_look(queue);
}

void
queue_reap(struct queue *queue)
{
	struct number top, now;

	if (queue->reaping.job.busy)
		return;
	queue->reaping = (struct ask){0};
	job_init(&queue->reaping.job, on_reaped);
	pool_ask(queue->conf.pool, &queue->reaping,
		"SELECT mpcloud.queue_reap($1::text, $2::integer, $3::bigint)",
		(struct slice[]){slice_str(queue->env),
			number_of(&top, LOST_TOP),
			number_of(&now, clock_now_ms())},
		3);
}
