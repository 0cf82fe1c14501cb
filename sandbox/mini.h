#pragma once

/*
 * The mini programs the sandbox plays WeChat for: the one of sandbox.json and
 * those that a test asked for.  Each has its secret, users and tokens.
 */

#include "sandbox.h"

#include "base/val.h"

enum { MINIS_TOP = 64 };

enum credential_kind { CREDENTIAL_STABLE, CREDENTIAL_PLAIN, CREDENTIAL_KINDS };

struct credential;

/* Where WeChat's console says that an app's messages go. */
struct push_target {
	char *url; /* NULL: nowhere */
	char *token, *aes_key;
	bool safe, plain_too, xml;
};

struct mini {
	struct item item;                   /* by appid */
	char *appid, *secret, *original_id; /* gh_…: ToUserName of its pushes */
	struct push_target push;
	struct credential *now[CREDENTIAL_KINDS]; /* NULL: none is good */
	int64_t forced_s;                         /* the last force_refresh */
	int64_t day; /* of the count below, UTC+8 */
	unsigned forced;
	unsigned storm; /* so many uses of a token are refused */
	uint64_t fetches, issued, accepted, refused;
	unsigned live_top; /* the most that were good at one time */
};

/* WeChat's error; code 0: none. */
struct errcode {
	int code;
	const char *text;
};

void mini_init(struct sandbox *s);
void mini_done(struct sandbox *s);
/* After keys_open: the first app, and those of earlier runs. */
int mini_open(
	struct sandbox *s, const char *dir, struct fault *why) _must_check_;
/* Where the first app's secrets of message push are, for who configures a
 * server: pushTokenFile, pushKeyFile. */
void mini_describe(const struct sandbox *s, json_t *all);
/* "": the first.  NULL: no such app. */
struct mini *mini_find(const struct sandbox *s, struct slice appid);
/* As jscode2session and the token doors ask: 41002, 41004, 40013, 40125. */
struct errcode mini_check(const struct sandbox *s, struct slice appid,
	struct slice secret, struct mini **ret);
/* The app that a control request names in "appid" (else the first); NULL: `a`
 * has the error. */
struct mini *mini_named(
	const struct sandbox *s, const json_t *ask, struct answer *a);
