#pragma once

/*
 * Users with a name and a password, for the app's own web consoles.  Names are
 * kept in lower case; who made them decides who may be one (auth.signup, the
 * operator, functions).
 */

#include "auth/device.h"
#include "auth/password.h"

enum { MEMBER_NAME = 64, MEMBER_PASSWORD_LEAST = 8 };

/* What they work with; borrowed, copied at the start. */
struct member_home {
	struct family_home family;
	struct passwords *passwords;
};

/* What is left to do, bit by bit, in this order. */
enum member_step {
	MEMBER_FIND = 1,
	MEMBER_CHECK = 2, /* the old password */
	MEMBER_MAKE = 4,  /* a hash of the fresh one */
	MEMBER_WRITE = 8,
	MEMBER_END = 16, /* his other sessions */
	MEMBER_INSERT = 32,
};

/* Embedded in its owner. */
struct member {
	struct job job;
	/* answer */
	char uid[UID_LEN + 1], name[MEMBER_NAME + 1];
	char encoded[PASSWORD_ENCODED + 1]; /* the hash that is in force */
	bool blocked;
	/* its own */
	unsigned left; /* enum member_step */
	struct member_home home;
	struct ask ask;
	struct password password;
	struct device_end end;
	char appid[OPENID_TOP + 1];
	char old[PASSWORD_TOP + 1], fresh[PASSWORD_TOP + 1];
	size_t old_len, fresh_len;
	uint64_t keep; /* this session of his stays */
	bool found, by_name;
};

/* 1 to 64 letters, digits and . _ @ + -, into lower case.  ERR_PARAM. */
int member_name(struct slice name, char ret[MEMBER_NAME + 1],
	struct fault *why) _must_check_;
/* 8 characters at least, 512 bytes at the most.  ERR_PARAM. */
int member_password(struct slice password, struct fault *why) _must_check_;

/* job_init(&m->job, …) first.  The strings are copied. */

/* A new one of this mini program.  ERR_PARAM, ERR_CONFLICT: the name is taken,
 * ERR_BUSY. */
void member_add(struct member *m, const struct member_home *home,
	struct slice appid, struct slice name, struct slice password);
/* Is it his password?  ERR_PASSWORD_BAD, after the same work when there is no
 * such user.  m->encoded is the hash, made anew when the settings ask for it.
 */
void member_check(struct member *m, const struct member_home *home,
	struct slice name, struct slice password);
void member_check_uid(struct member *m, const struct member_home *home,
	struct slice uid, struct slice password);
/* Another password; his sessions end, but for `keep` (0: all).
 * ERR_DB_NO_DOC: no such user. */
void member_set(struct member *m, const struct member_home *home,
	struct slice name, struct slice password);
void member_set_uid(struct member *m, const struct member_home *home,
	struct slice uid, struct slice password, uint64_t keep);
/* By himself, who says the old one. */
void member_change(struct member *m, const struct member_home *home,
	struct slice uid, struct slice old, struct slice fresh, uint64_t keep);
/* Cancels it when it still runs, and wipes what is secret. */
void member_done(struct member *m);
