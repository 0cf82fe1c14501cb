/*
 * What a function returned, as an HTTP answer.  Text and numbers go as text,
 * everything else as JSON, unless it is an integrated response: an object with
 * `statusCode` and `headers`, or with `statusCode` and nothing that an
 * integrated response has not.
 *
 * The author may say almost anything, but not where the answer ends or how the
 * connection goes on, and not what would put a header into the answer that is
 * none: such an answer is refused as a whole, so that it is found.
 */
#include "gateway/http_trigger.h"

#include "base/header_name.h"
#include "base/scan.h"
#include "base/text.h"
#include "base/val.h"

#define TYPE_TEXT  SLICE("text/plain; charset=utf-8")
#define TYPE_JSON  SLICE("application/json; charset=utf-8")
#define TYPE_BYTES SLICE("application/octet-stream")

static int
refuse(struct fault *why, const char *what, const char *key)
{
	return fault_set(why, ERR_FN_BAD_ANSWER,
		"the function's answer is not valid HTTP: %s%s%.80s%s", what,
		key ? " (" : "", key ? key : "", key ? ")" : "");
}

/* RFC 9110, 7.6.1, and what is ours to say. */
static bool
is_ours(struct slice name)
{
	static const char *const names[] = {"connection", "proxy-connection",
		"keep-alive", "te", "trailer", "transfer-encoding", "upgrade",
		"content-length", "date", "x-request-id"};

	for (size_t i = 0; i < array_size(names); i++)
		if (slice_is_nocase(name, names[i]))
			return true;
	return false;
}

