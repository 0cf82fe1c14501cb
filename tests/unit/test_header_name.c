/*
 * Names of headers, against the grammar of RFC 9110, 5.6.2, as it is written
 * there.
 */
#include "base/header_name.h"
#include "tests/unit/test.h"

static bool
is_tchar(int c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
	       (c >= 'a' && c <= 'z') || (c && strchr("!#$%&'*+-.^_`|~", c));
}

static void
a_name_is_of_the_bytes_of_a_token_and_no_others(void **state)
{
	(void)state;
	for (int c = 0; c < 256; c++) {
		char text[3] = {'x', (char)c, 'y'};

		assert_int_equal(header_name_is_valid(slice_of(text + 1, 1)),
			is_tchar(c));
		assert_int_equal(
			header_name_is_valid(slice_of(text, 3)), is_tchar(c));
		assert_int_equal(header_name_len(slice_of(text, 3)),
			is_tchar(c) ? 3 : 1);
	}
}

static void
what_is_empty_is_no_name(void **state)
{
	(void)state;
	assert_false(header_name_is_valid(SLICE("")));
	assert_false(header_name_is_valid((struct slice){NULL, 0}));
	assert_int_equal(header_name_len(SLICE(": x")), 0);
}

static void
case_and_underscores_make_no_other_name(void **state)
{
	struct slice real = SLICE("x-real-ip"), begin = SLICE("x-wx-");

	(void)state;
	assert_true(header_name_is(SLICE("X-Real-IP"), real));
	assert_true(header_name_is(SLICE("X_REAL_IP"), real));
	assert_true(header_name_is(SLICE("x-real_ip"), real));
	assert_true(header_name_is(real, SLICE("X_REAL-IP")));
	assert_false(header_name_is(SLICE("x-real-i"), real));
	assert_false(header_name_is(SLICE("x-real-ips"), real));
	assert_false(header_name_is(SLICE("x.real.ip"), real));
	assert_false(header_name_is(SLICE("x\rreal\rip"), real));
	assert_true(header_name_begins(SLICE("X_WX_OPENID"), begin));
	assert_true(header_name_begins(SLICE("x-wx-"), begin));
	assert_false(header_name_begins(SLICE("x-wx"), begin));
	assert_false(header_name_begins(SLICE("x-wxs-openid"), begin));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_name_is_of_the_bytes_of_a_token_and_no_others),
		cmocka_unit_test(what_is_empty_is_no_name),
		cmocka_unit_test(case_and_underscores_make_no_other_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
