/*
 * Login, refresh, logout.  A login is: WeChat says who the code belongs to
 * (inquiry.c), the database makes or finds the user and opens a token family
 * (family.c), and an access token is signed for it.  Logins that shared one
 * question to WeChat each open a family of their own, so that no two clients
 * hold the same refresh token, and each with the same sealed session_key, so
 * that its generation moves once.
 */
#include "auth/session.h"

#include "auth/family.h"
#include "auth/inquiry.h"
#include "base/clock.h"
#include "base/mem.h"

#include <stdio.h>

enum {
	DEADLINE_MS = 40000, /* above the sum of what is inside */
	TOKEN_ROOM = 4096,
	WHAT_ROOM = 512,
};

struct auth {
	struct loop *loop;
	struct pool *pool;
	struct token_keys *keys;
	struct seal *seal;
	struct shm *shm;
	struct account *account;
	struct inquiries inquiries;
	struct list running; /* struct run */
};

/* A login, a refresh or a logout while it runs; login->inside[0]. */
struct run {
	struct list on; /* auth's */
	struct login *login;
	struct auth *auth;
	struct account *account;
	struct waiter waiter;
	struct family family;
};

int
auth_new(struct auth **ret, struct loop *loop, struct pool *pool,
	struct fetcher *fetcher, struct token_keys *keys, struct seal *seal,
	struct shm *shm, const struct auth_conf *conf)
{
	struct auth *auth = mem_new(struct auth);

	auth->loop = loop;
	auth->pool = pool;
	auth->keys = keys;
	auth->seal = seal;
	auth->shm = shm;
	auth->account = account_new(conf);
	inquiries_init(&auth->inquiries, loop, fetcher);
	list_init(&auth->running);
	*ret = auth;
	return 0;
}

void
auth_configure(struct auth *auth, struct token_keys *keys,
	const struct auth_conf *conf)
{
	account_unref(auth->account);
	auth->account = account_new(conf);
	auth->keys = keys;
}

static struct run *
run_free(struct run *run)
{
	waiter_leave(&run->waiter);
	list_del(&run->on);
	family_done(&run->family);
	account_unref(run->account);
	run->login->inside[0] = NULL;
	return mem_free(run);
}

static void
run_finish(struct run *run, int err, const struct fault *why)
{
	struct login *l = run->login;

	run_free(run);
	if (err < 0 && why && why->text[0])
		l->job.why = *why;
	job_finish(&l->job, err);
}

static void
on_drop(struct job *job)
{
	struct login *l = container_of(job, struct login, job);

	if (l->inside[0])
		run_free(l->inside[0]);
}

static void on_told(
	struct waiter *w, struct inquiry *q, int err, const struct fault *why);

static struct run *
run_new(struct auth *auth, struct login *l)
{
	struct run *run = mem_new(struct run);

	waiter_init(&run->waiter, on_told);
	list_add(&auth->running, &run->on);
	run->login = l;
	run->auth = auth;
	run->account = account_ref(auth->account);
	l->inside[0] = run;
	l->uid = l->access_token = l->refresh_token = NULL;
	l->new_user = false;
	job_begin(&l->job, auth->loop, DEADLINE_MS, on_drop);
	return run;
}

static void
fail_soon(struct auth *auth, struct login *l, int err, const char *text)
{
	job_begin(&l->job, auth->loop, 0, NULL);
	(void)fault_set(&l->job.why, err, "%s", text);
	job_fail_soon(&l->job, auth->loop, err);
}

static const char *
keep(struct arena *arena, struct slice s)
{
	char *p = arena_try(arena, s.len + 1);

	if (!p)
		return NULL;
	memcpy(p, s.ptr, s.len);
	p[s.len] = '\0';
	return p;
}

/* The family stands: the access token, and the answer into the arena. */
static int
answer_build(struct run *run)
{
	const struct family *f = &run->family;
	struct caller who = {
		.uid = f->uid,
		.appid = f->appid,
		.openid = f->openid,
		.unionid = f->unionid,
		.sid = f->sid,
	};
	struct login *l = run->login;
	_buf_ struct buf token;
	int err;

	buf_init(&token, TOKEN_ROOM);
	err = token_issue(run->auth->keys, &who, clock_now_s(),
		run->account->access_ttl_s, &token);
	if (err < 0)
		return err;
	l->uid = keep(l->arena, slice_str(f->uid));
	l->access_token = keep(l->arena, buf_all(&token));
	l->refresh_token = keep(l->arena, slice_str(f->refresh));
	l->expires_in_s = run->account->access_ttl_s;
	l->new_user = f->new_user;
	l->anonymous = !f->openid[0];
	return l->uid && l->access_token && l->refresh_token ? 0 : ERR_TOO_BIG;
}

static void
on_family(struct job *job)
{
	struct run *run = container_of(job, struct run, family.job);
	struct fault why = job->why;
	int err = job->err;

	if (err == 0)
		err = answer_build(run);
	run_finish(run, err, &why);
}

static void
on_ended(struct job *job)
{
	struct run *run = container_of(job, struct run, family.job);
	struct fault why = job->why;

	run_finish(run, job->err, &why);
}

static struct family_home
home_of(const struct run *run)
{
	return (struct family_home){
		.loop = run->auth->loop,
		.pool = run->auth->pool,
		.shm = run->auth->shm,
		.access_ttl_s = run->account->access_ttl_s,
		.refresh_ttl_s = run->account->refresh_ttl_s,
		.env = run->account->env,
	};
}

static void
family_start(struct run *run, const char *openid, const char *unionid,
	struct slice sealed)
{
	struct family_home home = home_of(run);
	struct family *f = &run->family;

