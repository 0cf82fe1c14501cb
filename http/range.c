/*
 * Range headers, read as nginx reads them (ngx_http_range_filter_module): one
 * malformed part makes the header unsatisfiable, parts past the end are passed
 * over, and parts that together are more than the whole are answered with the
 * whole, so that overlapping ones cost nobody anything.
 */
#include "http/range.h"

#include "base/text.h"

#include <inttypes.h>

enum { RANGE_ALL = 200, RANGE_SOME = 206, RANGE_NONE = 416 };

/* What is left of the header. */
struct rest {
	const char *at, *end;
};

static char
peek(const struct rest *r)
{
	return r->at < r->end ? *r->at : '\0';
}

static void
spaces(struct rest *r)
{
	while (peek(r) == ' ')
		r->at++;
}

static bool
number(struct rest *r, uint64_t *ret)
{
	const char *from = r->at;

	while (peek(r) >= '0' && peek(r) <= '9')
		r->at++;
	return slice_to_u64(slice_of(from, (size_t)(r->at - from)), INT64_MAX,
		       ret) == 0;
}

static bool
at_comma_or_end(struct rest *r)
{
	spaces(r);
	return r->at == r->end || *r->at == ',';
}

/* "0-499", "500-", "-500": *from and *end, which is one past the last. */
static bool
cut_part(struct rest *r, uint64_t size, uint64_t *from, uint64_t *end)
{
	spaces(r);
	if (peek(r) == '-') {
		r->at++;
		if (!number(r, end) || !at_comma_or_end(r))
			return false;
		*from = *end < size ? size - *end : 0;
		*end = size;
		return true;
	}
	if (!number(r, from))
		return false;
	spaces(r);
	if (peek(r) != '-')
		return false;
	r->at++;
	*end = size;
	if (at_comma_or_end(r))
		return true;
	if (!number(r, end) || !at_comma_or_end(r))
		return false;
	*end = *end >= size ? size : *end + 1;
	return true;
}

static int
parse(struct ranges *ret, struct slice header, uint64_t size)
{
	struct rest r = {header.ptr, header.ptr + header.len};
	uint64_t sum = 0, from, end;

	ret->count = 0;
	if (header.len < 7 ||
		!slice_is_nocase(slice_of(header.ptr, 6), "bytes="))
		return RANGE_ALL;
	for (r.at += 6;; r.at++) {
		if (!cut_part(&r, size, &from, &end))
			return RANGE_NONE;
		if (from < end) {
			if (ret->count == RANGES_TOP ||
				__builtin_add_overflow(sum, end - from, &sum))
				return RANGE_ALL;
			ret->list[ret->count++] =
				(struct range){from, end - from};
		} else if (from == 0) {
			return RANGE_ALL;
		}
		if (r.at == r.end)
			break;
	}
	if (!ret->count)
		return RANGE_NONE;
	return sum > size ? RANGE_ALL : RANGE_SOME;
}

int
range_parse(struct ranges *ret, struct slice header, uint64_t size)
{
	int status = parse(ret, header, size);

	if (status != RANGE_SOME)
		ret->count = 0;
	return status;
}

const char *
range_content(struct arena *a, const struct range *part, uint64_t size)
{
	if (!part)
		return arena_printf(a, "bytes */%" PRIu64, size);
	return arena_printf(a, "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64,
		part->from, part->from + part->len - 1, size);
}

static void
boundary_make(char ret[RANGE_BOUNDARY + 1])
{
	char hex[2 * RANGE_BOUNDARY + 1];

	text_random_hex(hex, RANGE_BOUNDARY);
	for (size_t i = 0; i < RANGE_BOUNDARY; i++)
		ret[i] = (char)('0' + (unsigned char)hex[2 * i] % 10);
	ret[RANGE_BOUNDARY] = '\0';
}

struct range_frames *
range_frames_new(struct arena *a, const struct ranges *ranges, const char *type,
	uint64_t size)
{
	struct range_frames *f = arena_new(a, struct range_frames);
	char boundary[RANGE_BOUNDARY + 1];

	boundary_make(boundary);
	f->content_type =
		arena_printf(a, "multipart/byteranges; boundary=%s", boundary);
	for (size_t i = 0; i < ranges->count; i++) {
		f->frames[i] = slice_str(arena_printf(a,
			"\r\n--%s\r\n%s%s%sContent-Range: %s\r\n\r\n", boundary,
			type ? "Content-Type: " : "", type ? type : "",
			type ? "\r\n" : "",
			range_content(a, &ranges->list[i], size)));
		f->size += f->frames[i].len + ranges->list[i].len;
	}
	f->frames[ranges->count] =
		slice_str(arena_printf(a, "\r\n--%s--\r\n", boundary));
	f->size += f->frames[ranges->count].len;
	return f;
}
