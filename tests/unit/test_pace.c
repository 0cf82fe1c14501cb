/* base/pace, by hand-made arithmetic. */
#include "base/pace.h"
#include "tests/unit/test.h"

static void
a_pace_allows_a_burst_and_then_one_after_the_other(void **state _unused_)
{
	struct pace p = {0};

	for (int i = 0; i < 10; i++)
		assert_true(pace_ask(&p, 5000, 20, 10));
	assert_false(pace_ask(&p, 5000, 20, 10));
	assert_false(pace_ask(&p, 5000, 20, 10));
	assert_true(pace_ask(&p, 5020, 20, 10));
	assert_false(pace_ask(&p, 5020, 20, 10));
	for (int i = 0; i < 10; i++)
		assert_true(pace_ask(&p, 9000, 20, 10));
	assert_false(pace_ask(&p, 9000, 20, 10));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_pace_allows_a_burst_and_then_one_after_the_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
