/*
 * POST /gateway/call: a call that another gateway of this machine was asked
 * (forward.h).  The socket is the workers' too, so the signature alone says
 * that it comes from a gateway.
 */
#include "base/clock.h"
#include "gateway/call.h"
#include "gateway/endpoint.h"
#include "gateway/forward.h"
#include "gateway/request.h"

#include <stdlib.h>

/* A clock that is set meanwhile may jump by that. */
enum { LATE_MS = 60000, WORD_TOP = 8192 };

static int
answer_error(struct request *r, int err, const struct fault *why)
{
	struct buf b _buf_;
	char *to;

	buf_init(&b, 4096);
	buf_printf(&b, "{\"err\":\"%s\",\"message\":", err_info(err)->name);
	buf_json(&b, slice_str(err <= -1000 ? fault_text(why, err) : ""));
	buf_char(&b, '}');
	if (buf_check(&b) < 0)
		return ERR_INTERNAL;
	to = arena_str(request_arena(r), buf_all(&b));
	return request_reply(r, 409, slice_of(to, b.len));
}

static void
on_done(struct job *job)
{
	struct call *call = container_of(job, struct call, job);
	struct request *r = call->owner;
	int err = 0;

	if (call->row)
		r->action = call->row->action;
	if (job->err < 0)
		err = answer_error(r, job->err, &job->why);
	else
		(void)request_reply(r, 200, call->answer);
	request_finish(r, err, NULL);
}

static int
word(const struct request *r, const char *key, const char **ret)
{
	struct slice s;
	int e = val_str(r->json, key, WORD_TOP, &s, NULL);

	if (e == 0)
		*ret = arena_str(request_arena(r), s);
	return e;
}

static int
read_caller(struct request *r)
{
	struct caller *c = &r->caller;
	const char *sid = "";
	int64_t role = 0, depth = 0;
	int e = val_int(r->json, "role", 0, CALLER_ADMIN, &role, NULL);

	if (e == 0)
		e = val_int_or(
			r->json, "depth", 0, UINT16_MAX, 0, &depth, NULL);

	if (e == 0)
		e = word(r, "uid", &c->uid);
	if (e == 0)
		e = word(r, "appid", &c->appid);
	if (e == 0)
		e = word(r, "openid", &c->openid);
	if (e == 0)
		e = word(r, "unionid", &c->unionid);
	if (e == 0)
		e = word(r, "kind", &c->kind);
	if (e == 0)
		e = word(r, "customId", &c->custom_id);
	if (e == 0)
		e = word(r, "sid", &sid);
	c->role = (enum caller_role)role;
	c->sid = strtoull(sid, NULL, 16);
	c->depth = (unsigned)depth;
	return e;
}

static int
read_call(struct request *r, struct call *call)
{
	int64_t form = 0;
	json_t *body = NULL;
	int e = val_int(r->json, "form", 0, FORM_REST, &form, NULL);

	if (e == 0)
		e = word(r, "requestId", &call->request_id);
	if (e == 0)
		e = word(r, "clientIp", &call->client_ip);
	if (e == 0)
		e = word(r, "source", &call->source);
	if (e == 0)
		e = val_obj(r->json, "call", &body, NULL);
	call->form = (enum call_form)form;
	call->body = body;
	return e;
}

static int
check(struct request *r)
{
	int64_t at, now = clock_now_ms();
	int e;

	if (!forward_verify(r->gateway->forward,
		    exchange_header(r->x, "X-Mpcloud-Sign"),
		    exchange_body(r->x)))
		return fault_set(&r->why, ERR_NO_LOGIN,
			"this path is for the gateways among themselves");
	e = request_json(r);
	if (e < 0)
		return e;
	e = val_int(r->json, "at", now - LATE_MS, now + LATE_MS, &at, NULL);
	return e < 0 ? ERR_NO_LOGIN : 0;
}

int
endpoint_forwarded(struct request *r)
{
	struct call *call = arena_new(request_arena(r), struct call);
	int e = check(r);

	if (e == 0)
		e = read_caller(r);
	if (e == 0)
		e = read_call(r, call);
	if (e < 0)
		return e;
	call->owner = r;
	call->gateway = r->gateway;
	call->arena = request_arena(r);
	call->caller = &r->caller;
	call->is_forwarded = true;
	job_init(&call->job, on_done);
	call_run(call);
	return request_wait(r, &call->job);
}
