/*
 * Which endpoint answers.
 *
 * The table stays what a reader sees, and its rows are tried in its order; but
 * only those of the path's lane, since a path that somebody declared himself
 * would be compared with all of them in vain.
 */
#include "gateway/route.h"

#include "gateway/endpoint.h"
#include "gateway/gateway.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

const struct route route_table[] = {
#define X(method, path, endpoint, know, who, listeners, style, body) \
	{method, path, endpoint, know, who, listeners, style, body},
#include "gateway/route.def"
#undef X
};

const size_t route_count = array_size(route_table);

enum { LANES = 256, ROWS = array_size(route_table), LITERAL = 5 };

static struct {
	bool filled;
	uint16_t first[LANES], next[ROWS]; /* rows, from 1; 0: no more */
} lanes;

/* By its second letter and its fifth: "/v1/s…", "/healthz". */
static unsigned
lane_of(const char *path)
{
	unsigned char second = path[0] ? (unsigned char)path[1] : 0;
	bool is_long = second && path[2] && path[3];

	return (second * 8U ^ (is_long ? (unsigned char)path[4] : 0)) % LANES;
}

/* From the last, so that each lane has the order of the table. */
static void
lanes_fill(void)
{
	for (unsigned i = ROWS; i > 0; i--) {
		const char *path = route_table[i - 1].path;
		uint16_t *first = &lanes.first[lane_of(path)];

		assert(!memchr(path, '{', strnlen(path, LITERAL)));
		lanes.next[i - 1] = *first;
		*first = (uint16_t)i;
	}
	lanes.filled = true;
}

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

	if (!lanes.filled)
		lanes_fill();
	ask->allowed = 0;
	for (unsigned i = lanes.first[lane_of(ask->path)]; i > 0;
		i = lanes.next[i - 1]) {
		const struct route *r = &route_table[i - 1];

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
