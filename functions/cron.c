/*
 * Cron expressions as Tencent's cloud functions have them.  An expression
 * becomes a set of numbers for each field, and the next match is found by going
 * down the calendar from year to second, so that an expression that matches
 * once in ten years costs no more than one that matches each second.  Local
 * time is taken in the spans that a zone gives: within one it is a line, and
 * what happens at their seams is said in one place (cron_next).
 */
#include "functions/cron.h"

#include "functions/calendar.h"
#include "functions/zone.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>

#define DAY 86400

enum { YEAR_FIRST = 1970, YEAR_LAST = 2099 };

enum field_index { SECOND, MINUTE, HOUR, MDAY, MONTH, WEEK, YEAR, FIELDS };

/* "?" stands in the two that CloudBase allows it in. */
static const struct field {
	const char *name;
	unsigned low, top;
	const char *names; /* of its numbers, three letters each, from `low` */
	bool question;
} fields[FIELDS] = {
	[SECOND] = {"second", 0, 59, NULL, false},
	[MINUTE] = {"minute", 0, 59, NULL, false},
	[HOUR] = {"hour", 0, 23, NULL, false},
	[MDAY] = {"day", 1, 31, NULL, true},
	[MONTH] = {"month", 1, 12, "JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC",
		false},
	[WEEK] = {"week", 0, 6, "SUNMONTUEWEDTHUFRISAT", true},
	[YEAR] = {"year", YEAR_FIRST, YEAR_LAST, NULL, false},
};

/* What one field says: numbers, counted from `low`. */
struct set {
	uint8_t bits[17];
};

static void
set_add(struct set *s, unsigned n)
{
	s->bits[n / 8] |= (uint8_t)(1u << n % 8);
}

static bool
set_has(const uint8_t *bits, unsigned n)
{
	return bits[n / 8] >> n % 8 & 1;
}

/* The numbers of a field as bits of one word, bit n for n. */
static uint64_t
set_word(const struct set *s, const struct field *f)
{
	uint64_t word = 0;

	for (unsigned n = f->low; n <= f->top; n++)
		if (set_has(s->bits, n - f->low))
			word |= 1ull << n;
	return word;
}

static int
name_find(const struct field *f, struct slice text, unsigned *ret)
{
	if (!f->names || text.len != 3)
		return -ENOENT;
	for (unsigned i = 0; i <= f->top - f->low; i++) {
		char name[4] = {0};

		memcpy(name, f->names + (size_t)3 * i, 3);
		if (slice_is_nocase(text, name)) {
			*ret = f->low + i;
			return 0;
		}
	}
	return -ENOENT;
}

static int
refuse(const struct field *f, struct slice part, struct fault *why,
	const char *what)
{
	return fault_set(why, ERR_PARAM, "cron: %s \"%.*s\": %s", f->name,
		(int)min(part.len, (size_t)40), part.ptr, what);
}

static int
refuse_range(const struct field *f, struct slice part, struct fault *why)
{
	char text[80];

	(void)snprintf(text, sizeof(text), "give %u to %u%s%s", f->low, f->top,
		f == &fields[MONTH] ? " or JAN to DEC" : "",
		f == &fields[WEEK] ? " or SUN to SAT, 0 is Sunday" : "");
	return refuse(f, part, why, text);
}

static int
number_parse(const struct field *f, struct slice text, struct slice part,
	struct fault *why, unsigned *ret)
{
	uint64_t n;

	if (name_find(f, text, ret) == 0)
		return 0;
	if (slice_to_u64(text, 9999, &n) < 0 || n < f->low || n > f->top)
		return refuse_range(f, part, why);
	*ret = (unsigned)n;
	return 0;
}

/* "3", "3-9", "*" with or without "/2"; "3/2" goes on to the end. */
static int
range_parse(struct set *to, const struct field *f, struct slice part,
	struct fault *why)
{
	const char *slash = memchr(part.ptr, '/', part.len);
	struct slice base = part, rest, first;
	unsigned low = f->low, top = f->top;
	uint64_t step = 1;
	int r;

	if (slash) {
		base.len = (size_t)(slash - part.ptr);
		rest = slice_of(slash + 1, part.len - base.len - 1);
		if (slice_to_u64(rest, 9999, &step) < 0 || step == 0)
			return refuse(f, part, why,
				"after the \"/\" comes a number from 1");
		if (step > f->top)
			return refuse(f, part, why,
				"the step is longer than the field; count "
				"longer times in the next one");
	}
	if (!slice_is(base, "*") && !(f->question && slice_is(base, "?"))) {
		rest = base;
		(void)slice_split(&rest, '-', &first);
		r = number_parse(f, first, part, why, &low);
		if (r < 0)
			return r;
		if (first.len < base.len) {
			r = number_parse(f, rest, part, why, &top);
			if (r < 0)
				return r;
			/* FRI-SUN: a week may end with its Sunday. */
			if (f == &fields[WEEK] && low > 0 && top == 0 &&
				!slice_is(rest, "0"))
				top = 7;
		} else if (!slash) {
			top = low;
		}
	}
	if (low > top)
		return refuse(f, part, why,
			"the range runs backwards; write it as two, with "
			"a comma");
	for (unsigned n = low; n <= top; n += (unsigned)step)
		set_add(to, f == &fields[WEEK] ? n % 7 : n - f->low);
	return 0;
}

