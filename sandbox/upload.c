/*
 * RFC 7578 with a body that is whole in memory.  Written anew and not shared
 * with the gateway's writer of such bodies: the sandbox is what checks that
 * one.
 */

#include "upload.h"

#include "base/util.h"

#include <string.h>

enum { BOUNDARY_TOP = 70 }; /* RFC 2046 */

static bool
find(struct slice in, struct slice what, size_t *ret)
{
	const char *at =
		what.len ? memmem(in.ptr, in.len, what.ptr, what.len) : NULL;

	if (at)
		*ret = (size_t)(at - in.ptr);
	return at != NULL;
}

static struct slice
skip(struct slice s, size_t len)
{
	return slice_of(s.ptr + len, s.len - len);
}

/* The value of `name="…"` or name=… in a header's value. */
static struct slice
parameter(struct slice value, const char *name)
{
	size_t at = 0, len;

	while (find(skip(value, at), slice_str(name), &len)) {
		bool begins;

		at += len + strlen(name);
		begins = at > strlen(name) &&
			 strchr("; ", value.ptr[at - strlen(name) - 1]);
		value = skip(value, at);
		at = 0;
		if (!begins || !value.len || *value.ptr != '=')
			continue;
		value = skip(value, 1);
		if (value.len && *value.ptr == '"') {
			value = skip(value, 1);
			return find(value, SLICE("\""), &len)
				       ? slice_of(value.ptr, len)
				       : SLICE("");
		}
		return find(value, SLICE(";"), &len) ? slice_of(value.ptr, len)
						     : value;
	}
	return SLICE("");
}

static void
head_parse(struct slice head, struct upload_part *ret)
{
	struct slice line;

	while (slice_split(&head, '\n', &line)) {
		struct slice name;

		if (line.len && line.ptr[line.len - 1] == '\r')
			line.len--;
		if (!slice_split(&line, ':', &name))
			continue;
		line = slice_trim(line);
		if (slice_is_nocase(name, "Content-Disposition")) {
			ret->name = parameter(line, "name");
			ret->filename = parameter(line, "filename");
		} else if (slice_is_nocase(name, "Content-Type")) {
			ret->type = line;
		}
	}
}

bool
upload_next(struct slice content_type, struct slice *rest,
	struct upload_part *ret, bool *bad)
{
	struct slice boundary = parameter(content_type, "boundary");
	char line[BOUNDARY_TOP + 5] = "\r\n--";
	struct slice mark;
	size_t head, body;

	*bad = true;
	if (boundary.len == 0 || boundary.len > BOUNDARY_TOP)
		return false;
	memcpy(line + 4, boundary.ptr, boundary.len);
	mark = slice_of(line, boundary.len + 4);
	/* the first one has no line before it */
	if (slice_starts(*rest, line + 2))
		*rest = skip(*rest, mark.len - 2);
	else if (slice_starts(*rest, line))
		*rest = skip(*rest, mark.len);
	else
		return false;
	*bad = !slice_starts(*rest, "--") && !slice_starts(*rest, "\r\n");
	if (!slice_starts(*rest, "\r\n"))
		return false;
	*bad = true;
	if (!find(*rest, SLICE("\r\n\r\n"), &head))
		return false;
	*ret = (struct upload_part){0};
	head_parse(slice_of(rest->ptr, head), ret);
	*rest = skip(*rest, head + 4);
	if (!find(*rest, mark, &body))
		return false;
	ret->content = slice_of(rest->ptr, body);
	*rest = skip(*rest, body);
	*bad = false;
	return true;
}
