/*
 * XML: reading ends, and what was read, written again, is read the same.
 */
#include "base/xml.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_json_ json_t *first = NULL, *again = NULL;
	_buf_ struct buf text;
	struct fault why = {0};
	int r;

	buf_init(&text, 64 << 20);
	r = xml_parse(&first, "xml", slice_of(data, size), &why);
	if (r < 0) {
		must(!first && why.text[0]);
		return 0;
	}
	must(json_is_object(first));
	must(xml_build(&text, "xml", first, &why) == 0);
	if (text.len > XML_TEXT_TOP)
		return 0; /* CDATA is longer than what it holds */
	must(xml_parse(&again, "xml", buf_all(&text), &why) == 0);
	must(json_equal(first, again));
	return 0;
}
