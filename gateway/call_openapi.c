/*
 * cloud.openapi (wx.openApi, protocol buffers in a form) and cloud.callOpenAPI
 * (wx.api, JSON): a function asks WeChat's API, this server has the token.
 *
 * What WeChat answers is the function's, whatever it says: its errcodes are read
 * by the SDK.  Two refusals are ours and have CloudBase's numbers, as errorCode
 * of the message: -604100 (no such API) and -604101 (not in the function's
 * permissions.openapi); the SDK makes an error of the number alone, so the
 * sentence that helps goes to the function's log.  All else that goes wrong here
 * is the usual envelope.
 */
#include "gateway/call_wechat.h"

#include "auth/app.h"
#include "base/clock.h"
#include "base/text.h"
#include "gateway/gateway.h"
#include "gateway/reply.h"
#include "wechat/cloudid.h"
#include "wechat/hint.h"
#include "wechat/proto_call.h"
#include "wechat/wxapi.h"

#include <stdlib.h>

enum {
	API_NOT_FOUND = -604100,
	API_NOT_ALLOWED = -604101,
	BODY_TOP = 16 * 1024 * 1024,
	ANSWER_TOP = 16 * 1024 * 1024,
	CLOUDIDS_TOP = 20,
};

/* One question; lies in the call's arena. */
struct openapi {
	struct call *call;
	struct proto_call message;
	struct openapi_route route;
	struct openapi_request request;
	struct app *app;
	struct wxapi_ask ask;
	struct wxapi api;
	void (*told)(struct openapi *o);
};

/* ---- answers ---- */

static int
message_answer(struct call *c, const struct proto_answer *answer)
{
	_buf_ struct buf b;
	char *p;

	buf_init(&b, answer->body.len + 1024);
	proto_answer_put(&b, answer);
	p = buf_check(&b) < 0 ? NULL : arena_try(c->arena, b.len + 1);
	if (!p)
		return ERR_ANSWER_BIG;
	memcpy(p, b.ptr, b.len);
	call_wechat_answer(c, CALL_BYTES, slice_of(p, b.len));
	return 0;
}

/* A number of CloudBase's, and the words for the author's log. */
static int
message_refuse(struct call *c, int error, const char *text)
{
	int e = message_answer(c, &(struct proto_answer){
					  .body = {"", 0},
					  .content_type = {"", 0},
					  .error = error,
					  .status = 200,
				  });

	if (e == 0) {
		call_wechat_say(c, text);
		call_end_soon(c);
	}
	return e;
}

static const char *
not_allowed(const struct call *c, struct slice name)
{
	return arena_printf(c->arena,
		"%.*s: function has no permission to call this API (-604101): "
		"add \"%.*s\" to permissions.openapi in the function's "
		"config.json, and deploy it",
		SLICE_ARG(name), SLICE_ARG(name));
}

static const char *
not_found(const struct call *c, struct slice name, const struct fault *why)
{
	return arena_printf(c->arena, "%.*s: API not found (-604100): %s",
		SLICE_ARG(name), why->text);
}

/* ---- the question ---- */

static void
openapi_rest(struct call *c)
{
	struct openapi *o = c->wechat;

	wxapi_done(&o->api);
	openapi_request_done(&o->request);
	o->app = app_unref(o->app);
}

static struct openapi *
openapi_begin(struct call *c)
{
	struct openapi *o = arena_new(c->arena, struct openapi);

	o->call = c;
	c->wechat = o;
	c->rest = openapi_rest;
	return o;
}

/* Whose token: the one that is named, else the caller's, else the first. */
static int
app_choose(struct openapi *o, struct slice appid)
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
	struct openapi *o = container_of(job, struct openapi, api.job);
	struct call *c = o->call;

	if (job->err < 0)
		call_end(c, job->err, &job->why);
	else
		o->told(o);
}

static void
openapi_ask(struct openapi *o, void (*told)(struct openapi *o))
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
		.answer_top = ANSWER_TOP,
	};
	job_init(&o->api.job, on_answer);
	call_wait(c, &o->api.job);
	wxapi_start(&o->api, c->gateway->loop, c->gateway->fetcher,
		c->gateway->tokens, &o->ask);
}

