/*
 * Headers on several lines (RFC 9112, 5.2).  libmicrohttpd 0.9.75 appends the
 * further lines to the header's name instead of its value, in memory of their
 * own.  The lines still lie where they were read, with NULs for their ends:
 * what they hold is taken off the name's end and put behind the value, joined
 * by one space, so that everybody above sees the header that was meant.
 */
#include "http/http_inside.h"

void
head_find(struct exchange *x)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		x->conn->mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);

	x->head = slice_of(x->method, info ? info->header_size : 0);
}

bool
head_holds(const struct exchange *x, const char *p)
{
	uintptr_t start = (uintptr_t)x->head.ptr, at = (uintptr_t)p;

	return at >= start && at - start <= x->head.len;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* The next folded line at *at, which moves behind it. */
static bool
line_after(const char **at, const char *end, struct slice *ret)
{
	const char *p = *at, *start;

	while (p < end && is_blank(*p))
		p++;
	for (int i = 0; i < 2 && p < end && *p == '\0'; i++)
		p++;
	if (p == end || !is_blank(*p))
		return false;
	for (start = p; p < end && *p != '\0';)
		p++;
	*at = p;
	while (start < p && is_blank(*start))
		start++;
	*ret = slice_of(start, (size_t)(p - start));
	return true;
}

/* Cut `line` off the name at *rest, from the left. */
static bool
take_line(struct slice *rest, struct slice line)
{
	if (rest->len < line.len ||
		!slice_eq(slice_of(rest->ptr, line.len), line))
		return false;
	*rest = slice_of(rest->ptr + line.len, rest->len - line.len);
	return true;
}

/* How many of the name's bytes are lines from *at on. */
static size_t
lines_length(const char *at, const char *end)
{
	struct slice line;
	size_t len = 0;

	while (line_after(&at, end, &line))
		len += line.len;
	return len;
}

bool
fold_mend(struct exchange *x, struct slice *name, struct slice *value)
{
	const char *end = x->head.ptr + x->head.len;
	const char *at = value->ptr + value->len;
	size_t len = value->len, extra;
	struct slice rest, line;
	char *text;

	x->folded = true;
	if (!head_holds(x, value->ptr))
		return false;
	extra = lines_length(at, end);
	if (extra > name->len)
		return false;
	rest = slice_of(name->ptr + name->len - extra, extra);
	text = arena_get(exchange_room(x, x->head.len + 1), x->head.len + 1);
	memcpy(text, value->ptr, len);
	while (line_after(&at, end, &line)) {
		if (!take_line(&rest, line))
			return false;
		line = slice_trim(line);
		if (len && line.len)
			text[len++] = ' ';
		memcpy(text + len, line.ptr, line.len);
		len += line.len;
	}
	name->len -= extra;
	*value = slice_of(text, len);
	return true;
}
