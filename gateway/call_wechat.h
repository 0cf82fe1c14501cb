#pragma once

/*
 * What the actions wx.openApi, wx.api and wx.wxPayApi share: the SDKs send them
 * as multipart forms (action, apiName, requestData and the common members), and
 * read bytes as the answer.  An error's answer is the JSON envelope, which they
 * know by its exact content type (REPLY_JSON); so no answer of bytes may have
 * that one.
 *
 * For a handler of call.def:
 *
 *	struct slice name, data;
 *	int e = call_wechat_name(c, &name);
 *	if (e == 0)
 *		e = call_wechat_data(c, &data);
 *	…
 *	call_wechat_answer(c, CALL_BYTES, answer);   then call_end(c, 0, NULL)
 */

#include "gateway/call.h"

/* Content types for call_wechat_answer. */
#define CALL_BYTES "application/octet-stream"

enum { API_NAME_TOP = 128 };

/* apiName: 1 to API_NAME_TOP bytes.  ERR_PARAM. */
int call_wechat_name(struct call *c, struct slice *ret) _must_check_;
/* requestData's bytes: the form's part, or a string of a JSON body; empty when
 * there is none.  Borrowed until the call ends.  ERR_PARAM. */
int call_wechat_data(struct call *c, struct slice *ret) _must_check_;
/* Another part of the form (apiOptions: protobuf {appid = 1}); empty when there
 * is none, or when the body is JSON. */
struct slice call_wechat_part(const struct call *c, const char *name);
/* The answer is these bytes instead of an envelope; they lie in c->arena or are
 * constant.  To a caller that sent JSON (a worker's CALL frame) they must be
 * JSON. */
void call_wechat_answer(
	struct call *c, const char *content_type, struct slice bytes);
/* Whether the function's permissions.openapi (or the operator) allow it. */
bool call_wechat_may(const struct call *c, struct slice name);
/* A warning for the author in the function's log: some answers have room for a
 * number only. */
void call_wechat_say(const struct call *c, const char *text);