/* L, LW, 15W in the day field; 1 when it was one of them. */
static int
day_parse(struct cron *c, struct slice part, struct fault *why)
{
	const struct field *f = &fields[MDAY];
	unsigned n;
	int r;

	if (slice_is_nocase(part, "L")) {
		c->last_day = true;
		return 1;
	}
	if (slice_is_nocase(part, "LW") || slice_is_nocase(part, "WL")) {
		c->nearest_weekday |= 1;
		return 1;
	}
	if (part.len < 2 || (part.ptr[part.len - 1] | 32) != 'w')
		return 0;
	r = number_parse(f, slice_of(part.ptr, part.len - 1), part, why, &n);
	if (r < 0)
		return r;
	c->nearest_weekday |= 1u << n;
	return 1;
}

/* L (Saturday), 5L, FRIL, 2#3 in the week field; 1 when it was one of them. */
static int
week_parse(struct cron *c, struct set *to, struct slice part, struct fault *why)
{
	const struct field *f = &fields[WEEK];
	const char *hash = memchr(part.ptr, '#', part.len);
	struct slice base = part;
	uint64_t nth = 0;
	unsigned n;
	int r;

	if (slice_is_nocase(part, "L")) {
		set_add(to, 6);
		return 1;
	}
	if (hash) {
		base.len = (size_t)(hash - part.ptr);
		if (slice_to_u64(slice_of(hash + 1, part.len - base.len - 1), 5,
			    &nth) < 0 ||
			nth == 0)
			return refuse(f, part, why,
				"after the \"#\" comes 1 to 5: the first to "
				"the fifth of the month");
	} else if ((part.ptr[part.len - 1] | 32) == 'l') {
		base.len--;
	} else {
		return 0;
	}
	r = number_parse(f, base, part, why, &n);
	if (r < 0)
		return r;
	c->nth[n] |= (uint8_t)(1u << nth);
	return 1;
}

static int
special_parse(struct cron *c, enum field_index i, struct set *to,
	struct slice part, struct fault *why)
{
	if (i == MDAY)
		return day_parse(c, part, why);
	if (i == WEEK)
		return week_parse(c, to, part, why);
	return 0;
}

static int
field_parse(struct cron *c, enum field_index i, struct slice text,
	struct set *to, struct fault *why)
{
	const struct field *f = &fields[i];
	struct slice rest = text, part;
	size_t commas = 0;
	int r;

	for (size_t k = 0; k < text.len; k++)
		commas += text.ptr[k] == ',';
	for (size_t k = 0; k <= commas; k++) {
		(void)slice_split(&rest, ',', &part);
		if (part.len == 0 || !part.ptr)
			return refuse(f, text, why,
				"there is nothing beside a comma");
		r = special_parse(c, i, to, part, why);
		if (r == 0)
			r = range_parse(to, f, part, why);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Cut at white space; how many there are, FIELDS + 1 when too many. */
static unsigned
split(struct slice text, struct slice *ret)
{
	unsigned n = 0;

	for (size_t i = 0; i < text.len;) {
		size_t from;

		if (isspace((unsigned char)text.ptr[i])) {
			i++;
			continue;
		}
		if (n == FIELDS)
			return FIELDS + 1;
		from = i;
		while (i < text.len && !isspace((unsigned char)text.ptr[i]))
			i++;
		ret[n++] = slice_of(text.ptr + from, i - from);
	}
	return n;
}

static int
refuse_count(unsigned n, struct slice text, struct fault *why)
{
	if (n == 5)
		return fault_set(why, ERR_PARAM,
			"cron \"%.*s\": five fields, as of crontab; the "
			"second is missing before them and the year after "
			"them: write \"0 %.*s *\"",
			(int)min(text.len, (size_t)40), text.ptr,
			(int)min(text.len, (size_t)40), text.ptr);
	return fault_set(why, ERR_PARAM,
		"cron \"%.*s\": %s fields; give seven: second minute hour "
		"day month week year",
		(int)min(text.len, (size_t)60), text.ptr,
		n > FIELDS ? "more than seven" : "too few");
}

static bool
is_any(const struct slice *text)
{
	return slice_is(*text, "*") || slice_is(*text, "?") ||
	       slice_is(*text, "*/1");
}

int
cron_parse(struct cron *ret, struct slice text, struct fault *why)
{
	struct slice part[FIELDS];
	struct set set[FIELDS] = {0};
	struct cron c = {0};
	unsigned n;
	int r;

	text = slice_trim(text);
	n = split(text, part);
	if (n == FIELDS - 1)
		part[n++] = SLICE("*");
	if (n != FIELDS)
		return refuse_count(n, text, why);
	for (enum field_index i = 0; i < FIELDS; i++) {
		r = field_parse(&c, i, part[i], &set[i], why);
		if (r < 0)
			return r;
	}
	c.seconds = set_word(&set[SECOND], &fields[SECOND]);
	c.minutes = set_word(&set[MINUTE], &fields[MINUTE]);
	c.hours = (uint32_t)set_word(&set[HOUR], &fields[HOUR]);
	c.days = (uint32_t)set_word(&set[MDAY], &fields[MDAY]);
	c.months = (uint32_t)set_word(&set[MONTH], &fields[MONTH]);
	c.weekdays = (uint32_t)set_word(&set[WEEK], &fields[WEEK]);
	memcpy(c.years, set[YEAR].bits, sizeof(c.years));
	c.any_day = is_any(&part[MDAY]);
	c.any_weekday = is_any(&part[WEEK]);
	c.any_hour = c.hours == 0xffffff;
	*ret = c;
	return 0;
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
		if (year < YEAR_FIRST ||
			!set_has(c->years, (unsigned)(year - YEAR_FIRST)))
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
