/*
 * The login actions of js-sdk 1.x: a visitor without an account, and his
 * tokens.  That client keeps one refresh token for as long as it is logged in,
 * so here it stays good (login_renew), which it does for such visitors only.
 */
#include "auth/session.h"
#include "gateway/call.h"
#include "gateway/gateway.h"
#include "gateway/reply.h"

enum { TOKEN_TOP = 4096 };

static int
refresh_token(struct call *c, struct slice *ret)
{
	return val_str_or(c->body, "refresh_token", TOKEN_TOP, slice_of("", 0),
		ret, &c->job.why);
}

static struct login *
login_begin(struct call *c, job_fn *done)
{
	struct login *l = &c->op.login;

	*l = (struct login){.arena = c->arena};
	job_init(&l->job, done);
	call_wait(c, &l->job);
	return l;
}

static struct call *
call_of(struct job *job)
{
	return container_of(job, struct call, op.login.job);
}

static int
beside(struct call *c, const char *text)
{
	return text ? call_answer_beside(c, slice_str(text)) : ERR_ANSWER_BIG;
}

/* uid and tokens are of plain letters: ours. */
static void
on_visitor(struct job *job)
{
	struct call *c = call_of(job);
	const struct login *l = &c->op.login;

	if (job->err < 0) {
		call_end(c, job->err, &job->why);
		return;
	}
	call_end(c,
		beside(c, arena_printf(c->arena,
				  "\"uuid\":\"%s\",\"anonymous_uuid\":\"%s\","
				  "\"refresh_token\":\"%s\"",
				  l->uid, l->uid, l->refresh_token)),
		NULL);
}

static void
visitor_new(struct call *c)
{
	login_anonymous(c->gateway->auth, login_begin(c, on_visitor));
}

/* He was here before; when his token is good no more he is a new one. */
static void
on_again(struct job *job)
{
	if (job->err == ERR_REFRESH_BAD || job->err == ERR_REFRESH_EXPIRED)
		visitor_new(call_of(job));
	else
		on_visitor(job);
}

int
call_auth_anonymous(struct call *c)
{
	struct slice token;
	int e = refresh_token(c, &token);

	if (e < 0)
		return e;
	if (!c->gateway->conf->auth_anonymous)
		return fault_set(&c->job.why, ERR_FORBIDDEN,
			"anonymous login is off on this server ([auth] "
			"anonymous)");
	c->gateway->count->logins++;
	if (token.len)
		login_renew(c->gateway->auth, login_begin(c, on_again), token);
	else
		visitor_new(c);
	return 0;
}

static void
on_access(struct job *job)
{
	struct call *c = call_of(job);
	const struct login *l = &c->op.login;

	if (job->err < 0) {
		call_end(c, job->err, &job->why);
		return;
	}
	call_end(c,
		beside(c, arena_printf(c->arena,
				  "\"access_token\":\"%s\","
				  "\"access_token_expire\":%lld",
				  l->access_token,
				  (long long)l->expires_in_s * 1000)),
		NULL);
}

int
call_auth_access(struct call *c)
{
	struct slice token;
	int e = refresh_token(c, &token);

	if (e < 0)
		return e;
	login_renew(c->gateway->auth, login_begin(c, on_access), token);
	return 0;
}

static void
on_forgotten(struct job *job)
{
	struct call *c = call_of(job);

	if (job->err < 0)
		call_end(c, job->err, &job->why);
	else
		call_end(c, call_answer(c, slice_of("", 0)), NULL);
}

int
call_auth_logout(struct call *c)
{
	struct slice token;
	int e = refresh_token(c, &token);

	if (e < 0)
		return e;
	login_forget(c->gateway->auth, login_begin(c, on_forgotten), token);
	return 0;
}

/* What the client may know of its user: never the openid. */
int
call_auth_user(struct call *c)
{
	const char *text = arena_printf(c->arena,
		"{\"uid\":\"%s\",\"loginType\":\"%s\"}", c->caller->uid,
		*c->caller->openid ? "WECHAT" : "ANONYMOUS");
	int e = text ? call_answer(c, slice_str(text)) : ERR_ANSWER_BIG;

	if (e == 0)
		call_end_soon(c);
	return e;
}
