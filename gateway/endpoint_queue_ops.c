/*
 * What `mpcloud queue` asks: one operation of trigger/queue_op.h each.
 */
#include "base/val.h"
#include "gateway/endpoint.h"
#include "gateway/request.h"
#include "trigger/queue.h"
#include "trigger/queue_op.h"

#include <stdio.h>

enum { LIST_PRESET = 20, LIST_TOP = 1000 };

struct queue_act {
	struct request *r;
	struct queue_op op;
	const char *done; /* name of the answer's number */
	bool wakes;       /* they may run at once */
};

static struct queue_act *
act_of(struct job *job)
{
	return container_of(
		container_of(job, struct ask, job), struct queue_act, op.ask);
}

static struct queue_act *
act_new(struct request *r, job_fn *done)
{
	struct queue_act *a = arena_new(request_arena(r), struct queue_act);

	a->r = r;
	a->op.env = r->gateway->conf->server_env;
	a->op.function = a->op.state = "";
	job_init(&a->op.ask.job, done);
	return a;
}

static void
on_json(struct job *job)
{
	struct queue_act *a = act_of(job);

	if (job->err == 0 && ask_is_null(&a->op.ask, 0, 0))
		(void)fault_set(&job->why, job->err = ERR_DB_NO_DOC,
			"no call of this id is in the queue; `mpcloud queue "
			"list` lists them");
	if (job->err == 0)
		(void)request_reply(a->r, 200, ask_value(&a->op.ask, 0, 0));
	request_finish(a->r, job->err, &job->why);
}

static void
on_number(struct job *job)
{
	struct queue_act *a = act_of(job);
	char text[64];

	if (job->err == 0 && a->wakes)
		queue_wake(a->r->gateway->queue);
	if (job->err == 0) {
		(void)snprintf(text, sizeof(text), "{\"%s\":%lld}", a->done,
			(long long)ask_int(&a->op.ask, 0, 0));
		(void)request_reply(a->r, 200,
			slice_str(arena_str(
				request_arena(a->r), slice_str(text))));
	}
	request_finish(a->r, job->err, &job->why);
}

static int
check_state(struct request *r, struct slice state)
{
	static const char *const states[] = {
		"", "waiting", "running", "done", "dead"};

	for (size_t i = 0; i < array_size(states); i++)
		if (slice_is(state, states[i]))
			return 0;
	return fault_set(
		&r->why, ERR_PARAM, "state: waiting, running, done or dead");
}

int
endpoint_ops_queue(struct request *r)
{
	struct queue_act *a = act_new(r, on_json);
	struct arena *arena = request_arena(r);
	struct slice state = exchange_query(r->x, "state");
	struct slice limit = exchange_query(r->x, "limit");
	uint64_t n = LIST_PRESET;
	int e = check_state(r, state);

	if (e == 0 && limit.len && slice_to_u64(limit, LIST_TOP, &n) < 0)
		e = fault_set(&r->why, ERR_PARAM, "limit: 0 to %d", LIST_TOP);
	if (e < 0)
		return e;
	a->op.function = arena_str(arena, exchange_query(r->x, "function"));
	a->op.state = arena_str(arena, state);
	a->op.limit = (int64_t)n;
	queue_op_list(r->gateway->pool, &a->op);
	return request_wait(r, &a->op.ask.job);
}

int
endpoint_ops_queue_show(struct request *r)
{
	struct queue_act *a = act_new(r, on_json);
	uint64_t id;

	if (slice_to_u64(r->param, INT64_MAX, &id) < 0)
		return fault_set(&r->why, ERR_PARAM,
			"an id is a number, as `mpcloud queue list` shows it");
	a->op.id = (int64_t)id;
	queue_op_show(r->gateway->pool, &a->op);
	return request_wait(r, &a->op.ask.job);
}

/* {"ids": [...]}, or for a replay {"dead": true, "function"?}. */
static int
read_which(struct queue_act *a)
{
	struct request *r = a->r;
	struct slice function;
	int e = request_json(r);

	if (e == 0)
		e = val_str_or(
			r->json, "function", 64, SLICE(""), &function, &r->why);
	if (e < 0)
		return e;
	a->op.function = arena_str(request_arena(r), function);
	a->op.ids = json_object_get(r->json, "ids");
	if (a->op.ids && !json_is_array(a->op.ids))
		return fault_set(&r->why, ERR_PARAM, "ids: an array");
	return 0;
}

int
endpoint_ops_queue_replay(struct request *r)
{
	struct queue_act *a = act_new(r, on_number);
	int e = read_which(a);

	if (e == 0 && !a->op.ids &&
		!json_is_true(json_object_get(r->json, "dead")))
		e = fault_set(&r->why, ERR_PARAM,
			"ids, or dead: true for all that are dead");
	if (e < 0)
		return e;
	a->done = "replayed";
	a->wakes = true;
	queue_op_replay(r->gateway->pool, &a->op);
	return request_wait(r, &a->op.ask.job);
}

int
endpoint_ops_queue_drop(struct request *r)
{
	struct queue_act *a = act_new(r, on_number);
	int e = read_which(a);

	if (e == 0 && !a->op.ids)
		e = fault_set(&r->why, ERR_PARAM, "ids: is needed");
	if (e < 0)
		return e;
	a->done = "dropped";
	queue_op_drop(r->gateway->pool, &a->op);
	return request_wait(r, &a->op.ask.job);
}
