/*
 * Login, refresh, logout.  A login is: somebody says who it is (WeChat of a
 * code, inquiry.c; the developer's key of a ticket, a password: session_web.c),
 * the database makes or finds the user and opens a token family, and an access
 * token is signed for it.  Logins that shared one question to WeChat each open
 * a family of their own, so that no two clients hold the same refresh token,
 * and each with the same sealed session_key, so that its generation moves once.
 */
#include "auth/act.h"

#include "base/clock.h"
#include "base/mem.h"

#include <stdio.h>

enum {
	DEADLINE_MS = 60000, /* above the sum of what is inside */
	TOKEN_ROOM = 4096,
	WHAT_ROOM = 512,
};

static void
accounts_drop(struct auth *auth)
{
	while (auth->accounts)
		account_unref(auth->account[--auth->accounts]);
}

static void
accounts_take(struct auth *auth, const struct auth_conf *conf)
{
	const struct password_conf preset = {19456, 2, 1, 32};

	accounts_drop(auth);
	for (size_t i = 0; i < conf->apps->count; i++)
		auth->account[auth->accounts++] =
			account_new(conf, conf->apps->app[i], i == 0);
	passwords_configure(auth->passwords,
		&(struct password_conf){
			.memory_kib = conf->password_memory_kib
					      ? conf->password_memory_kib
					      : preset.memory_kib,
			.iterations = conf->password_iterations
					      ? conf->password_iterations
					      : preset.iterations,
			.lanes = conf->password_lanes ? conf->password_lanes
						      : preset.lanes,
			.waiting_top = conf->password_waiting
					       ? conf->password_waiting
					       : preset.waiting_top,
		});
}

int
auth_new(struct auth **ret, struct loop *loop, struct pool *pool,
	struct fetcher *fetcher, struct token_keys *keys, struct seal *seal,
	struct shm *shm, const struct auth_conf *conf)
{
	struct auth *auth;

	if (!conf->apps->count)
		return ERR_CONFIG;
	auth = mem_new(struct auth);
	auth->loop = loop;
	auth->pool = pool;
	auth->keys = keys;
	auth->seal = seal;
	auth->shm = shm;
	auth->passwords = passwords_new(loop);
	accounts_take(auth, conf);
	inquiries_init(&auth->inquiries, loop, fetcher, shm);
	list_init(&auth->running);
	*ret = auth;
	return 0;
}

void
auth_configure(struct auth *auth, struct token_keys *keys,
	const struct auth_conf *conf)
{
	accounts_take(auth, conf);
	auth->keys = keys;
}

static struct family_home
home_of(const struct auth *auth, const struct account *account)
{
	return (struct family_home){
		.loop = auth->loop,
		.pool = auth->pool,
		.shm = auth->shm,
		.access_ttl_s = account->access_ttl_s,
		.refresh_ttl_s = account->refresh_ttl_s,
		.env = account->env,
	};
}

struct family_home
auth_home(const struct auth *auth)
{
	return home_of(auth, auth->account[0]);
}

struct member_home
auth_members(const struct auth *auth)
{
	return (struct member_home){auth_home(auth), auth->passwords};
}

struct family_home
act_home(const struct act *act)
{
	return home_of(act->auth, act->account);
}

static struct act *
act_free(struct act *act)
{
	waiter_leave(&act->waiter);
	list_del(&act->on);
	family_done(&act->family);
	job_cancel(&act->key.job);
	job_cancel(&act->password.job);
	member_done(&act->member);
	custom_ticket_done(&act->ticket);
	account_unref(act->account);
	act->login->inside[0] = NULL;
	return mem_free(act);
}

void
act_finish(struct act *act, int err, const struct fault *why)
{
	struct login *l = act->login;
	struct fault said = why ? *why : (struct fault){0};

	act_free(act); /* and maybe what `why` was in */
	if (err < 0 && said.text[0])
		l->job.why = said;
	job_finish(&l->job, err);
}

static void
on_drop(struct job *job)
{
	struct login *l = container_of(job, struct login, job);

	if (l->inside[0])
		act_free(l->inside[0]);
}

static void on_told(
	struct waiter *w, struct inquiry *q, int err, const struct fault *why);

