/*
 * Times as text (RFC 3339).  Days are counted in years that begin in March, so
 * that the leap day is the last of its year and months need no table.
 */
#include "base/text.h"

#include "base/clock.h"

#include <errno.h>

enum { DAY_S = 86400 };

/* Days since 1970 of a date of the Gregorian calendar. */
static int64_t
days_of(int64_t year, int64_t month, int64_t day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t m = month <= 2 ? month + 9 : month - 3; /* March is 0 */

	return y * 365 + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day -
	       1 - 719468;
}

static void
date_of(int64_t days, int *year, int *month, int *day)
{
	int64_t z = days + 719468; /* since 0000-03-01 */
	int64_t era = z / 146097, in_era = z % 146097;
	int64_t y =
		(in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) /
		365;
	int64_t in_year = in_era - (y * 365 + y / 4 - y / 100);
	int64_t m = (5 * in_year + 2) / 153;

	*day = (int)(in_year - (153 * m + 2) / 5 + 1);
	*month = (int)(m < 10 ? m + 3 : m - 9);
	*year = (int)(era * 400 + y + (*month <= 2));
}

static char *
put_digits(char *at, int64_t n, int digits)
{
	for (int i = digits - 1; i >= 0; i--, n /= 10)
		at[i] = (char)('0' + n % 10);
	return at + digits;
}

void
text_time(struct buf *to, int64_t now)
{
	int64_t ms = now / CLOCK_MS - (now % CLOCK_MS < 0);
	int64_t days = ms / (DAY_S * 1000LL) - (ms % (DAY_S * 1000LL) < 0);
	int64_t left = ms - days * DAY_S * 1000LL;
	int year, month, day;
	char *at = buf_reserve(to, 24);

	if (!at)
		return;
	date_of(days, &year, &month, &day);
	at = put_digits(at, year, 4);
	*at++ = '-';
	at = put_digits(at, month, 2);
	*at++ = '-';
	at = put_digits(at, day, 2);
	*at++ = 'T';
	at = put_digits(at, left / 3600000, 2);
	*at++ = ':';
	at = put_digits(at, left / 60000 % 60, 2);
	*at++ = ':';
	at = put_digits(at, left / 1000 % 60, 2);
	*at++ = '.';
	at = put_digits(at, left % 1000, 3);
	*at = 'Z';
	buf_grown(to, 24);
}

/* What is read is cut off *in. */
static bool
cut_number(struct slice *in, size_t digits, int64_t low, int64_t high,
	int64_t *ret)
{
	uint64_t n;

	if (in->len < digits)
		return false;
	if (slice_to_u64(slice_of(in->ptr, digits), (uint64_t)high, &n) < 0 ||
		(int64_t)n < low)
		return false;
	in->ptr += digits;
	in->len -= digits;
	*ret = (int64_t)n;
	return true;
}

static bool
cut_char(struct slice *in, const char *any)
{
	if (!in->len || !*in->ptr || !strchr(any, *in->ptr))
		return false;
	in->ptr++;
	in->len--;
	return true;
}

static bool
cut_fraction(struct slice *in, int64_t *ns)
{
	int64_t unit = CLOCK_S / 10;
	size_t n = 0;

	*ns = 0;
	if (!cut_char(in, "."))
		return true;
	for (; n < in->len && in->ptr[n] >= '0' && in->ptr[n] <= '9'; n++) {
		*ns += (in->ptr[n] - '0') * unit;
		unit /= 10;
	}
	in->ptr += n;
	in->len -= n;
	return n > 0;
}

/* "Z" or "+08:00": seconds east of UTC. */
static bool
cut_zone(struct slice *in, int64_t *east)
{
	int64_t hours, minutes;
	bool west;

	*east = 0;
	if (cut_char(in, "Zz"))
		return true;
	west = in->len && in->ptr[0] == '-';
	if (!cut_char(in, "+-") || !cut_number(in, 2, 0, 23, &hours) ||
		!cut_char(in, ":") || !cut_number(in, 2, 0, 59, &minutes))
		return false;
	*east = (hours * 3600 + minutes * 60) * (west ? -1 : 1);
	return true;
}

static int64_t
month_length(int64_t year, int64_t month)
{
	if (month == 2)
		return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
			       ? 29
			       : 28;
	return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

int
text_untime(struct slice in, int64_t *ret)
{
	int64_t year, month, day, hour, minute, second, ns, east, s;

	if (!cut_number(&in, 4, 0, 9999, &year) || !cut_char(&in, "-") ||
		!cut_number(&in, 2, 1, 12, &month) || !cut_char(&in, "-") ||
		!cut_number(&in, 2, 1, 31, &day) || !cut_char(&in, "Tt") ||
		!cut_number(&in, 2, 0, 23, &hour) || !cut_char(&in, ":") ||
		!cut_number(&in, 2, 0, 59, &minute) || !cut_char(&in, ":") ||
		!cut_number(&in, 2, 0, 60, &second) || /* a leap second */
		!cut_fraction(&in, &ns) || !cut_zone(&in, &east) || in.len)
		return -EINVAL;
	if (day > month_length(year, month))
		return -EINVAL;
	s = days_of(year, month, day) * DAY_S + hour * 3600 + minute * 60 +
	    second - east;
	if (__builtin_mul_overflow(s, CLOCK_S, &s) ||
		__builtin_add_overflow(s, ns, ret))
		return -ERANGE;
	return 0;
}
