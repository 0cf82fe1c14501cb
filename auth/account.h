#pragma once

/*
 * One mini program's settings as they were when somebody began to use them: a
 * reload makes new ones, running logins keep theirs.  The single flight of a
 * login code is per account, so a code is asked about once for its appid.
 */

#include "auth/session.h"

struct account {
	unsigned refs;
	struct app *app;
	/* the app's */
	const char *appid, *secret, *api_base;
	bool is_first;
	/* of all */
	char *env;
	int64_t access_ttl_s, refresh_ttl_s;
};

struct account *account_new(const struct auth_conf *conf, struct app *app,
	bool is_first) _returns_value_;
struct account *account_ref(struct account *a) _returns_value_;
struct account *account_unref(struct account *a);