static bool
is_value(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.ptr[i];

		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

static bool
has_header(const struct http_answer *a, const char *name)
{
	for (size_t i = 0; i < a->count; i++)
		if (slice_is_nocase(a->headers[i].name, name))
			return true;
	return false;
}

static int
add(struct http_answer *a, struct slice name, struct slice value,
	struct fault *why)
{
	if (is_ours(name))
		return 0;
	if (a->count == HTTP_ANSWER_HEADERS)
		return refuse(why, "more than 100 headers", NULL);
	a->headers[a->count].name = name;
	a->headers[a->count++].value = slice_trim(value);
	return 0;
}

/* Strings, numbers, booleans as text. */
static int
scalar(struct arena *arena, const json_t *v, struct slice *ret)
{
	char *text;

	if (json_is_string(v))
		text = arena_try(arena, json_string_length(v) + 1);
	else
		text = arena_try(arena, 32);
	if (!text)
		return ERR_TOO_BIG;
	if (json_is_string(v))
		memcpy(text, json_string_value(v), json_string_length(v));
	else if (json_is_integer(v))
		(void)snprintf(text, 32, "%" JSON_INTEGER_FORMAT,
			json_integer_value(v));
	else if (json_is_boolean(v))
		(void)snprintf(
			text, 32, "%s", json_is_true(v) ? "true" : "false");
	else if (json_is_real(v))
		(void)snprintf(text, 32, "%.17g", json_real_value(v));
	else
		return ERR_FN_BAD_ANSWER;
	*ret = slice_of(
		text, json_is_string(v) ? json_string_length(v) : strlen(text));
	return 0;
}

static int
add_value(struct http_answer *a, struct arena *arena, struct slice name,
	const json_t *v, struct fault *why)
{
	struct slice value;
	int e;

	if (json_is_null(v))
		return 0;
	e = scalar(arena, v, &value);
	if (e == ERR_TOO_BIG)
		return e;
	if (e < 0)
		return refuse(why, "a header's value is no text", name.ptr);
	if (!is_value(value))
		return refuse(why,
			"a header's value holds a line break or another "
			"control character",
			name.ptr);
	return add(a, name, value, why);
}

static int
add_values(struct http_answer *a, struct arena *arena, const char *key,
	const json_t *v, struct fault *why)
{
	struct slice name = slice_str(arena_str(arena, slice_str(key)));
	const json_t *one;
	size_t i;
	int e = 0;

	if (!header_name_is_valid(name))
		return refuse(why, "a header's name is no token", NULL);
	if (!json_is_array(v))
		return add_value(a, arena, name, v, why);
	json_array_foreach (v, i, one)
		if (e == 0)
			e = add_value(a, arena, name, one, why);
	return e;
}

/* `headers` or `multiValueHeaders`; a name that is in both counts once, from
 * the latter. */
static int
add_headers(struct http_answer *a, struct arena *arena, json_t *from,
	const json_t *other, struct fault *why)
{
	const char *key;
	json_t *v;
	int e = 0;

	if (from && !json_is_object(from) && !json_is_null(from))
		return refuse(why, "headers are no object", NULL);
	json_object_foreach (from, key, v)
		if (e == 0 && !json_object_get(other, key))
			e = add_values(a, arena, key, v, why);
	return e;
}

static int
add_cookies(struct http_answer *a, struct arena *arena, const json_t *from,
	struct fault *why)
{
	if (!from || json_is_null(from))
		return 0;
	if (!json_is_array(from) && !json_is_string(from))
		return refuse(why, "cookies are no array of texts", NULL);
	return add_values(a, arena, "Set-Cookie", from, why);
}

static int
take_base64(struct http_answer *a, struct arena *arena, struct slice text,
	struct fault *why)
{
	struct buf bytes _buf_ = {0};
	char *to;

	buf_init(&bytes, text.len + 3);
	if (text_unbase64_lenient(&bytes, text) < 0)
		return refuse(why, "the body is not base64", NULL);
	to = arena_try(arena, bytes.len + 1);
	if (!to)
		return ERR_TOO_BIG;
	if (bytes.len)
		memcpy(to, bytes.ptr, bytes.len);
	a->body = slice_of(to, bytes.len);
	return 0;
}

/* What is no text goes as JSON. */
static int
take_json(struct http_answer *a, struct arena *arena, const json_t *v,
	struct slice *type)
{
	struct buf text _buf_ = {0};
	char *to;

	buf_init(&text, arena->ceiling);
	val_put(&text, v);
	to = buf_check(&text) < 0 ? NULL : arena_try(arena, text.len + 1);
	if (!to)
		return ERR_TOO_BIG;
	memcpy(to, text.ptr, text.len);
	a->body = slice_of(to, text.len);
	*type = TYPE_JSON;
	return 0;
}

static int
take_body(struct http_answer *a, struct arena *arena, const json_t *from,
	struct slice *type, struct fault *why)
{
	const json_t *body = json_object_get(from, "body");
	bool is_base64 = json_is_true(json_object_get(from, "isBase64Encoded"));

	*type = TYPE_TEXT;
	if (!body || json_is_null(body))
		return 0;
	if (json_is_object(body) || json_is_array(body))
		return take_json(a, arena, body, type);
	if (!is_base64 || !json_is_string(body))
		return scalar(arena, body, &a->body);
	*type = TYPE_BYTES;
	return take_base64(a, arena,
		slice_of(json_string_value(body), json_string_length(body)),
		why);
}

static int
take_integrated(struct http_answer *a, struct arena *arena, const json_t *from,
	struct fault *why)
{
	const json_t *status = json_object_get(from, "statusCode");
	json_t *many = json_object_get(from, "multiValueHeaders");
	struct slice type;
	int e;

	if (!json_is_integer(status) || json_integer_value(status) < 200 ||
		json_integer_value(status) > 599)
		return refuse(
			why, "statusCode is no number from 200 to 599", NULL);
	a->status = (int)json_integer_value(status);
	e = add_headers(a, arena, json_object_get(from, "headers"), many, why);
	if (e == 0)
		e = add_headers(a, arena, many, NULL, why);
	if (e == 0)
		e = add_cookies(
			a, arena, json_object_get(from, "cookies"), why);
	if (e == 0)
		e = take_body(a, arena, from, &type, why);
	if (e < 0)
		return e;
	/* RFC 9110, 15.3.5 and 15.4.5: these have no content. */
	if (a->status == 204 || a->status == 304)
		a->body = SLICE("");
	else if (!has_header(a, "content-type"))
		e = add(a, SLICE("Content-Type"), type, why);
	return e;
}

static bool
is_integrated(const json_t *v)
{
	static const char *const known[] = {"statusCode", "headers", "body",
		"isBase64Encoded", "multiValueHeaders", "cookies"};
	size_t found = 0;

	if (!json_object_get(v, "statusCode"))
		return false;
	if (json_is_object(json_object_get(v, "headers")))
		return true;
	for (size_t i = 0; i < array_size(known); i++)
		found += json_object_get(v, known[i]) != NULL;
	return found == json_object_size(v);
}

/* NULL: no JSON, or so many values that building them would cost too much. */
static json_t *
build(struct slice text)
{
	size_t values;

	if (scan_count(text, &values) < 0 || values > VAL_REQUEST_TOP)
		return NULL;
	return json_loadb(
		text.ptr, text.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
}

static int
take_object(struct http_answer *a, struct arena *arena, struct slice result,
	struct fault *why)
{
	struct slice status;
	_json_ json_t *v = NULL;
	int e = scan_member(result, SLICE("statusCode"), &status);

	if (e == 0) {
		v = build(result);
		if (v && is_integrated(v))
			return take_integrated(a, arena, v, why);
	}
	if ((e == 0 && !v) || e == ERR_JSON || e == ERR_TOO_BIG)
		return refuse(why, "it cannot be read as JSON", NULL);
	a->body = result;
	return add(a, SLICE("Content-Type"), TYPE_JSON, why);
}

static int
take_text(struct http_answer *a, struct arena *arena, struct slice result,
	struct fault *why)
{
	_json_ json_t *v = build(result);
	int e;

	if (!v)
		return refuse(why, "it cannot be read as JSON", NULL);
	e = scalar(arena, v, &a->body);
	return e < 0 ? e : add(a, SLICE("Content-Type"), TYPE_TEXT, why);
}

int
http_answer_parse(struct http_answer *ret, struct arena *arena,
	struct slice result, struct fault *why)
{
	struct slice text = slice_trim(result);

	*ret = (struct http_answer){.status = 200};
	ret->body = SLICE("");
	if (text.len == 0 || slice_is(text, "null")) {
		ret->status = 204;
		return 0;
	}
	if (text.ptr[0] == '{')
		return take_object(ret, arena, text, why);
	if (text.ptr[0] != '[')
		return take_text(ret, arena, text, why);
	ret->body = text;
	return add(ret, SLICE("Content-Type"), TYPE_JSON, why);
}
