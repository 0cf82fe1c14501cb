/*
 * Counted settings: see account.h.
 */
#include "auth/account.h"

#include "base/mem.h"

#include <string.h>

static char *
copy(const char *s)
{
	return str_dup(s ? s : "");
}

struct account *
account_new(const struct auth_conf *conf)
{
	struct account *a = mem_new(struct account);

	a->refs = 1;
	a->appid = copy(conf->appid);
	a->secret = copy(conf->secret);
	a->api_base = copy(conf->api_base);
	a->env = copy(conf->env);
	a->access_ttl_s = conf->access_ttl_s;
	a->refresh_ttl_s = conf->refresh_ttl_s;
	return a;
}

struct account *
account_ref(struct account *a)
{
	a->refs++;
	return a;
}

struct account *
account_unref(struct account *a)
{
	if (!a || --a->refs)
		return NULL;
	mem_wipe(a->secret, strlen(a->secret));
	mem_free(a->appid);
	mem_free(a->secret);
	mem_free(a->api_base);
	mem_free(a->env);
	return mem_free(a);
}
