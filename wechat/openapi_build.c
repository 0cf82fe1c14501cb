/*
 * The three ways in which members travel.
 *
 * The SDKs send every member as JSON text, whatever WeChat's page says of it,
 * so for a query strings are taken out of their quotes.  A file always makes
 * the request a form: that is the only way WeChat takes one.
 */
#include "wechat/openapi.h"

#include "base/text.h"
#include "base/val.h"

#include <stdio.h>

enum { QUERY_TOP = 8192, KEY_TOP = 128, BOUNDARY_BYTES = 12 };

/* ---- queries ---- */

/* A string without its quotes, anything else as it stands. */
static int
query_value(struct buf *to, struct slice json)
{
	_json_ json_t *v = NULL;
	int e = 0;

	if (json.len && json.ptr[0] == '"')
		e = val_parse(&v, json, NULL);
	if (e < 0)
		return e;
	text_url(to, v ? slice_of(json_string_value(v), json_string_length(v))
		       : json);
	return 0;
}

static int
query_put(struct buf *to, const struct openapi_pair *p, struct fault *why)
{
	if (slice_is(p->key, "access_token"))
		return fault_set(why, ERR_PARAM,
			"access_token: leave it out, this server puts it in");
	if (slice_is(p->value, "null"))
		return 0;
	if (to->len)
		buf_char(to, '&');
	text_url(to, p->key);
	buf_char(to, '=');
	if (query_value(to, p->value) < 0)
		return fault_set(why, ERR_PARAM, "%.*s: not valid JSON",
			SLICE_ARG(p->key));
	return 0;
}

static int
query_user(struct buf *to, const char *openid, struct fault *why)
{
	if (!openid || !*openid)
		return fault_set(why, ERR_PARAM,
			"this API is about the user who called the function, "
			"and nobody did");
	buf_str(to, to->len ? "&openid=" : "openid=");
	text_url(to, slice_str(openid));
	return 0;
}

/* ---- bodies ---- */

static int
json_put(struct buf *to, const struct openapi_pair *p, struct fault *why)
{
	if (to->len > 1)
		buf_char(to, ',');
	buf_json(to, p->key);
	buf_char(to, ':');
	buf_slice(to, p->value);
	if (val_check(p->value) < 0)
		return fault_set(why, ERR_PARAM, "%.*s: not valid JSON",
			SLICE_ARG(p->key));
	return 0;
}

static const char *
type_of(struct slice filename)
{
	static const struct {
		const char *end, *type;
	} types[] = {
		{".png", "image/png"},
		{".jpg", "image/jpeg"},
		{".jpeg", "image/jpeg"},
		{".gif", "image/gif"},
		{".bmp", "image/bmp"},
		{".webp", "image/webp"},
		{".mp3", "audio/mpeg"},
		{".amr", "audio/amr"},
		{".wav", "audio/wav"},
		{".mp4", "video/mp4"},
		{".txt", "text/plain"},
	};

	for (size_t i = 0; i < array_size(types); i++) {
		size_t n = strlen(types[i].end);

		if (filename.len >= n &&
			slice_is_nocase(
				slice_of(filename.ptr + filename.len - n, n),
				types[i].end))
			return types[i].type;
	}
	return "application/octet-stream";
}

/* A name between quotes, as the HTML standard has it (section 4.10.21.8). */
static void
quoted_put(struct buf *to, struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] == '"' || (unsigned char)s.ptr[i] < 0x20)
			buf_printf(to, "%%%02X", (unsigned)s.ptr[i] & 0xff);
		else
			buf_char(to, s.ptr[i]);
}

static bool
is_type(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] <= 0x20 || s.ptr[i] > 0x7e)
			return false;
	return s.len > 0;
}

