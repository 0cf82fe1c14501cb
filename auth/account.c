/*
 * Counted settings: see account.h.
 */
#include "auth/account.h"

#include "base/mem.h"

struct account *
account_new(const struct auth_conf *conf, struct app *app, bool is_first)
{
	struct account *a = mem_new(struct account);

	a->refs = 1;
	a->app = app_ref(app);
	a->appid = app->appid;
	a->secret = app->secret;
	a->api_base = app->api_base;
	a->is_first = is_first;
	a->env = str_dup(conf->env ? conf->env : "");
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
	app_unref(a->app);
	mem_free(a->env);
	return mem_free(a);
}
