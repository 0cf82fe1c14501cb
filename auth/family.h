#pragma once

/*
 * Token families: one login and all refresh tokens that follow from it.  A
 * refresh token works once and gives the next; one that is shown twice was
 * stolen from somebody, so the whole family ends.
 */

#include "auth/caller.h"
#include "auth/wechat.h"
#include "base/job.h"
#include "base/shm.h"
#include "db/pool.h"

enum { REFRESH_LEN = 43, UID_LEN = 32 };
/* So long a session_key that was replaced still opens what it encrypted. */
enum { KEY_KEEP_MS = 10 * 60 * 1000 };

/* What they all work with; borrowed. */
struct family_home {
	struct loop *loop;
	struct pool *pool;
	struct shm *shm;
	int64_t access_ttl_s, refresh_ttl_s;
	const char *env; /* of its login triggers; NULL, "": none */
};

/* Embedded in its owner. */
struct family {
	struct job job;
	/* answer */
	char uid[UID_LEN + 1];
	char appid[OPENID_TOP + 1], openid[OPENID_TOP + 1];
	char unionid[OPENID_TOP + 1];
	uint64_t sid;
	bool new_user;
	char refresh[REFRESH_LEN + 1]; /* the new refresh token, a secret */
	/* its own */
	struct family_home home;
	uint8_t mark[16]; /* of the session_key, by seal_mark */
	struct ask ask;
	uint8_t hash[32]; /* of the token that was shown */
};

/* job_init(&f->job, …) first.  f->appid, openid and unionid ("" when unknown)
 * say whose; the user is made when absent.  Without an openid it is always a
 * new user, whom only this family's tokens name.  `sealed`: the session_key, or
 * empty to leave it as it is. */
void family_open(
	struct family *f, const struct family_home *home, struct slice sealed);
/* ERR_REFRESH_BAD (also when the family has just ended for reuse),
 * ERR_REFRESH_EXPIRED. */
void family_rotate(
	struct family *f, const struct family_home *home, struct slice token);
/* The same without a new refresh token: `token` stays good, and is f->refresh
 * again.  Only for users without an openid, who have no other way back to
 * their uid; for all others ERR_REFRESH_BAD. */
void family_renew(
	struct family *f, const struct family_home *home, struct slice token);
/* Logout: its refresh token and its access tokens end. */
void family_end(struct family *f, const struct family_home *home, uint64_t sid);
/* The same by its refresh token; fine when there is no such family. */
void family_forget(
	struct family *f, const struct family_home *home, struct slice token);
/* Cancels it when it still runs, and wipes the token. */
void family_done(struct family *f);
