/*
 * The user about himself: GET /auth/v1/user/me, another password (by js-sdk:
 * /auth/v1/user/sudo, then PATCH /auth/v1/user/password; by REST: POST
 * /v1/password), and whether a user name is free.
 */
#include "auth/profile.h"
#include "auth/sudo.h"
#include "base/clock.h"
#include "base/text.h"
#include "base/val.h"
#include "gateway/endpoint.h"
#include "gateway/login_act.h"

enum { ANSWER_TOP = 4096, WORD_TOP = 1024, TOKEN_TOP = 1024 };

struct user_act {
	struct request *r;
	struct profile profile;
	struct member member;
};

static struct user_act *
act_new(struct request *r)
{
	struct user_act *act = arena_new(request_arena(r), struct user_act);

	act->r = r;
	return act;
}

static const char *
kind_of(const struct user_act *act)
{
	const char *kind = act->r->caller.kind;

	return kind && *kind ? kind : act->profile.kind;
}

static void
on_me(struct job *job)
{
	struct user_act *act = container_of(job, struct user_act, profile.job);
	const struct profile *p = &act->profile;
	struct request *r = act->r;
	bool is_visitor = strcmp(kind_of(act), FAMILY_ANONYMOUS) == 0;
	struct buf b _buf_;

	buf_init(&b, ANSWER_TOP);
	buf_str(&b, "{\"sub\":");
	buf_json(&b, slice_str(r->caller.uid));
	buf_str(&b, ",\"name\":");
	buf_json(&b, is_visitor ? SLICE("anonymous")
				: slice_str(*p->username ? p->username
							 : p->custom_id));
	buf_str(&b, ",\"scope\":");
	buf_json(&b, is_visitor ? SLICE("anonymous") : SLICE(""));
	val_put_text(&b, "username", slice_str(p->username));
	val_put_text(&b, "custom_user_id", slice_str(p->custom_id));
	val_put_text(&b, "login_type", slice_str(kind_of(act)));
	if (p->has_password)
		buf_str(&b, ",\"password\":\"SET\"");
	val_put_time(&b, "created_at", p->created_ms);
	val_put_time(&b, "last_sign_in_at", p->last_login_ms);
	buf_str(&b, ",\"groups\":[]}");
	(void)request_reply(r, 200, buf_all(&b));
	request_finish(r, job->err, &job->why);
}

int
endpoint_auth_me(struct request *r)
{
	struct family_home home = auth_home(r->gateway->auth);
	struct user_act *act = act_new(r);

	job_init(&act->profile.job, on_me);
	profile_get(&act->profile, &home, &r->caller);
	return request_wait(r, &act->profile.job);
}

static void
on_exists(struct job *job)
{
	struct user_act *act = container_of(job, struct user_act, profile.job);

	(void)request_reply(act->r, 200,
		act->profile.found ? SLICE("{\"exist\":true}")
				   : SLICE("{\"exist\":false}"));
	request_finish(act->r, job->err, &job->why);
}

/* Only where anybody may sign up, who would be told so then anyway. */
int
endpoint_auth_exists(struct request *r)
{
	struct slice name = exchange_query(r->x, "username");
	struct family_home home = auth_home(r->gateway->auth);
	const struct conf *conf = r->gateway->conf;
	struct user_act *act = act_new(r);
	int e;

	if (!conf->auth_password || !conf->auth_signup)
		return fault_set(&r->why, ERR_FORBIDDEN,
			"who exists is told only where sign-up is on ([auth] "
			"signup)");
	if (!name.len)
		return fault_set(&r->why, ERR_UNIMPLEMENTED,
			"not offered by this server: looking up anything but "
			"?username=");
	e = attempt_password(
		r->gateway, exchange_peer(r->x), name, &r->retry_ms, &r->why);
	if (e < 0)
		return e;
	job_init(&act->profile.job, on_exists);
	profile_by_name(&act->profile, &home, name);
	return request_wait(r, &act->profile.job);
}

