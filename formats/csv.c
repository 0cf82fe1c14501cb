/*
 * Records and cells of RFC 4180: quotes double inside quotes, and a quoted cell
 * may hold commas and line ends.  What stands between quotes is not touched
 * until somebody asks for it.
 */
#include "formats/csv.h"

#include <string.h>

/* Past the next line end, for those who go on after a bad record. */
static size_t
after_line(struct slice s)
{
	const char *end = memchr(s.ptr, '\n', s.len);

	return end ? (size_t)(end + 1 - s.ptr) : s.len;
}

/* The quoted cell whose opening quote is at `at`; where it ends, or 0: it has
 * no end in `s`. */
static size_t
read_quoted(struct slice s, size_t at, struct csv_cell *ret)
{
	size_t from = ++at;

	for (;;) {
		const char *quote = memchr(s.ptr + at, '"', s.len - at);

		if (!quote)
			return 0;
		at = (size_t)(quote - s.ptr) + 1;
		if (at < s.len && s.ptr[at] == '"') {
			at++;
			continue;
		}
		*ret = (struct csv_cell){
			slice_of(s.ptr + from, at - 1 - from), true};
		return at;
	}
}

static size_t
read_plain(struct slice s, size_t at, struct csv_cell *ret)
{
	size_t from = at;

	while (at < s.len && s.ptr[at] != ',' && s.ptr[at] != '\n' &&
		!(s.ptr[at] == '\r' &&
			(at + 1 == s.len || s.ptr[at + 1] == '\n')))
		at++;
	*ret = (struct csv_cell){slice_of(s.ptr + from, at - from), false};
	return at;
}

static int
bad(struct csv_record *ret, struct slice s, struct fault *why, const char *text)
{
	ret->len = after_line(s);
	return fault_set(
		why, ERR_PARAM, "column %zu: %s", ret->count + 1, text);
}

/* After a cell: 1 another follows, 0 more is needed, 2 the record ends. */
static int
read_mark(struct slice s, size_t *at, bool at_end)
{
	if (*at < s.len && s.ptr[*at] == ',') {
		++*at;
		return 1;
	}
	if (*at < s.len && s.ptr[*at] == '\r')
		++*at;
	if (*at == s.len)
		return at_end ? 2 : 0;
	++*at;
	return 2;
}

static int
read_cell(struct csv_record *ret, struct slice s, size_t *at, bool at_end,
	struct fault *why)
{
	struct csv_cell *cell = &ret->cell[ret->count];
	size_t end;

	if (ret->count == CSV_COLUMNS_TOP)
		return bad(ret, s, why, "more columns than can be read");
	if (*at < s.len && s.ptr[*at] == '"') {
		end = read_quoted(s, *at, cell);
		if (end == 0 && !at_end)
			return 0;
		if (end == 0)
			return bad(ret, s, why,
				"a quote is opened and never closed");
		if (end < s.len && !strchr(",\r\n", s.ptr[end]))
			return bad(ret, s, why,
				"after a closing quote comes a comma; a quote "
				"inside a quoted text is written twice");
	} else {
		end = read_plain(s, *at, cell);
		if (memchr(cell->text.ptr, '"', cell->text.len))
			return bad(ret, s, why,
				"a quote inside a text that is not in quotes");
	}
	*at = end;
	ret->count++;
	return 1;
}

int
csv_read(struct csv_record *ret, struct slice s, bool at_end, struct fault *why)
{
	size_t at = 0;
	int r = 1;

	ret->count = 0;
	ret->len = 0;
	while (r == 1) {
		r = read_cell(ret, s, &at, at_end, why);
		if (r != 1)
			return r;
		r = read_mark(s, &at, at_end);
	}
	ret->len = at;
	return r ? 1 : 0;
}

void
csv_unquote(struct buf *to, const struct csv_cell *cell)
{
	struct slice rest = cell->text;
	const char *quote;

	while (cell->quoted && rest.len &&
		(quote = memchr(rest.ptr, '"', rest.len))) {
		size_t n = (size_t)(quote + 1 - rest.ptr);

		buf_add(to, rest.ptr, n);
		n = min(n + 1, rest.len);
		rest = slice_of(rest.ptr + n, rest.len - n);
	}
	buf_slice(to, rest);
}
