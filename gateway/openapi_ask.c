/*
 * What cloud.openapi and cloud.callOpenAPI have in common.
 *
 * WeChat's answer is the function's, whatever it says: its errcodes are read by
 * the SDK.  What goes wrong on the way (no token, no answer) is the call's
 * error.
 */
#include "gateway/openapi_ask.h"

#include "auth/app.h"
#include "gateway/gateway.h"
#include "wechat/hint.h"

static void
openapi_rest(struct call *c)
{
	struct openapi_ask *o = c->wechat;

	wxapi_done(&o->api);
	if (o->foreign)
		cloudid_ask_done(o->foreign);
	openapi_request_done(&o->request);
	o->app = app_unref(o->app);
}

struct openapi_ask *
openapi_ask_new(struct call *c)
{
	struct openapi_ask *o = arena_new(c->arena, struct openapi_ask);

	o->call = c;
	c->wechat = o;
	c->rest = openapi_rest;
	return o;
}

int
openapi_ask_app(struct openapi_ask *o, struct slice appid)
{
	struct call *c = o->call;
	const struct apps *apps = c->gateway->apps;
	struct app *app = apps_find(apps, appid);

	if (!app && appid.len)
		return fault_set(&c->job.why, ERR_PARAM,
			"%.*s is no mini program of this server: it needs its "
			"own [wechat %.*s] section",
			SLICE_ARG(appid), SLICE_ARG(appid));
	if (!appid.len && *c->caller->appid)
		app = apps_find(apps, slice_str(c->caller->appid));
	if (!app)
		app = apps_find(apps, slice_of("", 0));
	if (!app || !*app->appid)
		return fault_set(&c->job.why, ERR_UPSTREAM_CONFIG,
			"[wechat] appid is not set: this server belongs to no "
			"mini program");
	o->app = app_ref(app);
	return 0;
}

static void
on_answer(struct job *job)
{
	struct openapi_ask *o = container_of(job, struct openapi_ask, api.job);
	struct call *c = o->call;

	if (job->err < 0)
		call_end(c, job->err, &job->why);
	else
		o->told(o);
}

void
openapi_ask_send(struct openapi_ask *o, void (*told)(struct openapi_ask *o))
{
	struct call *c = o->call;
	const struct openapi_request *r = &o->request;

	o->told = told;
	o->ask = (struct wxapi_ask){
		.app = o->app,
		.method = r->method,
		.path = o->route.path,
		.query = buf_all(&r->query),
		.body = buf_all(&r->body),
		.content_type = *r->content_type ? r->content_type : NULL,
		.answer_top = OPENAPI_ANSWER_TOP,
	};
	job_init(&o->api.job, on_answer);
	call_wait(c, &o->api.job);
	wxapi_start(&o->api, c->gateway->loop, c->gateway->fetcher,
		c->gateway->tokens, &o->ask);
}

/* JSON is called JSON, whatever WeChat calls it: the SDK goes by the type. */
struct slice
openapi_ask_type(const struct wxapi *w)
{
	if (w->json)
		return SLICE("application/json");
	return w->content_type.len ? w->content_type
				   : SLICE("application/octet-stream");
}

struct slice
openapi_ask_body(struct openapi_ask *o)
{
	const struct wxapi *w = &o->api;
	const char *hint =
		w->errcode ? hint_find(o->route.path, w->errcode) : NULL;
	_buf_ struct buf b;

	buf_init(&b, w->body.len * 6 + 2048);
	if (hint && json_is_object(w->json))
		hint_put(&b, w->json, hint);
	if (!b.len || buf_check(&b) < 0)
		return w->body;
	return slice_of(arena_str(o->call->arena, buf_all(&b)), b.len);
}

const char *
openapi_not_allowed(const struct call *c, struct slice name)
{
	return arena_printf(c->arena,
		"%.*s: function has no permission to call this API (-604101): "
		"add \"%.*s\" to permissions.openapi in the function's "
		"config.json, and deploy it",
		SLICE_ARG(name), SLICE_ARG(name));
}

const char *
openapi_not_found(
	const struct call *c, struct slice name, const struct fault *why)
{
	return arena_printf(c->arena, "%.*s: API not found (-604100): %s",
		SLICE_ARG(name), why->text);
}
