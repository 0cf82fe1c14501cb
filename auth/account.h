#pragma once

/*
 * The mini program's settings as they were when somebody began to use them: a
 * reload makes a new one, running logins keep theirs.
 */

#include "auth/session.h"

struct account {
	unsigned refs;
	char *appid, *secret, *api_base, *env;
	int64_t access_ttl_s, refresh_ttl_s;
};

struct account *account_new(const struct auth_conf *conf) _returns_value_;
struct account *account_ref(struct account *a) _returns_value_;
struct account *account_unref(struct account *a);