struct act *
act_new(struct auth *auth, struct login *l, struct account *account)
{
	struct act *act = mem_new(struct act);

	waiter_init(&act->waiter, on_told);
	list_add(&auth->running, &act->on);
	act->login = l;
	act->auth = auth;
	act->account = account_ref(account);
	l->inside[0] = act;
	l->uid = l->access_token = l->refresh_token = l->kind = NULL;
	l->new_user = l->anonymous = false;
	job_begin(&l->job, auth->loop, DEADLINE_MS, on_drop);
	return act;
}

void
act_refuse(struct auth *auth, struct login *l, int err, const char *text)
{
	job_begin(&l->job, auth->loop, 0, NULL);
	(void)fault_set(&l->job.why, err, "%s", text);
	job_fail_soon(&l->job, auth->loop, err);
}

struct account *
act_account(struct auth *auth, struct login *l)
{
	struct slice appid = l->from.appid;

	if (!appid.len)
		return auth->account[0];
	for (size_t i = 0; i < auth->accounts; i++)
		if (slice_is(appid, auth->account[i]->appid))
			return auth->account[i];
	act_refuse(auth, l, ERR_PARAM,
		"appid: this mini program is not served here (the operator "
		"gives it a section [wechat APPID])");
	return NULL;
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

/* No token lives longer than its family may. */
static int64_t
access_ttl_s(const struct act *act, int64_t now_s)
{
	int64_t ttl = act->account->access_ttl_s;
	int64_t ends = act->family.ends_ms;

	return ends ? max(min(ttl, ends / 1000 - now_s), (int64_t)1) : ttl;
}

/* The family stands: the access token, and the answer into the arena. */
static int
answer_build(struct act *act)
{
	const struct family *f = &act->family;
	int64_t now_s = clock_now_s(), ttl_s = access_ttl_s(act, now_s);
	struct caller who = {
		.uid = f->uid,
		.appid = f->appid,
		.openid = f->openid,
		.unionid = f->unionid,
		.kind = f->kind,
		.custom_id = f->custom_id,
		.sid = f->sid,
	};
	struct login *l = act->login;
	_buf_ struct buf token;
	int err;

	buf_init(&token, TOKEN_ROOM);
	err = token_issue(act->auth->keys, &who, now_s, ttl_s, &token);
	if (err < 0)
		return err;
	l->uid = keep(l->arena, slice_str(f->uid));
	l->access_token = keep(l->arena, buf_all(&token));
	l->refresh_token = keep(l->arena, slice_str(f->refresh));
	l->kind = keep(l->arena, slice_str(f->kind));
	l->expires_in_s = ttl_s;
	l->new_user = f->new_user;
	l->anonymous = strcmp(f->kind, FAMILY_ANONYMOUS) == 0;
	return l->uid && l->access_token && l->refresh_token && l->kind
		       ? 0
		       : ERR_TOO_BIG;
}

static void
on_family(struct job *job)
{
	struct act *act = container_of(job, struct act, family.job);
	int err = job->err;

	if (err == 0)
		err = answer_build(act);
	act_finish(act, err, &job->why);
}

static void
on_ended(struct job *job)
{
	struct act *act = container_of(job, struct act, family.job);

	act_finish(act, job->err, &job->why);
}

void
act_open(struct act *act, struct family_from *from)
{
	struct family_home home = act_home(act);
	const struct login_from *l = &act->login->from;
	struct family *f = &act->family;
	char device[DEVICE_TOP + 1];

	device_clean(l->device, device);
	from->device = slice_str(device);
	from->device_id = device_id_clean(l->device_id);
	from->fixed = l->fixed;
	(void)snprintf(f->appid, sizeof(f->appid), "%s", act->account->appid);
	job_init(&f->job, on_family);
	family_open(f, &home, from);
}

static void
act_kind(struct act *act, const char *kind)
{
	(void)snprintf(act->family.kind, sizeof(act->family.kind), "%s", kind);
}

/* The place of a session_key is its user's row: its natural key is bound, as
 * the uid of a first login is not known before the row is there. */
static int
key_seal(const struct auth *auth, struct inquiry *q)
{
	_buf_ struct buf what;

	buf_init(&what, WHAT_ROOM);
	if (q->sealed.len || !q->wechat.session_key[0])
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
	struct act *act = container_of(w, struct act, waiter);
	struct family *f = &act->family;

	if (err == 0)
		err = key_seal(act->auth, q);
	if (err < 0) {
		act_finish(act, err, why);
		return;
	}
	memcpy(f->mark, q->mark, sizeof(q->mark));
	memcpy(f->openid, q->wechat.openid, sizeof(f->openid));
	memcpy(f->unionid, q->wechat.unionid, sizeof(f->unionid));
	act_kind(act, FAMILY_WECHAT);
	act_open(act, &(struct family_from){.sealed = buf_all(&q->sealed)});
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
	struct account *account = act_account(auth, l);
	struct act *act;

	if (!account)
		return;
	if (!is_printable(code, CODE_TOP)) {
		act_refuse(auth, l, ERR_PARAM,
			"code: wx.login's code, 1 to 128 characters");
		return;
	}
	if (!account->appid[0] || !account->secret[0]) {
		act_refuse(auth, l, ERR_UPSTREAM_CONFIG,
			!account->appid[0] ? "[wechat] appid is not set"
			: account->is_first
				? "[wechat] secret_file is not set"
				: "this mini program's secret_file is not set "
				  "([wechat APPID])");
		return;
	}
	act = act_new(auth, l, account);
	waiter_join(&act->waiter, &auth->inquiries, account, code);
}

void
login_issue(struct auth *auth, struct login *l, struct slice openid)
{
	struct account *account = act_account(auth, l);
	struct act *act;

	if (!account)
		return;
	if (!is_printable(openid, OPENID_TOP)) {
		act_refuse(auth, l, ERR_PARAM, "openid: 1 to 128 characters");
		return;
	}
	if (!account->appid[0]) {
		act_refuse(auth, l, ERR_UPSTREAM_CONFIG,
			"[wechat] appid is not set");
		return;
	}
	act = act_new(auth, l, account);
	memcpy(act->family.openid, openid.ptr, openid.len);
	act_kind(act, FAMILY_OPERATOR);
	act_open(act, &(struct family_from){0});
}

void
login_anonymous(struct auth *auth, struct login *l)
{
	struct account *account = act_account(auth, l);
	struct act *act;

	if (!account)
		return;
	act = act_new(auth, l, account);
	act_kind(act, FAMILY_ANONYMOUS);
	act_open(act, &(struct family_from){0});
}

/* For what is done to a family that is there already. */
static struct act *
act_begin(struct auth *auth, struct login *l, job_fn *done)
{
	struct act *act = act_new(auth, l, auth->account[0]);

	job_init(&act->family.job, done);
	return act;
}

void
login_renew(struct auth *auth, struct login *l, struct slice token)
{
	struct act *act = act_begin(auth, l, on_family);
	struct family_home home = act_home(act);

	family_renew(&act->family, &home, token);
}

void
login_forget(struct auth *auth, struct login *l, struct slice token)
{
	struct act *act = act_begin(auth, l, on_ended);
	struct family_home home = act_home(act);

	family_forget(&act->family, &home, token);
}

void
login_refresh(struct auth *auth, struct login *l, struct slice token)
{
	struct act *act = act_begin(auth, l, on_family);
	struct family_home home = act_home(act);

	family_rotate(&act->family, &home, token);
}

void
login_logout(struct auth *auth, struct login *l, const struct caller *who)
{
	struct family_home home;
	struct act *act;

	if (who->role != CALLER_USER || !who->sid) {
		act_refuse(auth, l, ERR_NO_LOGIN, err_text(ERR_NO_LOGIN));
		return;
	}
	act = act_begin(auth, l, on_ended);
	home = act_home(act);
	family_end(&act->family, &home, who->sid);
}

struct auth *
auth_free(struct auth *auth)
{
	struct act *act;

	if (!auth)
		return NULL;
	while ((act = list_first(&auth->running, struct act, on)))
		act_finish(act, ERR_SHUTDOWN, NULL);
	accounts_drop(auth);
	passwords_free(auth->passwords);
	return mem_free(auth);
}

int
auth_know(struct auth *auth, struct slice bearer, struct arena *arena,
	struct caller *ret, struct fault *why)
{
	static const char scheme[] = "Bearer ";
	size_t n = sizeof(scheme) - 1;
	struct caller who = {0};
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
