#pragma once

/*
 * Login: wx.login's code → code2Session → user row, sealed session_key, our
 * tokens; a custom login's ticket or a name and a password likewise; refresh
 * with rotation and reuse detection; logout.
 */

#include "auth/app.h"
#include "auth/caller.h"
#include "auth/seal.h"
#include "auth/token.h"
#include "base/fetch.h"
#include "base/job.h"
#include "base/shm.h"
#include "db/pool.h"

struct auth;
struct family_home;
struct member_home;

struct auth_conf {
	const struct apps *apps; /* each is counted; the first is [wechat] */
	int64_t access_ttl_s, refresh_ttl_s;
	const char *env; /* whose login triggers are set off; NULL: none */
	/* argon2id; 0: its preset */
	uint32_t password_memory_kib, password_iterations, password_lanes;
	unsigned password_waiting;
};

/* Everything borrowed but conf, of which nothing is kept. */
int auth_new(struct auth **ret, struct loop *loop, struct pool *pool,
	struct fetcher *fetcher, struct token_keys *keys, struct seal *seal,
	struct shm *shm, const struct auth_conf *conf) _must_check_;
struct auth *auth_free(struct auth *auth);
DEFINE_CLEANUP(struct auth *, auth_free)
/* A reload.  Running logins finish with the old one. */
void auth_configure(struct auth *auth, struct token_keys *keys,
	const struct auth_conf *conf);
/* For the jobs of device.h, custom.h and member.h; borrowed. */
struct family_home auth_home(const struct auth *auth);
struct member_home auth_members(const struct auth *auth);

/* Where a login comes from; the strings are borrowed until its job is done. */
struct login_from {
	struct slice appid;     /* "": the first mini program */
	struct slice device;    /* what the client calls itself, or "" */
	struct slice device_id; /* js-sdk's x-device-id, or "" */
	bool fixed; /* the refresh token stays good: for js-sdk 1.x, which
		       cannot take another */
};

/* A login, a refresh or a logout; the answer's strings live in `arena`. */
struct login {
	struct job job;
	struct arena *arena;
	struct login_from from;
	/* answer */
	const char *uid, *access_token, *refresh_token;
	const char *kind; /* a word of auth/family.h */
	int64_t expires_in_s;
	bool new_user;
	bool anonymous;   /* a visitor without an account */
	void *inside[24]; /* session.c's */
};

/* job_init(&l->job, …), l->arena and l->from first. */

/* Same code and appid twice at once: one question to WeChat (single flight);
 * never repeated after a time-out.  ERR_PARAM: an appid that is not ours. */
void login_start(struct auth *auth, struct login *l, struct slice code);
/* By a ticket of createTicket; the user is made when absent.  ERR_TICKET_BAD.
 */
void login_custom(struct auth *auth, struct login *l, struct slice ticket);
/* ERR_PASSWORD_BAD, after the same work when nobody has this name; ERR_BUSY. */
void login_password(struct auth *auth, struct login *l, struct slice username,
	struct slice password);
/* A new user of this name.  ERR_PARAM, ERR_CONFLICT: it is taken. */
void login_signup(struct auth *auth, struct login *l, struct slice username,
	struct slice password);
void login_refresh(struct auth *auth, struct login *l, struct slice token);
void login_logout(struct auth *auth, struct login *l, const struct caller *who);
/* A visitor without an account: every call makes a user, whom only the tokens
 * of this login name. */
void login_anonymous(struct auth *auth, struct login *l);
/* An access token for a login whose from.fixed was true; the refresh token
 * stays good. */
void login_renew(struct auth *auth, struct login *l, struct slice token);
/* Logout by refresh token; fine when it is none. */
void login_forget(struct auth *auth, struct login *l, struct slice token);
/* A token without WeChat, for the operator and for tests (`mpcloud token
 * issue`): the user is made when absent. */
void login_issue(struct auth *auth, struct login *l, struct slice openid);

/* The header's token → the caller; nobody without one.  No database read. */
int auth_know(struct auth *auth, struct slice bearer, struct arena *arena,
	struct caller *ret, struct fault *why) _must_check_;
