/*
 * POST /admin and POST /web: the action protocol over HTTP (CloudBase's server
 * SDKs and js-sdk 1.x, 2.x).
 */
#include "gateway/call.h"
#include "gateway/endpoint.h"
#include "gateway/request.h"

#include <ctype.h>
#include <string.h>

enum { SOURCE_TOP = 128, ROUTE_KEY_TOP = 64 };

static void
on_done(struct job *job)
{
	struct call *call = container_of(job, struct call, job);
	struct request *r = call->owner;

	if (call->row)
		r->action = call->row->action;
	r->retry_ms = call->retry_ms;
	if (job->err >= 0)
		(void)request_reply(r, 200, call->answer);
	if (job->err >= 0 && call->type) {
		exchange_add_header(r->x, "Content-Type", call->type);
		r->typed = true;
	}
	request_finish(r, job->err, &job->why);
}

/* The chain an SDK sends, "wx_client,scf"; only what such names are made of
 * goes on. */
static const char *
source_of(const struct request *r, const char *preset)
{
	struct slice s = exchange_header(r->x, "X-Tcb-Source");

	if (!(r->on->kind & LISTENER_CLOUD) || !s.len || s.len > SOURCE_TOP)
		return preset;
	for (size_t i = 0; i < s.len; i++)
		if (!isalnum((unsigned char)s.ptr[i]) &&
			!memchr("_,-", s.ptr[i], 3))
			return preset;
	return arena_str(request_arena(r), s);
}

/* What the function that calls was told as TCB_ROUTE_KEY. */
static const char *
route_key_of(const struct request *r)
{
	struct slice s = exchange_header(r->x, "X-Tcb-Route-Key");

	if (!(r->on->kind & LISTENER_CLOUD) || s.len > ROUTE_KEY_TOP)
		return "";
	return arena_str(request_arena(r), s);
}

static int
run(struct request *r, const char *source)
{
	struct call *call;
	int e;

	if (slice_starts(exchange_header(r->x, "Content-Type"), "multipart/") &&
		r->route->know != KNOW_SESSION)
		return fault_set(&r->why, ERR_ACTION,
			"calls with multipart bodies are not known here");
	e = request_json(r);
	if (e < 0)
		return e;
	call = arena_new(request_arena(r), struct call);
	call->owner = r;
	call->gateway = r->gateway;
	call->arena = request_arena(r);
	call->caller = &r->caller;
	call->request_id = exchange_id(r->x);
	call->client_ip =
		r->on->kind & LISTENER_OPEN ? exchange_peer(r->x) : "";
	call->source = source_of(r, source);
	call->route_key = route_key_of(r);
	call->request = r;
	call->body = r->json;
	call->parts = r->parts;
	call->function = r->function;
	job_init(&call->job, on_done);
	call_run(call);
	return request_wait(r, &call->job);
}

int
endpoint_admin(struct request *r)
{
	return run(r, r->on->kind == LISTENER_OPS ? "wx_http" : "scf");
}

int
endpoint_web(struct request *r)
{
	return run(r, "wx_client");
}

int
endpoint_admin_unsigned(struct request *r)
{
	return fault_set(&r->why, ERR_FORBIDDEN,
		"/admin over TCP takes only signed requests, which are not "
		"known here yet");
}
