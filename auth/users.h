#pragma once

/*
 * Users as the operator sees them: listed, found by any of their names,
 * blocked, deleted.  What ends their sessions is auth/device.h.
 */

#include "auth/family.h"

enum { USERS_WORD = 128, USERS_PAGE = 1000 };

/* Embedded in its owner; job_init(&u->job, …) first. */
struct users {
	struct job job;
	/* answers, valid in done until it returns */
	struct slice json;     /* of users_list, users_show */
	char uid[UID_LEN + 1]; /* of users_find */
	bool changed;          /* of users_block, users_unblock, users_delete */
	/* its own */
	struct ask ask;
	char word[USERS_WORD + 1];
};

/* {users: [{uid, appid, kind, openid, unionid, username, customId, createdAt,
 * lastLoginAt, blockedAt, devices}], more}; all times in ms.  `who`: those of
 * this name (uid, username, custom id, openid, unionid), "": everybody, the
 * newest first, after the one made at `after_ms` with `after_uid` (NULL: from
 * the start). */
void users_list(struct users *u, const struct family_home *home,
	struct slice who, int64_t after_ms, const char *after_uid, int top);
/* The uid of the one user of this name.  ERR_USER_NOT_FOUND; ERR_CONFLICT: it
 * is the name of several. */
void users_find(
	struct users *u, const struct family_home *home, struct slice who);
/* One of them, with `sessions`: [{id, device, kind, createdAt, usedAt,
 * expiresAt}].  ERR_USER_NOT_FOUND. */
void users_show(
	struct users *u, const struct family_home *home, struct slice uid);
/* He may not log in any more; end his sessions too. */
void users_block(
	struct users *u, const struct family_home *home, struct slice uid);
void users_unblock(
	struct users *u, const struct family_home *home, struct slice uid);
/* Who he is is forgotten; his documents and orders stay.  End his sessions
 * first: the row must not be gone before other machines know. */
void users_delete(
	struct users *u, const struct family_home *home, struct slice uid);
