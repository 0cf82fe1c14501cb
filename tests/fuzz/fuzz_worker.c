/*
 * What a gateway's socket gives a native worker: frames in any pieces.  Nothing
 * is run; invocations are queued and freed, replies look for who waits.
 */
#include "base/err.h"
#include "functions/worker.h"
#include "tests/fuzz/fuzz.h"

/* The first byte says after how many bytes to look. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct worker w = {.concurrency = 1, .fd = -1};
	size_t at = 1, step = size > 0 ? data[0] + 1u : 1;
	int r = 0;

	worker_init(&w);
	while (at < size && r == 0) {
		size_t n = min(step, size - at);

		buf_add(&w.in, data + at, n);
		at += n;
		r = worker_take(&w);
	}
	if (r != 0 && r != ERR_FORMAT && r != ERR_TOO_BIG)
		abort();
	worker_done(&w);
	return 0;
}
