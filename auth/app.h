#pragma once

/*
 * The mini programs this daemon serves: [wechat] and every [wechat APPID]. Each
 * is counted and never changes: a reload makes new ones, what runs keeps its
 * own.
 */

#include "base/err.h"
#include "base/slice.h"

enum { APPS_TOP = 64 };

struct app {
	unsigned refs;
	char *appid;
	char *secret;     /* AppSecret */
	char *api_base;   /* https://api.weixin.qq.com */
	char *push_token; /* of message push; "": it is off */
	char *push_key;   /* EncodingAESKey, 43 characters; "": plain mode */
};

struct app_conf {
	const char *appid, *secret, *api_base, *push_token, *push_key;
};

struct app *app_new(const struct app_conf *conf) _returns_value_;
struct app *app_ref(struct app *app) _returns_value_;
/* NULL; wipes the secrets with the last one. */
struct app *app_unref(struct app *app);
DEFINE_CLEANUP(struct app *, app_unref)

/* All of them; the first is [wechat], whose appid may be "". */
struct apps {
	size_t count;
	struct app *app[APPS_TOP];
};

struct apps *apps_new(void) _returns_value_;
struct apps *apps_free(struct apps *apps);
DEFINE_CLEANUP(struct apps *, apps_free)
/* Takes over the reference.  ERR_CONFIG: too many, or the same appid twice. */
int apps_add(
	struct apps *apps, struct app *app, struct fault *why) _must_check_;
/* Borrowed; "" finds the first; NULL: none of ours. */
struct app *apps_find(const struct apps *apps, struct slice appid);
