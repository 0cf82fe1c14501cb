/*
 * Cron expressions as Tencent's cloud functions have them, read: an expression
 * becomes a set of numbers for each field, and what names days by the calendar
 * (L, W, #) becomes marks beside them.  When it matches is in cron_next.c.
 */
#include "functions/cron.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>

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

/* Cuts "/2" off the end of a part; 1 without one. */
static int
step_parse(struct slice *base, const struct field *f, struct slice part,
	struct fault *why, uint64_t *ret)
{
	struct slice rest = part;

	*ret = 1;
	(void)slice_split(&rest, '/', base);
	if (!rest.ptr)
		return 0;
	if (slice_to_u64(rest, 9999, ret) < 0 || *ret == 0)
		return refuse(
			f, part, why, "after the \"/\" comes a number from 1");
	if (*ret > f->top)
		return refuse(f, part, why,
			"the step is longer than the field; count longer times "
			"in the next one");
	return 0;
}

/* "3" or "3-9". */
static int
ends_parse(const struct field *f, struct slice base, struct slice part,
	struct fault *why, unsigned *low, unsigned *top)
{
	struct slice first;
	int r;

	(void)slice_split(&base, '-', &first);
	r = number_parse(f, first, part, why, low);
	if (r < 0 || !base.ptr) {
		*top = *low;
		return r;
	}
	r = number_parse(f, base, part, why, top);
	/* FRI-SUN: a week may end with its Sunday. */
	if (r == 0 && f == &fields[WEEK] && *low > 0 && *top == 0 &&
		!slice_is(base, "0"))
		*top = 7;
	if (r == 0 && *low > *top)
		return refuse(f, part, why,
			"the range runs backwards; write it as two, with "
			"a comma");
	return r;
}

/* "3", "3-9", "*" with or without "/2"; "3/2" goes on to the end. */
static int
range_parse(struct set *to, const struct field *f, struct slice part,
	struct fault *why)
{
	unsigned low = f->low, top = f->top;
	struct slice base;
	uint64_t step;
	int r = step_parse(&base, f, part, why, &step);

	if (r == 0 && !slice_is(base, "*") &&
		!(f->question && slice_is(base, "?")))
		r = ends_parse(f, base, part, why, &low, &top);
	if (r < 0)
		return r;
	if (base.len < part.len && !memchr(base.ptr, '-', base.len))
		top = f->top;
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
