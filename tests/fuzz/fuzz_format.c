/*
 * Files of all formats, the first byte says which: j, c, b or a.  Whatever the
 * bytes, reading ends, and what it gives is one line each.
 */
#include "base/val.h"
#include "formats/format.h"
#include "tests/fuzz/fuzz.h"

static void
read_all(const struct format *format, struct slice bytes)
{
	_cleanup_(input_freep) struct input *in = input_of(bytes);
	_buf_ struct buf doc;
	struct reader r = {.collection = "c"};
	int e = reader_open(&r, format, in, NULL);

	buf_init(&doc, 1 << 26);
	for (size_t n = 0; e >= 0 || e == ERR_PARAM; n++) {
		int64_t before = input_offset(in);

		must(n <= bytes.len + 1);
		buf_clear(&doc);
		e = reader_next(&r, &doc, NULL);
		if (e == 0)
			break;
		if (e == 1 || e == ERR_PARAM)
			must(input_offset(in) > before);
		if (e != 1)
			continue;
		must(doc.len > 0 && !memchr(doc.ptr, '\n', doc.len) &&
			!memchr(doc.ptr, '\0', doc.len));
		if (format != &format_json)
			must(val_check(buf_all(&doc)) == 0);
	}
	reader_close(&r);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice rest = slice_of(data + 1, size - 1);

	if (size < 1)
		return 0;
	if (data[0] == 'j')
		read_all(&format_json, rest);
	else if (data[0] == 'c')
		read_all(&format_csv, rest);
	else if (data[0] == 'b')
		read_all(&format_bson, rest);
	else if (data[0] == 'a')
		read_all(&format_archive, rest);
	return 0;
}
