#pragma once

/*
 * The inside of auth, for session*.c: a login, a refresh or a logout while it
 * runs.
 */

#include "auth/account.h"
#include "auth/custom.h"
#include "auth/family.h"
#include "auth/inquiry.h"
#include "auth/member.h"

struct auth {
	struct loop *loop;
	struct pool *pool;
	struct token_keys *keys;
	struct seal *seal;
	struct shm *shm;
	struct account *account[APPS_TOP]; /* the first is [wechat] */
	size_t accounts;
	struct passwords *passwords;
	struct inquiries inquiries;
	struct list running; /* struct act */
};

/* login->inside[0]. */
struct act {
	struct list on; /* auth's */
	struct login *login;
	struct auth *auth;
	struct account *account;
	struct waiter waiter;
	struct family family;
	/* of custom and password logins */
	struct custom_ticket ticket;
	struct login_key key;
	struct member member;
	struct password password;
	char name[MEMBER_NAME + 1];
};

/* The account of l->from.appid; NULL: the login was refused and ends soon. */
struct account *act_account(struct auth *auth, struct login *l);
struct act *act_new(struct auth *auth, struct login *l,
	struct account *account) _returns_value_;
/* Frees it and ends the login. */
void act_finish(struct act *act, int err, const struct fault *why);
/* Ends a login that has not begun. */
void act_refuse(struct auth *auth, struct login *l, int err, const char *text);
struct family_home act_home(const struct act *act);
/* Opens a family; act->family says whose (kind and what goes with it).  The
 * rest of `from` is taken from the login. */
void act_open(struct act *act, struct family_from *from);
