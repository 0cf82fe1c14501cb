/*
 * Dates as HTTP writes them (RFC 9110, section 5.6.7).  One form is written,
 * three are read, as a server must: today's, RFC 850's and asctime's.  The
 * names of days are not looked at: a date with a wrong one is still that date.
 */
#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

void
text_http_date(char ret[TEXT_HTTP_DATE], int64_t s)
{
	static const char days[] = "SunMonTueWedThuFriSat";
	time_t at = (time_t)s;
	struct tm tm;

	ret[0] = '\0';
	if (!gmtime_r(&at, &tm) || tm.tm_year < -1900 || tm.tm_year > 8099)
		return;
	(void)snprintf(ret, TEXT_HTTP_DATE,
		"%.3s, %02d %.3s %04d %02d:%02d:%02d GMT",
		days + 3 * tm.tm_wday, tm.tm_mday, months + 3 * tm.tm_mon,
		tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

/* A pattern's letters: d day, D day with a space for its first digit, b month,
 * Y and y year of four digits and of two, h m s time; others stand for
 * themselves. */
static bool
cut(struct slice *in, char what, struct tm *tm)
{
	size_t n = what == 'Y' ? 4 : what == 'b' ? 3 : 2;
	struct slice text = slice_of(in->ptr, n);
	uint64_t value = 0;

	if (!strchr("dDbYyhms", what))
		n = 1;
	if (in->len < n)
		return false;
	*in = slice_of(in->ptr + n, in->len - n);
	if (n == 1)
		return text.ptr[0] == what;
	if (what == 'b') {
		while (value < 12 && memcmp(months + 3 * value, text.ptr, 3))
			value++;
		tm->tm_mon = (int)value;
		return value < 12;
	}
	if (what == 'D' && text.ptr[0] == ' ')
		text = slice_of(text.ptr + 1, 1);
	if (slice_to_u64(text, 9999, &value) < 0)
		return false;
	if (what == 'Y')
		tm->tm_year = (int)value - 1900;
	else if (what == 'y') /* as nginx reads it */
		tm->tm_year = (int)value < 70 ? (int)value + 100 : (int)value;
	else
		*(what == 'h'         ? &tm->tm_hour
			: what == 'm' ? &tm->tm_min
			: what == 's' ? &tm->tm_sec
				      : &tm->tm_mday) = (int)value;
	return true;
}

static bool
is_date(const struct tm *tm)
{
	static const int lengths[] = {
		31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int year = tm->tm_year + 1900;
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	return tm->tm_mday >= 1 && tm->tm_mday <= lengths[tm->tm_mon] &&
	       (tm->tm_mon != 1 || tm->tm_mday < 29 || leap) &&
	       tm->tm_hour < 24 && tm->tm_min < 60 && tm->tm_sec < 60;
}

static bool
date_fits(struct slice in, const char *pattern, int64_t *ret)
{
	struct tm tm = {0};

	for (; *pattern; pattern++)
		if (!cut(&in, *pattern, &tm))
			return false;
	if (in.len || !is_date(&tm))
		return false;
	*ret = (int64_t)timegm(&tm);
	return true;
}

int
text_unhttp_date(struct slice in, int64_t *ret)
{
	const char *comma = in.len ? memchr(in.ptr, ',', in.len) : NULL;
	struct slice rest;

	if (!comma) { /* "Sun Nov  6 08:49:37 1994" */
		if (in.len < 4)
			return -EINVAL;
		rest = slice_of(in.ptr + 3, in.len - 3);
		return date_fits(rest, " b D h:m:s Y", ret) ? 0 : -EINVAL;
	}
	rest = slice_of(comma + 1, in.len - (size_t)(comma - in.ptr) - 1);
	return date_fits(rest, " d b Y h:m:s GMT", ret) ||
			       date_fits(rest, " d-b-y h:m:s GMT", ret)
		       ? 0
		       : -EINVAL;
}
