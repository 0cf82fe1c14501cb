/*
 * Cron expressions and time zones.  The answers are from Tencent's pages
 * (cloud.tencent.com/document/product/583/9708), calendars, and the published
 * dates of clock changes; a wide comparison with another implementation is
 * tests/e2e/cron-table.test.mjs.
 */
#include "functions/cron.h"
#include "functions/zone.h"

#include "base/mem.h"
#include "base/text.h"
#include "tests/unit/test.h"

static struct fault why;

static int64_t
at(const char *time)
{
	int64_t ns;

	assert_int_equal(text_untime(slice_str(time), &ns), 0);
	return ns / 1000000000;
}

/* The next matches after `from`, each as RFC 3339 with its own distance from
 * UTC; NULL: there is none. */
static void
expect_in(const char *zone_name, const char *expression, const char *from,
	const char *const *times, size_t len)
{
	_cleanup_(zone_freep) struct zone *zone = NULL;
	struct cron cron;
	int64_t now = at(from);

	assert_int_equal(zone_open(&zone, slice_str(zone_name), &why), 0);
	if (cron_parse(&cron, slice_str(expression), &why) < 0)
		fail_msg("%s: %s", expression, why.text);
	for (size_t i = 0; i < len; i++) {
		now = cron_next(&cron, zone, now);
		assert_int_equal(now, times[i] ? at(times[i]) : -1);
	}
}

#define EXPECT_IN(zone, expression, from, ...) \
	do { \
		const char *const times_[] = {__VA_ARGS__}; \
		expect_in(zone, expression, from, times_, array_size(times_)); \
	} while (0)
#define EXPECT(expression, from, ...) \
	EXPECT_IN("", expression, from, __VA_ARGS__)

static void
expect_refused(const char *expression, const char *words)
{
	struct cron cron;

	why = (struct fault){0};
	if (cron_parse(&cron, slice_str(expression), &why) != ERR_PARAM)
		fail_msg("\"%s\" was taken", expression);
	if (!strstr(why.text, words))
		fail_msg("\"%s\" has no \"%s\"", why.text, words);
}

/* Examples of Tencent's page, in its words. */
static void
the_examples_of_the_documentation_run_when_it_says(void **state)
{
	(void)state;
	/* every 5 seconds */
	EXPECT("*/5 * * * * * *", "2026-11-21T06:00:01+08:00",
		"2026-11-21T06:00:05+08:00", "2026-11-21T06:00:10+08:00");
	/* at 2:00 on the 1st of each month */
	EXPECT("0 0 2 1 * * *", "2026-11-21T00:00:00+08:00",
		"2026-12-01T02:00:00+08:00", "2027-01-01T02:00:00+08:00");
	/* at 10:15 from Monday to Friday */
	EXPECT("0 15 10 * * MON-FRI *", "2026-11-20T12:00:00+08:00",
		"2026-11-23T10:15:00+08:00", "2026-11-24T10:15:00+08:00");
	/* at 10:00, 14:00, 16:00 each day */
	EXPECT("0 0 10,14,16 * * * *", "2026-11-21T10:00:00+08:00",
		"2026-11-21T14:00:00+08:00", "2026-11-21T16:00:00+08:00",
		"2026-11-22T10:00:00+08:00");
	/* each half hour from 9:00 to 17:00 */
	EXPECT("0 */30 9-17 * * * *", "2026-11-21T17:00:00+08:00",
		"2026-11-21T17:30:00+08:00", "2026-11-22T09:00:00+08:00");
	/* at 12:00 each Wednesday */
	EXPECT("0 0 12 * * WED *", "2026-11-21T00:00:00+08:00",
		"2026-11-25T12:00:00+08:00", "2026-12-02T12:00:00+08:00");
	/* "1/10": from the first minute on, each ten */
	EXPECT("0 1/10 * * * * *", "2026-11-21T00:00:00+08:00",
		"2026-11-21T00:01:00+08:00", "2026-11-21T00:11:00+08:00");
}

