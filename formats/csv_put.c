/*
 * Values as cells.
 */
#include "documents/ejson.h"
#include "formats/csv.h"
#include "formats/csv_guess.h"

#include <stdlib.h>

enum { CELL_TOP = 64 << 20 };

static void
put_quoted(struct buf *to, struct slice s)
{
	buf_char(to, '"');
	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] == '"')
			buf_char(to, '"');
		buf_char(to, s.ptr[i]);
	}
	buf_char(to, '"');
}

static bool
has_marks(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (strchr(",\"\r\n", s.ptr[i]) && s.ptr[i])
			return true;
	return s.len && (s.ptr[0] == ' ' || s.ptr[s.len - 1] == ' ');
}

/* As the value itself in JSON. */
static void
put_json(struct buf *to, const json_t *v)
{
	_buf_ struct buf text = {0};

	buf_init(&text, CELL_TOP);
	val_put(&text, v);
	put_quoted(to, buf_all(&text));
}

static void
put_text(struct buf *to, const json_t *v)
{
	struct slice s = slice_of(json_string_value(v), json_string_length(v));

	if (csv_guess(s, true) != CSV_TEXT)
		put_json(to, v);
	else if (has_marks(s) || csv_guess(s, false) != CSV_TEXT)
		put_quoted(to, s);
	else
		buf_slice(to, s);
}

static const char *
tagged(const json_t *v, const char *tag)
{
	return json_object_size(v) == 1
		       ? json_string_value(json_object_get(v, tag))
		       : NULL;
}

static bool
put_date(struct buf *to, const json_t *v)
{
	const char *text = tagged(json_object_get(v, "$date"), "$numberLong");

	return text && ejson_put_time(to, strtoll(text, NULL, 10));
}

static bool
put_tagged(struct buf *to, const json_t *v)
{
	const char *oid = tagged(v, "$oid"), *n = tagged(v, "$numberInt");

	if (!n)
		n = tagged(v, "$numberLong");
	if (!n)
		n = tagged(v, "$numberDouble");
	if (n)
		buf_str(to, n);
	else if (oid)
		buf_printf(to, "ObjectId(%s)", oid);
	else
		return put_date(to, v);
	return true;
}

void
csv_put_cell(struct buf *to, const json_t *v)
{
	if (!v)
		return;
	if (json_is_string(v))
		put_text(to, v);
	else if (json_is_null(v))
		buf_str(to, "null");
	else if (json_is_boolean(v))
		buf_str(to, json_is_true(v) ? "true" : "false");
	else if (!json_is_object(v) || !put_tagged(to, v))
		put_json(to, v);
}

void
csv_put_name(struct buf *to, struct slice name)
{
	if (has_marks(name))
		put_quoted(to, name);
	else
		buf_slice(to, name);
}
