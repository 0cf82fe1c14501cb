/*
 * ISO 8601 as EJSON writes dates.  Years go to 9999, further than nanoseconds
 * in 64 bits would.
 */
#include "documents/value_copy.h"

#include <errno.h>

struct date {
	int64_t year, month, day, hour, minute, second, ms, offset;
};

/* Exactly `count` digits. */
static bool
read_digits(struct slice *at, unsigned count, int64_t *ret)
{
	int64_t n = 0;

	if (at->len < count)
		return false;
	for (unsigned i = 0; i < count; i++) {
		if (at->ptr[i] < '0' || at->ptr[i] > '9')
			return false;
		n = n * 10 + (at->ptr[i] - '0');
	}
	*ret = n;
	*at = slice_of(at->ptr + count, at->len - count);
	return true;
}

static bool
read_char(struct slice *at, const char *any)
{
	if (at->len == 0 || !*at->ptr || !strchr(any, *at->ptr))
		return false;
	*at = slice_of(at->ptr + 1, at->len - 1);
	return true;
}

/* ".123"; further digits are cut off. */
static bool
read_fraction(struct slice *at, int64_t *ms)
{
	int64_t digit, unit = 100, count = 0;

	for (; read_digits(at, 1, &digit); unit /= 10, count++)
		*ms += digit * unit;
	return count > 0;
}

/* Z, +08:00, +0800 or +08; none is Z. */
static bool
read_zone(struct slice *at, struct date *d)
{
	bool behind = at->len && *at->ptr == '-';
	int64_t hours, minutes = 0;

	if (at->len == 0 || read_char(at, "Zz"))
		return true;
	if (!read_char(at, "+-") || !read_digits(at, 2, &hours))
		return false;
	if (at->len) {
		(void)read_char(at, ":");
		if (!read_digits(at, 2, &minutes))
			return false;
	}
	d->offset = (hours * 60 + minutes) * (behind ? -1 : 1);
	return hours < 24 && minutes < 60;
}

static bool
read_time(struct slice *at, struct date *d)
{
	if (!read_digits(at, 2, &d->hour) || !read_char(at, ":") ||
		!read_digits(at, 2, &d->minute))
		return false;
	if (read_char(at, ":")) {
		if (!read_digits(at, 2, &d->second))
			return false;
		if (read_char(at, ".,") && !read_fraction(at, &d->ms))
			return false;
	}
	return read_zone(at, d);
}

static int64_t
month_days(const struct date *d)
{
	static const uint8_t days[] = {
		31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap =
		(d->year % 4 == 0 && d->year % 100 != 0) || d->year % 400 == 0;

	return days[d->month - 1] + (leap && d->month == 2);
}

static bool
is_date(const struct date *d)
{
	return d->month >= 1 && d->month <= 12 && d->day >= 1 &&
	       d->day <= month_days(d) && d->hour < 24 && d->minute < 60 &&
	       d->second < 60;
}

/* Days since 1970-01-01; the year begins in March, so that the day that leap
 * years add is its last. */
static int64_t
days_of(const struct date *d)
{
	int64_t y = d->year + 400 - (d->month <= 2); /* not negative */
	int64_t m = (d->month + 9) % 12;
	int64_t day = (153 * m + 2) / 5 + d->day - 1;

	return y * 365 + y / 4 - y / 100 + y / 400 + day - 719468 - 146097;
}

int
value_date(struct slice text, int64_t *ms)
{
	struct date d = {0};
	struct slice at = text;

	if (!read_digits(&at, 4, &d.year) || !read_char(&at, "-") ||
		!read_digits(&at, 2, &d.month) || !read_char(&at, "-") ||
		!read_digits(&at, 2, &d.day))
		return -EINVAL;
	if (at.len && (!read_char(&at, "Tt ") || !read_time(&at, &d)))
		return -EINVAL;
	if (at.len || !is_date(&d))
		return -EINVAL;
	*ms = (((days_of(&d) * 24 + d.hour) * 60 + d.minute - d.offset) * 60 +
		      d.second) *
		      1000 +
	      d.ms;
	return 0;
}