static void
day_and_week_together_mean_either(void **state)
{
	(void)state;
	/* the 1st and each Monday; 1 December 2026 is a Tuesday */
	EXPECT("0 0 0 1 * MON *", "2026-11-28T00:00:00+08:00",
		"2026-11-30T00:00:00+08:00", "2026-12-01T00:00:00+08:00",
		"2026-12-07T00:00:00+08:00");
	EXPECT("0 0 0 ? * MON *", "2026-11-30T00:00:00+08:00",
		"2026-12-07T00:00:00+08:00");
	EXPECT("0 0 0 1 * ? *", "2026-11-28T00:00:00+08:00",
		"2026-12-01T00:00:00+08:00");
}

static void
l_w_and_hash_name_days_of_the_month(void **state)
{
	(void)state;
	EXPECT("0 0 0 L * * *", "2027-01-31T00:00:00+08:00",
		"2027-02-28T00:00:00+08:00", "2027-03-31T00:00:00+08:00");
	EXPECT("0 0 0 L 2 * *", "2027-03-01T00:00:00+08:00",
		"2028-02-29T00:00:00+08:00");
	/* 15 August 2026 is a Saturday, 15 November a Sunday */
	EXPECT("0 0 0 15W 8,11 * *", "2026-08-01T00:00:00+08:00",
		"2026-08-14T00:00:00+08:00", "2026-11-16T00:00:00+08:00");
	/* the 1st on a Saturday: forward, not into the month before */
	EXPECT("0 0 0 1W 8 * *", "2026-07-31T00:00:00+08:00",
		"2026-08-03T00:00:00+08:00");
	/* 31 October 2027 is a Sunday: back */
	EXPECT("0 0 0 31W 10 * *", "2027-10-01T00:00:00+08:00",
		"2027-10-29T00:00:00+08:00");
	/* a month without a 31st has none */
	EXPECT("0 0 0 31W 4,5 ? *", "2027-04-01T00:00:00+08:00",
		"2027-05-31T00:00:00+08:00");
	EXPECT("0 0 0 LW * * *", "2027-01-31T00:00:00+08:00",
		"2027-02-26T00:00:00+08:00", "2027-03-31T00:00:00+08:00");
	/* the second Tuesday: 8 December 2026 */
	EXPECT("0 0 0 ? * TUE#2 *", "2026-11-21T00:00:00+08:00",
		"2026-12-08T00:00:00+08:00", "2027-01-12T00:00:00+08:00");
	/* a fifth Friday: January 2027 has one, February none */
	EXPECT("0 0 0 * * 5#5 *", "2027-01-01T00:00:00+08:00",
		"2027-01-29T00:00:00+08:00", "2027-04-30T00:00:00+08:00");
	EXPECT("0 0 0 * * 5L *", "2026-11-21T00:00:00+08:00",
		"2026-11-27T00:00:00+08:00", "2026-12-25T00:00:00+08:00");
	/* L alone: Saturday, the last day of the week */
	EXPECT("0 0 0 * * L *", "2026-11-21T00:00:00+08:00",
		"2026-11-28T00:00:00+08:00");
}

static void
years_end_it(void **state)
{
	(void)state;
	EXPECT("0 0 0 1 1 ? 2030,2099", "2026-11-21T00:00:00+08:00",
		"2030-01-01T00:00:00+08:00", "2099-01-01T00:00:00+08:00", NULL);
	EXPECT("59 59 23 31 12 ? *", "2099-01-01T00:00:00+08:00",
		"2099-12-31T23:59:59+08:00", NULL);
	EXPECT("0 0 0 30 2 ? *", "2026-11-21T00:00:00+08:00", NULL);
	EXPECT("0 0 0 * * * 2019", "2026-11-21T00:00:00+08:00", NULL);
	/* the year may be left out */
	EXPECT("0 0 0 29 2 ?", "2026-11-21T00:00:00+08:00",
		"2028-02-29T00:00:00+08:00", "2032-02-29T00:00:00+08:00");
}

