/*
 * GET /ops/timers: what `mpcloud timers` shows, as PostgreSQL puts it together.
 */
#include "db/pool.h"
#include "gateway/endpoint.h"
#include "gateway/request.h"

struct timers_act {
	struct request *r;
	struct ask ask;
};

static void
on_list(struct job *job)
{
	struct ask *ask = container_of(job, struct ask, job);
	struct timers_act *act = container_of(ask, struct timers_act, ask);

	if (job->err == 0)
		(void)request_reply(act->r, 200, ask_value(ask, 0, 0));
	request_finish(act->r, job->err, &job->why);
}

int
endpoint_ops_timers(struct request *r)
{
	struct timers_act *act = arena_new(request_arena(r), struct timers_act);
	struct slice function = exchange_query(r->x, "function");

	if (!function.ptr)
		function = SLICE("");
	act->r = r;
	act->ask.is_read = true;
	job_init(&act->ask.job, on_list);
	pool_ask(r->gateway->pool, &act->ask,
		"SELECT mpcloud.timers_list($1, $2)",
		(struct slice[]){
			slice_str(r->gateway->conf->server_env), function},
		2);
	return request_wait(r, &act->ask.job);
}
