/*
 * Bytes we own and bytes we borrow: buf, slice, arena.
 */
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "tests/unit/test.h"

#include <errno.h>

#define assert_buf(b, text) assert_string_equal((b).ptr, text)

static void
a_buffer_past_its_ceiling_keeps_what_fitted_and_says_so(void **state)
{
	_buf_ struct buf b;

	(void)state;
	buf_init(&b, 5);
	buf_str(&b, "abc");
	assert_int_equal(buf_check(&b), 0);
	buf_str(&b, "def");
	assert_int_equal(buf_check(&b), ERR_TOO_BIG);
	buf_str(&b, "g");
	assert_buf(b, "abc");
	buf_clear(&b);
	buf_str(&b, "12345");
	assert_int_equal(buf_check(&b), 0);
	assert_buf(b, "12345");
}

static void
a_buffer_of_nothing_takes_nothing(void **state)
{
	_buf_ struct buf b;

	(void)state;
	buf_init(&b, 0);
	assert_int_equal(buf_all(&b).len, 0);
	buf_str(&b, "");
	assert_int_equal(buf_check(&b), 0);
	buf_char(&b, 'x');
	assert_int_equal(buf_check(&b), ERR_TOO_BIG);
}

static void
dropping_moves_the_rest_to_the_front(void **state)
{
	_buf_ struct buf b;

	(void)state;
	buf_init(&b, 100);
	buf_printf(&b, "%s-%d", "ten", 10);
	buf_i64(&b, INT64_MIN);
	buf_drop(&b, 4);
	assert_buf(b, "10-9223372036854775808");
	buf_drop(&b, b.len);
	assert_buf(b, "");
}

static void
json_strings_are_escaped_and_always_utf8(void **state)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{"", "\"\""},
		{"plain", "\"plain\""},
		{"a\"b\\c/d", "\"a\\\"b\\\\c/d\""},
		{"\b\f\n\r\t\x01\x1f", "\"\\b\\f\\n\\r\\t\\u0001\\u001f\""},
		{"\x7f", "\"\x7f\""},
		{"\xe6\xb5\x8b\xe8\xaf\x95", "\"\xe6\xb5\x8b\xe8\xaf\x95\""},
		{"\xf0\x9f\x98\x80", "\"\xf0\x9f\x98\x80\""},
		/* cut, overlong, surrogate, past U+10FFFF */
		{"a\xe6\xb5", "\"a\xef\xbf\xbd\xef\xbf\xbd\""},
		{"\xc0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\""},
		{"\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
		{"\xf4\x90\x80\x80",
			"\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		_buf_ struct buf b;

		buf_init(&b, 1000);
		buf_json(&b, slice_str(rows[i].in));
		assert_buf(b, rows[i].out);
	}
}

static void
json_of_a_missing_string_is_an_empty_one(void **state)
{
	_buf_ struct buf b;

	(void)state;
	buf_init(&b, 1000);
	buf_json(&b, (struct slice){NULL, 0});
	assert_buf(b, "\"\"");
}

static void
slices_compare_by_bytes(void **state)
{
	(void)state;
	assert_true(slice_eq(SLICE("ab"), slice_of("abc", 2)));
	assert_false(slice_eq(SLICE("ab"), SLICE("aB")));
	assert_false(slice_is(SLICE("ab"), "abc"));
	assert_true(slice_is_nocase(SLICE("Content-TYPE"), "content-type"));
	assert_false(slice_is_nocase(SLICE("Content"), "content-type"));
	assert_true(slice_eq_nocase(SLICE("ETag"), SLICE("etAG")));
	assert_true(slice_eq_nocase(SLICE(""), (struct slice){NULL, 0}));
	assert_false(slice_eq_nocase(SLICE("ETag"), SLICE("ETags")));
	assert_false(slice_eq_nocase(SLICE("ETag"), SLICE("ETab")));
	assert_true(slice_starts(SLICE("abc"), "ab"));
	assert_true(slice_starts(SLICE(""), ""));
	assert_false(slice_starts(SLICE("a"), "ab"));
	assert_true(slice_is(slice_trim(SLICE(" \t a b \t")), "a b"));
	assert_true(slice_is(slice_trim(SLICE(" \t ")), ""));
}

static void
splitting_gives_each_part_and_then_ends(void **state)
{
	static const char *const parts[] = {"a", "", "bc", ""};
	struct slice rest = SLICE("a,,bc,"), part;

	(void)state;
	for (size_t i = 0; i < array_size(parts); i++) {
		assert_true(slice_split(&rest, ',', &part));
		assert_true(slice_is(part, parts[i]));
	}
	assert_false(slice_split(&rest, ',', &part));
}

static void
a_list_holds_the_words_between_its_commas(void **state)
{
	struct slice list = SLICE("keep-alive,\tUPGRADE , x-a b,,");
	struct slice one = SLICE("close");

	(void)state;
	assert_true(slice_lists(list, SLICE("keep-alive")));
	assert_true(slice_lists(list, SLICE("upgrade")));
	assert_true(slice_lists(list, SLICE("X-A B")));
	assert_true(slice_lists(one, SLICE("Close")));
	assert_false(slice_lists(list, SLICE("keep")));
	assert_false(slice_lists(list, SLICE("alive")));
	assert_false(slice_lists(list, SLICE("x-a")));
	assert_false(slice_lists(list, SLICE("keep-alive,\tupgrade")));
	assert_false(slice_lists(one, SLICE("clos")));
	assert_false(slice_lists(SLICE(""), SLICE("close")));
	assert_false(slice_lists((struct slice){NULL, 0}, SLICE("close")));
}

