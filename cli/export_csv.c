/*
 * Documents as records: the columns asked for, missing ones empty.
 */
#include "cli/export.h"
#include "formats/csv.h"

#include <stdlib.h>

enum { VALUES_TOP = 4 << 20, NAME_TOP = 1024 };

void
export_put_head(struct buf *to, const char *fields)
{
	struct slice rest = slice_str(fields), name;
	bool first = true;

	while (slice_split(&rest, ',', &name)) {
		if (!first)
			buf_char(to, ',');
		first = false;
		csv_put_name(to, slice_trim(name));
	}
	buf_char(to, '\n');
}

static json_t *
step_into(json_t *v, struct slice step)
{
	char name[NAME_TOP];
	uint64_t at;

	if (json_is_array(v) && slice_to_u64(step, SIZE_MAX, &at) == 0)
		return json_array_get(v, (size_t)at);
	if (!json_is_object(v) || step.len >= sizeof(name))
		return NULL;
	memcpy(name, step.ptr, step.len);
	name[step.len] = '\0';
	return json_object_get(v, name);
}

static void
put_record(struct buf *to, const char *fields, json_t *doc)
{
	struct slice rest = slice_str(fields), name;
	bool first = true;

	while (slice_split(&rest, ',', &name)) {
		struct slice step;
		json_t *v = doc;

		if (!first)
			buf_char(to, ',');
		first = false;
		name = slice_trim(name);
		while (v && slice_split(&name, '.', &step))
			v = step_into(v, step);
		csv_put_cell(to, v);
	}
	buf_char(to, '\n');
}

int
export_put_records(struct buf *to, const char *fields, struct slice lines,
	struct fault *why)
{
	struct slice line;

	while (slice_split(&lines, '\n', &line)) {
		_json_ json_t *doc = NULL;
		size_t values = VALUES_TOP;
		int r;

		if (!line.len)
			continue;
		r = val_parse_some(&doc, line, &values, why);
		if (r < 0)
			return r;
		put_record(to, fields, doc);
	}
	return buf_check(to);
}
