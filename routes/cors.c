/*
 * Who may read an answer is decided by the browser from what we say; what is
 * done here is to say it to nobody else.  An origin is compared whole, with a
 * star only for one label's worth of subdomains or for the port, so that
 * "https://example.com.evil.net" is never "https://example.com".
 */
#include "routes/cors.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/quantity.h"
#include "http/http.h"

#include <ctype.h>
#include <stdlib.h>

enum { TEXT_TOP = 2048, AGE_TOP_MS = 86400000 };

struct cors {
	size_t count;
	char *origins[CORS_ORIGINS_TOP]; /* lower case */
	bool any, credentials;
	char *methods, *headers, *expose; /* NULL: those asked for; preset */
	char age[24];
};

static const char expose_preset[] =
	"X-Request-Id, ETag, Content-Range, Content-Length, Retry-After, "
	"RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset";

struct cors *
cors_free(struct cors *c)
{
	if (!c)
		return NULL;
	for (size_t i = 0; i < c->count; i++)
		free(c->origins[i]);
	free(c->methods);
	free(c->headers);
	free(c->expose);
	return mem_free(c);
}

static int
add_origin(struct cors *c, struct slice s, struct fault *why)
{
	const char *star = memchr(s.ptr, '*', s.len);
	struct slice host;

	if (slice_is(s, "*")) {
		c->any = true;
		return 0;
	}
	if (c->count == CORS_ORIGINS_TOP)
		return fault_set(why, ERR_PARAM, "%d origins at the most",
			CORS_ORIGINS_TOP);
	if (slice_starts(s, "https://"))
		host = slice_of(s.ptr + 8, s.len - 8);
	else if (slice_starts(s, "http://"))
		host = slice_of(s.ptr + 7, s.len - 7);
	else
		host = SLICE("");
	if (!host.len || memchr(host.ptr, '/', host.len))
		return fault_set(why, ERR_PARAM,
			"\"%.*s\": an origin is a scheme and a host, without a "
			"path: https://app.example.com",
			(int)min(s.len, (size_t)80), s.ptr);
	/* "*." at the host's begin, ":*" at its end */
	if (star && !(star == host.ptr && slice_starts(host, "*.")) &&
		!(star == s.ptr + s.len - 1 && star[-1] == ':'))
		return fault_set(why, ERR_PARAM,
			"\"%.*s\": a star stands for subdomains "
			"(https://*.example.com) or for a port "
			"(http://localhost:*)",
			(int)min(s.len, (size_t)80), s.ptr);
	c->origins[c->count] = str_ndup(s.ptr, s.len);
	for (char *p = c->origins[c->count]; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	c->count++;
	return 0;
}

int
cors_new(struct cors **ret, const char *origins, struct fault *why)
{
	_cleanup_(cors_freep) struct cors *c = mem_new(struct cors);
	struct slice rest = slice_str(origins), one;
	int e = 0;

	(void)snprintf(c->age, sizeof(c->age), "600");
	while (e == 0 && slice_split(&rest, ' ', &one))
		if (one.len)
			e = add_origin(c, one, why);
	if (e == 0)
		*ret = take(c);
	return e;
}

/* ["GET", "POST"] → "GET, POST"; names as RFC 9110, 5.6.2. */
static int
read_list(const json_t *v, char **ret, struct fault *why)
{
	struct buf b _buf_ = {0};
	const json_t *one;
	size_t i;

	buf_init(&b, TEXT_TOP);
	json_array_foreach (v, i, one) {
		const char *s = json_string_value(one);

		if (!s || !*s || s[strcspn(s, " ,;:\"\r\n\t")])
			return fault_set(
				why, ERR_PARAM, "an array of names is wanted");
		buf_printf(&b, "%s%s", i ? ", " : "", s);
	}
	if (!json_is_array(v) || buf_check(&b) < 0)
		return fault_set(why, ERR_PARAM, "an array of names is wanted");
	*ret = str_dup(b.ptr ? b.ptr : "");
	return 0;
}

static int
read_origins(struct cors *c, const json_t *v, struct fault *why)
{
	const json_t *one;
	size_t i;
	int e = 0;

	if (json_is_string(v))
		return add_origin(c, slice_str(json_string_value(v)), why);
	json_array_foreach (v, i, one)
		if (e == 0)
			e = add_origin(c,
				slice_str(json_is_string(one)
						  ? json_string_value(one)
						  : ""),
				why);
	if (!json_array_size(v))
		return fault_set(why, ERR_PARAM,
			"[\"https://app.example.com\", …] or [\"*\"] is "
			"wanted");
	return e;
}

static int
read_age(struct cors *c, const json_t *v, struct fault *why)
{
	int64_t ms = -1;

	if (json_is_string(v) &&
		quantity_time(slice_str(json_string_value(v)), &ms) < 0)
		ms = -1;
	if (json_is_integer(v))
		ms = json_integer_value(v) * 1000;
	if (ms < 0 || ms > AGE_TOP_MS)
		return fault_set(why, ERR_PARAM,
			"a time is wanted, \"10m\", of 24h at the most");
	(void)snprintf(c->age, sizeof(c->age), "%lld", (long long)ms / 1000);
	return 0;
}

static int
read_member(
	struct cors *c, const char *name, const json_t *v, struct fault *why)
{
	if (!strcmp(name, "origins"))
		return read_origins(c, v, why);
	if (!strcmp(name, "methods"))
		return read_list(v, &c->methods, why);
	if (!strcmp(name, "headers"))
		return read_list(v, &c->headers, why);
	if (!strcmp(name, "expose"))
		return read_list(v, &c->expose, why);
	if (!strcmp(name, "maxAge"))
		return read_age(c, v, why);
	if (!strcmp(name, "credentials") && json_is_boolean(v)) {
		c->credentials = json_is_true(v);
		return 0;
	}
	return fault_set(why, ERR_PARAM,
		!strcmp(name, "credentials")
			? "true or false is wanted"
			: "not known here: origins, methods, headers, expose, "
			  "credentials, maxAge");
}

int
cors_read(struct cors **ret, const json_t *v, struct fault *why)
{
	_cleanup_(cors_freep) struct cors *c = NULL;
	const char *name;
	json_t *value;
	int e = cors_new(&c, json_is_true(v) ? "*" : "", why);

	if (e < 0)
		return e;
	if (!json_is_true(v) && !json_is_object(v))
		return fault_set(why, ERR_PARAM,
			"true, or {\"origins\": [\"https://…\"]} is wanted");
	json_object_foreach ((json_t *)(uintptr_t)v, name, value) {
		e = read_member(c, name, value, why);
		if (e < 0)
			return fault_prefix(why, e, "%s: ", name);
	}
	if (!c->any && !c->count)
		return fault_set(why, ERR_PARAM, "origins: is missing");
	/* With "*" any page could act as the visitor's browser does. */
	if (c->any && c->credentials)
		return fault_set(why, ERR_PARAM,
			"credentials: not for any origin (*): list the origins "
			"that may send cookies");
	*ret = take(c);
	return 0;
}

/* What stands for a star: labels of a host, or a port. */
static bool
star_fits(struct slice s, bool is_port)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.ptr[i];

		if (is_port ? !isdigit(c) : !isalnum(c) && c != '-' && c != '.')
			return false;
	}
	return s.len > 0;
}

