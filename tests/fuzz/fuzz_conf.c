/*
 * A configuration file: what is taken is shown and taken again, unchanged.
 */
#include "base/buf.h"
#include "base/conf.h"
#include "base/mem.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

static void
show_all(struct buf *to, const struct conf *conf)
{
	for (size_t i = 0; i < conf_count; i++) {
		const struct conf_row *row = &conf_rows[i];
		_free_ char *value = conf_show(conf, row);

		buf_printf(
			to, "[%s]\n%s = %s\n", row->section, row->name, value);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(conf_freep) struct conf *one = NULL, *two = NULL;
	_buf_ struct buf first = {0}, second = {0};
	struct fault why = {0};

	if (conf_parse(&one, "f", slice_of(data, size), &why) < 0) {
		if (one || strncmp(why.text, "f:", 2) != 0)
			abort();
		return 0;
	}
	buf_init(&first, 1 << 20);
	buf_init(&second, 1 << 20);
	show_all(&first, one);
	if (first.len > 256 * 1024)
		return 0;
	if (conf_parse(&two, "f", buf_all(&first), &why) < 0)
		abort();
	show_all(&second, two);
	if (!slice_eq(buf_all(&first), buf_all(&second)))
		abort();
	return 0;
}
