/*
 * functions.invokeFunction: a function calls another, as the same user, or a
 * js-sdk client calls one.  The event's bytes are those of request_data.
 */
#include "gateway/call.h"

#include "gateway/call_queue.h"
#include "gateway/fn_door.h"
#include "gateway/gateway.h"
#include "gateway/reply.h"
#include "gateway/request.h"

enum { NAME_TOP = 60, QUALIFIER_TOP = 64 };

static int
answer(struct call *c, struct slice result)
{
	struct slice id = slice_str(c->request_id);
	struct reply r = reply_room(
		c->arena, 64 + reply_quoted(id) + reply_quoted(result));

	if (!r.ptr)
		return ERR_ANSWER_BIG;
	reply_str(&r, "{\"requestId\":");
	reply_quote(&r, id);
	reply_str(&r, ",\"data\":{\"response_data\":");
	reply_quote(&r, result);
	reply_str(&r, "}}");
	c->answer = reply_done(&r);
	return 0;
}

static void
on_result(struct job *job)
{
	struct call *c = container_of(job, struct call, op.fn.job);
	struct gateway *g = c->gateway;

	if (job->err < 0) {
		g->count->calls_failed++;
		c->retry_ms = c->op.fn.retry_ms;
		call_end(c, job->err, &job->why);
		return;
	}
	call_end(c, answer(c, c->op.fn.result), NULL);
}

/* request_data: JSON in a string; newer ones may send the value itself. */
int
call_fn_event(struct call *c, struct slice *ret)
{
	const json_t *v = json_object_get(c->body, "request_data");
	struct buf b _buf_;

	buf_init(&b, (size_t)c->gateway->conf->functions_event_size);
	*ret = SLICE("{}");
	if (!v || json_is_null(v))
		return 0;
	if (json_is_string(v)) {
		*ret = slice_of(json_string_value(v), json_string_length(v));
	} else {
		val_put(&b, v);
		*ret = slice_of(arena_str(c->arena, buf_all(&b)), b.len);
	}
	if (buf_check(&b) < 0 || ret->len > b.ceiling)
		return ERR_TOO_BIG;
	if (val_check(*ret) < 0)
		return fault_set(
			&c->job.why, ERR_PARAM, "request_data: not valid JSON");
	return 0;
}

int
call_fn_invoke(struct call *c)
{
	struct fn_call *fn = &c->op.fn;
	struct slice name, event, qualifier;
	int e;

	if (call_queue_is_meant(c))
		return call_queue_put(c);
	e = val_str(c->body, "function_name", NAME_TOP, &name, &c->job.why);
	if (e == 0)
		e = val_str_or(c->body, "qualifier", QUALIFIER_TOP, SLICE(""),
			&qualifier, &c->job.why);
	if (e < 0)
		return e;
	e = call_fn_event(c, &event);
	if (e == 0)
		e = fn_door_check(c->gateway, c->caller,
			arena_str(c->arena, name), &c->job.why);
	if (e < 0)
		return e;
	*fn = (struct fn_call){
		.function = arena_str(c->arena, name),
		.caller = c->caller,
		.request_id = c->request_id,
		.client_ip = c->client_ip,
		.source = c->source,
		.event = event,
		.qualifier = arena_str(c->arena, qualifier),
		.route_key = c->route_key,
		.traceparent =
			c->request ? request_traceparent(c->request) : NULL,
		.header = c->request ? request_header : NULL,
		.header_owner = c->request,
	};
	job_init(&fn->job, on_result);
	call_wait(c, &fn->job);
	c->gateway->count->calls++;
	crew_call(c->gateway->crews, fn);
	return 0;
}
