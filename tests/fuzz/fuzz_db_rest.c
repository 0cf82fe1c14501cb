/*
 * Requests of /v1/database: a line of method and path, a line a parameter of
 * the URL, an empty line, the body.  Whatever comes, what leaves is a cloud
 * call with an action of the database's.
 */
#include "gateway/db_rest.h"
#include "gateway/route.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

static struct slice
query_of(void *owner, const char *name)
{
	struct slice left = *(struct slice *)owner, line;
	size_t n = strlen(name);

	while (left.len) {
		bool more = slice_split(&left, '\n', &line);

		if (!more) {
			line = left;
			left.len = 0;
		}
		if (line.len > n && line.ptr[n] == '=' &&
			memcmp(line.ptr, name, n) == 0)
			return slice_of(line.ptr + n + 1, line.len - n - 1);
	}
	return slice_of("", 0);
}

/* What stands before the separator; all without one. */
static struct slice
cut(struct slice *from, const char *separator)
{
	const char *at = from->len ? memmem(from->ptr, from->len, separator,
					     strlen(separator))
				   : NULL;
	size_t n = at ? (size_t)(at - from->ptr) : from->len;
	struct slice head = slice_of(from->ptr, n);
	size_t skip = at ? n + strlen(separator) : n;

	*from = slice_of(from->ptr + skip, from->len - skip);
	return head;
}

static void
check(const json_t *call)
{
	const char *action = json_string_value(json_object_get(call, "action"));
	json_t *name = json_object_get(call, "collectionName");

	if (!action || strncmp(action, "database.", 9) != 0)
		__builtin_trap();
	/* A path names a collection, and only it does. */
	if (name && json_is_string(name) && json_string_length(name) == 0 &&
		strcmp(action, "database.addCollection") != 0)
		__builtin_trap();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice rest = slice_of(data, size), line, query;
	_json_ json_t *body = NULL, *call = NULL;
	struct db_rest r = {.env = "prod", .query = query_of};
	struct fault why;
	int e;

	line = cut(&rest, "\n");
	query = cut(&rest, "\n\n");
	r.owner = &query;
	r.method = METHOD_POST;
	if (line.len && line.ptr[0] == 'G')
		r.method = METHOD_GET;
	if (line.len && line.ptr[0] == 'U')
		r.method = METHOD_PATCH;
	(void)cut(&line, " ");
	r.path = line;
	if (val_parse(&body, rest, NULL) == 0 && json_is_object(body))
		r.body = body;
	e = db_rest_call(&r, &call, &why);
	if (e == 0)
		check(call);
	if (e == ERR_METHOD && !r.allowed)
		__builtin_trap();
	return 0;
}
