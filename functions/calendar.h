#pragma once

/* The Gregorian calendar, in days since 1970 (proleptic). */

#include "base/util.h"

int64_t calendar_days(int64_t year, unsigned month, unsigned day);
void calendar_date(int64_t days, int64_t *ret_year, unsigned *ret_month,
	unsigned *ret_day);
/* 0 is Sunday. */
unsigned calendar_weekday(int64_t days);