static void
on_sudo(struct job *job)
{
	struct user_act *act = container_of(job, struct user_act, member.job);
	struct request *r = act->r;
	struct buf b _buf_;
	int err = job->err;

	buf_init(&b, ANSWER_TOP);
	buf_str(&b, "{\"sudo_token\":\"");
	if (err == 0)
		err = sudo_make(
			r->gateway->seal, &r->caller, clock_now_s(), &b);
	buf_printf(&b, "\",\"expires_in\":%d}", SUDO_S);
	(void)request_reply(r, 200, buf_all(&b));
	request_finish(r, err, &job->why);
}

/* js-sdk forgets its login at a 401, and a wrong password is none. */
static void
on_changed(struct job *job)
{
	struct user_act *act = container_of(job, struct user_act, member.job);
	int err = job->err;

	if (err == ERR_DB_NO_DOC)
		err = fault_set(&job->why, ERR_DB_NO_DOC,
			"this user has no name and no password; the operator "
			"gives him both (`mpcloud users`)");
	(void)request_reply(act->r, 200, SLICE("{}"));
	request_finish(act->r, err, &job->why);
}

static int
attempt(struct request *r)
{
	return attempt_password(r->gateway, exchange_peer(r->x),
		slice_str(r->caller.uid), &r->retry_ms, &r->why);
}

int
endpoint_auth_sudo(struct request *r)
{
	struct member_home home = auth_members(r->gateway->auth);
	struct user_act *act = act_new(r);
	struct slice password;
	int e = request_json(r);

	if (e == 0)
		e = val_str(r->json, "password", WORD_TOP, &password, &r->why);
	if (e == 0)
		e = attempt(r);
	if (e < 0)
		return e;
	job_init(&act->member.job, on_sudo);
	member_check_uid(
		&act->member, &home, slice_str(r->caller.uid), password);
	return request_wait(r, &act->member.job);
}

static int
change_by_old(struct request *r, struct slice old, struct slice fresh)
{
	struct member_home home = auth_members(r->gateway->auth);
	struct user_act *act = act_new(r);
	int e = attempt(r);

	if (e < 0)
		return e;
	job_init(&act->member.job, on_changed);
	member_change(&act->member, &home, slice_str(r->caller.uid), old, fresh,
		r->caller.sid);
	return request_wait(r, &act->member.job);
}

int
endpoint_auth_password(struct request *r)
{
	struct member_home home = auth_members(r->gateway->auth);
	struct slice fresh, token, old;
	struct user_act *act;
	int e = request_json(r);

	if (e == 0)
		e = val_str(r->json, "new_password", WORD_TOP, &fresh, &r->why);
	if (e == 0)
		e = val_str_or(r->json, "sudo_token", TOKEN_TOP,
			slice_of("", 0), &token, &r->why);
	if (e == 0)
		e = val_str_or(r->json, "old_password", WORD_TOP,
			slice_of("", 0), &old, &r->why);
	if (e < 0)
		return e;
	if (old.len)
		return change_by_old(r, old, fresh);
	e = sudo_check(
		r->gateway->seal, &r->caller, token, clock_now_s(), &r->why);
	if (e < 0)
		return e;
	act = act_new(r);
	job_init(&act->member.job, on_changed);
	member_set_uid(&act->member, &home, slice_str(r->caller.uid), fresh,
		r->caller.sid);
	return request_wait(r, &act->member.job);
}

int
endpoint_password(struct request *r)
{
	struct slice old, fresh;
	int e = request_json(r);

	if (e == 0)
		e = val_str(r->json, "oldPassword", WORD_TOP, &old, &r->why);
	if (e == 0)
		e = val_str(r->json, "password", WORD_TOP, &fresh, &r->why);
	if (e < 0)
		return e;
	return change_by_old(r, old, fresh);
}
