/*
 * Which endpoint answers.
 *
 * A score of rows tried in order costs less than a hash of the path when the
 * busy ones stand first, and the table stays what a reader sees.
 */
#include "gateway/route.h"

#include "gateway/endpoint.h"
#include "gateway/gateway.h"

#include <stdio.h>
#include <string.h>

const struct route route_table[] = {
#define X(method, path, endpoint, know, who, listeners, style, body) \
	{method, path, endpoint, know, who, listeners, style, body},
#include "gateway/route.def"
#undef X
};

const size_t route_count = array_size(route_table);

bool
route_fits(const char *pattern, const char *path, struct slice *param)
{
	size_t n;

	while (*pattern && *pattern != '{')
		if (*pattern++ != *path++)
			return false;
	if (!*pattern)
		return !*path;
	pattern = strchr(pattern, '}');
	n = pattern[-1] == '*' ? strlen(path) : strcspn(path, "/");
	if (n == 0)
		return false;
	*param = slice_of(path, n);
	return strcmp(pattern + 1, path + n) == 0;
}

static unsigned
method_bit(const char *method)
{
	if (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0)
		return METHOD_GET;
	if (strcmp(method, "POST") == 0)
		return METHOD_POST;
	if (strcmp(method, "PATCH") == 0)
		return METHOD_PATCH;
	if (strcmp(method, "DELETE") == 0)
		return METHOD_DELETE;
	if (strcmp(method, "PUT") == 0)
		return METHOD_PUT;
	if (strcmp(method, "OPTIONS") == 0)
		return METHOD_OPTIONS;
	return 0;
}

int
route_find(struct route_ask *ask)
{
	unsigned bit = method_bit(ask->method);

	ask->allowed = 0;
	for (size_t i = 0; i < route_count; i++) {
		const struct route *r = &route_table[i];

		if (!(r->listeners & ask->listener) ||
			!route_fits(r->path, ask->path, &ask->param))
			continue;
		if (r->method == bit) {
			ask->route = r;
			return 0;
		}
		ask->allowed |= r->method;
	}
	return ask->allowed ? ERR_METHOD : ERR_NOT_FOUND;
}

const char *
route_allow(unsigned methods)
{
	static const char *const words[] = {
		"GET, HEAD", "POST", "PATCH", "DELETE", "PUT", "OPTIONS"};
	static char texts[1 << array_size(words)][48];
	char *text = texts[methods % array_size(texts)];
	size_t len = 0;

	if (*text)
		return text;
	for (size_t i = 0; i < array_size(words); i++)
		if (methods & 1u << i)
			len += (size_t)snprintf(text + len,
				sizeof(texts[0]) - len, "%s%s", len ? ", " : "",
				words[i]);
	return text;
}
