/*
 * One route of routes.json: its members, in a table's order.
 */
#include "base/buf.h"
#include "base/mem.h"
#include "base/quantity.h"
#include "routes/declared_inside.h"
#include "routes/limit_rule.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_TOP = 4096, NAME_TOP = 64, HOST_TOP = 253 };

static const int64_t BODY_TOP_TOP = 1LL << 30, TIMEOUT_TOP_MS = 3600000;

/* --- a route's members --- */

static int
read_name(struct declared_reading *rd, const json_t *v)
{
	const char *s;
	int e = declared_read_string(rd, v, NAME_TOP, &s);

	if (e < 0)
		return e;
	for (const char *p = s; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("-_./", *p))
			return declared_refuse(rd,
				"\"%s\": letters, digits and - _ . / make a "
				"name",
				s);
	rd->route->pub.name = str_dup(s);
	return 0;
}

static int
read_host(struct declared_reading *rd, const json_t *v)
{
	const char *s, *body;
	int e = declared_read_string(rd, v, HOST_TOP, &s);

	if (e < 0)
		return e;
	body = strncmp(s, "*.", 2) == 0 ? s + 2 : s;
	for (const char *p = body; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("-.:[]_", *p))
			return declared_refuse(rd,
				"\"%s\": a host is wanted, without scheme and "
				"port: api.example.com, *.example.com",
				s);
	if (!*body || strchr(body, '/') ||
		(strchr(body, ':') && body[0] != '['))
		return declared_refuse(rd, "\"%s\": a host without port", s);
	rd->route->host = str_dup(s);
	for (char *p = rd->route->host; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	return 0;
}

static int
read_pattern(struct declared_reading *rd, const json_t *v, struct pattern **ret)
{
	const json_t *text = json_object_get(v, "regex");
	struct fault why = {0};
	const char *s;
	int e;

	if (!text || json_object_size(v) != 1)
		return declared_refuse(rd, "{\"regex\": \"^/x/(\\\\d+)$\"} is "
					   "wanted");
	e = declared_read_string(rd, text, PATTERN_TOP, &s);
	if (e == 0 && pattern_new(ret, slice_str(s), &why) < 0)
		e = declared_refuse(rd, "%s", why.text);
	return e;
}

static int
read_path(struct declared_reading *rd, const json_t *v)
{
	struct declared_full *f = rd->route;
	struct fault why = {0};
	const char *s;
	int e;

	if (json_is_object(v)) {
		e = read_pattern(rd, v, &f->pattern);
		s = json_string_value(json_object_get(v, "regex"));
		if (e == 0 && s[0] != '^')
			e = declared_refuse(rd,
				"an expression for a path begins with ^: it "
				"would fit inside of others");
	} else {
		e = declared_read_string(rd, v, TEXT_TOP, &s);
	}
	if (e < 0)
		return e;
	f->path = str_dup(s);
	if (declared_path_read(f, &why) < 0)
		return declared_refuse(rd, "%s", why.text);
	if (!f->pattern && http_path_is_ours(slice_str(f->path)))
		return declared_refuse(rd,
			"\"%s\": its first segment is the platform's own (/v1, "
			"/admin, /web, /auth, …), which answers first",
			f->path);
	return 0;
}

static int
add_method(struct declared_reading *rd, const json_t *v)
{
	const char *s = json_string_value(v);
	unsigned bits = s ? http_method_bits(slice_str(s)) : 0;

	if (!bits)
		return declared_refuse(rd,
			"GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS is "
			"wanted, or an array of them");
	rd->route->methods |= bits;
	return 0;
}

static int
read_method(struct declared_reading *rd, const json_t *v)
{
	const json_t *one;
	size_t i;
	int e = 0;

	if (!json_is_array(v) || !json_array_size(v))
		return add_method(rd, v);
	json_array_foreach (v, i, one)
		if (e == 0)
			e = add_method(rd, one);
	return e;
}

static int
read_condition(struct declared_reading *rd, const char *name, const json_t *v)
{
	struct declared_full *f = rd->route;
	struct declared_condition *c;
	const char *s;
	int e = 0;

	if (f->nheaders == DECLARED_HEADERS_TOP)
		return declared_refuse(
			rd, "more than %d conditions", DECLARED_HEADERS_TOP);
	c = &f->header[f->nheaders++];
	c->name = str_dup(name);
	if (json_is_boolean(v)) {
		c->absent = json_is_false(v);
	} else if (json_is_object(v)) {
		e = read_pattern(rd, v, &c->pattern);
		if (e == 0)
			c->regex = str_dup(
				json_string_value(json_object_get(v, "regex")));
	} else {
		e = declared_read_string(rd, v, TEXT_TOP, &s);
		if (e == 0)
			c->equals = str_dup(s);
	}
	return e;
}

static int
read_headers(struct declared_reading *rd, const json_t *v)
{
	const char *name;
	json_t *value;

	if (!json_is_object(v))
		return declared_refuse(rd,
			"{\"X-Name\": \"value\" | true | false | {\"regex\": "
			"…}} is wanted");
	json_object_foreach ((json_t *)(uintptr_t)v, name, value) {
		size_t mark = declared_enter(rd, name);
		int e = declared_header_token(rd, name);

		if (e == 0)
			e = read_condition(rd, name, value);
		if (e < 0)
			return e;
		declared_leave(rd, mark);
	}
	return 0;
}

static int
read_auth(struct declared_reading *rd, const json_t *v)
{
	static const char *const words[] = {[DECLARED_AUTH_NONE] = "none",
		[DECLARED_AUTH_USER] = "user",
		[DECLARED_AUTH_TICKET] = "ticket",
		[DECLARED_AUTH_API_KEY] = "apikey",
		[DECLARED_AUTH_HMAC] = "hmac"};
	const char *s = json_string_value(v);

	for (size_t i = 0; s && i < array_size(words); i++)
		if (!strcmp(s, words[i])) {
			rd->route->pub.auth = (enum declared_auth)i;
			return 0;
		}
	return declared_refuse(
		rd, "none, user, ticket, apikey or hmac is wanted");
}

static int
read_cors(struct declared_reading *rd, const json_t *v)
{
	struct fault why = {0};

	if (cors_read(&rd->route->cors, v, &why) < 0)
		return declared_refuse(rd, "%s", why.text);
	return 0;
}

static int
read_request(struct declared_reading *rd, const json_t *v)
{
	return declared_change_read(&rd->route->request, rd, v, false);
}

static int
read_response(struct declared_reading *rd, const json_t *v)
{
	return declared_change_read(&rd->route->answer, rd, v, true);
}

static int
read_body(struct declared_reading *rd, const json_t *v)
{
	int64_t n = -1;

	if (json_is_integer(v))
		n = json_integer_value(v);
	else if (!json_is_string(v) ||
		 quantity_bytes(slice_str(json_string_value(v)), &n) < 0)
		n = -1;
	if (n < 1 || n > BODY_TOP_TOP)
		return declared_refuse(rd,
			"a size is wanted, \"64k\" or \"6m\", of 1g at the "
			"most");
	rd->route->pub.body_top = (uint64_t)n;
	return 0;
}

static int
read_timeout(struct declared_reading *rd, const json_t *v)
{
	int64_t ms = -1;

	if (!json_is_string(v) ||
		quantity_time(slice_str(json_string_value(v)), &ms) < 0 ||
		ms < 1 || ms > TIMEOUT_TOP_MS)
		return declared_refuse(rd,
			"a time is wanted, \"500ms\" or \"20s\", of 1h at the "
			"most");
	rd->route->pub.timeout_ms = (uint64_t)ms;
	return 0;
}

static int
read_bool(struct declared_reading *rd, const json_t *v, bool *ret)
{
	if (!json_is_boolean(v))
		return declared_refuse(rd, "true or false is wanted");
	*ret = json_is_true(v);
	return 0;
}

static int
read_compress(struct declared_reading *rd, const json_t *v)
{
	return read_bool(rd, v, &rd->route->pub.compress);
}

static int
read_idempotency(struct declared_reading *rd, const json_t *v)
{
	return read_bool(rd, v, &rd->route->pub.idempotent);
}

/* "1h", or what the header is to say itself. */
static int
read_cache(struct declared_reading *rd, const json_t *v)
{
	const char *s;
	int64_t ms;
	int e = declared_read_string(rd, v, 256, &s);

	if (e < 0)
		return e;
	for (const char *p = s; *p; p++)
		if ((unsigned char)*p < 0x20 || (unsigned char)*p > 0x7e)
			return declared_refuse(rd,
				"a time (\"1h\") or a Cache-Control is wanted");
	if (quantity_time(slice_str(s), &ms) == 0)
		rd->route->cache = str_printf("%s, max-age=%lld",
			rd->route->pub.auth == DECLARED_AUTH_NONE ? "public"
								  : "private",
			(long long)ms / 1000);
	else
		rd->route->cache = str_dup(s);
	return 0;
}

static int
read_limits(struct declared_reading *rd, const json_t *v)
{
	struct fault why = {0};
	char where[NAME_TOP + 16];

	if (!rd->route->pub.name)
		return declared_refuse(rd,
			"a route with limits has a name: they are counted "
			"under it, on all gateways and nodes");
	(void)snprintf(where, sizeof(where), "route %s", rd->route->pub.name);
	if (limit_rules_new(&rd->route->pub.limits, v, where, &why) < 0)
		return declared_refuse(rd, "%s", why.text);
	return 0;
}

static int
read_priority(struct declared_reading *rd, const json_t *v)
{
	struct fault why = {0};
	const char *s = json_is_string(v) ? json_string_value(v) : "";

	if (shed_priority_parse(&rd->route->pub.priority, slice_str(s), &why) <
		0)
		return declared_refuse(rd, "%s", why.text);
	return 0;
}

static int
read_breaker(struct declared_reading *rd, const json_t *v)
{
	struct fault why = {0};

	if (breaker_rule_parse(
		    &rd->route->pub.breaker, v, breaker_preset(true), &why) < 0)
		return declared_refuse(rd, "%s", why.text);
	return 0;
}

/* Names first: what follows may speak of the route by it, or capture. */
static const struct declared_member route_members[] = {
	{"name", read_name},
	{"host", read_host},
	{"path", read_path},
	{"method", read_method},
	{"headers", read_headers},
	{"auth", read_auth},
	{"to", declared_read_target},
	{"request", read_request},
	{"response", read_response},
	{"cors", read_cors},
	{"body", read_body},
	{"timeout", read_timeout},
	{"compress", read_compress},
	{"cache", read_cache},
	{"limits", read_limits},
	{"idempotency", read_idempotency},
	{"priority", read_priority},
	{"breaker", read_breaker},
};

/* "GET /a/{id}" where the author gave none. */
static void
make_name(struct declared_reading *rd)
{
	struct declared_full *f = rd->route;

	if (!f->pub.name)
		f->pub.name = str_printf("%s%s%s#%zu", f->host ? f->host : "",
			f->path, f->methods == HTTP_ANY_METHOD ? "" : "!",
			f->order);
}

static int
route_check(struct declared_reading *rd, const json_t *v)
{
	struct declared_full *f = rd->route;
	const char *other;

	if (!f->path)
		return declared_refuse(rd,
			"path: is missing: \"/a\", \"/a/{id}\", \"/a/*\" or "
			"{\"regex\": \"^/a\"}");
	if (!json_object_get(v, "to"))
		return declared_refuse(rd,
			"to: is missing: {\"function\": …}, {\"static\": …}, "
			"{\"file\": …}, {\"upstream\": …} or {\"redirect\": "
			"…}");
	/* Else it would depend on an answer's length and coding whether a
	 * member that is to go goes. */
	if (f->answer.nfields && f->pub.target != DECLARED_FUNCTION)
		return declared_refuse(rd,
			"response.json: changes what a function answers; other "
			"answers go through as they come, so let a function "
			"ask for what is to be changed");
	make_name(rd);
	/* no file of a site has a secret beside a stranger's words */
	if (!json_object_get(v, "compress"))
		f->pub.compress = f->pub.target == DECLARED_STATIC;
	if (!json_object_get(v, "breaker"))
		f->pub.breaker =
			breaker_preset(f->pub.target == DECLARED_UPSTREAM);
	other = json_string_value(
		json_object_get(rd->table->names, f->pub.name));
	if (other)
		return declared_refuse(
			rd, "name: \"%s\" is %s's already", f->pub.name, other);
	(void)json_object_set_new(
		rd->table->names, f->pub.name, json_string(f->place));
	return 0;
}

int
declared_read_route(struct declared_reading *rd, const json_t *v)
{
	int e = declared_members(
		rd, v, route_members, array_size(route_members));

	if (!rd->route->methods)
		rd->route->methods = HTTP_ANY_METHOD;
	return e < 0 ? e : route_check(rd, v);
}
