/*
 * An order's body against jsapi.def.  What is not in the table is refused: the
 * real server does so, and a client that sends a misspelt optional field must
 * hear of it here and not from its accountant.
 */

#include "pay.h"

#include "base/text.h"

#include <stdio.h>

enum { PATH_TOP = 128, VALUE_TOP = 512, DETAIL_TOP = 65536 };

enum object {
	NOTHING,
	ORDER,
	AMOUNT,
	PAYER,
	DETAIL,
	GOODS,
	SCENE,
	STORE,
	SETTLE,
	REFUND,
	MONEY_BACK,
	MONEY_FROM,
	GOODS_BACK,
	CLOSE
};
enum type { STRING, INTEGER, BOOL, OBJECT, ARRAY };

/* NULL when the value is good, else what is wrong with it. */
typedef const char *rule_fn(struct slice value);
static rule_fn rule_trade_no, rule_refund_no, rule_time, rule_notify_url,
	rule_currency, rule_funds, rule_account;

struct field {
	enum object in;
	const char *name;
	enum type type;
	bool required;
	int64_t low, top;
	enum object inner;
	rule_fn *rule;
};

static const struct field fields[] = {
#define X(in, name, type, required, low, top, inner, rule) \
	{in, name, type, required, low, top, inner, rule},
#include "jsapi.def"
#include "refund.def"
#undef X
};

static const enum object forms[] = {
	[FORM_ORDER] = ORDER,
	[FORM_REFUND] = REFUND,
	[FORM_CLOSE] = CLOSE,
};

struct check {
	struct answer *answer;
	char path[PATH_TOP];
};

static bool object_check(struct check *c, enum object what, const json_t *v);

static bool
is_made_of(struct slice v, const char *marks)
{
	for (size_t i = 0; i < v.len; i++) {
		char c = v.ptr[i];

		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
			    (c >= 'A' && c <= 'Z') || strchr(marks, c)))
			return false;
	}
	return true;
}

static const char *
rule_trade_no(struct slice v)
{
	return is_made_of(v, "_-|*") ? NULL : "letters, digits and _-|* only";
}

static const char *
rule_refund_no(struct slice v)
{
	return is_made_of(v, "_-|*@") ? NULL : "letters, digits and _-|*@ only";
}

static const char *
rule_funds(struct slice v)
{
	return slice_is(v, "AVAILABLE") || slice_is(v, "UNSETTLED")
		       ? NULL
		       : "AVAILABLE or UNSETTLED is needed";
}

static const char *
rule_account(struct slice v)
{
	return slice_is(v, "AVAILABLE") || slice_is(v, "UNAVAILABLE")
		       ? NULL
		       : "AVAILABLE or UNAVAILABLE is needed";
}

static const char *
rule_time(struct slice v)
{
	int64_t t;

	return text_untime(v, &t) < 0 ? "not a time of RFC 3339" : NULL;
}

static const char *
rule_currency(struct slice v)
{
	return slice_is(v, "CNY") ? NULL : "Currency code is invalid";
}

/* Loopback and private addresses, by the look of the host. */
static bool
host_is_private(struct slice host)
{
	static const char *const heads[] = {"127.", "10.", "192.168.",
		"169.254.", "0.", "localhost", "[", "172.16.", "172.17.",
		"172.18.", "172.19.", "172.2", "172.30.", "172.31."};

	for (size_t i = 0; i < array_size(heads); i++)
		if (slice_starts(host, heads[i]))
			return true;
	return host.len == 0 || !memchr(host.ptr, '.', host.len);
}

/* Here the sandbox takes what WeChat does not: an address of this machine, with
 * its port, for programs that have no other. */
static bool
is_here(struct slice url)
{
	return slice_starts(url, "http://127.0.0.1:") ||
	       slice_starts(url, "http://localhost:") ||
	       slice_starts(url, "http://[::1]:");
}

static const char *
rule_notify_url(struct slice v)
{
	static const char scheme[] = "https://";
	struct slice rest, host;

	if (is_here(v))
		return memchr(v.ptr, '?', v.len) ? "no query string is allowed"
						 : NULL;
	if (!slice_starts(v, scheme))
		return "an https address is needed";
	if (memchr(v.ptr, '?', v.len) || memchr(v.ptr, '#', v.len))
		return "no query string is allowed";
	rest = slice_of(v.ptr + sizeof(scheme) - 1, v.len - sizeof(scheme) + 1);
	if (!slice_split(&rest, '/', &host) || host_is_private(host))
		return "a public host name is needed";
	return NULL;
}

