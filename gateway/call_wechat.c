/*
 * The form that the SDKs send for everything of WeChat's, and what a function
 * may ask there.
 *
 * The function's list (config.json: permissions.openapi) travels with the
 * invocation: a CALL frame brings it, and over HTTP the sessionToken leads to
 * it.  The operator's socket may ask anything.
 */
#include "gateway/call_wechat.h"

#include "gateway/function_log.h"
#include "gateway/gateway.h"
#include "http/multipart.h"
#include "wechat/openapi.h"

int
call_wechat_name(struct call *c, struct slice *ret)
{
	return val_str(c->body, "apiName", API_NAME_TOP, ret, &c->job.why);
}

struct slice
call_wechat_part(const struct call *c, const char *name)
{
	const struct part *p = c->parts ? multipart_find(c->parts, name) : NULL;

	return p ? p->body : slice_of("", 0);
}

int
call_wechat_data(struct call *c, struct slice *ret)
{
	const json_t *v = json_object_get(c->body, "requestData");

	*ret = call_wechat_part(c, "requestData");
	if (c->parts || !v || json_is_null(v))
		return 0;
	if (!json_is_string(v))
		return fault_set(&c->job.why, ERR_PARAM,
			"requestData: must be a string");
	*ret = slice_of(json_string_value(v), json_string_length(v));
	return 0;
}

void
call_wechat_answer(struct call *c, const char *content_type, struct slice bytes)
{
	c->type = content_type;
	c->answer = bytes;
}

static const json_t *
openapi_of(const struct call *c)
{
	const json_t *token = json_object_get(c->body, "sessionToken");

	if (c->openapi)
		return c->openapi;
	if (!json_is_string(token))
		return NULL;
	return crews_session_openapi(c->gateway->crews,
		slice_of(json_string_value(token), json_string_length(token)));
}

bool
call_wechat_may(const struct call *c, struct slice name)
{
	const json_t *one;
	size_t i;

	if (c->caller->role == CALLER_ADMIN)
		return true;
	json_array_foreach (openapi_of(c), i, one)
		if (openapi_same(name, slice_of(json_string_value(one),
					       json_string_length(one))))
			return true;
	return false;
}

void
call_wechat_say(const struct call *c, const char *text)
{
	if (!c->gateway->log || !c->function || !*c->function)
		return;
	function_log_write(c->gateway->log, &(struct function_line){
						    .function = c->function,
						    .request_id = c->request_id,
						    .level = 2,
						    .kind = "OPENAPI",
						    .text = slice_str(text),
					    });
}