static void
what_is_wrong_is_named_with_its_field(void **state)
{
	(void)state;
	expect_refused("*/5 * * * *", "five fields");
	expect_refused("*/5 * * * *", "the second is missing");
	expect_refused("*/5 * * * *", "\"0 */5 * * * * *\"");
	expect_refused("* * *", "too few fields");
	expect_refused("* * * * * * * *", "more than seven fields");
	expect_refused("", "too few fields");
	expect_refused("60 * * * * * *", "second \"60\": give 0 to 59");
	expect_refused("* * 24 * * * *", "hour \"24\": give 0 to 23");
	expect_refused("* * * 0 * * *", "day \"0\": give 1 to 31");
	expect_refused("* * * * 13 * *", "month \"13\": give 1 to 12");
	expect_refused("* * * * * 7 *", "0 is Sunday");
	expect_refused("* * * * * * 2100", "year \"2100\": give 1970 to 2099");
	expect_refused("* 5-1 * * * * *", "backwards");
	expect_refused("*/0 * * * * * *", "a number from 1");
	expect_refused("*/90 * * * * * *", "longer than the field");
	expect_refused("1,,2 * * * * * *", "comma");
	expect_refused(", * * * * * *", "comma");
	expect_refused("? * * * * * *", "second \"?\"");
	expect_refused("* * * * * MON#6 *", "1 to 5");
	expect_refused("* * * 32W * * *", "day \"32W\"");
	expect_refused("* * * W * * *", "day \"W\"");
	expect_refused("* * * * * #1 *", "week \"#1\"");
	expect_refused("* * * * * XL *", "week \"XL\"");
	expect_refused("L * * * * * *", "second \"L\"");
	expect_refused("-1 * * * * * *", "second \"-1\"");
	expect_refused("1-2-3 * * * * * *", "second");
	expect_refused("+1 * * * * * *", "second");
}

static void
names_are_of_either_case_and_spaces_of_any_length(void **state)
{
	(void)state;
	EXPECT("  0 0\t0  ? jan sun  * ", "2026-11-21T00:00:00+08:00",
		"2027-01-03T00:00:00+08:00");
	EXPECT("0 0 0 ? FEB-apr/2 ? *", "2026-11-21T00:00:00+08:00",
		"2027-02-01T00:00:00+08:00");
}

static void
utc_plus_8_unless_another_zone_is_named(void **state)
{
	(void)state;
	EXPECT("0 0 0 * * * *", "2026-11-21T00:00:00Z", "2026-11-21T16:00:00Z");
	EXPECT_IN("UTC", "0 0 0 * * * *", "2026-11-21T00:00:00Z",
		"2026-11-22T00:00:00Z");
	EXPECT_IN("Asia/Shanghai", "0 0 0 * * * *", "2026-11-21T00:00:00Z",
		"2026-11-21T16:00:00Z");
	EXPECT_IN("-03:30", "0 0 0 * * * *", "2026-11-21T00:00:00Z",
		"2026-11-21T03:30:00Z");
	EXPECT_IN("UTC+5", "0 0 0 * * * *", "2026-11-21T00:00:00Z",
		"2026-11-21T19:00:00Z");
	EXPECT_IN("Asia/Kathmandu", "0 0 0 * * * *", "2026-11-21T00:00:00Z",
		"2026-11-21T18:15:00Z");
}

/* New York 2027: forward on 14 March at 2:00, back on 7 November at 2:00. */
static void
a_time_that_a_clock_change_skips_runs_after_the_gap(void **state)
{
	(void)state;
	EXPECT_IN("America/New_York", "0 30 2 * * * *",
		"2027-03-13T00:00:00-05:00", "2027-03-13T02:30:00-05:00",
		"2027-03-14T03:00:00-04:00", "2027-03-15T02:30:00-04:00");
	/* several of them, once */
	EXPECT_IN("America/New_York", "0 */20 2 14 3 ? *",
		"2027-03-14T00:00:00-05:00", "2027-03-14T03:00:00-04:00",
		"2028-03-14T02:00:00-04:00");
	/* one that falls on the end of the gap itself is not run twice */
	EXPECT_IN("America/New_York", "0 30 2,3 14 3 ? 2027",
		"2027-03-14T00:00:00-05:00", "2027-03-14T03:00:00-04:00",
		"2027-03-14T03:30:00-04:00", NULL);
}

