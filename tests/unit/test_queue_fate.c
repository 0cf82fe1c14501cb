/*
 * What becomes of a call that failed: when it is tried again, and what counts
 * as one of its attempts.
 */
#include "trigger/queue_fate.h"

#include "base/err.h"
#include "tests/unit/test.h"

#include <errno.h>

static void
back_off_doubles_from_a_second_to_ten_minutes(void **state)
{
	static const int64_t s[] = {
		1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600};

	(void)state;
	for (unsigned i = 0; i < array_size(s); i++) {
		assert_int_equal(fate_delay_ms(i + 1, 0), s[i] * 1000);
		assert_int_equal(fate_delay_ms(i + 1, (uint32_t)s[i] * 250),
			s[i] * 1250);
		assert_in_range(fate_delay_ms(i + 1, 0xdeadbeef), s[i] * 1000,
			s[i] * 1250);
	}
	assert_int_equal(fate_delay_ms(4000000000u, 0), 600000);
}

static void
errors_that_are_not_the_functions_are_not_its_attempts(void **state)
{
	(void)state;
	assert_int_equal(fate_of(0, 0, 0), FATE_DONE);
	assert_int_equal(fate_of(ERR_BUSY, 99, 0), FATE_RETURN);
	assert_int_equal(fate_of(ERR_LIMITED, 99, 0), FATE_RETURN);
	assert_int_equal(fate_of(ERR_SHUTDOWN, 99, 0), FATE_RETURN);
	assert_int_equal(fate_of(ERR_FN_NOT_FOUND, 99, 0), FATE_MISSING);
	assert_int_equal(fate_of(ERR_TOO_BIG, 0, 9), FATE_DEAD);
	assert_int_equal(fate_of(ERR_FN_FAILED, 0, 0), FATE_DEAD);
	assert_int_equal(fate_of(ERR_FN_FAILED, 0, 1), FATE_RETRY);
	assert_int_equal(fate_of(ERR_FN_FAILED, 1, 1), FATE_DEAD);
	assert_int_equal(fate_of(-ENOMEM, 1, 2), FATE_RETRY);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(back_off_doubles_from_a_second_to_ten_minutes),
		cmocka_unit_test(
			errors_that_are_not_the_functions_are_not_its_attempts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
