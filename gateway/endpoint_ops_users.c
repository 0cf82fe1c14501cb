/*
 * The operator's users: GET /ops/users, GET /ops/users/{user}, POST
 * /ops/users/revoke, block, unblock, delete, add, password.
 *
 * Whoever is meant may be said by any of his names (users_find), so most are
 * two questions: who is that, then what is to be done.
 */
#include "auth/member.h"
#include "auth/session.h"
#include "auth/users.h"
#include "base/val.h"
#include "gateway/endpoint.h"
#include "gateway/request.h"

enum { SESSION_LEN = 16, PAGE = 50 };

struct user_act {
	struct request *r;
	struct family_home home;
	struct member_home members;
	struct users users;
	struct device_end end;
	struct member member;
	char uid[UID_LEN + 1];
	uint64_t sid;
	bool then_delete;
	void (*act)(struct user_act *a);
};

static struct user_act *
act_new(struct request *r)
{
	struct user_act *a = arena_new(request_arena(r), struct user_act);

	a->r = r;
	a->home = auth_home(r->gateway->auth);
	return a;
}

static void
reply(struct request *r, struct slice json)
{
	char *copy = arena_try(request_arena(r), json.len);

	if (!copy && json.len) {
		request_finish(r, ERR_ANSWER_BIG, NULL);
		return;
	}
	memcpy(copy, json.ptr, json.len);
	(void)request_reply(r, 200, slice_of(copy, json.len));
	request_finish(r, 0, NULL);
}

static struct user_act *
of_users(struct job *job)
{
	return container_of(
		container_of(job, struct users, job), struct user_act, users);
}

static void
on_json(struct job *job)
{
	struct user_act *a = of_users(job);

	if (job->err < 0)
		request_finish(a->r, job->err, &job->why);
	else
		reply(a->r, a->users.json);
}

/* ?after=MS:UID, the last one of the page before. */
static int
read_after(struct request *r, int64_t *ret_ms, const char **ret_uid)
{
	struct slice ms, after = exchange_query(r->x, "after");
	uint64_t n = 0;

	*ret_uid = NULL;
	*ret_ms = 0;
	if (!after.len)
		return 0;
	if (!slice_split(&after, ':', &ms) || !after.len ||
		slice_to_u64(ms, INT64_MAX, &n) < 0)
		return fault_set(&r->why, ERR_PARAM,
			"after: createdAt:uid of the last user is wanted");
	*ret_ms = (int64_t)n;
	*ret_uid = arena_str(request_arena(r), after);
	return 0;
}

int
endpoint_ops_users(struct request *r)
{
	struct slice limit = exchange_query(r->x, "limit");
	struct slice who = exchange_query(r->x, "who");
	struct user_act *a = act_new(r);
	uint64_t top = PAGE;
	const char *uid;
	int64_t ms;
	int e = read_after(r, &ms, &uid);

	if (e < 0)
		return e;
	if (limit.len && (slice_to_u64(limit, USERS_PAGE, &top) < 0 || !top))
		return fault_set(
			&r->why, ERR_PARAM, "limit: 1 to %d", USERS_PAGE);
	if (!who.ptr)
		who = SLICE("");
	job_init(&a->users.job, on_json);
	users_list(&a->users, &a->home, who, ms, uid, (int)top);
	return request_wait(r, &a->users.job);
}

static void
on_found(struct job *job)
{
	struct user_act *a = of_users(job);

	if (job->err < 0) {
		request_finish(a->r, job->err, &job->why);
		return;
	}
	memcpy(a->uid, a->users.uid, sizeof(a->uid));
	a->act(a);
}

static int
find(struct user_act *a, struct slice who)
{
	job_init(&a->users.job, on_found);
	users_find(&a->users, &a->home, who);
	return request_wait(a->r, &a->users.job);
}

static void
show(struct user_act *a)
{
	job_init(&a->users.job, on_json);
	users_show(&a->users, &a->home, slice_str(a->uid));
	(void)request_wait(a->r, &a->users.job);
}

int
endpoint_ops_user(struct request *r)
{
	struct user_act *a = act_new(r);

	a->act = show;
	return find(a, r->param);
}

/* {uid, changed, sessions}: what was done. */
static void
reply_done(struct user_act *a)
{
	char *text = arena_printf(request_arena(a->r),
		"{\"uid\":\"%s\",\"changed\":%s,\"sessions\":%d}", a->uid,
		a->users.changed ? "true" : "false", a->end.ended);

	reply(a->r, slice_str(text));
}

static void
on_deleted(struct job *job)
{
	struct user_act *a = of_users(job);

	if (job->err < 0)
		request_finish(a->r, job->err, &job->why);
	else
		reply_done(a);
}

static void
on_ended(struct job *job)
{
	struct device_end *end = container_of(job, struct device_end, job);
	struct user_act *a = container_of(end, struct user_act, end);

	if (job->err < 0) {
		request_finish(a->r, job->err, &job->why);
		return;
	}
	if (!a->then_delete) {
		reply_done(a);
		return;
	}
	job_init(&a->users.job, on_deleted);
	users_delete(&a->users, &a->home, slice_str(a->uid));
	(void)request_wait(a->r, &a->users.job);
}