/* ---- cloud.openapi ---- */

/* JSON is called JSON, whatever WeChat calls it: the SDK goes by the type. */
static struct slice
type_of(const struct wxapi *w)
{
	if (w->json)
		return SLICE("application/json");
	return w->content_type.len ? w->content_type
				   : SLICE("application/octet-stream");
}

/* What WeChat said, with our words behind its errmsg where we have any. */
static struct slice
body_of(struct openapi *o)
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

static void
told_message(struct openapi *o)
{
	const struct wxapi *w = &o->api;

	call_end(o->call,
		message_answer(o->call, &(struct proto_answer){
						.body = body_of(o),
						.content_type = type_of(w),
						.status = (int)w->status,
					}),
		NULL);
}

static int
open_api(struct openapi *o, struct slice name)
{
	struct call *c = o->call;
	struct fault *why = &c->job.why;
	int e;

	if (!call_wechat_may(c, name))
		return message_refuse(
			c, API_NOT_ALLOWED, not_allowed(c, name));
	e = openapi_find(&o->route, name, why);
	if (e == ERR_NOT_FOUND)
		return message_refuse(
			c, API_NOT_FOUND, not_found(c, name, why));
	if (e == 0)
		e = app_choose(o, o->message.appid);
	if (e == 0)
		e = openapi_build(&o->request, &o->route, o->message.pair,
			o->message.pairs, c->caller->openid, BODY_TOP, why);
	if (e == 0)
		openapi_ask(o, told_message);
	return e;
}

/* ---- services with messages of their own ---- */

static int
opendata_put(struct call *c, struct slice appid, struct slice id,
	struct buf *to)
{
	_json_ json_t *data = NULL, *item = NULL;
	_buf_ struct buf text;
	int e;

	e = cloudid_open(c->gateway->seal, appid, slice_str(c->caller->openid),
		id, clock_now_s(), &data);
	item = cloudid_item(id, data, e, NULL);
	buf_init(&text, CLOUDID_TOP * 2);
	val_put(&text, item);
	proto_opendata_put(to, id, buf_all(&text));
	return buf_check(&text);
}

/* getOpenData: what is wrong with one of them stands in its place. */
static int
get_opendata(struct openapi *o)
{
	struct call *c = o->call;
	struct slice ids[CLOUDIDS_TOP], appid;
	_buf_ struct buf b;
	int n, e;

	buf_init(&b, ANSWER_TOP);
	n = proto_cloudids_parse(
		o->message.request, ids, array_size(ids), &appid);
	if (n < 0)
		return fault_set(&c->job.why, n == ERR_TOO_BIG ? n : ERR_PARAM,
			"getOpenData: a list of at most %d cloudIDs is wanted",
			CLOUDIDS_TOP);
	e = app_choose(o, appid.len ? appid : o->message.appid);
	for (int i = 0; e == 0 && i < n; i++)
		e = opendata_put(c, slice_str(o->app->appid), ids[i], &b);
	if (e == 0)
		e = buf_check(&b);
	if (e == 0)
		e = message_answer(c, &(struct proto_answer){
					      .body = buf_all(&b),
					      .content_type = {"", 0},
					      .status = 200,
				      });
	if (e == 0)
		call_end_soon(c);
	return e;
}

static void
told_signature(struct openapi *o)
{
	struct call *c = o->call;
	const struct wxapi *w = &o->api;
	const json_t *v = json_object_get(w->json, "signature");
	_buf_ struct buf b;

	buf_init(&b, 1024);
	if (w->errcode || !json_is_string(v)) {
		(void)fault_set(&c->job.why, ERR_UPSTREAM,
			"getVoIPSign: WeChat answered errcode %lld %s",
			(long long)w->errcode, w->errmsg);
		call_end(c, ERR_UPSTREAM, NULL);
		return;
	}
	proto_signature_put(&b,
		slice_of(json_string_value(v), json_string_length(v)));
	call_end(c,
		message_answer(c, &(struct proto_answer){
					  .body = buf_all(&b),
					  .content_type = {"", 0},
					  .status = 200,
				  }),
		NULL);
}