static void
file_put(struct buf *to, const char *boundary, const struct openapi_pair *p)
{
	buf_printf(to, "--%s\r\nContent-Disposition: form-data; name=\"",
		boundary);
	quoted_put(to, p->key);
	buf_str(to, "\"; filename=\"");
	quoted_put(to, p->filename);
	buf_str(to, "\"\r\nContent-Type: ");
	if (is_type(p->type))
		buf_slice(to, p->type);
	else
		buf_str(to, type_of(p->filename));
	buf_str(to, "\r\n\r\n");
	buf_slice(to, p->value);
	buf_str(to, "\r\n");
}

/* ---- the whole ---- */

static bool
is_file(const struct openapi_pair *p)
{
	return p->filename.len > 0;
}

static int
form_build(struct openapi_request *r, const struct openapi_pair *pairs,
	size_t count, struct fault *why)
{
	char boundary[2 * BOUNDARY_BYTES + 1];

	text_random_hex(boundary, BOUNDARY_BYTES);
	for (size_t i = 0; i < count; i++) {
		int e = 0;

		if (is_file(&pairs[i]))
			file_put(&r->body, boundary, &pairs[i]);
		else
			e = query_put(&r->query, &pairs[i], why);
		if (e < 0)
			return e;
	}
	if (!r->body.len)
		return 0;
	buf_printf(&r->body, "--%s--\r\n", boundary);
	(void)snprintf(r->content_type, sizeof(r->content_type),
		"multipart/form-data; boundary=%s", boundary);
	return 0;
}

static int
json_build(struct openapi_request *r, const struct openapi_pair *pairs,
	size_t count, struct fault *why)
{
	buf_char(&r->body, '{');
	for (size_t i = 0; i < count; i++) {
		int e = json_put(&r->body, &pairs[i], why);

		if (e < 0)
			return e;
	}
	buf_char(&r->body, '}');
	return 0;
}

static int
query_build(struct openapi_request *r, const struct openapi_pair *pairs,
	size_t count, struct fault *why)
{
	for (size_t i = 0; i < count; i++) {
		int e = query_put(&r->query, &pairs[i], why);

		if (e < 0)
			return e;
	}
	return 0;
}

static int
members_build(struct openapi_request *r, enum openapi_how how,
	const struct openapi_pair *pairs, size_t count, const char *openid,
	struct fault *why)
{
	int e = 0;

	for (size_t i = 0; i < count; i++) {
		if (!pairs[i].key.len || pairs[i].key.len > KEY_TOP)
			return fault_set(why, ERR_PARAM,
				"a member's name has 1 to %d bytes", KEY_TOP);
		if (is_file(&pairs[i]))
			how = OPENAPI_FORM;
	}
	if (how == OPENAPI_USER)
		e = query_user(&r->query, openid, why);
	if (e < 0)
		return e;
	r->method = how == OPENAPI_QUERY ? "GET" : "POST";
	if (how == OPENAPI_FORM)
		return form_build(r, pairs, count, why);
	if (how == OPENAPI_QUERY)
		return query_build(r, pairs, count, why);
	return json_build(r, pairs, count, why);
}

int
openapi_build(struct openapi_request *ret, const struct openapi_route *route,
	const struct openapi_pair *pairs, size_t count, const char *openid,
	size_t top, struct fault *why)
{
	int e;

	*ret = (struct openapi_request){.method = "POST"};
	buf_init(&ret->query, QUERY_TOP);
	buf_init(&ret->body, top);
	e = members_build(ret, route->how, pairs, count, openid, why);
	if (e == 0 && buf_check(&ret->query) < 0)
		e = fault_set(why, ERR_TOO_BIG,
			"%s takes its members in the query, which has room for "
			"%d bytes",
			route->path, QUERY_TOP);
	if (e == 0 && buf_check(&ret->body) < 0)
		e = fault_set(why, ERR_TOO_BIG,
			"the request is larger than %zu bytes", top);
	if (e < 0)
		openapi_request_done(ret);
	return e;
}

void
openapi_request_done(struct openapi_request *r)
{
	buf_done(&r->query);
	buf_done(&r->body);
}
