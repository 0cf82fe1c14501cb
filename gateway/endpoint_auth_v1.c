/*
 * /auth/v1: the login of js-sdk 2.x and 3.x, as far as a visitor without an
 * account needs it.  Tokens are those of /v1/login; only their spelling is
 * OAuth 2's.
 */
#include "auth/session.h"
#include "base/val.h"
#include "gateway/endpoint.h"
#include "gateway/login_act.h"
#include "gateway/request.h"

enum { TOKEN_TOP = 4096, ANSWER_TOP = 16384 };

static void
on_tokens(struct job *job)
{
	struct login_act *act = container_of(job, struct login_act, login.job);
	const struct login *l = &act->login;
	struct request *r = act->r;
	struct buf b _buf_;

	buf_init(&b, ANSWER_TOP);
	if (job->err >= 0) {
		buf_str(&b, "{\"token_type\":\"Bearer\",\"access_token\":");
		buf_json(&b, slice_str(l->access_token));
		buf_str(&b, ",\"refresh_token\":");
		buf_json(&b, slice_str(l->refresh_token));
		buf_str(&b, ",\"expires_in\":");
		buf_i64(&b, l->expires_in_s);
		buf_str(&b, ",\"scope\":");
		buf_json(&b, l->anonymous ? SLICE("anonymous") : SLICE(""));
		buf_str(&b, ",\"sub\":");
		buf_json(&b, slice_str(l->uid));
		buf_str(&b, ",\"groups\":[]}");
		r->caller.uid = l->uid;
		(void)request_reply(r, 200, buf_all(&b));
	}
	request_finish(r, job->err, &job->why);
}

static void
on_ended(struct job *job)
{
	struct login_act *act = container_of(job, struct login_act, login.job);

	(void)request_reply(act->r, 200, SLICE("{}"));
	request_finish(act->r, job->err, &job->why);
}

static struct login *
login_begin(struct request *r, job_fn *done)
{
	struct login_act *act = arena_new(request_arena(r), struct login_act);

	act->r = r;
	act->login.arena = request_arena(r);
	job_init(&act->login.job, done);
	return &act->login;
}

int
endpoint_auth_anonymous(struct request *r)
{
	struct login *l;

	if (!r->gateway->conf->auth_anonymous)
		return fault_set(&r->why, ERR_FORBIDDEN,
			"anonymous login is off on this server ([auth] "
			"anonymous)");
	l = login_begin(r, on_tokens);
	r->gateway->count->logins++;
	login_anonymous(r->gateway->auth, l);
	return request_wait(r, &l->job);
}

int
endpoint_auth_token(struct request *r)
{
	struct slice grant, token;
	struct login *l;
	int e = request_json(r);

	if (e < 0)
		return e;
	e = val_str(r->json, "grant_type", 64, &grant, &r->why);
	if (e < 0)
		return e;
	if (!slice_is(grant, "refresh_token"))
		return fault_set(&r->why, ERR_PARAM,
			"grant_type: only refresh_token is known here");
	e = val_str(r->json, "refresh_token", TOKEN_TOP, &token, &r->why);
	if (e < 0)
		return e;
	l = login_begin(r, on_tokens);
	login_refresh(r->gateway->auth, l, token);
	return request_wait(r, &l->job);
}

int
endpoint_auth_me(struct request *r)
{
	bool is_visitor = !*r->caller.openid;
	const char *text = arena_printf(request_arena(r),
		"{\"sub\":\"%s\",\"name\":\"%s\",\"scope\":\"%s\"}",
		r->caller.uid, is_visitor ? "anonymous" : "",
		is_visitor ? "anonymous" : "");

	if (!text)
		return ERR_ANSWER_BIG;
	return request_reply(r, 200, slice_str(text));
}

static int
end_session(struct request *r)
{
	struct login *l = login_begin(r, on_ended);

	login_logout(r->gateway->auth, l, &r->caller);
	return request_wait(r, &l->job);
}

int
endpoint_auth_signout(struct request *r)
{
	return end_session(r);
}

/* RFC 7009: the token to end stands in the body, and one that is good no more
 * is fine. */
int
endpoint_auth_revoke(struct request *r)
{
	struct slice token;
	struct login *l;
	const char *text;
	int e = request_json(r);

	if (e < 0)
		return e;
	e = val_str(r->json, "token", TOKEN_TOP, &token, &r->why);
	if (e < 0)
		return e;
	text = arena_printf(request_arena(r), "Bearer %.*s", SLICE_ARG(token));
	if (text &&
		auth_know(r->gateway->auth, slice_str(text), request_arena(r),
			&r->caller, NULL) == 0 &&
		r->caller.role == CALLER_USER)
		return end_session(r);
	l = login_begin(r, on_ended);
	login_forget(r->gateway->auth, l, token);
	return request_wait(r, &l->job);
}
