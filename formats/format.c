/*
 * Which format a file is in.  Its name is believed; without one, what a format
 * cannot begin with otherwise decides.
 */
#include "formats/format.h"

#include "base/val.h"
#include "formats/archive.h"
#include "formats/csv.h"

#include <strings.h>

static const struct format *const formats[] = {
	&format_json,
	&format_csv,
	&format_bson,
	&format_archive,
};

const struct format *
format_named(struct slice name)
{
	for (size_t i = 0; i < array_size(formats); i++)
		if (slice_is(name, formats[i]->name))
			return formats[i];
	return NULL;
}

static bool
ends_with(struct slice s, struct slice end)
{
	return s.len > end.len &&
	       strncasecmp(s.ptr + s.len - end.len, end.ptr, end.len) == 0;
}

static const struct format *
by_extension(const char *path)
{
	struct slice name = slice_str(path);

	if (ends_with(name, SLICE(".gz")))
		name.len -= 3;
	for (size_t i = 0; i < array_size(formats); i++) {
		struct slice rest = slice_str(formats[i]->extensions), one;

		while (slice_split(&rest, ' ', &one))
			if (ends_with(name, one))
				return formats[i];
	}
	return NULL;
}

/* A BSON document begins with its length, which has a zero, then the
 * type of its first member. */
static bool
looks_like_bson(struct slice s)
{
	return s.len >= 5 && memchr(s.ptr, '\0', 4) &&
	       (unsigned char)s.ptr[4] <= 0x13;
}

static const struct format *
by_content(struct slice s)
{
	if (archive_begins(s))
		return &format_archive;
	if (looks_like_bson(s))
		return &format_bson;
	if (slice_starts(s, "\xef\xbb\xbf"))
		s = slice_of(s.ptr + 3, s.len - 3);
	while (s.len && strchr(" \t\r\n", *s.ptr) && *s.ptr)
		s = slice_of(s.ptr + 1, s.len - 1);
	if (!s.len || s.ptr[0] == '{' || s.ptr[0] == '[')
		return &format_json;
	return &format_csv;
}

int
format_find(const struct format **ret, const char *path, struct input *in,
	struct fault *why)
{
	struct slice s;
	int r;

	*ret = by_extension(path);
	if (*ret)
		return 0;
	r = input_peek(in, 512, &s, why);
	if (r == 0)
		*ret = by_content(s);
	return r;
}

int
reader_open(struct reader *r, const struct format *format, struct input *in,
	struct fault *why)
{
	r->format = format;
	r->in = in;
	buf_init(&r->head, 1 << 20);
	return format->open(r, why);
}

void
reader_close(struct reader *r)
{
	buf_done(&r->head);
	r->table = csv_table_free(r->table);
}

int
reader_next(struct reader *r, struct buf *to, struct fault *why)
{
	return r->format->next(r, to, why);
}

int
reader_skip(struct reader *r, int64_t offset, struct fault *why)
{
	return r->format->skip ? r->format->skip(r, offset, why)
			       : input_skip(r->in, offset, why);
}
