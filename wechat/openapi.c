/*
 * Names of APIs: the table, and paths for what it does not know.
 *
 * A function gets what WeChat answers, so it may not ask for tokens and session
 * keys: they stay in this process.
 */
#include "wechat/openapi.h"

#include <stdio.h>

static const struct row {
	const char *name;
	enum openapi_how how;
	const char *path;
} rows[] = {
#define X(name, how, path) {name, OPENAPI_##how, path},
#include "wechat/openapi.def"
#undef X
};

/* What answers with secrets. */
static const char *const secrets[] = {
	"/cgi-bin/token",
	"/cgi-bin/stable_token",
	"/cgi-bin/component/",
	/* tells the query and the body of a request that failed */
	"/cgi-bin/openapi/rid/",
	"/sns/",
	"/wxa/resetusersessionkey",
};

static struct slice
without(struct slice s, const char *prefix)
{
	size_t n = strlen(prefix);

	return slice_starts(s, prefix) ? slice_of(s.ptr + n, s.len - n) : s;
}

bool
openapi_same(struct slice a, struct slice b)
{
	return slice_eq(without(a, "/"), without(b, "/"));
}

static bool
path_is_valid(struct slice path)
{
	char before = '/';

	if (!path.len || path.len > OPENAPI_PATH_TOP ||
		path.ptr[path.len - 1] == '/')
		return false;
	for (size_t i = 0; i < path.len; i++) {
		char c = path.ptr[i];
		bool letter = (c >= 'a' && c <= 'z') ||
			      (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');

		/* No empty segment, none that begins with a dot. */
		if (!letter && before == '/' && c != '_')
			return false;
		if (!letter && !memchr("/_-.", c, 4))
			return false;
		before = c;
	}
	return true;
}

static bool
is_secret(const char *path)
{
	for (size_t i = 0; i < array_size(secrets); i++) {
		size_t n = strlen(secrets[i]);
		struct slice start = slice_of(path, min(n, strlen(path)));

		if (!slice_is_nocase(start, secrets[i]))
			continue;
		if (secrets[i][n - 1] == '/' || path[n] == '\0')
			return true;
	}
	return false;
}

static void
route_set(struct openapi_route *r, enum openapi_how how, struct slice path)
{
	r->how = how;
	(void)snprintf(r->path, sizeof(r->path), "/%.*s", SLICE_ARG(path));
}

/* By its path: as its row has it, or as most are. */
static int
path_find(struct openapi_route *ret, struct slice name, struct fault *why)
{
	struct slice path = without(without(name, "GET "), "/");
	bool get = slice_starts(name, "GET ");

	if (!path_is_valid(path))
		return fault_set(why, ERR_NOT_FOUND,
			"this is neither the name of one of WeChat's APIs nor "
			"the path of one, as /wxa/business/getuserphonenumber");
	route_set(ret, get ? OPENAPI_QUERY : OPENAPI_JSON, path);
	for (size_t i = 0; !get && i < array_size(rows); i++)
		if (strcmp(ret->path, rows[i].path) == 0)
			ret->how = rows[i].how;
	if (is_secret(ret->path))
		return fault_set(why, ERR_FORBIDDEN,
			"%s answers with secrets, which functions do not get: "
			"this server keeps the tokens and uses them for you",
			ret->path);
	return 0;
}

int
openapi_find(struct openapi_route *ret, struct slice name, struct fault *why)
{
	for (size_t i = 0; i < array_size(rows); i++)
		if (slice_is(name, rows[i].name)) {
			route_set(ret, rows[i].how,
				without(slice_str(rows[i].path), "/"));
			return 0;
		}
	if (name.len && memchr(name.ptr, '/', name.len))
		return path_find(ret, name, why);
	return fault_set(why, ERR_NOT_FOUND,
		"this server does not know this name of an API: call it by its "
		"path, which WeChat's page of it says, as "
		"cloud.openapi['/wxa/business/getuserphonenumber'](…)");
}