static void
end_all(struct user_act *a, const char *reason)
{
	job_init(&a->end.job, on_ended);
	device_end_all(&a->end, &a->home, slice_str(a->uid), reason);
	(void)request_wait(a->r, &a->end.job);
}

static void
on_blocked(struct job *job)
{
	struct user_act *a = of_users(job);

	if (job->err < 0)
		request_finish(a->r, job->err, &job->why);
	else
		end_all(a, "blocked");
}

/* First the mark, so that no login slips in between. */
static void
block(struct user_act *a)
{
	job_init(&a->users.job, on_blocked);
	users_block(&a->users, &a->home, slice_str(a->uid));
	(void)request_wait(a->r, &a->users.job);
}

static void
unblock(struct user_act *a)
{
	job_init(&a->users.job, on_deleted);
	users_unblock(&a->users, &a->home, slice_str(a->uid));
	(void)request_wait(a->r, &a->users.job);
}

static void
forget(struct user_act *a)
{
	a->then_delete = true;
	end_all(a, "deleted");
}

static void
end_some(struct user_act *a)
{
	const struct device_which which = {.sid = a->sid, .reason = "operator"};

	job_init(&a->end.job, on_ended);
	device_end(&a->end, &a->home, slice_str(a->uid), &which);
	(void)request_wait(a->r, &a->end.job);
}

static int
read_user(struct request *r, struct slice *ret)
{
	int e = request_json(r);

	if (e == 0)
		e = val_str(r->json, "user", USERS_WORD, ret, &r->why);
	if (e == 0 && !ret->len)
		e = fault_set(&r->why, ERR_PARAM,
			"user: a uid, username, custom id, openid or unionid "
			"is needed");
	return e;
}

static int
act_on(struct request *r, void (*act)(struct user_act *a))
{
	struct user_act *a = act_new(r);
	struct slice who;
	int e = read_user(r, &who);

	if (e < 0)
		return e;
	a->act = act;
	return find(a, who);
}

int
endpoint_ops_user_block(struct request *r)
{
	return act_on(r, block);
}

int
endpoint_ops_user_unblock(struct request *r)
{
	return act_on(r, unblock);
}

int
endpoint_ops_user_delete(struct request *r)
{
	return act_on(r, forget);
}

static int
read_sid(struct request *r, uint64_t *ret)
{
	struct slice text, none = slice_of("", 0);
	int e = val_str_or(
		r->json, "session", SESSION_LEN, none, &text, &r->why);

	*ret = 0;
	for (size_t i = 0; e == 0 && i < text.len; i++) {
		const char *digits = "0123456789abcdef";
		const char *at = memchr(digits, text.ptr[i], 16);

		if (!at || text.len != SESSION_LEN)
			return fault_set(&r->why, ERR_PARAM,
				"session: 16 hex digits, as `mpcloud users "
				"devices` lists them");
		*ret = *ret << 4 | (uint64_t)(at - digits);
	}
	return e;
}

int
endpoint_ops_user_revoke(struct request *r)
{
	struct user_act *a = act_new(r);
	struct slice who;
	int e = read_user(r, &who);

	if (e == 0)
		e = read_sid(r, &a->sid);
	if (e < 0)
		return e;
	a->act = end_some;
	return find(a, who);
}

static void
on_member(struct job *job)
{
	struct member *m = container_of(job, struct member, job);
	struct user_act *a = container_of(m, struct user_act, member);
	struct fault why = job->why;
	int e = job->err;
	char *text = arena_printf(request_arena(a->r),
		"{\"uid\":\"%s\",\"username\":\"%s\"}", m->uid, m->name);

	member_done(m);
	if (e < 0)
		request_finish(a->r, e, &why);
	else
		reply(a->r, slice_str(text));
}

/* {username, password}: `add` makes one, else it is his new password. */
static int
member_start(struct request *r, bool add)
{
	struct slice name, password, appid;
	struct user_act *a = act_new(r);
	int e = request_json(r);

	if (e == 0)
		e = val_str(r->json, "username", MEMBER_NAME, &name, &r->why);
	if (e == 0)
		e = val_str(
			r->json, "password", PASSWORD_TOP, &password, &r->why);
	if (e == 0)
		e = val_str_or(r->json, "appid", OPENID_TOP,
			slice_str(r->gateway->conf->wechat_appid), &appid,
			&r->why);
	if (e < 0)
		return e;
	a->members = auth_members(r->gateway->auth);
	job_init(&a->member.job, on_member);
	if (add)
		member_add(&a->member, &a->members, appid, name, password);
	else
		member_set(&a->member, &a->members, name, password);
	return request_wait(r, &a->member.job);
}

int
endpoint_ops_user_add(struct request *r)
{
	return member_start(r, true);
}

int
endpoint_ops_user_password(struct request *r)
{
	return member_start(r, false);
}