static void
numbers_are_digits_within_their_range(void **state)
{
	uint64_t n = 7;

	(void)state;
	assert_int_equal(slice_to_u64(SLICE(""), 9, &n), -EINVAL);
	assert_int_equal(slice_to_u64(SLICE("-1"), 9, &n), -EINVAL);
	assert_int_equal(slice_to_u64(SLICE("1 "), 9, &n), -EINVAL);
	assert_int_equal(slice_to_u64(SLICE("10"), 9, &n), -ERANGE);
	assert_int_equal(
		slice_to_u64(SLICE("18446744073709551616"), UINT64_MAX, &n),
		-ERANGE);
	assert_int_equal(n, 7);
	assert_int_equal(
		slice_to_u64(SLICE("18446744073709551615"), UINT64_MAX, &n), 0);
	assert_true(n == UINT64_MAX);
	assert_int_equal(slice_to_u64(SLICE("0009"), 9, &n), 0);
	assert_int_equal(n, 9);
}

static void
an_arena_hands_out_zeroed_aligned_memory_up_to_its_ceiling(void **state)
{
	struct arena a;
	char *p, *big;

	(void)state;
	arena_init(&a, 100000);
	p = arena_get(&a, 3);
	memset(p, 'x', 3);
	for (int i = 0; i < 100; i++) {
		char *q = arena_get(&a, 33);

		assert_int_equal((uintptr_t)q % 16, 0);
		assert_int_equal(q[0] | q[32], 0);
		memset(q, 'y', 33);
	}
	big = arena_try(&a, 50000);
	assert_non_null(big);
	assert_null(arena_try(&a, 50000));
	assert_null(arena_try(&a, SIZE_MAX));
	assert_memory_equal(p, "xxx", 3);
	assert_string_equal(arena_str(&a, slice_of("abcdef", 3)), "abc");
	assert_string_equal(arena_printf(&a, "%d-%s", 5, "z"), "5-z");
	arena_done(&a);
	arena_done(&a);
}

static void
small_pieces_stay_together_beside_a_large_one(void **state)
{
	struct arena a;
	char *first, *next;

	(void)state;
	arena_init(&a, 100000);
	first = arena_get(&a, 16);
	(void)arena_get(&a, 50000);
	next = arena_get(&a, 16);
	assert_ptr_equal(next, first + 16);
	arena_done(&a);
}

static void
a_cleared_arena_keeps_a_block_and_zeroes_it(void **state)
{
	struct arena a;
	char *first;

	(void)state;
	arena_init(&a, 100000);
	first = arena_get(&a, 16);
	memset(first, 'x', 16);
	(void)arena_get(&a, 50000);
	arena_clear(&a, 64);
	assert_false(arena_holds(&a, first));
	assert_null(arena_try(&a, 65));
	assert_ptr_equal(arena_get(&a, 64), first);
	for (int i = 0; i < 64; i++)
		assert_int_equal(first[i], 0);
	arena_done(&a);
}

static void
an_error_has_its_row_and_its_sentence(void **state)
{
	struct fault why = {0};

	(void)state;
	assert_int_equal(err_info(ERR_LIMITED)->status, 429);
	assert_string_equal(err_info(ERR_LIMITED)->name, "ERR_LIMITED");
	assert_int_equal(err_info(-EIO)->code, ERR_INTERNAL);
	assert_int_equal(err_info(-999999)->code, ERR_INTERNAL);
	assert_string_equal(fault_text(&why, ERR_BUSY), err_text(ERR_BUSY));
	assert_int_equal(fault_set(&why, ERR_PARAM, "name: %d", 60), ERR_PARAM);
	assert_int_equal(
		fault_prefix(&why, ERR_PARAM, "line %d: ", 3), ERR_PARAM);
	assert_string_equal(fault_text(&why, ERR_PARAM), "line 3: name: 60");
	assert_int_equal(fault_set(NULL, ERR_PARAM, "x"), ERR_PARAM);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_buffer_past_its_ceiling_keeps_what_fitted_and_says_so),
		cmocka_unit_test(a_buffer_of_nothing_takes_nothing),
		cmocka_unit_test(dropping_moves_the_rest_to_the_front),
		cmocka_unit_test(json_strings_are_escaped_and_always_utf8),
		cmocka_unit_test(json_of_a_missing_string_is_an_empty_one),
		cmocka_unit_test(slices_compare_by_bytes),
		cmocka_unit_test(splitting_gives_each_part_and_then_ends),
		cmocka_unit_test(a_list_holds_the_words_between_its_commas),
		cmocka_unit_test(numbers_are_digits_within_their_range),
		cmocka_unit_test(
			an_arena_hands_out_zeroed_aligned_memory_up_to_its_ceiling),
		cmocka_unit_test(small_pieces_stay_together_beside_a_large_one),
		cmocka_unit_test(a_cleared_arena_keeps_a_block_and_zeroes_it),
		cmocka_unit_test(an_error_has_its_row_and_its_sentence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
