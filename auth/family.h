#pragma once

/*
 * Token families: one login and all refresh tokens that follow from it, a
 * device that is logged in.  A refresh token works once and gives the next; one
 * that is shown twice was stolen from somebody, so the whole family ends.
 */

#include "auth/caller.h"
#include "auth/wechat.h"
#include "base/job.h"
#include "base/shm.h"
#include "db/pool.h"

enum {
	REFRESH_LEN = 43,
	UID_LEN = 32,
	KIND_TOP = 15,
	CUSTOM_ID_TOP = 32,
	DEVICE_CHARS = 64,   /* of what the client calls itself */
	DEVICE_TOP = 4 * 64, /* bytes of it */
	DEVICE_ID_TOP = 48,  /* js-sdk's x-device-id */
};
/* So long a session_key that was replaced still opens what it encrypted. */
enum { KEY_KEEP_MS = 10 * 60 * 1000 };

/* How a user came in: families.kind and caller.kind. */
#define FAMILY_WECHAT    "wechat"
#define FAMILY_ANONYMOUS "anonymous"
#define FAMILY_CUSTOM    "custom"   /* a ticket of the developer's accounts */
#define FAMILY_PASSWORD  "password" /* a name and a password */
#define FAMILY_OPERATOR  "operator" /* `mpcloud token issue` */

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
	char unionid[OPENID_TOP + 1], custom_id[CUSTOM_ID_TOP + 1];
	char kind[KIND_TOP + 1];
	uint64_t sid;
	bool new_user;
	int64_t ends_ms;               /* whatever it is used for; 0: never */
	char refresh[REFRESH_LEN + 1]; /* the new refresh token, a secret */
	/* its own */
	struct family_home home;
	uint8_t mark[16]; /* of the session_key, by seal_mark */
	struct ask ask;
	uint8_t hash[32]; /* of the token that was shown */
	const void *row;  /* family_open.c's */
};

/* How a family is opened; borrowed until family_open returns. */
struct family_from {
	struct slice sealed; /* the session_key, or empty: it stays as it is */
	struct slice device; /* ≤ DEVICE_TOP, clean (device_clean) */
	struct slice device_id;          /* ≤ DEVICE_ID_TOP, clean */
	struct slice username, password; /* FAMILY_PASSWORD; see below */
	bool fixed; /* the refresh token stays good (family_renew) */
};

/* job_init(&f->job, …) first.  f->kind says whose, with f->appid:
 *   FAMILY_WECHAT, FAMILY_OPERATOR   f->openid, f->unionid ("" when unknown)
 *   FAMILY_CUSTOM                    f->custom_id
 *   FAMILY_ANONYMOUS                 always a new user, whom only this family's
 *                                    tokens name
 *   FAMILY_PASSWORD                  f->uid and from->password: the encoded
 *                                    hash that was found good; or
 * from->username and such a hash: a new user of that name The user is made when
 * absent.  ERR_USER_BLOCKED; ERR_PASSWORD_BAD: the password has just been
 * changed; ERR_CONFLICT: the name is taken. */
void family_open(struct family *f, const struct family_home *home,
	const struct family_from *from);
/* ERR_REFRESH_BAD (also when the family has just ended for reuse),
 * ERR_REFRESH_EXPIRED, ERR_USER_BLOCKED. */
void family_rotate(
	struct family *f, const struct family_home *home, struct slice token);
/* The same without a new refresh token: `token` stays good, and is f->refresh
 * again.  Only for families that were opened as fixed; for all others
 * ERR_REFRESH_BAD. */
void family_renew(
	struct family *f, const struct family_home *home, struct slice token);
/* Logout: its refresh token and its access tokens end. */
void family_end(struct family *f, const struct family_home *home, uint64_t sid);
/* The same by its refresh token; fine when there is no such family. */
void family_forget(
	struct family *f, const struct family_home *home, struct slice token);
/* Cancels it when it still runs, and wipes the token. */
void family_done(struct family *f);

/* For family_open.c. */
void family_begin(
	struct family *f, const struct family_home *home, job_fn *done);
struct params;
/* A new refresh token; its hash becomes the next parameter. */
void family_fresh(struct params *p, struct family *f);
/* A column of the one row into `to`; false: it does not fit. */
bool family_value(const struct ask *ask, int col, char *to, size_t top);