	(void)snprintf(f->appid, sizeof(f->appid), "%s", run->account->appid);
	(void)snprintf(f->openid, sizeof(f->openid), "%s", openid);
	(void)snprintf(f->unionid, sizeof(f->unionid), "%s", unionid);
	job_init(&f->job, on_family);
	family_open(f, &home, sealed);
}

/* The place of a session_key is its user's row: its natural key is bound, as
 * the uid of a first login is not known before the row is there. */
static int
key_seal(const struct auth *auth, struct inquiry *q)
{
	_buf_ struct buf what;

	buf_init(&what, WHAT_ROOM);
	if (q->sealed.len)
		return 0;
	buf_printf(&what, "session_key:%s:%s", q->account->appid,
		q->wechat.openid);
	seal_mark(auth->seal, buf_all(&what), slice_str(q->wechat.session_key),
		q->mark);
	return seal_close(auth->seal, buf_all(&what),
		slice_str(q->wechat.session_key), &q->sealed);
}

static void
on_told(struct waiter *w, struct inquiry *q, int err, const struct fault *why)
{
	struct run *run = container_of(w, struct run, waiter);

	if (err == 0)
		err = key_seal(run->auth, q);
	memcpy(run->family.mark, q->mark, sizeof(q->mark));
	if (err == 0)
		family_start(run, q->wechat.openid, q->wechat.unionid,
			buf_all(&q->sealed));
	else
		run_finish(run, err, why);
}

static bool
is_printable(struct slice s, size_t top)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] <= 0x20 || s.ptr[i] > 0x7e)
			return false;
	return s.len > 0 && s.len <= top;
}

void
login_start(struct auth *auth, struct login *l, struct slice code)
{
	struct account *account = auth->account;
	struct run *run;

	if (!is_printable(code, CODE_TOP)) {
		fail_soon(auth, l, ERR_PARAM,
			"code: wx.login's code, 1 to 128 characters");
		return;
	}
	if (!auth->account->appid[0] || !auth->account->secret[0]) {
		fail_soon(auth, l, ERR_UPSTREAM_CONFIG,
			auth->account->appid[0]
				? "[wechat] secret_file is not set"
				: "[wechat] appid is not set");
		return;
	}
	run = run_new(auth, l);
	waiter_join(&run->waiter, &auth->inquiries, account, code);
}

void
login_issue(struct auth *auth, struct login *l, struct slice openid)
{
	char word[OPENID_TOP + 1] = "";

	if (!is_printable(openid, OPENID_TOP)) {
		fail_soon(auth, l, ERR_PARAM, "openid: 1 to 128 characters");
		return;
	}
	if (!auth->account->appid[0]) {
		fail_soon(auth, l, ERR_UPSTREAM_CONFIG,
			"[wechat] appid is not set");
		return;
	}
	memcpy(word, openid.ptr, openid.len);
	family_start(run_new(auth, l), word, "", slice_of(NULL, 0));
}

void
login_anonymous(struct auth *auth, struct login *l)
{
	family_start(run_new(auth, l), "", "", slice_of(NULL, 0));
}

void
login_renew(struct auth *auth, struct login *l, struct slice token)
{
	struct run *run = run_new(auth, l);
	struct family_home home = home_of(run);

	job_init(&run->family.job, on_family);
	family_renew(&run->family, &home, token);
}

void
login_forget(struct auth *auth, struct login *l, struct slice token)
{
	struct run *run = run_new(auth, l);
	struct family_home home = home_of(run);

	job_init(&run->family.job, on_ended);
	family_forget(&run->family, &home, token);
}

void
login_refresh(struct auth *auth, struct login *l, struct slice token)
{
	struct run *run = run_new(auth, l);
	struct family_home home = home_of(run);

	job_init(&run->family.job, on_family);
	family_rotate(&run->family, &home, token);
}

void
login_logout(struct auth *auth, struct login *l, const struct caller *who)
{
	struct family_home home;
	struct run *run;

	if (who->role != CALLER_USER || !who->sid) {
		fail_soon(auth, l, ERR_NO_LOGIN, err_text(ERR_NO_LOGIN));
		return;
	}
	run = run_new(auth, l);
	home = home_of(run);
	job_init(&run->family.job, on_ended);
	family_end(&run->family, &home, who->sid);
}

struct auth *
auth_free(struct auth *auth)
{
	struct run *run;

	if (!auth)
		return NULL;
	while ((run = list_first(&auth->running, struct run, on)))
		run_finish(run, ERR_SHUTDOWN, NULL);
	account_unref(auth->account);
	return mem_free(auth);
}

int
auth_know(struct auth *auth, struct slice bearer, struct arena *arena,
	struct caller *ret, struct fault *why)
{
	static const char scheme[] = "Bearer ";
	size_t n = sizeof(scheme) - 1;
	struct caller who;
	int r;

	bearer = slice_trim(bearer);
	if (!bearer.len) {
		*ret = (struct caller){.role = CALLER_NOBODY,
			.uid = "",
			.appid = "",
			.openid = "",
			.unionid = ""};
		return 0;
	}
	if (bearer.len < n || !slice_is_nocase(slice_of(bearer.ptr, n), scheme))
		return fault_set(why, ERR_TOKEN_BAD,
			"Authorization must be: Bearer ACCESS_TOKEN");
	r = token_check(auth->keys,
		slice_trim(slice_of(bearer.ptr + n, bearer.len - n)),
		clock_now_s(), arena, &who);
	if (r < 0)
		return fault_set(why, r, "%s", err_info(r)->text);
	if (shm_is_revoked(auth->shm, who.sid))
		return fault_set(why, ERR_TOKEN_BAD,
			"this session has ended: log in again");
	*ret = who;
	return 0;
}
