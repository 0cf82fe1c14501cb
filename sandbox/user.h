#pragma once

/*
 * Users of the mini programs and their session_keys: at any moment one is good,
 * the earlier ones are remembered so that a test can make data under them.
 */

#include "mini.h"

enum {
	KEY_TEXT = 24,  /* base64 of 16 bytes */
	KEYS_KEPT = 32, /* generations */
	OPENID_TOP = 128,
};

struct session_key {
	char text[KEY_TEXT + 1];
	int64_t made_s;
};

struct user {
	struct item item; /* by openid */
	struct mini *mini;
	char *unionid;  /* NULL: the mini program is bound to no account */
	int64_t minute; /* of the count below */
	unsigned logins;
	int64_t seen_s;      /* the last login */
	unsigned generation; /* of the newest key, from 1; 0: none yet */
	struct session_key keys[KEYS_KEPT]; /* by generation % KEYS_KEPT */
};

void user_init(struct sandbox *s);
void user_done(struct sandbox *s);
/* A new one's openid; the caller frees. */
char *user_new_openid(
	const struct sandbox *s, const struct mini *m) _returns_value_;
/* Made when it is not there.  NULL: the openid is another app's. */
struct user *user_get(struct sandbox *s, struct mini *m, struct slice openid);
/* NULL: not an openid of this app. */
struct user *user_find(struct sandbox *s, struct mini *m, struct slice openid);
/* Another key displaces the one that is there. */
void user_key_make(struct user *u);
/* NULL: there is none, or (only_good) it is too old to be good. */
const struct session_key *user_key(const struct user *u, bool only_good);
/* NULL: never made or forgotten. */
const struct session_key *user_key_of(const struct user *u, int64_t generation);
/* The user that a control request names in "openid"; NULL: `a` has the error.
 */
struct user *user_named(struct sandbox *s, const json_t *ask, struct answer *a);
