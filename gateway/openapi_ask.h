#pragma once

/*
 * One question of a function's to WeChat's API, whatever form it came in: whose
 * token, the request, and what is done with the answer.
 */

#include "gateway/call_wechat.h"
#include "wechat/cloudid_ask.h"
#include "wechat/proto_call.h"
#include "wechat/wxapi.h"

/* Bytes of a request's body and of WeChat's answer. */
enum { OPENAPI_BODY_TOP = 16 << 20, OPENAPI_ANSWER_TOP = 16 << 20 };

/* Lies in the call's arena; ends with the call. */
struct openapi_ask {
	struct call *call;
	struct proto_call message; /* what is asked */
	struct openapi_route route;
	struct openapi_request request;
	struct app *app;
	/* its own */
	struct wxapi_ask ask;
	struct wxapi api;
	void (*told)(struct openapi_ask *o);
	struct cloudid_ask *foreign; /* call_cloudid.c's */
};

struct openapi_ask *openapi_ask_new(struct call *c) _returns_value_;
/* Whose token: the one that is named, else the caller's, else the first.
 * ERR_PARAM, ERR_UPSTREAM_CONFIG. */
int openapi_ask_app(struct openapi_ask *o, struct slice appid) _must_check_;
/* From route, request and app; `told` when WeChat has answered, with o->api.
 * It ends the call. */
void openapi_ask_send(
	struct openapi_ask *o, void (*told)(struct openapi_ask *o));

/* WeChat's answer with our words behind its errmsg where we have any, and the
 * type to call it by. */
struct slice openapi_ask_body(struct openapi_ask *o);
struct slice openapi_ask_type(const struct wxapi *w);

/* The call's answer is this message.  ERR_ANSWER_BIG. */
int openapi_message(
	struct call *c, const struct proto_answer *answer) _must_check_;
/* getOpenData: a handler's way (call_cloudid.c). */
int openapi_cloudids(struct openapi_ask *o);

/* Sentences, in the arena, with CloudBase's numbers. */
const char *openapi_not_allowed(const struct call *c, struct slice name);
const char *openapi_not_found(
	const struct call *c, struct slice name, const struct fault *why);