static void
param_error(struct answer *a, const char *field, const json_t *value,
	const char *issue, const char *location)
{
	_buf_ struct buf shown;

	buf_init(&shown, VALUE_TOP);
	if (value)
		val_put(&shown, value);
	a->status = 400;
	buf_str(&a->body, "{\"code\":\"PARAM_ERROR\",\"detail\":{\"field\":");
	buf_json(&a->body, slice_str(field));
	buf_str(&a->body, ",\"value\":");
	if (value && buf_check(&shown) == 0)
		buf_slice(&a->body, buf_all(&shown));
	else
		buf_str(&a->body, "\"\"");
	buf_str(&a->body, ",\"issue\":");
	buf_json(&a->body, slice_str(issue));
	buf_printf(&a->body, ",\"location\":\"%s\"},\"message\":\"参数错误\"}",
		location);
}

void
answer_param_error(struct answer *a, const char *field, const json_t *value,
	const char *issue)
{
	param_error(a, field, value, issue, "body");
}

void
answer_query_error(struct answer *a, const char *field, const char *issue)
{
	param_error(a, field, NULL, issue, "query");
}

static bool
refuse(struct check *c, const json_t *v, const char *issue)
{
	answer_param_error(c->answer, c->path, v, issue);
	return false;
}

static bool
string_check(struct check *c, const struct field *f, const json_t *v)
{
	struct slice s;
	const char *issue;

	if (!json_is_string(v))
		return refuse(c, v, "a string is needed");
	s = slice_of(json_string_value(v), json_string_length(v));
	if ((int64_t)s.len < f->low)
		return refuse(c, v, "too short");
	if ((int64_t)s.len > f->top)
		return refuse(c, v, "too long");
	issue = f->rule ? f->rule(s) : NULL;
	return issue ? refuse(c, v, issue) : true;
}

static bool
integer_check(struct check *c, const struct field *f, const json_t *v)
{
	if (!json_is_integer(v))
		return refuse(c, v, "an integer is needed");
	if (json_integer_value(v) < f->low || json_integer_value(v) > f->top)
		return refuse(c, v, "out of range");
	return true;
}

/* `top` of an object: the bytes it may take as compact JSON. */
static bool
inner_check(struct check *c, const struct field *f, const json_t *v)
{
	_buf_ struct buf text;

	buf_init(&text, DETAIL_TOP);
	if (!object_check(c, f->inner, v))
		return false;
	if (f->top == 0)
		return true;
	val_put(&text, v);
	if (buf_check(&text) < 0 || (int64_t)text.len > f->top)
		return refuse(c, NULL, "too long");
	return true;
}

static bool
array_check(struct check *c, const struct field *f, const json_t *v)
{
	size_t len = strlen(c->path), n = json_array_size(v);

	if (!json_is_array(v) || (int64_t)n < f->low || (int64_t)n > f->top)
		return refuse(c, NULL, "a list is needed");
	for (size_t i = 0; i < n; i++) {
		(void)snprintf(c->path + len, PATH_TOP - len, "/%zu", i);
		if (!object_check(c, f->inner, json_array_get(v, i)))
			return false;
	}
	c->path[len] = '\0';
	return true;
}

static bool
value_check(struct check *c, const struct field *f, const json_t *v)
{
	switch (f->type) {
	case STRING:
		return string_check(c, f, v);
	case INTEGER:
		return integer_check(c, f, v);
	case BOOL:
		return json_is_boolean(v) ? true
					  : refuse(c, v, "a bool is needed");
	case OBJECT:
		return inner_check(c, f, v);
	case ARRAY:
		return array_check(c, f, v);
	}
	return false;
}

/* How many members of `v` the table knows; -1: one of them is not good. */
static int
members_check(struct check *c, enum object what, const json_t *v)
{
	size_t len = strlen(c->path);
	int known = 0;

	for (size_t i = 0; i < array_size(fields); i++) {
		const struct field *f = &fields[i];
		const json_t *member = json_object_get(v, f->name);

		if (f->in != what || (!member && !f->required))
			continue;
		(void)snprintf(c->path + len, PATH_TOP - len, "/%s", f->name);
		if (!member)
			return refuse(c, NULL, "missing") - 1;
		if (!value_check(c, f, member))
			return -1;
		c->path[len] = '\0';
		known++;
	}
	return known;
}

static bool
object_check(struct check *c, enum object what, const json_t *v)
{
	int known;

	if (!json_is_object(v))
		return refuse(c, v, "an object is needed");
	known = members_check(c, what, v);
	if (known < 0)
		return false;
	if ((size_t)known < json_object_size(v))
		return refuse(c, NULL, "illegal extra parameters");
	return true;
}

bool
pay_body_check(const json_t *body, enum pay_form form, struct answer *a)
{
	struct check c = {.answer = a};

	return object_check(&c, forms[form], body);
}

json_t *
pay_body(struct exchange *x, enum pay_form form, struct answer *a)
{
	_json_ json_t *body = NULL;

	if (val_parse(&body, exchange_body(x), NULL) < 0) {
		answer_param_error(a, "", NULL, "the body is not JSON");
		return NULL;
	}
	return pay_body_check(body, form, a) ? take(body) : NULL;
}
