#pragma once

/*
 * Asking WeChat about a user's session_key: is it still his (checksession), and
 * give him another (resetusersessionkey).
 *
 * Source: developers.weixin.qq.com, api_checksessionkey,
 * api_resetusersessionkey.
 */

#include "auth/session_key.h"
#include "wechat/wxapi.h"

/* Borrowed while one runs. */
struct session_check_home {
	struct loop *loop;
	struct pool *pool;
	struct seal *seal;
	struct fetcher *fetcher;
	struct access_tokens *tokens;
};

/* Embedded in its owner. */
struct session_check {
	struct job job;
	/* answer */
	bool valid;      /* of check: the newest key is the user's */
	int64_t errcode; /* WeChat's */
	/* its own */
	const struct session_check_home *home;
	struct app *app;
	const char *openid;
	bool resets;
	struct session_key_ask keys;
	struct wxapi api;
	struct wxapi_ask ask;
	struct buf query;
};

/* Zeroed, then job_init(&c->job, …).  `app` is held while it runs, `openid` and
 * `home` are borrowed.  An invalid key is an answer, not an error.
 * ERR_OPEN_DATA_NO_KEY; wxapi's; WeChat's own refusals: see session_check_err.
 */
void session_check_start(struct session_check *c,
	const struct session_check_home *home, struct app *app,
	const char *openid);
/* The new key is stored as the newest generation; those before it stay for
 * KEY_KEEP_MS.  ERR_SESSION_KEY_STALE: only wx.login gives another. */
void session_check_reset(struct session_check *c,
	const struct session_check_home *home, struct app *app,
	const char *openid);
/* Cancels it when it still runs; wipes what it held. */
void session_check_done(struct session_check *c);
/* What an errcode of these two means; 0, ERR_SESSION_KEY_STALE … */
int session_check_err(int64_t errcode, const char *errmsg, struct fault *why);
