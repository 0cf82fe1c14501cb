/*
 * /v1/database: the REST paths of js-sdk 3.x (its GATEWAY mode).  Each becomes
 * a cloud call (db_rest.c) and is answered with the call's data alone; errors
 * have the status that fits them.
 */
#include "gateway/call.h"
#include "gateway/db_rest.h"
#include "gateway/endpoint.h"
#include "gateway/request.h"

#include <string.h>

static struct slice
query_of(void *owner, const char *name)
{
	return exchange_query(((struct request *)owner)->x, name);
}

static unsigned
method_of(const struct request *r)
{
	return r->route->method;
}

static void
on_done(struct job *job)
{
	struct call *call = container_of(job, struct call, job);
	struct request *r = call->owner;

	if (job->err >= 0)
		(void)request_reply(r, 200, call->answer);
	request_finish(r, job->err, &job->why);
}

/* The call's body takes the place of the request's, which it shares. */
static int
become_call(struct request *r)
{
	struct db_rest rest = {
		.method = method_of(r),
		.path = r->param,
		.env = r->gateway->conf->server_env,
		.query = query_of,
		.owner = r,
	};
	json_t *body = NULL;
	int e = exchange_body(r->x).len ? request_json(r) : 0;

	if (e < 0)
		return e;
	rest.body = r->json;
	e = db_rest_call(&rest, &body, &r->why);
	if (e < 0) {
		r->allowed = rest.allowed;
		return e;
	}
	json_decref(r->json);
	r->json = body;
	return 0;
}

int
endpoint_db_rest(struct request *r)
{
	const struct call_row *row;
	struct call *call;
	int e = become_call(r);

	if (e < 0)
		return e;
	e = call_find(r->json, &row, &r->why);
	if (e < 0)
		return e;
	r->action = row->action;
	call = arena_new(request_arena(r), struct call);
	call->owner = r;
	call->gateway = r->gateway;
	call->arena = request_arena(r);
	call->caller = &r->caller;
	call->request_id = exchange_id(r->x);
	call->client_ip = exchange_peer(r->x);
	call->source = "wx_client";
	call->form = FORM_REST;
	call->body = r->json;
	job_init(&call->job, on_done);
	call_run(call);
	return request_wait(r, &call->job);
}
