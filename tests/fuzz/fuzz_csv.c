/*
 * CSV: reading ends and moves on, and a cell written in quotes is read back.
 */
#include "base/scan.h"
#include "base/text.h"
#include "formats/csv.h"
#include "tests/fuzz/fuzz.h"

static struct csv_record record, again;

static void
check_cell(const struct csv_cell *cell)
{
	_buf_ struct buf text, line, back;

	buf_init(&text, 1 << 20);
	buf_init(&line, 1 << 22);
	buf_init(&back, 1 << 20);
	csv_unquote(&text, cell);
	must(cell->quoted || slice_eq(buf_all(&text), cell->text));
	if (!text_is_utf8(buf_all(&text)) ||
		memchr(buf_all(&text).ptr, '\0', text.len))
		return;
	csv_put_name(&line, buf_all(&text));
	buf_str(&line, ",x\n");
	must(csv_read(&again, buf_all(&line), false, NULL) == 1);
	must(again.count == 2 && again.len == line.len);
	csv_unquote(&back, &again.cell[0]);
	must(slice_eq(buf_all(&back), buf_all(&text)));
}

static void
check_record(struct csv_table *t)
{
	_buf_ struct buf doc;

	buf_init(&doc, 1 << 24);
	for (size_t i = 0; i < record.count; i++)
		check_cell(&record.cell[i]);
	if (csv_put_doc(&doc, t, &record, NULL) == 0) {
		must(scan_text(buf_all(&doc)) == 0);
		must(!memchr(doc.ptr, '\n', doc.len));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice s = slice_of(data, size);
	struct csv_table *t = NULL;

	if (csv_read(&record, s, true, NULL) != 1 ||
		csv_table_new(&t, &record, NULL, NULL) < 0)
		return 0;
	while (s.len) {
		int r = csv_read(&record, s, true, NULL);

		must(r != 0 && record.len > 0 && record.len <= s.len);
		if (r == 1)
			check_record(t);
		s = slice_of(s.ptr + record.len, s.len - record.len);
	}
	(void)csv_table_free(t);
	return 0;
}
