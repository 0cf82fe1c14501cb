/*
 * When an expression matches next.  The next match is found by going down the
 * calendar from year to second, so that an expression that matches once in ten
 * years costs no more than one that matches each second.  Local time is taken
 * in the spans that a zone gives: within one it is a line, and what happens at
 * their seams is said in one place (cron_next).
 */
#include "functions/calendar.h"
#include "functions/zone.h"

#define DAY 86400

enum { YEAR_FIRST = 1970, YEAR_LAST = 2099 };

static bool
has_year(const struct cron *c, int64_t year)
{
	unsigned n = (unsigned)(year - YEAR_FIRST);

	return year >= YEAR_FIRST && c->years[n / 8] >> n % 8 & 1;
}

/* Sets of a month's days have bit n for the n-th. */
struct month {
	unsigned length;
	unsigned first; /* weekday of the 1st */
};

static unsigned
weekday_in(const struct month *m, unsigned day)
{
	return (m->first + day - 1) % 7;
}

/* The working day (Monday to Friday) nearest to a day, in the same month. */
static unsigned
nearest(const struct month *m, unsigned day)
{
	unsigned weekday = weekday_in(m, day);

	if (weekday == 6)
		return day > 1 ? day - 1 : day + 2;
	if (weekday == 0)
		return day < m->length ? day + 1 : day - 2;
	return day;
}

static uint32_t
days_by_day(const struct cron *c, const struct month *m)
{
	uint32_t days = c->days;

	if (c->last_day)
		days |= 1u << m->length;
	if (c->nearest_weekday & 1)
		days |= 1u << nearest(m, m->length);
	for (unsigned n = 1; n <= m->length; n++)
		if (c->nearest_weekday >> n & 1)
			days |= 1u << nearest(m, n);
	return days;
}

static uint32_t
days_by_week(const struct cron *c, const struct month *m)
{
	uint32_t days = 0;

	for (unsigned n = 1; n <= m->length; n++) {
		unsigned w = weekday_in(m, n);

		if (c->weekdays >> w & 1 ||
			c->nth[w] >> ((n - 1) / 7 + 1) & 1 ||
			(c->nth[w] & 1 && n + 7 > m->length))
			days |= 1u << n;
	}
	return days;
}

static uint32_t
month_days(const struct cron *c, int64_t year, unsigned month)
{
	int64_t first = calendar_days(year, month, 1);
	int64_t next = month == 12 ? calendar_days(year + 1, 1, 1)
				   : calendar_days(year, month + 1, 1);
	struct month m = {(unsigned)(next - first), calendar_weekday(first)};
	uint32_t all = (uint32_t)((1ull << (m.length + 1)) - 2);

	if (c->any_day && c->any_weekday)
		return all;
	if (c->any_day)
		return days_by_week(c, &m);
	if (c->any_weekday)
		return days_by_day(c, &m) & all;
	return (days_by_day(c, &m) | days_by_week(c, &m)) & all;
}

/* The first set bit from `from` on; -1: none. */
static int
bit_from(uint64_t bits, unsigned from)
{
	if (from > 63 || !(bits >> from))
		return -1;
	return (int)from + __builtin_ctzll(bits >> from);
}

/* The first match in a day from second `from` of it on; -1: none. */
static int64_t
time_from(const struct cron *c, int64_t from)
{
	unsigned hour = (unsigned)(from / 3600);
	unsigned minute = (unsigned)(from / 60 % 60);
	int h = bit_from(c->hours, hour), m, s;

	if (h < 0)
		return -1;
	if ((unsigned)h == hour) {
		s = -1;
		m = bit_from(c->minutes, minute);
		if (m >= 0 && (unsigned)m == minute)
			s = bit_from(c->seconds, (unsigned)(from % 60));
		if (m >= 0 && s < 0 && (unsigned)m == minute)
			m = bit_from(c->minutes, minute + 1);
		if (m >= 0)
			return h * 3600 + m * 60 +
			       (s >= 0 ? s : bit_from(c->seconds, 0));
		h = bit_from(c->hours, hour + 1);
		if (h < 0)
			return -1;
	}
	return h * 3600 + bit_from(c->minutes, 0) * 60 +
	       bit_from(c->seconds, 0);
}

/* The first day that matches from `day` on and before `end`; -1: none. */
static int64_t
day_from(const struct cron *c, int64_t day, int64_t end)
{
	unsigned month, mday;
	int64_t year;

	calendar_date(day, &year, &month, &mday);
	for (; year <= YEAR_LAST; year++, month = 1, mday = 1) {
		if (calendar_days(year, month, mday) >= end)
			return -1;
		if (!has_year(c, year))
			continue;
		for (; month <= 12; month++, mday = 1) {
			int found;

			if (!(c->months >> month & 1))
				continue;
			found = bit_from(month_days(c, year, month), mday);
			if (found < 0)
				continue;
			day = calendar_days(year, month, (unsigned)found);
			return day < end ? day : -1;
		}
	}
	return -1;
}

/* The first match from local time `from` on and before `end`; -1: none. */
static int64_t
local_from(const struct cron *c, int64_t from, int64_t end)
{
	int64_t day = from >= 0 ? from / DAY : (from - DAY + 1) / DAY;
	int64_t second = from - day * DAY, last = (end + DAY - 1) / DAY, at;

	for (;;) {
		int64_t found = day_from(c, day, last);

		if (found < 0)
			return -1;
		at = time_from(c, found == day ? second : 0);
		if (at >= 0) {
			at += found * DAY;
			return at < end ? at : -1;
		}
		day = found + 1;
		second = 0;
	}
}

/* Local times up to here have a meaning: the end of 2099, and a day. */
static int64_t
end_of_time(void)
{
	return (calendar_days(YEAR_LAST + 1, 1, 1) + 1) * DAY;
}

int64_t
cron_next(const struct cron *cron, const struct zone *zone, int64_t after)
{
	int64_t at = max(after, (int64_t)-DAY) + 1, end = end_of_time();

	while (at < end) {
		struct zone_span span;
		int64_t from, found;

		zone_span(zone, at, &span);
		from = at + span.offset;
		if (!cron->any_hour) {
			/* Skipped: at once when the gap is over. */
			if (at == span.from && span.offset > span.before &&
				local_from(cron, at + span.before, from) >= 0)
				return at;
			/* Repeated: they ran when they came first. */
			from = max(from, span.from + span.before);
		}
		if (span.to > end)
			span.to = end;
		found = local_from(cron, from, span.to + span.offset);
		if (found >= 0)
			return found - span.offset;
		at = span.to;
	}
	return -1;
}
