#pragma once

/*
 * code2Session: wx.login's code → openid, session_key, unionid
 * (https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/
 * user-login/code2Session.html).
 */

#include "base/fetch.h"
#include "base/job.h"

enum { OPENID_TOP = 128, SESSION_KEY_TOP = 128, CODE_USED = 40163 };

/* Borrowed until the job is done. */
struct wechat_conf {
	const char *api_base, *appid, *secret;
	uint64_t timeout_ms; /* of one try; 0: 10 s */
	bool is_first;       /* the section [wechat], not [wechat APPID] */
};

/* Embedded in its owner. */
struct wechat {
	struct job job; /* err: a row of the table in wechat.c */
	/* answer */
	char openid[OPENID_TOP + 1], unionid[OPENID_TOP + 1];
	char session_key[SESSION_KEY_TOP + 1]; /* a secret: wechat_done */
	int64_t errcode; /* WeChat's, of the last answer; 0: none */
	/* its own */
	struct loop *loop;
	struct fetcher *fetcher;
	const struct wechat_conf *conf;
	const char *code;
	struct fetch fetch;
	struct timer again;
	unsigned tries;
};

/* job_init(&w->job, …) first.  `code` and `conf` live as long as the job. */
void wechat_login(struct wechat *w, struct loop *loop, struct fetcher *fetcher,
	const struct wechat_conf *conf, const char *code);
/* Wipes the answer. */
void wechat_done(struct wechat *w);
