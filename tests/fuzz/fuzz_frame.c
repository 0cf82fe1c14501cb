/*
 * Frames as a stream gives them, and the words in their bodies.
 */
#include "base/err.h"
#include "base/frame.h"
#include "tests/fuzz/fuzz.h"

enum { TOP = 4096 };

/* The first bytes of a body say which words to read from the rest; what was
 * read whole is put again and must be the same bytes. */
static void
read_words(struct slice body)
{
	struct getter g = getter_of(body);
	unsigned plan = get_u8(&g) | (unsigned)get_u8(&g) << 8;
	struct slice from = g.left;
	_buf_ struct buf again;

	buf_init(&again, TOP);
	for (; plan; plan >>= 2) {
		if ((plan & 3) == 0)
			put_u8(&again, get_u8(&g));
		else if ((plan & 3) == 1)
			put_u32(&again, get_u32(&g));
		else if ((plan & 3) == 2)
			put_u64(&again, get_u64(&g));
		else
			put_bytes(&again, get_bytes(&g));
	}
	if (g.bad)
		must(get_end(&g) == ERR_FORMAT);
	else
		must(slice_eq(buf_all(&again),
			slice_of(from.ptr, from.len - g.left.len)));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice from = slice_of(data, size);
	struct frame f;
	int r;

	for (;;) {
		struct slice before = from;
		_buf_ struct buf again;

		buf_init(&again, TOP + FRAME_HEAD);
		r = frame_cut(&from, TOP, &f);
		if (r <= 0) {
			must(slice_eq(from, before));
			break;
		}
		must(f.body.len <= TOP);
		frame_put(&again, f.type, f.id, f.body);
		must(slice_eq(buf_all(&again),
			slice_of(before.ptr, before.len - from.len)));
		read_words(f.body);
	}
	must(r == 0 || r == ERR_FORMAT || r == ERR_TOO_BIG);
	return 0;
}
