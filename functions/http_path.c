/*
 * What may be a function's path.  Our own first segments are a list here, not
 * a look at the gateway's routes: what is deployed must not break when a later
 * version serves one more of them (a test holds the two together).
 */
#include "functions/http_path.h"

#include "base/text.h"

#include <ctype.h>

static const char *const ours[] = {"v1", "v2", "admin", "web", "auth", "ops",
	"gateway", "ws", "healthz", "readyz", "metrics", "console", "storage",
	"realtime"};

static const char *const methods[HTTP_METHODS] = {
	"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};

bool
http_path_is_ours(struct slice path)
{
	struct slice rest = path, segment;

	/* what else is there (RFC 8615) may well be a function's */
	if (slice_is(path, "/.well-known/jwks.json"))
		return true;
	(void)slice_split(&rest, '/', &segment); /* before the first slash */
	if (!slice_split(&rest, '/', &segment))
		return false;
	for (size_t i = 0; i < array_size(ours); i++)
		if (slice_is(segment, ours[i]))
			return true;
	return false;
}

bool
http_path_covers(struct slice prefix, struct slice path)
{
	if (slice_is(prefix, "/"))
		return path.len > 0 && path.ptr[0] == '/';
	return path.len >= prefix.len &&
	       memcmp(path.ptr, prefix.ptr, prefix.len) == 0 &&
	       (path.len == prefix.len || path.ptr[prefix.len] == '/');
}

/* What stands in a path as itself, and letters of all languages. */
static bool
is_plain(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.ptr[i];

		if (c < 0x80 && !isalnum(c) && !(c && strchr("-._~/@", c)))
			return false;
	}
	return text_is_utf8(s);
}

static int
refuse(struct slice path, struct fault *why, const char *what)
{
	return fault_set(why, ERR_PARAM, "path \"%.*s\": %s",
		(int)min(path.len, (size_t)60), path.ptr, what);
}

int
http_path_check(struct slice path, struct fault *why)
{
	struct slice rest = path, segment;

	if (path.len == 0 || path.ptr[0] != '/')
		return refuse(path, why, "it begins with a slash: /api");
	if (path.len > HTTP_PATH_TOP)
		return refuse(path, why, "it is longer than 256 bytes");
	if (path.len == 1)
		return 0;
	if (path.ptr[path.len - 1] == '*')
		return refuse(path, why,
			"leave the * out: all below a path is its function's");
	if (!is_plain(path))
		return refuse(path, why,
			"give letters, digits and - . _ ~ @ between slashes");
	if (path.ptr[path.len - 1] == '/')
		return refuse(path, why,
			"leave the last slash out: all below a path is its "
			"function's");
	(void)slice_split(&rest, '/', &segment);
	while (slice_split(&rest, '/', &segment))
		if (segment.len == 0 || slice_is(segment, ".") ||
			slice_is(segment, ".."))
			return refuse(path, why,
				"a segment is empty, \".\" or \"..\"");
	if (http_path_is_ours(path))
		return refuse(path, why,
			"its first segment is the platform's own (/v1, /admin, "
			"/web, /auth, …); take another, as /api");
	return 0;
}

const char *
http_method_name(unsigned which)
{
	return methods[which];
}

unsigned
http_method_bits(struct slice name)
{
	for (unsigned i = 0; i < HTTP_METHODS; i++)
		if (slice_is(name, methods[i]))
			return i == 0 ? 3 : 1u << i;
	return 0;
}
