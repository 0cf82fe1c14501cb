/*
 * Digits, beside printf's.
 */
#include "base/decimal.h"
#include "tests/unit/test.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void
check(uint64_t n)
{
	char got[DECIMAL_TOP + 1] = {0}, want[DECIMAL_TOP + 1];

	assert_int_equal(decimal_put(got, n) - got,
		snprintf(want, sizeof(want), "%" PRIu64, n));
	assert_string_equal(got, want);
}

static void
digits_are_those_of_printf(void **state)
{
	(void)state;
	for (uint64_t n = 0; n < 20000; n++)
		check(n);
	for (uint64_t n = 1; n < UINT64_MAX / 10; n *= 10)
		for (int64_t by = -1; by <= 1; by++)
			check(n + (uint64_t)by);
	check(UINT64_MAX);
	check(10000000000000000000U);
}

static void
nothing_is_written_behind_the_digits(void **state)
{
	char room[] = "xxxx";

	(void)state;
	assert_ptr_equal(decimal_put(room, 100), room + 3);
	assert_string_equal(room, "100x");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(digits_are_those_of_printf),
		cmocka_unit_test(nothing_is_written_behind_the_digits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
