#pragma once

/*
 * Login: wx.login's code → code2Session → user row, sealed session_key, our
 * tokens; refresh with rotation and reuse detection; logout.
 */

#include "auth/caller.h"
#include "auth/seal.h"
#include "auth/token.h"
#include "base/fetch.h"
#include "base/job.h"
#include "base/shm.h"
#include "db/pool.h"

struct auth;

struct auth_conf {
	const char *appid;
	const char *secret;   /* AppSecret */
	const char *api_base; /* https://api.weixin.qq.com */
	int64_t access_ttl_s, refresh_ttl_s;
	const char *env; /* whose login triggers are set off; NULL: none */
};

/* Everything borrowed but conf's strings, which are copied. */
int auth_new(struct auth **ret, struct loop *loop, struct pool *pool,
	struct fetcher *fetcher, struct token_keys *keys, struct seal *seal,
	struct shm *shm, const struct auth_conf *conf) _must_check_;
struct auth *auth_free(struct auth *auth);
DEFINE_CLEANUP(struct auth *, auth_free)
/* A reload.  Running logins finish with the old one. */
void auth_configure(struct auth *auth, struct token_keys *keys,
	const struct auth_conf *conf);

/* A login, a refresh or a logout; the answer's strings live in `arena`. */
struct login {
	struct job job;
	struct arena *arena;
	/* answer */
	const char *uid, *access_token, *refresh_token;
	int64_t expires_in_s;
	bool new_user;
	bool anonymous;   /* the user has no openid */
	void *inside[24]; /* session.c's */
};

/* job_init(&l->job, …) and l->arena first.  Same code twice at once: one
 * question to WeChat (single flight); never repeated after a time-out. */
void login_start(struct auth *auth, struct login *l, struct slice code);
void login_refresh(struct auth *auth, struct login *l, struct slice token);
void login_logout(struct auth *auth, struct login *l, const struct caller *who);
/* A visitor without an account: every call makes a user, whom only the tokens
 * of this login name. */
void login_anonymous(struct auth *auth, struct login *l);
/* An access token for such a user; the refresh token stays good (js-sdk 1.x
 * cannot take another). */
void login_renew(struct auth *auth, struct login *l, struct slice token);
/* Logout by refresh token; fine when it is none. */
void login_forget(struct auth *auth, struct login *l, struct slice token);
/* A token without WeChat, for the operator and for tests (`mpcloud token
 * issue`): the user is made when absent. */
void login_issue(struct auth *auth, struct login *l, struct slice openid);

/* The header's token → the caller; nobody without one.  No database read. */
int auth_know(struct auth *auth, struct slice bearer, struct arena *arena,
	struct caller *ret, struct fault *why) _must_check_;
