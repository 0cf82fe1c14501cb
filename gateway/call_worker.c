/*
 * Cloud calls that come as CALL frames on a worker's socket: the same calls
 * without HTTP around them, so each brings its own arena and lies in it.
 * Thousands a second come and go: the arenas that are over serve the next.
 */
#include "gateway/call.h"
#include "gateway/gateway.h"
#include "gateway/reply.h"

enum { WORKER_ARENA = 128 << 20, SPARE_TOP = 64 };

struct worker_call {
	struct call call;
	struct host_call *host;
	struct arena arena;
	json_t *body;
};

static _Thread_local struct {
	struct arena arena[SPARE_TOP];
	unsigned count;
} spare;

static struct worker_call *
worker_call_new(void)
{
	struct arena arena;
	struct worker_call *w;

	if (spare.count)
		arena = spare.arena[--spare.count];
	else
		arena_init(&arena, WORKER_ARENA);
	w = arena_new(&arena, struct worker_call);
	w->arena = arena;
	return w;
}

static void
worker_call_free(struct worker_call *w)
{
	struct arena arena = w->arena;

	json_decref(w->body);
	if (spare.count == SPARE_TOP) {
		arena_done(&arena);
		return;
	}
	arena_clear(&arena, WORKER_ARENA);
	spare.arena[spare.count++] = arena;
}

static void
worker_call_answer(struct worker_call *w, int err, const struct fault *why)
{
	struct slice json = w->call.answer;

	if (err < 0)
		json = reply_error(&w->arena, err, why, w->host->request_id);
	host_call_reply(w->host, json);
	worker_call_free(w);
}

static void
on_done(struct job *job)
{
	struct call *call = container_of(job, struct call, job);

	worker_call_answer(container_of(call, struct worker_call, call),
		job->err, &job->why);
}

static void
on_drop(struct host_call *host, void *owner)
{
	struct worker_call *w = owner;

	(void)host;
	job_cancel(&w->call.job);
	worker_call_free(w);
}

void
call_from_worker(struct crews *crews, struct host_call *host)
{
	struct gateway *g = crews_owner(crews);
	struct worker_call *w = worker_call_new();
	size_t values = VAL_REQUEST_TOP;
	struct fault why = {0};
	int e;

	w->host = host;
	e = val_parse_some(&w->body, host->body, &values, &why);
	if (e >= 0 && !json_is_object(w->body))
		e = fault_set(&why, ERR_PARAM, "an object is needed");
	if (e < 0) {
		worker_call_answer(w, e, &why);
		return;
	}
	w->call.gateway = g;
	w->call.arena = &w->arena;
	w->call.caller = host->caller;
	w->call.request_id = host->request_id;
	w->call.client_ip = "";
	w->call.source = *host->caller->openid ? "wx_client,scf" : "scf";
	w->call.route_key = host->route_key;
	w->call.body = w->body;
	w->call.function = host->function;
	w->call.openapi = host->openapi;
	job_init(&w->call.job, on_done);
	host_call_on_drop(host, on_drop, w);
	call_run(&w->call);
}
