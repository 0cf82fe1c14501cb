/*
 * Counted settings of a mini program, and the list of them: see app.h.
 */
#include "auth/app.h"

#include "base/mem.h"

#include <string.h>

static char *
copy(const char *s)
{
	return str_dup(s ? s : "");
}

struct app *
app_new(const struct app_conf *conf)
{
	struct app *app = mem_new(struct app);

	app->refs = 1;
	app->appid = copy(conf->appid);
	app->secret = copy(conf->secret);
	app->api_base = copy(conf->api_base);
	app->push_token = copy(conf->push_token);
	app->push_key = copy(conf->push_key);
	return app;
}

struct app *
app_ref(struct app *app)
{
	app->refs++;
	return app;
}

static void
forget(char *secret)
{
	mem_wipe(secret, strlen(secret));
	mem_free(secret);
}

struct app *
app_unref(struct app *app)
{
	if (!app || --app->refs)
		return NULL;
	forget(app->secret);
	forget(app->push_token);
	forget(app->push_key);
	mem_free(app->appid);
	mem_free(app->api_base);
	return mem_free(app);
}

struct apps *
apps_new(void)
{
	return mem_new(struct apps);
}

struct apps *
apps_free(struct apps *apps)
{
	if (!apps)
		return NULL;
	for (size_t i = 0; i < apps->count; i++)
		app_unref(apps->app[i]);
	return mem_free(apps);
}

int
apps_add(struct apps *apps, struct app *app, struct fault *why)
{
	for (size_t i = 0; i < apps->count; i++)
		if (strcmp(apps->app[i]->appid, app->appid) == 0) {
			int r = fault_set(why, ERR_CONFIG,
				"[wechat %s]: this appid is there already",
				app->appid);

			app_unref(app);
			return r;
		}
	if (apps->count == APPS_TOP) {
		app_unref(app);
		return fault_set(
			why, ERR_CONFIG, "more than %d appids", APPS_TOP);
	}
	apps->app[apps->count++] = app;
	return 0;
}

struct app *
apps_find(const struct apps *apps, struct slice appid)
{
	if (!appid.len)
		return apps->count ? apps->app[0] : NULL;
	for (size_t i = 0; i < apps->count; i++)
		if (slice_is(appid, apps->app[i]->appid))
			return apps->app[i];
	return NULL;
}
