/*
 * Sessions: POST /v1/login, /v1/token/refresh, /v1/logout, GET /v1/session.
 * Neither openid nor session_key leaves the server.
 */
#include "auth/session.h"
#include "base/val.h"
#include "gateway/endpoint.h"
#include "gateway/login_act.h"
#include "gateway/reply.h"
#include "gateway/request.h"
#include "trigger/queue.h"

enum { CODE_TOP = 256, TOKEN_TOP = 4096, ANSWER_TOP = 16384 };

static void
on_tokens(struct job *job)
{
	struct login_act *act = container_of(job, struct login_act, login.job);
	const struct login *l = &act->login;
	struct request *r = act->r;
	struct buf b _buf_;

	buf_init(&b, ANSWER_TOP);
	if (job->err >= 0) {
		buf_str(&b, "{\"uid\":");
		buf_json(&b, slice_str(l->uid));
		buf_str(&b, ",\"accessToken\":");
		buf_json(&b, slice_str(l->access_token));
		buf_str(&b, ",\"refreshToken\":");
		buf_json(&b, slice_str(l->refresh_token));
		buf_str(&b, ",\"expiresIn\":");
		buf_i64(&b, l->expires_in_s);
		buf_str(&b, ",\"tokenType\":\"Bearer\"}");
		r->caller.uid = l->uid;
		if (r->gateway->queue)
			queue_heard(r->gateway->queue);
		(void)request_reply(r, 200, buf_all(&b));
	}
	request_finish(r, job->err, &job->why);
}

static void
on_logged_out(struct job *job)
{
	struct login_act *act = container_of(job, struct login_act, login.job);

	(void)request_reply(act->r, 200, SLICE("{}"));
	request_finish(act->r, job->err, &job->why);
}

static struct login_act *
act_new(struct request *r, job_fn *done)
{
	struct login_act *act = arena_new(request_arena(r), struct login_act);

	act->r = r;
	act->login.arena = request_arena(r);
	job_init(&act->login.job, done);
	return act;
}

struct login_act *
login_act_new(struct request *r)
{
	return act_new(r, on_tokens);
}

int
endpoint_login(struct request *r)
{
	struct login_act *act;
	struct slice code;
	int e = request_json(r);

	if (e < 0)
		return e;
	e = val_str(r->json, "code", CODE_TOP, &code, &r->why);
	if (e < 0)
		return e;
	if (!code.len)
		return fault_set(
			&r->why, ERR_PARAM, "code: wx.login's code is needed");
	act = login_act_new(r);
	r->gateway->count->logins++;
	login_start(r->gateway->auth, &act->login, code);
	return request_wait(r, &act->login.job);
}

int
endpoint_refresh(struct request *r)
{
	struct slice token, none = slice_of("", 0);
	struct login_act *act;
	int e = request_json(r);

	if (e < 0)
		return e;
	e = val_str_or(
		r->json, "refresh_token", TOKEN_TOP, none, &token, &r->why);
	if (e < 0)
		return e;
	e = val_str_or(
		r->json, "refreshToken", TOKEN_TOP, token, &token, &r->why);
	if (e < 0)
		return e;
	if (!token.len)
		return fault_set(&r->why, ERR_PARAM,
			"refreshToken: the token of the last login or refresh "
			"is needed");
	act = login_act_new(r);
	login_refresh(r->gateway->auth, &act->login, token);
	return request_wait(r, &act->login.job);
}

int
endpoint_logout(struct request *r)
{
	struct login_act *act = act_new(r, on_logged_out);

	login_logout(r->gateway->auth, &act->login, &r->caller);
	return request_wait(r, &act->login.job);
}

/* The measured path: no buffer, no printf. */
int
endpoint_session(struct request *r)
{
	struct slice uid = slice_str(r->caller.uid);
	struct slice appid = slice_str(r->caller.appid);
	struct reply reply = reply_room(
		request_arena(r), 96 + uid.len + reply_quoted(appid));

	if (!reply.ptr)
		return ERR_ANSWER_BIG;
	reply_str(&reply, "{\"uid\":\""); /* hexadecimal digits of ours */
	reply_put(&reply, uid);
	reply_str(&reply, "\",\"appid\":");
	reply_quote(&reply, appid);
	reply_str(&reply, ",\"expiresAt\":");
	reply_number(&reply, r->caller.expires_s);
	reply_str(&reply, "}");
	return request_reply(r, 200, reply_done(&reply));
}
