/*
 * Dates and days, both ways, without libc's time zones (Howard Hinnant,
 * "chrono-Compatible Low-Level Date Algorithms"): years begin in March, so that
 * the leap day is the last of one, and 400 years are 146,097 days.
 */
#include "functions/calendar.h"

int64_t
calendar_days(int64_t year, unsigned month, unsigned day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t of_era = y - era * 400;
	int64_t of_year =
		(153 * ((int64_t)month + (month > 2 ? -3 : 9)) + 2) / 5 + day -
		1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 +
	       of_year - 719468;
}

void
calendar_date(
	int64_t days, int64_t *ret_year, unsigned *ret_month, unsigned *ret_day)
{
	int64_t z = days + 719468;
	int64_t era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t of_era = z - era * 146097;
	int64_t y =
		(of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) /
		365;
	int64_t of_year = of_era - (365 * y + y / 4 - y / 100);
	int64_t mp = (5 * of_year + 2) / 153;

	*ret_day = (unsigned)(of_year - (153 * mp + 2) / 5 + 1);
	*ret_month = (unsigned)(mp < 10 ? mp + 3 : mp - 9);
	*ret_year = y + era * 400 + (*ret_month <= 2);
}

unsigned
calendar_weekday(int64_t days)
{
	/* 1970 began on a Thursday. */
	return (unsigned)(((days + 4) % 7 + 7) % 7);
}
