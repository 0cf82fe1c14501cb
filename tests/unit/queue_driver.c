/*
 * Queues against a private server.  The loop is kept turning by a timer of a
 * millisecond, since what the tests wait for may be in the database only.
 */
#include "tests/unit/queue_driver.h"

#include "db/schema.h"

#include <stdarg.h>
#include <stdio.h>

struct queues q;

static struct timer pulse;

static void
on_pulse(struct timer *timer)
{
	timer_set(timer, &q.f.loop, 1, on_pulse);
}

void
turn(int n)
{
	while (n--)
		loop_turn(&q.f.loop, true);
}

static void
on_dropped(struct job *job)
{
	struct fn_call *call = container_of(job, struct fn_call, job);

	for (unsigned i = 0; i < q.ncalled; i++)
		if (q.called[i].call == call)
			q.called[i].call = NULL;
}

/* Plays the crews: `crews` is the queue's number, from 1. */
void
crew_call(struct crews *crews, struct fn_call *call)
{
	struct called *c = &q.called[q.ncalled++];

	assert_true(q.ncalled < CALLED);
	c->call = call;
	c->queue = q.queue[(uintptr_t)crews - 1];
	(void)snprintf(c->function, sizeof(c->function), "%s", call->function);
	(void)snprintf(
		c->event, sizeof(c->event), "%.*s", SLICE_ARG(call->event));
	(void)snprintf(
		c->request_id, sizeof(c->request_id), "%s", call->request_id);
	(void)snprintf(c->trigger, sizeof(c->trigger), "%s", call->trigger);
	(void)snprintf(
		c->openid, sizeof(c->openid), "%s", call->caller->openid);
	(void)snprintf(c->source, sizeof(c->source), "%s", call->source);
	job_begin(&call->job, &q.f.loop, 0, on_dropped);
}

void
answer_call(unsigned i, int err, const char *why)
{
	struct fn_call *call = q.called[i].call;

	assert_non_null(call);
	q.called[i].call = NULL;
	call->version = 7;
	if (why)
		(void)fault_set(&call->job.why, err, "%s", why);
	job_finish(&call->job, err);
}

const char *
sql(const char *fmt, ...)
{
	char text[4096];
	const char *value;
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	value = testpg_query(server, text);
	return value ? value : "";
}

int
queue_suite_start(void **state)
{
	struct fault why = {0};

	(void)state;
	server = testpg_new();
	if (schema_migrate(testpg_url(server), &why) < 0)
		fail_msg("%s", why.text);
	return 0;
}

void
clock_ms(int64_t ms)
{
	clock_set(ms * CLOCK_MS);
}

void
queue_setup(void)
{
	memset(&q, 0, sizeof(q));
	(void)sql("TRUNCATE mpcloud.queue, mpcloud.attempts, "
		  "mpcloud.triggers RESTART IDENTITY");
	setup(&q.f);
	clock_ms(T0_MS);
	on_pulse(&pulse);
}

void
queue_teardown(void)
{
	for (unsigned i = 0; i < QUEUES; i++)
		q.queue[i] = queue_free(q.queue[i]);
	timer_clear(&pulse);
	clock_set(-1);
	teardown(&q.f);
}

struct queue_conf
queue_conf_of(unsigned gateway)
{
	return (struct queue_conf){
		.pool = q.f.pool,
		.crews = (struct crews *)(uintptr_t)(gateway + 1),
		.env = "test",
		.node = "node",
		.gateway = gateway,
		.running_top = 10,
		.each_top = 5,
		.depth_top = 3,
		.poll_ms = 5,
		.lease_ms = 30000,
		.missing_ms = HOUR_MS,
		.keep_ms = 7 * 24 * (int64_t)HOUR_MS,
		.dead_keep_ms = 90 * 24 * (int64_t)HOUR_MS,
	};
}

void
queue_up_with(unsigned i, const struct queue_conf *conf)
{
	assert_int_equal(queue_new(&q.queue[i], &q.f.loop, conf, NULL), 0);
	queue_start(q.queue[i]);
}

void
queue_up(unsigned i)
{
	const struct queue_conf conf = queue_conf_of(i);

	queue_up_with(i, &conf);
}

static void
on_put(struct job *job)
{
	assert_int_equal(job->err, 0);
}

int64_t
put_call(const char *function, const char *event)
{
	const struct caller who = {.role = CALLER_USER,
		.uid = "u1",
		.openid = "o1",
		.unionid = "",
		.appid = "wx1"};
	struct queue_put put = {
		.kind = QUEUE_ASYNC,
		.function = function,
		.caller = &who,
		.source = "wx_client",
		.request_id = "r1",
		.event = slice_str(event),
		.retries = -1,
	};

	job_init(&put.ask.job, on_put);
	queue_put_async(q.queue[0], &put);
	while (put.ask.job.busy)
		turn(1);
	return atoll(put.id);
}