/* getVoIPSign: api_getcloudbasevoipsign.html. */
static int
get_voip(struct openapi *o)
{
	struct call *c = o->call;
	struct proto_voip v;
	struct openapi_pair pairs[3];
	_buf_ struct buf group, nonce, at;
	int e;

	buf_init(&group, 1024);
	buf_init(&nonce, 1024);
	buf_init(&at, 32);
	if (proto_voip_parse(&v, o->message.request) < 0)
		return fault_set(&c->job.why, ERR_PARAM,
			"getVoIPSign: groupId, timestamp and nonce are wanted");
	buf_json(&group, v.group);
	buf_json(&nonce, v.nonce);
	buf_i64(&at, v.timestamp);
	pairs[0] = (struct openapi_pair){
		.key = SLICE("group_id"), .value = buf_all(&group)};
	pairs[1] = (struct openapi_pair){
		.key = SLICE("nonce"), .value = buf_all(&nonce)};
	pairs[2] = (struct openapi_pair){
		.key = SLICE("timestamp"), .value = buf_all(&at)};
	e = openapi_find(
		&o->route, SLICE("cloudbase.getVoIPSign"), &c->job.why);
	if (e == 0)
		e = app_choose(o, o->message.appid);
	if (e == 0)
		e = openapi_build(&o->request, &o->route, pairs, 3,
			c->caller->openid, BODY_TOP, &c->job.why);
	if (e == 0)
		openapi_ask(o, told_signature);
	return e;
}

static int
service_api(struct openapi *o)
{
	struct call *c = o->call;
	struct slice name = o->message.service;

	if (slice_is(name, "ApiGetOpenDataByCloudId"))
		return get_opendata(o);
	if (slice_is(name, "ApiVoipSign"))
		return get_voip(o);
	return fault_set(&c->job.why, ERR_ACTION,
		"%.*s: WeChat offers this inside Tencent's own cloud only",
		SLICE_ARG(name));
}

int
call_openapi(struct call *c)
{
	struct openapi *o = openapi_begin(c);
	struct slice name, data;
	int e = call_wechat_name(c, &name);

	if (e == 0 && !c->parts)
		e = fault_set(&c->job.why, ERR_PARAM,
			"wx.openApi is sent as a form (multipart/form-data); "
			"its JSON brother is wx.api");
	if (e == 0)
		e = call_wechat_data(c, &data);
	if (e < 0)
		return e;
	e = proto_call_parse(&o->message, data);
	if (e < 0)
		return fault_set(&c->job.why, ERR_PARAM,
			"requestData: not the message that wx-server-sdk "
			"sends, or one of more than %d members",
			PROTO_PAIRS);
	switch (o->message.api) {
	case PROTO_OPEN_API:
		return open_api(o, name);
	case PROTO_SERVICE_API:
		return service_api(o);
	case PROTO_TOKEN_API:
	case PROTO_INNER_API:
	default:
		return fault_set(&c->job.why, ERR_ACTION,
			"%.*s: there are no other accounts' environments here "
			"(new cloud.Cloud({resourceAppid, resourceEnv}))",
			SLICE_ARG(name));
	}
}

/* ---- cloud.callOpenAPI ---- */

/* A file in JSON: {"contentType", "value": base64, "fileName"?}. */
static int
json_file(struct call *c, struct openapi_pair *p, const json_t *v)
{
	const char *type = json_string_value(json_object_get(v, "contentType"));
	const char *text = json_string_value(json_object_get(v, "value"));
	const char *name = json_string_value(json_object_get(v, "fileName"));
	_buf_ struct buf raw;
	char *bytes;

	buf_init(&raw, BODY_TOP);
	if (!type || !text || json_object_size(v) > 3)
		return 0;
	if (text_unbase64(&raw, slice_str(text)) < 0)
		return fault_set(&c->job.why, ERR_PARAM,
			"%.*s.value: a file's bytes are wanted as base64",
			SLICE_ARG(p->key));
	bytes = arena_try(c->arena, raw.len + 1);
	if (!bytes)
		return ERR_TOO_BIG;
	if (raw.len)
		memcpy(bytes, raw.ptr, raw.len);
	p->type = slice_str(type);
	p->value = slice_of(bytes, raw.len);
	p->filename = name && *name ? slice_str(name) : p->key;
	return 1;
}

