/*
 * Who is refused when there is too much to do: the test owns the clock and says
 * how long each turn took.
 */
#include "base/clock.h"
#include "routes/shed.h"
#include "tests/unit/test.h"

static struct shed s;
static int64_t now;

static int
up(void **state)
{
	(void)state;
	s = (struct shed){.target_ns = 20 * CLOCK_MS};
	now = 1000 * CLOCK_S;
	return 0;
}

/* Turns of `ms` each, without a pause, for so many intervals. */
static void
turns(int ms, int intervals)
{
	int64_t end = now + intervals * SHED_INTERVAL_MS * CLOCK_MS;

	while (now < end) {
		now += ms * CLOCK_MS;
		shed_turn(&s, now, ms * CLOCK_MS, 0);
	}
}

static int
admitted(enum shed_priority p, int of)
{
	int n = 0;

	for (int i = 0; i < of; i++)
		n += shed_allows(&s, p);
	return n;
}

static void
short_turns_refuse_nobody(void **state)
{
	(void)state;
	turns(5, 100);
	assert_int_equal(s.level, 0);
	assert_int_equal(admitted(SHED_LOW, 100), 100);
}

static void
one_long_turn_among_short_ones_means_nothing(void **state)
{
	(void)state;
	turns(5, 3);
	for (int i = 0; i < 20; i++) {
		turns(60, 2);
		turns(5, 2);
		assert_int_equal(s.level, 0);
	}
}

static void
strangers_reads_go_first_then_users_calls_never_payments(void **state)
{
	(void)state;
	turns(40, 7);
	assert_in_range(s.level, 3, 5);
	assert_in_range(admitted(SHED_LOW, 80), 30, 50);
	assert_int_equal(admitted(SHED_NORMAL, 80), 80);
	turns(40, 5);
	assert_int_equal(admitted(SHED_LOW, 80), 0);
	assert_true(admitted(SHED_NORMAL, 80) >= 60);
	turns(40, 20);
	assert_int_equal(s.level, SHED_TOP);
	assert_int_equal(admitted(SHED_LOW, 80), 0);
	assert_int_equal(admitted(SHED_NORMAL, 80), 0);
	assert_int_equal(admitted(SHED_HIGH, 80), 80);
}

static void
a_share_is_refused_evenly(void **state)
{
	(void)state;
	s.level = 2; /* of 8: each fourth */
	for (int i = 0; i < 25; i++)
		assert_int_equal(admitted(SHED_LOW, 4), 3);
	s.level = SHED_STEPS + 4; /* each second */
	for (int i = 0; i < 25; i++)
		assert_int_equal(admitted(SHED_NORMAL, 2), 1);
}

static void
it_takes_back_step_by_step_what_it_refused(void **state)
{
	(void)state;
	turns(40, 30);
	assert_int_equal(s.level, SHED_TOP);
	turns(5, 6);
	assert_in_range(s.level, SHED_TOP - 7, SHED_TOP - 5);
	turns(5, 20);
	assert_int_equal(s.level, 0);
}

/* The loop slept: nobody was refused then who would have to be let in. */
static void
a_quiet_second_forgets(void **state)
{
	(void)state;
	turns(40, 30);
	now += 5 * CLOCK_S;
	shed_turn(&s, now, CLOCK_MS, 0);
	assert_int_equal(s.level, 0);
}

/* A loop that is stuck for a second is not a quiet one. */
static void
a_turn_of_a_second_is_no_quiet_second(void **state)
{
	(void)state;
	turns(40, 10);
	assert_true(s.level >= 6);
	now += CLOCK_S;
	shed_turn(&s, now, CLOCK_S, 0);
	assert_true(s.level >= 6);
}

static void
too_many(unsigned busy)
{
	now += SHED_INTERVAL_MS * CLOCK_MS;
	shed_turn(&s, now, SHED_INTERVAL_MS * CLOCK_MS, busy);
}

static void
too_many_under_way_count_as_late(void **state)
{
	(void)state;
	s = (struct shed){.under_way = 100};
	for (int i = 0; i < 2; i++)
		too_many(101);
	assert_int_equal(s.level, 0);
	for (int i = 0; i < 20; i++)
		too_many(101);
	assert_int_equal(s.level, SHED_TOP);
	for (int i = 0; i < 20; i++)
		too_many(100);
	assert_int_equal(s.level, 0);
}

static void
priorities_are_read_or_refused(void **state)
{
	enum shed_priority p = SHED_UNSAID;
	struct fault why;

	(void)state;
	assert_int_equal(shed_priority_parse(&p, SLICE("high"), &why), 0);
	assert_int_equal(p, SHED_HIGH);
	assert_int_equal(
		shed_priority_parse(&p, SLICE("urgent"), &why), ERR_CONFIG);
	assert_non_null(strstr(why.text, "normal"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define WITH(test) cmocka_unit_test_setup(test, up)
		WITH(short_turns_refuse_nobody),
		WITH(one_long_turn_among_short_ones_means_nothing),
		WITH(strangers_reads_go_first_then_users_calls_never_payments),
		WITH(a_share_is_refused_evenly),
		WITH(it_takes_back_step_by_step_what_it_refused),
		WITH(a_quiet_second_forgets),
		WITH(a_turn_of_a_second_is_no_quiet_second),
		WITH(too_many_under_way_count_as_late),
		WITH(priorities_are_read_or_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
