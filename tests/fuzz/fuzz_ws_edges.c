/*
 * Frames that pass through: their ends are the same whether they come whole or
 * byte by byte, and no byte is left out.
 */
#include "http/ws_edges.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

enum { ENDS = 4096 };

static size_t
find_ends(struct slice in, size_t piece, size_t ends[ENDS])
{
	struct ws_edges e = {0};
	size_t at = 0, count = 0;

	while (at < in.len) {
		size_t some = min(piece, in.len - at);
		size_t n = ws_edges_cut(&e, slice_of(in.ptr + at, some));

		if (n == 0 || n > some || (n < some && !ws_edges_between(&e)))
			__builtin_trap();
		at += n;
		if (ws_edges_between(&e))
			ends[count++] = at;
	}
	return count;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static size_t a[ENDS], b[ENDS];
	struct slice in = slice_of((const char *)data, min(size, (size_t)ENDS));
	size_t count = find_ends(in, in.len, a);

	if (find_ends(in, 1, b) != count ||
		memcmp(a, b, count * sizeof(*a)) != 0)
		__builtin_trap();
	return 0;
}