static int
json_pair(struct call *c, struct openapi_pair *p, const char *key,
	const json_t *v)
{
	_buf_ struct buf b;
	int r;

	*p = (struct openapi_pair){
		.key = slice_str(key), .filename = {"", 0}, .type = {"", 0}};
	buf_init(&b, BODY_TOP);
	r = json_file(c, p, v);
	if (r)
		return min(r, 0);
	val_put(&b, v);
	if (buf_check(&b) < 0)
		return ERR_TOO_BIG;
	p->value = slice_of(arena_str(c->arena, buf_all(&b)), b.len);
	return 0;
}

static int
json_pairs(struct openapi *o)
{
	struct call *c = o->call;
	const json_t *data = NULL;
	const char *key;
	json_t *v;
	int e = call_value(c, "requestData", &data);

	if (e < 0 || !data)
		return e;
	if (!json_is_object(data))
		return fault_set(&c->job.why, ERR_PARAM,
			"requestData: an object is wanted");
	json_object_foreach ((json_t *)(uintptr_t)data, key, v) {
		if (o->message.pairs == PROTO_PAIRS)
			return fault_set(&c->job.why, ERR_TOO_BIG,
				"requestData: %d members at most", PROTO_PAIRS);
		e = json_pair(c, &o->message.pair[o->message.pairs], key, v);
		if (e < 0)
			return e;
		o->message.pairs++;
	}
	return 0;
}

/* {"responseData": text}: JSON as WeChat sent it, or what else it sent. */
static int
text_answer(struct openapi *o)
{
	const struct wxapi *w = &o->api;
	_buf_ struct buf text, data;
	struct slice body = body_of(o);
	size_t top = body.len * 2 + 1024;

	buf_init(&text, top);
	buf_init(&data, top * 2);
	if (w->json) {
		buf_slice(&text, body);
	} else {
		buf_str(&text, "{\"contentType\":");
		buf_json(&text, type_of(w));
		buf_str(&text, ",\"buffer\":\"");
		text_base64(&text, body);
		buf_str(&text, "\"}");
	}
	buf_str(&data, "{\"responseData\":");
	buf_json(&data, buf_all(&text));
	buf_char(&data, '}');
	if (buf_check(&text) < 0 || buf_check(&data) < 0)
		return ERR_ANSWER_BIG;
	return call_answer(o->call, buf_all(&data));
}

static void
told_text(struct openapi *o)
{
	call_end(o->call, text_answer(o), NULL);
}

int
call_openapi_json(struct call *c)
{
	struct openapi *o = openapi_begin(c);
	struct fault *why = &c->job.why;
	struct slice name, appid;
	int e = call_wechat_name(c, &name);

	if (e == 0)
		e = val_str_or(c->body, "appid", 64, slice_of("", 0), &appid,
			why);
	if (e < 0)
		return e;
	if (!call_wechat_may(c, name))
		return fault_set(why, ERR_DENIED, "%s", not_allowed(c, name));
	e = openapi_find(&o->route, name, why);
	if (e == ERR_NOT_FOUND)
		return fault_set(why, ERR_ACTION, "%s",
			not_found(c, name, why));
	if (e == 0)
		e = app_choose(o, appid);
	if (e == 0)
		e = json_pairs(o);
	if (e == 0)
		e = openapi_build(&o->request, &o->route, o->message.pair,
			o->message.pairs, c->caller->openid, BODY_TOP, why);
	if (e == 0)
		openapi_ask(o, told_text);
	return e;
}
