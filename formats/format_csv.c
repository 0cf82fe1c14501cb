/*
 * CSV files: the first record names the columns; empty lines mean nothing.
 */
#include "base/mem.h"
#include "formats/csv.h"
#include "formats/format.h"

#include <string.h>

/* The record that comes next, not taken yet.  0: the end. */
static int
read_record(struct reader *r, struct csv_record *ret, struct slice *raw,
	struct fault *why)
{
	size_t want = 65536;

	for (;;) {
		struct slice s;
		int e = input_peek(r->in, want, &s, why);

		if (e < 0)
			return e;
		if (!s.len)
			return 0;
		e = csv_read(ret, s, s.len < want, why);
		if (e != 0) {
			*raw = slice_of(s.ptr, ret->len);
			return e;
		}
		want = 2 * s.len;
	}
}

static int
open_csv(struct reader *r, struct fault *why)
{
	struct csv_record *head = mem_new(struct csv_record);
	struct slice raw;
	int e = input_peek(r->in, 3, &raw, why);

	if (e == 0 && slice_starts(raw, "\xef\xbb\xbf"))
		input_take(r->in, 3);
	if (e == 0)
		e = read_record(r, head, &raw, why);
	if (e == 0)
		e = fault_set(why, ERR_FORMAT,
			"is empty: the first line of CSV names the columns");
	if (e > 0) {
		buf_slice(&r->head, raw);
		input_take(r->in, raw.len);
		e = csv_table_new(&r->table, head, r->types, why);
	}
	(void)mem_free(head);
	return e == ERR_PARAM ? ERR_FORMAT : e;
}

static bool
is_empty(const struct csv_record *record)
{
	return record->count == 1 && !record->cell[0].quoted &&
	       !record->cell[0].text.len;
}

static int
next_csv(struct reader *r, struct buf *to, struct fault *why)
{
	/* 64 KiB and more: not for the stack, and not for each record. */
	static struct csv_record record;
	int e;

	do {
		r->line = input_line(r->in);
		r->offset = input_offset(r->in);
		record.len = 0;
		e = read_record(r, &record, &r->raw, why);
		if (e == 1 || e == ERR_PARAM)
			input_take(r->in, record.len);
	} while (e == 1 && is_empty(&record));
	if (e != 1)
		return e;
	e = csv_put_doc(to, r->table, &record, why);
	return e < 0 ? e : 1;
}

const struct format format_csv = {
	.name = "csv",
	.extensions = ".csv",
	.is_text = true,
	.open = open_csv,
	.next = next_csv,
};
