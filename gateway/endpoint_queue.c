/*
 * POST /v1/functions/{name}?async=true, or with the header X-Mpcloud-Async: the
 * call is accepted once it stands in the queue: 202 {"id","requestId"}.
 * ?runAt= or ?delay= make it a later one; functions and the operator may also
 * say ?retries= and ?key=.
 */
#include "gateway/endpoint_queue.h"

#include "base/val.h"
#include "gateway/queue_ask.h"
#include "gateway/request.h"

#include <stdio.h>

struct queue_act {
	struct request *r;
	struct queue_put put;
};

static bool
is_yes(struct slice s)
{
	static const char *const words[] = {"true", "1", "yes"};

	for (size_t i = 0; i < array_size(words); i++)
		if (slice_is_nocase(s, words[i]))
			return true;
	return false;
}

bool
endpoint_queue_is_meant(const struct request *r)
{
	return is_yes(exchange_query(r->x, "async")) ||
	       is_yes(exchange_header(r->x, "X-Mpcloud-Async")) ||
	       exchange_query(r->x, "runAt").len ||
	       exchange_query(r->x, "delay").len;
}

static void
on_put(struct job *job)
{
	struct queue_act *act = container_of(
		container_of(job, struct ask, job), struct queue_act, put.ask);
	struct request *r = act->r;
	char text[256];

	if (job->err == 0) {
		(void)snprintf(text, sizeof(text),
			"{\"id\":\"%s\",\"requestId\":\"%s\"%s}", act->put.id,
			act->put.request_id,
			act->put.existed ? ",\"existed\":true" : "");
		(void)request_reply(r, 202,
			slice_str(
				arena_str(request_arena(r), slice_str(text))));
	}
	request_finish(r, job->err, &job->why);
}

static int
read_query(struct request *r, struct queue_put *put)
{
	struct slice run_at = exchange_query(r->x, "runAt");
	struct slice delay = exchange_query(r->x, "delay");
	struct slice retries = exchange_query(r->x, "retries");
	uint64_t n = 0;
	int e = 0;

	put->key = arena_str(request_arena(r), exchange_query(r->x, "key"));
	put->retries = -1;
	if (delay.len)
		e = queue_ask_delay(delay, &put->run_at, &r->why);
	if (e == 0 && run_at.len)
		e = queue_ask_time(run_at, &put->run_at, &r->why);
	if (e == 0 && retries.len) {
		if (slice_to_u64(retries, 100, &n) < 0)
			e = fault_set(&r->why, ERR_PARAM, "retries: 0 to 100");
		put->retries = (int)n;
	}
	return e;
}

int
endpoint_queue_put(struct request *r, const char *qualifier)
{
	struct queue_act *act = arena_new(request_arena(r), struct queue_act);
	struct queue_put *put = &act->put;
	int e = read_query(r, put);

	if (e < 0)
		return e;
	act->r = r;
	put->function = r->function;
	put->qualifier = qualifier;
	put->event = exchange_body(r->x);
	put->source = r->on->kind & LISTENER_OPEN ? "wx_client" : "wx_http";
	e = queue_ask(put, r->gateway, &r->caller, request_arena(r), &r->why);
	if (e < 0)
		return e;
	job_init(&put->ask.job, on_put);
	queue_put_async(r->gateway->queue, put);
	return request_wait(r, &put->ask.job);
}
