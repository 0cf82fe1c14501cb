/*
 * Frames and words: the layout byte by byte, and everything short refused.
 */
#include "base/err.h"
#include "base/frame.h"
#include "base/mem.h"
#include "tests/unit/test.h"

static void
a_frame_is_laid_out_as_the_header_says(void **state)
{
	_buf_ struct buf b;

	(void)state;
	buf_init(&b, 100);
	frame_put(&b, 7, 0x01020304, SLICE("abc"));
	assert_int_equal(b.len, 15);
	assert_memory_equal(b.ptr,
		"\x03\0\0\0\x07\0\0\0\x04\x03\x02\x01"
		"abc",
		15);
}

static void
a_frame_built_in_pieces_is_the_same(void **state)
{
	_buf_ struct buf a, b;
	size_t mark;

	(void)state;
	buf_init(&a, 100);
	buf_init(&b, 100);
	frame_put(&a, 1, 2, SLICE("\x05\x01\0\0\0x"));
	mark = frame_begin(&b, 1, 2);
	put_u8(&b, 5);
	put_bytes(&b, SLICE("x"));
	frame_end(&b, mark);
	assert_true(slice_eq(buf_all(&a), buf_all(&b)));
}

static void
a_frame_that_does_not_fit_leaves_no_half(void **state)
{
	_buf_ struct buf b;
	size_t mark;

	(void)state;
	buf_init(&b, 40);
	frame_put(&b, 1, 1, SLICE("whole"));
	mark = frame_begin(&b, 1, 2);
	put_bytes(&b, SLICE("more than there is room for"));
	frame_end(&b, mark);
	assert_int_equal(buf_check(&b), ERR_TOO_BIG);
	assert_int_equal(b.len, FRAME_HEAD + 5);
}

static void
frames_are_cut_only_when_whole(void **state)
{
	_buf_ struct buf b;
	struct frame f;

	(void)state;
	buf_init(&b, 100);
	frame_put(&b, 9, 77, SLICE("hello"));
	frame_put(&b, 10, 78, SLICE(""));
	for (size_t n = 0; n < FRAME_HEAD + 5; n++) {
		_free_ char *exact = mem_dup(b.ptr, n);
		struct slice from = slice_of(exact, n);

		assert_int_equal(frame_cut(&from, 5, &f), 0);
		assert_int_equal(from.len, n);
	}
	{
		struct slice from = buf_all(&b);

		assert_int_equal(frame_cut(&from, 5, &f), 1);
		assert_int_equal(f.type, 9);
		assert_int_equal(f.id, 77);
		assert_true(slice_is(f.body, "hello"));
		assert_int_equal(frame_cut(&from, 0, &f), 1);
		assert_int_equal(f.type, 10);
		assert_int_equal(f.body.len, 0);
		assert_int_equal(from.len, 0);
	}
}

static void
a_head_that_is_none_is_refused_before_its_body_comes(void **state)
{
	struct slice big = SLICE("\x06\0\0\0\x01\0\0\0\0\0\0\0");
	struct slice flags = SLICE("\0\0\0\0\x01\x01\0\0\0\0\0\0");
	struct slice zero = SLICE("\0\0\0\0\x01\0\0\x01\0\0\0\0");
	struct frame f;

	(void)state;
	assert_int_equal(frame_cut(&big, 5, &f), ERR_TOO_BIG);
	assert_int_equal(frame_cut(&flags, 5, &f), ERR_FORMAT);
	assert_int_equal(frame_cut(&zero, 5, &f), ERR_FORMAT);
}

static void
words_come_back_as_they_were_put(void **state)
{
	_buf_ struct buf b;
	struct getter g;

	(void)state;
	buf_init(&b, 1000);
	put_u8(&b, 255);
	put_u32(&b, 0xdeadbeef);
	put_u64(&b, UINT64_MAX - 1);
	put_bytes(&b, SLICE("a\0b"));
	put_bytes(&b, SLICE(""));
	buf_str(&b, "rest");
	g = getter_of(buf_all(&b));
	assert_int_equal(get_u8(&g), 255);
	assert_int_equal(get_u32(&g), 0xdeadbeef);
	assert_true(get_u64(&g) == UINT64_MAX - 1);
	assert_true(slice_eq(get_bytes(&g), SLICE("a\0b")));
	assert_int_equal(get_bytes(&g).len, 0);
	assert_true(slice_is(get_rest(&g), "rest"));
	assert_int_equal(get_end(&g), 0);
}

static void
a_short_or_long_body_is_found_at_its_end(void **state)
{
	struct getter g = getter_of(SLICE("\x01\x02"));

	(void)state;
	assert_int_equal(get_u32(&g), 0);
	assert_int_equal(get_u8(&g), 0); /* nothing is read after trouble */
	assert_int_equal(get_end(&g), ERR_FORMAT);
	g = getter_of(SLICE("\x01\x02"));
	assert_int_equal(get_u8(&g), 1);
	assert_int_equal(get_end(&g), ERR_FORMAT);
	g = getter_of(SLICE("\xff\xff\xff\xff"
			    "abc"));
	assert_int_equal(get_bytes(&g).len, 0);
	assert_int_equal(get_end(&g), ERR_FORMAT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_frame_is_laid_out_as_the_header_says),
		cmocka_unit_test(a_frame_built_in_pieces_is_the_same),
		cmocka_unit_test(a_frame_that_does_not_fit_leaves_no_half),
		cmocka_unit_test(frames_are_cut_only_when_whole),
		cmocka_unit_test(
			a_head_that_is_none_is_refused_before_its_body_comes),
		cmocka_unit_test(words_come_back_as_they_were_put),
		cmocka_unit_test(a_short_or_long_body_is_found_at_its_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