/* `pattern` is in lower case. */
static bool
same_nocase(const char *pattern, struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (tolower((unsigned char)s.ptr[i]) != pattern[i])
			return false;
	return true;
}

static bool
origin_fits(const char *pattern, struct slice origin)
{
	const char *star = strchr(pattern, '*');
	size_t before, after;

	if (!star)
		return slice_is_nocase(origin, pattern);
	before = (size_t)(star - pattern);
	after = strlen(star + 1);
	if (origin.len <= before + after)
		return false;
	return same_nocase(pattern, slice_of(origin.ptr, before)) &&
	       same_nocase(star + 1,
		       slice_of(origin.ptr + origin.len - after, after)) &&
	       star_fits(slice_of(origin.ptr + before,
				 origin.len - before - after),
		       after == 0);
}

bool
cors_allows(const struct cors *c, struct slice origin, struct slice host,
	bool is_tls)
{
	const char *mark;

	if (c && c->any)
		return true;
	for (size_t i = 0; c && i < c->count; i++)
		if (origin_fits(c->origins[i], origin))
			return true;
	/* the page is ours; one without TLS may be whoever's on the way */
	if (is_tls && !slice_starts(origin, "https://"))
		return false;
	mark = memmem(origin.ptr, origin.len, "://", 3);
	return mark && host.len &&
	       slice_eq(slice_of(mark + 3,
				origin.len - (size_t)(mark + 3 - origin.ptr)),
		       host);
}

bool
cors_is_preflight(const struct exchange *x)
{
	return strcmp(exchange_method(x), "OPTIONS") == 0 &&
	       exchange_header(x, "Access-Control-Request-Method").ptr &&
	       exchange_header(x, "Origin").ptr;
}

static void
say_preflight(const struct cors *c, struct exchange *x, const char *methods)
{
	struct slice asked =
		exchange_header(x, "Access-Control-Request-Headers");

	exchange_add_header(x, "Access-Control-Allow-Methods",
		c && c->methods ? c->methods : methods);
	if (c && c->headers)
		exchange_add_header(
			x, "Access-Control-Allow-Headers", c->headers);
	else if (asked.len)
		exchange_add_header(x, "Access-Control-Allow-Headers",
			arena_str(exchange_arena(x), asked));
	exchange_add_header(x, "Access-Control-Max-Age", c ? c->age : "600");
}

bool
cors_varies(const struct cors *c)
{
	return c && (!c->any || c->credentials);
}

void
cors_say(const struct cors *c, struct exchange *x, const char *methods)
{
	struct slice origin = exchange_header(x, "Origin");
	bool open = c && c->any && !c->credentials;

	if (!origin.len || !cors_allows(c, origin, exchange_header(x, "Host"),
				   exchange_is_tls(x)))
		return;
	exchange_add_header(x, "Access-Control-Allow-Origin",
		open ? "*" : arena_str(exchange_arena(x), origin));
	if (c && c->credentials)
		exchange_add_header(
			x, "Access-Control-Allow-Credentials", "true");
	if (methods)
		say_preflight(c, x, methods);
	else
		exchange_add_header(x, "Access-Control-Expose-Headers",
			c && c->expose ? c->expose : expose_preset);
}
