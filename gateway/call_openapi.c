/*
 * cloud.openapi: wx.openApi, protocol buffers in a form.
 *
 * Two refusals are ours and have CloudBase's numbers, as errorCode of the
 * message: -604100 (no such API) and -604101 (not in the function's
 * permissions.openapi); the SDK makes an error of the number alone, so the
 * sentence that helps goes to the function's log.  All else that goes wrong
 * here is the usual envelope.
 */
#include "gateway/openapi_ask.h"

#include "auth/app.h"
#include "gateway/gateway.h"

enum {
	API_NOT_FOUND = -604100,
	API_NOT_ALLOWED = -604101,
};

/* ---- answers ---- */

int
openapi_message(struct call *c, const struct proto_answer *answer)
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
	int e = openapi_message(c, &(struct proto_answer){
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

/* ---- names and members ---- */

static void
told_message(struct openapi_ask *o)
{
	const struct wxapi *w = &o->api;

	call_end(o->call,
		openapi_message(o->call,
			&(struct proto_answer){
				.body = openapi_ask_body(o),
				.content_type = openapi_ask_type(w),
				.status = (int)w->status,
			}),
		NULL);
}

static int
open_api(struct openapi_ask *o, struct slice name)
{
	struct call *c = o->call;
	struct fault *why = &c->job.why;
	int e;

	if (!call_wechat_may(c, name))
		return message_refuse(
			c, API_NOT_ALLOWED, openapi_not_allowed(c, name));
	e = openapi_find(&o->route, name, why);
	if (e == ERR_NOT_FOUND)
		return message_refuse(
			c, API_NOT_FOUND, openapi_not_found(c, name, why));
	if (e == 0)
		e = openapi_ask_app(o, o->message.appid);
	if (e == 0)
		e = openapi_build(&o->request, &o->route, o->message.pair,
			o->message.pairs, c->caller->openid, OPENAPI_BODY_TOP,
			why);
	if (e == 0)
		openapi_ask_send(o, told_message);
	return e;
}

/* ---- services with messages of their own ---- */

static void
told_signature(struct openapi_ask *o)
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
	proto_signature_put(
		&b, slice_of(json_string_value(v), json_string_length(v)));
	call_end(c,
		openapi_message(c,
			&(struct proto_answer){
				.body = buf_all(&b),
				.content_type = {"", 0},
				.status = 200,
			}),
		NULL);
}

/* getVoIPSign: api_getcloudbasevoipsign.html. */
static int
get_voip(struct openapi_ask *o)
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
		e = openapi_ask_app(o, o->message.appid);
	if (e == 0)
		e = openapi_build(&o->request, &o->route, pairs, 3,
			c->caller->openid, OPENAPI_BODY_TOP, &c->job.why);
	if (e == 0)
		openapi_ask_send(o, told_signature);
	return e;
}

static int
service_api(struct openapi_ask *o)
{
	struct call *c = o->call;
	struct slice name = o->message.service;

	if (slice_is(name, "ApiGetOpenDataByCloudId"))
		return openapi_cloudids(o);
	if (slice_is(name, "ApiVoipSign"))
		return get_voip(o);
	return fault_set(&c->job.why, ERR_ACTION,
		"%.*s: WeChat offers this inside Tencent's own cloud only",
		SLICE_ARG(name));
}

int
call_openapi(struct call *c)
{
	struct openapi_ask *o = openapi_ask_new(c);
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
