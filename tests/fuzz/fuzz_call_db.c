/*
 * ObjectIds in documents on their way out: the text stays JSON, is never
 * longer, and says the same again when it is looked at twice.
 */
#include "base/val.h"
#include "gateway/call_db.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	struct slice s, again;
	bool was_json;

	if (!text)
		abort();
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	s = slice_of(text, size);
	was_json = val_check(s) == 0;
	call_db_plain_ids(&s);
	if (s.len > size || (was_json && val_check(s) < 0))
		abort();
	again = s;
	call_db_plain_ids(&again);
	/* Only text that is no JSON can come to hold another one. */
	if (was_json && again.len != s.len)
		abort();
	free(text);
	return 0;
}
