/*
 * Which runs of a timer there are when it is looked at late.
 */
#include "trigger/timer_due.h"

#include "base/text.h"
#include "tests/unit/test.h"
#include "trigger/timer.h"

static struct fault why;

static int64_t
at(const char *time)
{
	int64_t ns;

	assert_int_equal(text_untime(slice_str(time), &ns), 0);
	return ns / 1000000000;
}

/* A timer "t" as of this cron expression and policy. */
static json_t *
spec_new(struct timer_spec *ret, const char *config, const char *missed)
{
	json_t *v = json_pack("{s:s,s:s,s:s,s:s,s:s,s:s}", "name", "t", "type",
		"timer", "config", config, "timezone", "UTC", "missed", missed,
		"message", "hello \"you\"");

	if (timer_spec_parse(ret, v, &why) < 0)
		fail_msg("%s", why.text);
	return v;
}

static int64_t
run_at(const struct timer_due *due, size_t i)
{
	return json_integer_value(
		       json_object_get(json_array_get(due->runs, i), "at")) /
	       1000;
}

static void
a_run_in_time_is_one_event_as_the_documentation_has_it(void **state)
{
	struct timer_spec spec;
	struct timer_due due;
	json_t *v = spec_new(&spec, "0 49 11 * * * *", "skip"), *run;

	(void)state;
	timer_due(&due, &spec, at("2019-02-21T11:49:00Z"),
		at("2019-02-21T11:49:01Z"), 60);
	assert_int_equal(json_array_size(due.runs), 1);
	run = json_array_get(due.runs, 0);
	assert_string_equal(json_string_value(json_object_get(run, "event")),
		"{\"Type\":\"Timer\",\"TriggerName\":\"t\","
		"\"Time\":\"2019-02-21T11:49:00Z\","
		"\"Message\":\"hello \\\"you\\\"\"}");
	assert_string_equal(json_string_value(json_object_get(run, "time")),
		"2019-02-21T11:49:00Z");
	assert_int_equal(due.next, at("2019-02-22T11:49:00Z"));
	assert_int_equal(due.missed, 0);
	json_decref(due.runs);
	timer_spec_done(&spec);
	json_decref(v);
}

/* Each second, looked at after 100 s with a grace of 60 s: the 61 of the grace
 * and `late` of the 39 before it. */
static void
check(const char *missed, size_t late)
{
	struct timer_spec spec;
	struct timer_due due;
	json_t *v = spec_new(&spec, "* * * * * * *", missed);
	int64_t seen = at("2026-11-21T00:00:01Z"), now = seen + 99;

	timer_due(&due, &spec, seen, now, 60);
	assert_int_equal(json_array_size(due.runs), 61 + late);
	assert_int_equal(due.missed, 39 - late);
	for (size_t i = 0; i < json_array_size(due.runs); i++)
		assert_int_equal(
			run_at(&due, i), now - 60 - (int64_t)late + (int64_t)i);
	assert_int_equal(due.next, now + 1);
	json_decref(due.runs);
	timer_spec_done(&spec);
	json_decref(v);
}

static void
beyond_the_grace_the_policy_says_which_run(void **state)
{
	(void)state;
	check("skip", 0);
	check("once", 1);
	check("all", 39);
}

static void
all_is_bounded_by_the_latest_thousand(void **state)
{
	struct timer_spec spec;
	struct timer_due due;
	json_t *v = spec_new(&spec, "*/2 * * * * * *", "all");
	int64_t seen = at("2026-11-20T00:00:00Z");
	int64_t now = at("2026-11-20T10:00:00Z");

	(void)state;
	timer_due(&due, &spec, seen, now, 60);
	assert_int_equal(json_array_size(due.runs), TIMERS_ALL_TOP + 31);
	assert_int_equal(run_at(&due, TIMERS_ALL_TOP + 30), now);
	assert_int_equal(run_at(&due, 0), now - 2 * (TIMERS_ALL_TOP + 30));
	/* 18,001 in all */
	assert_int_equal(due.missed, 18001 - TIMERS_ALL_TOP - 31);
	json_decref(due.runs);
	timer_spec_done(&spec);
	json_decref(v);
}

static void
once_finds_the_latest_of_a_long_time_ago(void **state)
{
	struct timer_spec spec;
	struct timer_due due;
	json_t *v = spec_new(&spec, "0 0 0 29 2 ? *", "once");

	(void)state;
	timer_due(&due, &spec, at("2020-02-29T00:00:00Z"),
		at("2027-01-01T00:00:00Z"), 60);
	assert_int_equal(json_array_size(due.runs), 1);
	assert_int_equal(run_at(&due, 0), at("2024-02-29T00:00:00Z"));
	assert_int_equal(due.missed, 1);
	assert_int_equal(due.next, at("2028-02-29T00:00:00Z"));
	json_decref(due.runs);
	timer_spec_done(&spec);
	json_decref(v);
}

static void
after_the_last_year_there_is_no_next(void **state)
{
	struct timer_spec spec;
	struct timer_due due;
	json_t *v = spec_new(&spec, "0 0 0 1 1 ? 2027", "skip");

	(void)state;
	timer_due(&due, &spec, at("2027-01-01T00:00:00Z"),
		at("2027-01-01T00:00:05Z"), 60);
	assert_int_equal(json_array_size(due.runs), 1);
	assert_int_equal(due.next, -1);
	json_decref(due.runs);
	timer_spec_done(&spec);
	json_decref(v);
}

static void
a_definition_that_cannot_be_read_is_refused(void **state)
{
	static const char *const bad[] = {"{}",
		"{\"name\":\"t\",\"config\":\"* * * * *\"}",
		"{\"name\":\"t\",\"config\":\"* * * * * * *\","
		"\"timezone\":\"Mars/Base\"}",
		"{\"name\":\"t\",\"config\":\"* * * * * * *\","
		"\"missed\":\"later\"}"};
	struct timer_spec spec;

	(void)state;
	for (size_t i = 0; i < array_size(bad); i++) {
		_json_ json_t *v = NULL;

		assert_int_equal(val_parse(&v, slice_str(bad[i]), NULL), 0);
		assert_int_equal(timer_spec_parse(&spec, v, &why), ERR_PARAM);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_run_in_time_is_one_event_as_the_documentation_has_it),
		cmocka_unit_test(beyond_the_grace_the_policy_says_which_run),
		cmocka_unit_test(all_is_bounded_by_the_latest_thousand),
		cmocka_unit_test(once_finds_the_latest_of_a_long_time_ago),
		cmocka_unit_test(after_the_last_year_there_is_no_next),
		cmocka_unit_test(a_definition_that_cannot_be_read_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