static void
a_time_that_a_clock_change_repeats_runs_the_first_time(void **state)
{
	(void)state;
	EXPECT_IN("America/New_York", "0 30 1 * * * *",
		"2027-11-06T00:00:00-04:00", "2027-11-06T01:30:00-04:00",
		"2027-11-07T01:30:00-04:00", "2027-11-08T01:30:00-05:00");
}

static void
what_runs_at_every_hour_keeps_its_rhythm(void **state)
{
	(void)state;
	EXPECT_IN("America/New_York", "0 */30 * * * * *",
		"2027-11-07T01:20:00-04:00", "2027-11-07T01:30:00-04:00",
		"2027-11-07T01:00:00-05:00", "2027-11-07T01:30:00-05:00",
		"2027-11-07T02:00:00-05:00");
	EXPECT_IN("America/New_York", "0 30 * * * * *",
		"2027-03-14T01:00:00-05:00", "2027-03-14T01:30:00-05:00",
		"2027-03-14T03:30:00-04:00");
}

/* Past the table of the file, by its rule: Berlin 2090, 26 March 2:00. */
static void
rules_go_on_after_the_table(void **state)
{
	(void)state;
	EXPECT_IN("Europe/Berlin", "0 0 12 25,26 3 ? 2090",
		"2089-06-01T00:00:00Z", "2090-03-25T12:00:00+01:00",
		"2090-03-26T12:00:00+02:00", NULL);
	/* the southern half: summer over New Year; Sydney 2090: back on
	 * 2 April, forward on 1 October */
	EXPECT_IN("Australia/Sydney", "0 0 12 1,2 1,4,10 ? 2090",
		"2089-06-01T00:00:00Z", "2090-01-01T12:00:00+11:00",
		"2090-01-02T12:00:00+11:00", "2090-04-01T12:00:00+11:00",
		"2090-04-02T12:00:00+10:00", "2090-10-01T12:00:00+11:00",
		"2090-10-02T12:00:00+11:00", NULL);
}

static void
a_zone_that_is_not_there_is_refused_by_name(void **state)
{
	static const char *const bad[] = {"Asia/Nowhere", "../../etc/passwd",
		"/etc/localtime", "Asia", "+25:00", "+08:60", "+8:0", "x",
		"Asia/Shanghai\n", ".", "right/UTC", "zone.tab", "UTC+"};
	struct zone *zone;

	(void)state;
	for (size_t i = 0; i < array_size(bad); i++) {
		why = (struct fault){0};
		assert_int_equal(
			zone_open(&zone, slice_str(bad[i]), &why), ERR_PARAM);
		assert_non_null(strstr(why.text, "Asia/Shanghai"));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			the_examples_of_the_documentation_run_when_it_says),
		cmocka_unit_test(day_and_week_together_mean_either),
		cmocka_unit_test(l_w_and_hash_name_days_of_the_month),
		cmocka_unit_test(years_end_it),
		cmocka_unit_test(what_is_wrong_is_named_with_its_field),
		cmocka_unit_test(
			names_are_of_either_case_and_spaces_of_any_length),
		cmocka_unit_test(utc_plus_8_unless_another_zone_is_named),
		cmocka_unit_test(
			a_time_that_a_clock_change_skips_runs_after_the_gap),
		cmocka_unit_test(
			a_time_that_a_clock_change_repeats_runs_the_first_time),
		cmocka_unit_test(what_runs_at_every_hour_keeps_its_rhythm),
		cmocka_unit_test(rules_go_on_after_the_table),
		cmocka_unit_test(a_zone_that_is_not_there_is_refused_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
