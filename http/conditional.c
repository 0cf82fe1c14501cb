/*
 * The preconditions in the order of RFC 9110, 13.2.2, but as nginx has them:
 * If-Unmodified-Since and If-Match, then If-None-Match with
 * If-Modified-Since, then If-Range and Range.
 */
#include "http/conditional.h"

#include "base/text.h"

enum { SEND = 200, SAME = 304, FAILED = 412 };

void
conditional_read(struct conditional *c,
	struct slice (*header)(const void *request, const char *name),
	const void *request)
{
	c->if_match = header(request, "If-Match");
	c->if_none_match = header(request, "If-None-Match");
	c->if_modified_since = header(request, "If-Modified-Since");
	c->if_unmodified_since = header(request, "If-Unmodified-Since");
	c->range = header(request, "Range");
	if (c->range.ptr)
		c->if_range = header(request, "If-Range");
}

static struct slice
behind(struct slice s, size_t n)
{
	return slice_of(s.ptr + n, s.len - n);
}

static bool
is_weak(struct slice etag)
{
	return etag.len > 2 && slice_starts(etag, "W/");
}

static struct slice
past_any(struct slice s, const char *any)
{
	while (s.len && strchr(any, s.ptr[0]))
		s = behind(s, 1);
	return s;
}

/* Cut the next entity tag; commas may stand inside of its quotes. */
static bool
cut_tag(struct slice *list, struct slice *ret)
{
	struct slice s = past_any(*list, " \t,");
	size_t n = slice_starts(s, "W/") ? 2 : 0;

	if (!s.len)
		return false;
	if (n < s.len && s.ptr[n] == '"') {
		const char *end = memchr(s.ptr + n + 1, '"', s.len - n - 1);

		n = end ? (size_t)(end - s.ptr) + 1 : s.len;
	}
	while (n < s.len && s.ptr[n] != ',')
		n++;
	*ret = slice_trim(slice_of(s.ptr, n));
	*list = behind(s, n);
	return true;
}

bool
conditional_names(struct slice list, struct slice etag, bool weak)
{
	struct slice tag;

	if (slice_is(list, "*"))
		return true;
	if (!etag.len || (!weak && is_weak(etag)))
		return false;
	if (is_weak(etag))
		etag = behind(etag, 2);
	while (cut_tag(&list, &tag)) {
		if (weak && is_weak(tag))
			tag = behind(tag, 2);
		if (slice_eq(tag, etag))
			return true;
	}
	return false;
}

/* A date that cannot be read is none of the representation's. */
static bool
date_of(struct slice text, int64_t *ret)
{
	return text_unhttp_date(text, ret) == 0;
}

static bool
is_unmodified(const struct conditional *c)
{
	int64_t date;

	return c->modified_s >= 0 && date_of(c->if_unmodified_since, &date) &&
	       date >= c->modified_s;
}

static bool
is_modified(const struct conditional *c)
{
	int64_t date;

	return c->modified_s < 0 || !date_of(c->if_modified_since, &date) ||
	       date != c->modified_s;
}

/* What the client has is what we have (13.1.5): compared strongly. */
static bool
is_same_range(const struct conditional *c)
{
	int64_t date;

	if (!c->if_range.ptr)
		return true;
	if (c->if_range.len >= 2 && c->if_range.ptr[c->if_range.len - 1] == '"')
		return c->etag.len && !is_weak(c->etag) &&
		       slice_eq(c->if_range, c->etag);
	return c->modified_s >= 0 && date_of(c->if_range, &date) &&
	       date == c->modified_s;
}

/* Both, when both are there, must say so. */
static bool
is_held_already(const struct conditional *c)
{
	if (!c->if_none_match.ptr && !c->if_modified_since.ptr)
		return false;
	if (c->if_modified_since.ptr && is_modified(c))
		return false;
	return !c->if_none_match.ptr ||
	       conditional_names(c->if_none_match, c->etag, true);
}

int
conditional_check(const struct conditional *c, struct ranges *ranges)
{
	ranges->count = 0;
	if (c->if_unmodified_since.ptr && !is_unmodified(c))
		return FAILED;
	if (c->if_match.ptr && !conditional_names(c->if_match, c->etag, false))
		return FAILED;
	if (!c->is_get)
		return c->if_none_match.ptr &&
				       conditional_names(
					       c->if_none_match, c->etag, true)
			       ? FAILED
			       : SEND;
	if (is_held_already(c))
		return SAME;
	if (!c->range.ptr || !is_same_range(c))
		return SEND;
	return range_parse(ranges, c->range, c->size);
}
