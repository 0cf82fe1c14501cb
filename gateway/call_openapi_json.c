/*
 * cloud.callOpenAPI, and what native functions use: wx.api, JSON both ways,
 * files and media as base64.
 */
#include "gateway/openapi_ask.h"

#include "base/text.h"

/* A file in JSON: {"contentType", "value": base64, "fileName"?}. */
static int
json_file(struct call *c, struct openapi_pair *p, const json_t *v)
{
	const char *type = json_string_value(json_object_get(v, "contentType"));
	const char *text = json_string_value(json_object_get(v, "value"));
	const char *name = json_string_value(json_object_get(v, "fileName"));
	_buf_ struct buf raw;
	char *bytes;

	buf_init(&raw, OPENAPI_BODY_TOP);
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
	buf_init(&b, OPENAPI_BODY_TOP);
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
json_pairs(struct openapi_ask *o)
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
text_answer(struct openapi_ask *o)
{
	const struct wxapi *w = &o->api;
	_buf_ struct buf text, data;
	struct slice body = openapi_ask_body(o);
	size_t top = body.len * 2 + 1024;

	buf_init(&text, top);
	buf_init(&data, top * 2);
	if (w->json) {
		buf_slice(&text, body);
	} else {
		buf_str(&text, "{\"contentType\":");
		buf_json(&text, openapi_ask_type(w));
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
told_text(struct openapi_ask *o)
{
	call_end(o->call, text_answer(o), NULL);
}

int
call_openapi_json(struct call *c)
{
	struct openapi_ask *o = openapi_ask_new(c);
	struct fault *why = &c->job.why;
	struct slice name, appid;
	int e = call_wechat_name(c, &name);

	if (e == 0)
		e = val_str_or(
			c->body, "appid", 64, slice_of("", 0), &appid, why);
	if (e < 0)
		return e;
	if (!call_wechat_may(c, name))
		return fault_set(
			why, ERR_DENIED, "%s", openapi_not_allowed(c, name));
	e = openapi_find(&o->route, name, why);
	if (e == ERR_NOT_FOUND)
		return fault_set(
			why, ERR_ACTION, "%s", openapi_not_found(c, name, why));
	if (e == 0)
		e = openapi_ask_app(o, appid);
	if (e == 0)
		e = json_pairs(o);
	if (e == 0)
		e = openapi_build(&o->request, &o->route, o->message.pair,
			o->message.pairs, c->caller->openid, OPENAPI_BODY_TOP,
			why);
	if (e == 0)
		openapi_ask_send(o, told_text);
	return e;
}
