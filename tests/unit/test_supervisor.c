/*
 * The supervisor's and a child's states × events, and the back-off, without a
 * process.
 */
#include "base/clock.h"
#include "src/child.h"
#include "src/phase.h"
#include "tests/unit/test.h"

struct phase_step {
	enum phase_event event;
	enum phase then;
	enum phase_act act;
};

static void
walk_phases(const struct phase_step *steps, size_t n)
{
	enum phase at = PHASE_STARTING;

	for (size_t i = 0; i < n; i++) {
		assert_int_equal(phase_step(&at, steps[i].event), steps[i].act);
		assert_int_equal(at, steps[i].then);
	}
}

static void
a_life_goes_from_starting_over_reloads_to_its_end(void **state)
{
	static const struct phase_step steps[] = {
		{ON_SETTLED, PHASE_RUNNING, ACT_SAY_READY},
		{ON_RELOAD, PHASE_RELOADING, ACT_RELOAD},
		{ON_RELOAD, PHASE_RELOADING, ACT_RELOAD_LATER},
		{ON_ANSWERED, PHASE_RUNNING, ACT_RELOADED},
		{ON_STOP, PHASE_DRAINING, ACT_DRAIN},
		{ON_OVERDUE, PHASE_DRAINING, ACT_KILL},
		{ON_EMPTY, PHASE_ENDED, ACT_END},
	};

	(void)state;
	walk_phases(steps, array_size(steps));
}

static void
a_reload_while_starting_goes_back_to_starting(void **state)
{
	static const struct phase_step steps[] = {
		{ON_RELOAD, PHASE_AMENDING, ACT_RELOAD},
		{ON_SETTLED, PHASE_AMENDING, ACT_NOTHING},
		{ON_ANSWERED, PHASE_STARTING, ACT_RELOADED},
		{ON_SETTLED, PHASE_RUNNING, ACT_SAY_READY},
	};

	(void)state;
	walk_phases(steps, array_size(steps));
}

static void
every_phase_but_the_last_can_be_stopped(void **state)
{
	(void)state;
	for (int at = 0; at < PHASE_DRAINING; at++) {
		enum phase phase = (enum phase)at;

		assert_int_equal(phase_step(&phase, ON_STOP), ACT_DRAIN);
		assert_int_equal(phase, PHASE_DRAINING);
	}
}

static void
a_second_stop_does_not_wait(void **state)
{
	enum phase at = PHASE_DRAINING;

	(void)state;
	assert_int_equal(phase_step(&at, ON_STOP), ACT_KILL);
	assert_int_equal(at, PHASE_DRAINING);
}

static void
nothing_but_the_end_of_all_children_ends_draining(void **state)
{
	(void)state;
	for (int e = 0; e < ON_COUNT_; e++) {
		enum phase at = PHASE_DRAINING;

		(void)phase_step(&at, (enum phase_event)e);
		assert_int_equal(
			at, e == ON_EMPTY ? PHASE_ENDED : PHASE_DRAINING);
	}
}

static void
the_end_is_final(void **state)
{
	(void)state;
	for (int e = 0; e < ON_COUNT_; e++) {
		enum phase at = PHASE_ENDED;

		assert_int_equal(
			phase_step(&at, (enum phase_event)e), ACT_NOTHING);
		assert_int_equal(at, PHASE_ENDED);
	}
	for (int e = 0; e < CHILD_ON_COUNT_; e++) {
		enum child_state at = CHILD_GONE;

		assert_int_equal(child_step(&at, (enum child_event)e),
			CHILD_ACT_NOTHING);
		assert_int_equal(at, CHILD_GONE);
	}
}

static void
a_child_that_ends_waits_and_is_started_again(void **state)
{
	enum child_state at = CHILD_DOWN;

	(void)state;
	assert_int_equal(child_step(&at, CHILD_ON_START), CHILD_ACT_SPAWN);
	assert_int_equal(child_step(&at, CHILD_ON_UP), CHILD_ACT_READY);
	assert_int_equal(child_step(&at, CHILD_ON_EXIT), CHILD_ACT_BACK_OFF);
	assert_int_equal(at, CHILD_WAITING);
	assert_int_equal(child_step(&at, CHILD_ON_WAKE), CHILD_ACT_SPAWN);
	assert_int_equal(at, CHILD_STARTING);
}

static void
a_child_that_was_asked_to_leave_is_never_started_again(void **state)
{
	static const enum child_state from[] = {
		CHILD_DOWN, CHILD_STARTING, CHILD_READY, CHILD_WAITING};

	(void)state;
	for (size_t i = 0; i < array_size(from); i++) {
		enum child_state at = from[i];

		(void)child_step(&at, CHILD_ON_LEAVE);
		(void)child_step(&at, CHILD_ON_UP);
		(void)child_step(&at, CHILD_ON_WAKE);
		(void)child_step(&at, CHILD_ON_START);
		(void)child_step(&at, CHILD_ON_EXIT);
		assert_int_equal(at, CHILD_GONE);
	}
}

static void
back_off_doubles_to_its_top(void **state)
{
	static const uint64_t expected[] = {
		100, 200, 400, 800, 1600, 3200, 6400, 10000, 10000};
	struct child c = {.started_at = 0};

	(void)state;
	for (size_t i = 0; i < array_size(expected); i++)
		assert_int_equal(child_back_off(&c, CLOCK_S), expected[i]);
}

static void
back_off_is_forgotten_after_a_good_life(void **state)
{
	struct child c = {.started_at = 5 * CLOCK_S};

	(void)state;
	(void)child_back_off(&c, 6 * CLOCK_S);
	assert_int_equal(child_back_off(&c, 6 * CLOCK_S), 200);
	assert_int_equal(child_back_off(&c, 34 * CLOCK_S), 400);
	assert_int_equal(child_back_off(&c, 35 * CLOCK_S), 100);
}

static void
one_that_cannot_start_waits_longest_at_once(void **state)
{
	struct child c = {.patient = true};

	(void)state;
	assert_int_equal(child_back_off(&c, CLOCK_S), BACK_OFF_TOP_MS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_life_goes_from_starting_over_reloads_to_its_end),
		cmocka_unit_test(a_reload_while_starting_goes_back_to_starting),
		cmocka_unit_test(every_phase_but_the_last_can_be_stopped),
		cmocka_unit_test(a_second_stop_does_not_wait),
		cmocka_unit_test(
			nothing_but_the_end_of_all_children_ends_draining),
		cmocka_unit_test(the_end_is_final),
		cmocka_unit_test(a_child_that_ends_waits_and_is_started_again),
		cmocka_unit_test(
			a_child_that_was_asked_to_leave_is_never_started_again),
		cmocka_unit_test(back_off_doubles_to_its_top),
		cmocka_unit_test(back_off_is_forgotten_after_a_good_life),
		cmocka_unit_test(one_that_cannot_start_waits_longest_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
