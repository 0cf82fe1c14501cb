/*
 * POST /ops/users/session {user, reset?}: is his session_key still WeChat's, or
 * give him another.  The key itself is told to nobody.
 */
#include "auth/app.h"
#include "auth/session.h"
#include "auth/users.h"
#include "base/val.h"
#include "gateway/endpoint.h"
#include "gateway/request.h"
#include "wechat/session_check.h"

struct session_act {
	struct request *r;
	struct family_home home;
	struct users users;
	struct session_check check;
	struct session_check_home check_home;
	json_t *user;
	bool resets;
};

static void
end(struct session_act *a, int err, const struct fault *why)
{
	struct fault kept = {0};

	if (why)
		kept = *why;
	request_finish(a->r, err, &kept);
}

/* Also when the operator does not wait for the answer. */
static void
act_end(struct request *r)
{
	struct session_act *a = r->act;

	session_check_done(&a->check);
	json_decref(a->user);
}

static void
on_checked(struct job *job)
{
	struct session_check *check =
		container_of(job, struct session_check, job);
	struct session_act *a = container_of(check, struct session_act, check);

	if (job->err == 0)
		(void)request_reply(a->r, 200,
			a->resets      ? SLICE("{\"reset\":true}")
			: check->valid ? SLICE("{\"valid\":true}")
				       : SLICE("{\"valid\":false}"));
	end(a, job->err, &job->why);
}

static void
check(struct session_act *a)
{
	struct gateway *g = a->r->gateway;
	const char *appid =
		json_string_value(json_object_get(a->user, "appid"));
	const char *openid =
		json_string_value(json_object_get(a->user, "openid"));
	struct app *app = apps_find(g->apps, slice_str(appid ? appid : ""));

	if (!openid || !app) {
		end(a, openid ? ERR_UPSTREAM_CONFIG : ERR_OPEN_DATA_NO_KEY,
			NULL);
		return;
	}
	a->check_home = (struct session_check_home){.loop = g->loop,
		.pool = g->pool,
		.seal = g->seal,
		.fetcher = g->fetcher,
		.tokens = g->tokens};
	job_init(&a->check.job, on_checked);
	(a->resets ? session_check_reset : session_check_start)(&a->check,
		&a->check_home, app,
		arena_str(request_arena(a->r), slice_str(openid)));
	(void)request_wait(a->r, &a->check.job);
}

static struct session_act *
of_users(struct job *job)
{
	return container_of(container_of(job, struct users, job),
		struct session_act, users);
}

static void
on_shown(struct job *job)
{
	struct session_act *a = of_users(job);

	if (job->err < 0 || val_parse(&a->user, a->users.json, &job->why) < 0)
		end(a, job->err < 0 ? job->err : ERR_INTERNAL, &job->why);
	else
		check(a);
}

static void
on_found(struct job *job)
{
	struct session_act *a = of_users(job);
	char uid[UID_LEN + 1];

	if (job->err < 0) {
		end(a, job->err, &job->why);
		return;
	}
	memcpy(uid, a->users.uid, sizeof(uid));
	job_init(&a->users.job, on_shown);
	users_show(&a->users, &a->home, slice_str(uid));
	(void)request_wait(a->r, &a->users.job);
}

int
endpoint_ops_user_session(struct request *r)
{
	struct session_act *a = arena_new(request_arena(r), struct session_act);
	struct slice who;
	int e = request_json(r);

	if (e == 0)
		e = val_str(r->json, "user", USERS_WORD, &who, &r->why);
	if (e == 0)
		e = val_bool_or(r->json, "reset", false, &a->resets, &r->why);
	if (e < 0)
		return e;
	a->r = r;
	r->act = a;
	r->end = act_end;
	a->home = auth_home(r->gateway->auth);
	job_init(&a->users.job, on_found);
	users_find(&a->users, &a->home, who);
	return request_wait(r, &a->users.job);
}
