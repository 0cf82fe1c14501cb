/*
 * The login actions of js-sdk 1.x: a visitor without an account, a custom
 * login's ticket, a name and a password.  That client keeps one refresh token
 * for as long as it is logged in, so here it stays good (login_renew), which it
 * does for logins made here only.
 */
#include "auth/profile.h"
#include "gateway/call.h"
#include "gateway/gateway.h"
#include "gateway/login_act.h"
#include "gateway/reply.h"
#include "trigger/queue.h"

enum {
	TOKEN_TOP = 4096,
	TICKET_TOP = 8192,
	WORD_TOP = 1024,
	ANSWER_TOP = 2048
};

static int
word(struct call *c, const char *key, size_t top, struct slice *ret)
{
	return val_str_or(c->body, key, top, slice_of("", 0), ret, &c->job.why);
}

static struct slice
header(const struct call *c, const char *name)
{
	return c->request ? request_header(c->request, name) : slice_of("", 0);
}

static struct login *
login_begin(struct call *c, job_fn *done)
{
	struct login *l = &c->op.login;

	*l = (struct login){.arena = c->arena};
	l->from.device = header(c, "User-Agent");
	l->from.device_id = header(c, "x-device-id");
	l->from.fixed = true;
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
	int e = word(c, "refresh_token", TOKEN_TOP, &token);

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

/* Without an access token: the SDK asks for one next. */
static void
on_signed_in(struct job *job)
{
	struct call *c = call_of(job);
	const struct login *l = &c->op.login;

	if (job->err < 0) {
		call_end(c, job->err, &job->why);
		return;
	}
	if (c->gateway->queue)
		queue_heard(c->gateway->queue);
	call_end(c,
		beside(c, arena_printf(c->arena,
				  "\"uuid\":\"%s\",\"refresh_token\":\"%s\"",
				  l->uid, l->refresh_token)),
		NULL);
}

int
call_auth_ticket(struct call *c)
{
	struct slice ticket;
	int e = val_str(c->body, "ticket", TICKET_TOP, &ticket, &c->job.why);

	if (e < 0)
		return e;
	c->gateway->count->logins++;
	login_custom(c->gateway->auth, login_begin(c, on_signed_in), ticket);
	return 0;
}

static int
attempt(struct call *c, struct slice who)
{
	return attempt_password(
		c->gateway, c->client_ip, who, &c->retry_ms, &c->job.why);
}

/* auth.signIn: by loginType. */
int
call_auth_sign_in(struct call *c)
{
	struct slice type, username, password;
	int e = word(c, "loginType", WORD_TOP, &type);

	if (e == 0 && !slice_is(type, "USERNAME"))
		e = fault_set(&c->job.why, ERR_UNIMPLEMENTED,
			"not offered by this server: loginType %.*s; there are "
			"USERNAME, auth.signInWithTicket and "
			"auth.signInAnonymously",
			(int)min(type.len, (size_t)40), type.ptr);
	if (e == 0 && !c->gateway->conf->auth_password)
		e = fault_set(&c->job.why, ERR_FORBIDDEN,
			"login by password is off on this server ([auth] "
			"password)");
	if (e == 0)
		e = val_str(
			c->body, "username", WORD_TOP, &username, &c->job.why);
	if (e == 0)
		e = val_str(
			c->body, "password", WORD_TOP, &password, &c->job.why);
	if (e == 0)
		e = attempt(c, username);
	if (e < 0)
		return e;
	c->gateway->count->logins++;
	login_password(c->gateway->auth, login_begin(c, on_signed_in), username,
		password);
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
	int e = word(c, "refresh_token", TOKEN_TOP, &token);

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
	int e = word(c, "refresh_token", TOKEN_TOP, &token);

	if (e < 0)
		return e;
	login_forget(c->gateway->auth, login_begin(c, on_forgotten), token);
	return 0;
}

/* What is asked about a user, or done to him. */
struct auth_call {
	struct call *call;
	struct profile profile;
	struct member member;
};

static struct auth_call *
auth_call_new(struct call *c)
{
	struct auth_call *a = arena_new(c->arena, struct auth_call);

	a->call = c;
	return a;
}

static void
on_user(struct job *job)
{
	struct auth_call *a = container_of(job, struct auth_call, profile.job);
	const struct profile *p = &a->profile;
	struct call *c = a->call;
	struct buf b _buf_;
	int err = job->err;

	buf_init(&b, ANSWER_TOP);
	buf_str(&b, "{\"uid\":");
	buf_json(&b, slice_str(c->caller->uid));
	buf_printf(&b, ",\"loginType\":\"%s\"", caller_login_type(c->caller));
	if (*p->custom_id) {
		buf_str(&b, ",\"customUserId\":");
		buf_json(&b, slice_str(p->custom_id));
	}
	if (*p->username) {
		buf_str(&b, ",\"username\":");
		buf_json(&b, slice_str(p->username));
		buf_printf(&b, ",\"hasPassword\":%s",
			p->has_password ? "true" : "false");
	}
	buf_char(&b, '}');
	if (err == 0)
		err = call_answer(c, buf_all(&b));
	call_end(c, err, &job->why);
}

/* What the client may know of its user: never the openid. */
int
call_auth_user(struct call *c)
{
	struct family_home home = auth_home(c->gateway->auth);
	struct auth_call *a = auth_call_new(c);

	job_init(&a->profile.job, on_user);
	call_wait(c, &a->profile.job);
	profile_get(&a->profile, &home, c->caller);
	return 0;
}

static void
on_registered(struct job *job)
{
	struct auth_call *a = container_of(job, struct auth_call, profile.job);
	struct call *c = a->call;
	int err = job->err;

	if (err == 0)
		err = call_answer(c,
			a->profile.found ? SLICE("{\"isRegistered\":true}")
					 : SLICE("{\"isRegistered\":false}"));
	call_end(c, err, &job->why);
}

int
call_auth_registered(struct call *c)
{
	struct family_home home = auth_home(c->gateway->auth);
	const struct conf *conf = c->gateway->conf;
	struct auth_call *a = auth_call_new(c);
	struct slice name;
	int e = val_str(c->body, "username", WORD_TOP, &name, &c->job.why);

	if (e == 0 && (!conf->auth_password || !conf->auth_signup))
		e = fault_set(&c->job.why, ERR_FORBIDDEN,
			"who exists is told only where sign-up is on ([auth] "
			"signup)");
	if (e == 0)
		e = attempt(c, name);
	if (e < 0)
		return e;
	job_init(&a->profile.job, on_registered);
	call_wait(c, &a->profile.job);
	profile_by_name(&a->profile, &home, name);
	return 0;
}

static void
on_changed(struct job *job)
{
	struct auth_call *a = container_of(job, struct auth_call, member.job);
	struct call *c = a->call;

	call_end(c, job->err < 0 ? job->err : call_answer(c, slice_of("", 0)),
		&job->why);
}

int
call_auth_password(struct call *c)
{
	struct member_home home = auth_members(c->gateway->auth);
	struct auth_call *a = auth_call_new(c);
	struct slice old, fresh;
	int e = val_str(c->body, "oldPassword", WORD_TOP, &old, &c->job.why);

	if (e == 0)
		e = val_str(
			c->body, "newPassword", WORD_TOP, &fresh, &c->job.why);
	if (e == 0)
		e = attempt(c, slice_str(c->caller->uid));
	if (e < 0)
		return e;
	job_init(&a->member.job, on_changed);
	call_wait(c, &a->member.job);
	member_change(&a->member, &home, slice_str(c->caller->uid), old, fresh,
		c->caller->sid);
	return 0;
}

/* A user with a name and a password, made by a function or the operator:
 * {username, password} → {uid}.  The gateway's own wire name of it. */
static void
on_made(struct job *job)
{
	struct auth_call *a = container_of(job, struct auth_call, member.job);
	struct call *c = a->call;
	const char *text =
		arena_printf(c->arena, "{\"uid\":\"%s\"}", a->member.uid);

	call_end(c, job->err < 0 ? job->err : call_answer(c, slice_str(text)),
		&job->why);
}

int
call_auth_create_user(struct call *c)
{
	struct member_home home = auth_members(c->gateway->auth);
	struct auth_call *a = auth_call_new(c);
	struct slice username, password;
	int e = val_str(c->body, "username", WORD_TOP, &username, &c->job.why);

	if (e == 0)
		e = val_str(
			c->body, "password", WORD_TOP, &password, &c->job.why);
	if (e < 0)
		return e;
	job_init(&a->member.job, on_made);
	call_wait(c, &a->member.job);
	member_add(&a->member, &home, slice_str(c->caller->appid), username,
		password);
	return 0;
}
