/*
 * POST /v1/functions/{name}: the body is the event, the answer is the return
 * value; neither is parsed on the way.
 */
#include "base/val.h"
#include "functions/crew.h"
#include "gateway/endpoint.h"
#include "gateway/endpoint_queue.h"
#include "gateway/fn_door.h"
#include "gateway/open_data.h"
#include "gateway/request.h"

struct function_act {
	struct request *r;
	struct fn_call call;
};

/* Of the few events with open data in them. */
struct opening {
	struct function_act *act;
	struct open_event open;
};

static void
on_result(struct job *job)
{
	struct fn_call *call = container_of(job, struct fn_call, job);
	struct request *r = container_of(call, struct function_act, call)->r;

	r->retry_ms = call->retry_ms;
	if (job->err < 0)
		r->gateway->count->calls_failed++;
	else
		(void)request_reply(r, 200, call->result);
	request_finish(r, job->err, &job->why);
}

/* Which version: ?qualifier= or, as CloudBase's SDKs say it, a header. */
static const char *
qualifier_of(const struct request *r)
{
	struct slice qualifier = exchange_query(r->x, "qualifier");

	if (!qualifier.len)
		qualifier = exchange_header(r->x, "X-Qualifier");
	return arena_str(request_arena(r), qualifier);
}

/* The operator may call as a user: ?openid=. */
static void
act_as(struct request *r)
{
	struct slice openid = exchange_query(r->x, "openid");

	if (r->on->kind & LISTENER_OPS && openid.len) {
		r->caller.openid = arena_str(request_arena(r), openid);
		r->caller.appid = r->gateway->conf->wechat_appid;
	}
}

static void
call_now(struct function_act *act)
{
	act->r->gateway->count->calls++;
	crew_call(act->r->gateway->crews, &act->call);
	(void)request_wait(act->r, &act->call.job);
}

static void
on_open_event(struct job *job)
{
	struct open_event *open = container_of(job, struct open_event, job);
	struct function_act *act =
		container_of(open, struct opening, open)->act;

	if (job->err < 0) {
		request_finish(act->r, job->err, &job->why);
		return;
	}
	act->call.event = open->event;
	call_now(act);
}

/* A page's event may hold open data, which only we can open. */
static bool
is_to_open(const struct request *r, struct slice event)
{
	return r->on->kind & LISTENER_OPEN && open_event_is_meant(event);
}

static int
open_and_call(struct function_act *act)
{
	struct request *r = act->r;
	struct opening *o = arena_new(request_arena(r), struct opening);
	int e;

	o->act = act;
	job_init(&o->open.job, on_open_event);
	open_event_start(&o->open, r->gateway, request_arena(r), &r->caller,
		act->call.event);
	e = exchange_hold(r->x, o->open.built);
	if (e < 0) {
		job_cancel(&o->open.job);
		return e;
	}
	return request_wait(r, &o->open.job);
}

int
endpoint_function(struct request *r)
{
	struct arena *arena = request_arena(r);
	struct slice event = exchange_body(r->x);
	struct function_act *act;
	bool queued, opens;
	int e;

	if (!fn_name_is_valid(r->param))
		return ERR_FN_NOT_FOUND;
	if (event.len && val_check(event) < 0)
		return ERR_JSON;
	act_as(r);
	r->function = arena_str(arena, r->param);
	e = fn_door_check(r->gateway, &r->caller, r->function, &r->why);
	if (e < 0)
		return e;
	queued = endpoint_queue_is_meant(r);
	opens = is_to_open(r, event);
	if (queued && opens)
		return fault_set(&r->why, ERR_PARAM,
			"data: a call that nobody waits for takes no CloudID "
			"and no open data: they would wait in clear text");
	if (queued)
		return endpoint_queue_put(r, qualifier_of(r));
	act = arena_new(arena, struct function_act);
	act->r = r;
	act->call = (struct fn_call){
		.function = r->function,
		.caller = &r->caller,
		.request_id = exchange_id(r->x),
		.client_ip =
			r->on->kind & LISTENER_OPEN ? exchange_peer(r->x) : "",
		.source = r->on->kind & LISTENER_OPEN ? "wx_client" : "wx_http",
		.event = event,
		.qualifier = qualifier_of(r),
		.traceparent = request_traceparent(r),
		.header = request_header,
		.header_owner = r,
	};
	job_init(&act->call.job, on_result);
	if (opens)
		return open_and_call(act);
	call_now(act);
	return STEP_WAIT;
}
