/*
 * A trade bill: whatever the bytes are, lines that come out hold what the
 * header promises, and lie within the text.
 */
#include "pay/tradebill.h"
#include "tests/fuzz/fuzz.h"

static void
within(struct slice s, const uint8_t *data, size_t size)
{
	const char *begin = (const char *)data;

	if (s.len && (s.ptr < begin || s.ptr + s.len > begin + size))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tradebill_line line;
	struct tradebill t;
	struct fault why = {0};

	if (tradebill_open(&t, slice_of(data, size), &why) < 0)
		return 0;
	while (tradebill_next(&t, &line, &why) > 0) {
		within(line.out_trade_no, data, size);
		within(line.refund_state, data, size);
		within(line.currency, data, size);
		if (line.total < 0 || line.refund < 0)
			abort();
		if (line.kind != TRADEBILL_REFUND && line.out_refund_no.len)
			abort();
	}
	return 0;
}
