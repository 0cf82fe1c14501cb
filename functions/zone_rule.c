/*
 * The last line of a TZif file: what goes on for ever after its table.  One
 * small grammar, read from left to right by functions that move a slice.
 */
#include "functions/zone_rule.h"

#include "functions/calendar.h"

#include <ctype.h>
#include <errno.h>

static bool
next_is(struct slice *text, char c)
{
	if (!text->len || text->ptr[0] != c)
		return false;
	*text = slice_of(text->ptr + 1, text->len - 1);
	return true;
}

static int
number(struct slice *text, int low, int top, int *ret)
{
	size_t n = 0;
	uint64_t value;

	while (n < text->len && isdigit((unsigned char)text->ptr[n]))
		n++;
	if (slice_to_u64(slice_of(text->ptr, n), (uint64_t)top, &value) < 0 ||
		(int)value < low)
		return -EINVAL;
	*text = slice_of(text->ptr + n, text->len - n);
	*ret = (int)value;
	return 0;
}

/* "CET" or "<+0330>". */
static int
name(struct slice *text)
{
	size_t n = 0, from = 0;

	if (next_is(text, '<')) {
		while (n < text->len && text->ptr[n] != '>')
			n++;
		from = n + 1;
	} else {
		while (n < text->len && isalpha((unsigned char)text->ptr[n]))
			n++;
		from = n;
	}
	if (n < 3 || from > text->len)
		return -EINVAL;
	*text = slice_of(text->ptr + from, text->len - from);
	return 0;
}

/* [+-]hh[:mm[:ss]] */
static int
hours(struct slice *text, int top, int32_t *ret)
{
	int sign = 1, part[3] = {0}, r;

	if (next_is(text, '-'))
		sign = -1;
	else
		(void)next_is(text, '+');
	r = number(text, 0, top, &part[0]);
	for (int i = 1; r == 0 && i < 3 && next_is(text, ':'); i++)
		r = number(text, 0, 59, &part[i]);
	*ret = sign * (part[0] * 3600 + part[1] * 60 + part[2]);
	return r;
}

static int
day(struct slice *text, struct zone_day *ret)
{
	int r;

	*ret = (struct zone_day){.kind = '0', .time = 7200};
	if (next_is(text, 'M')) {
		ret->kind = 'M';
		r = number(text, 1, 12, &ret->month);
		if (r < 0 || !next_is(text, '.'))
			return -EINVAL;
		r = number(text, 1, 5, &ret->week);
		if (r < 0 || !next_is(text, '.'))
			return -EINVAL;
		r = number(text, 0, 6, &ret->day);
	} else if (next_is(text, 'J')) {
		ret->kind = 'J';
		r = number(text, 1, 365, &ret->day);
	} else {
		r = number(text, 0, 365, &ret->day);
	}
	if (r == 0 && next_is(text, '/'))
		r = hours(text, 167, &ret->time);
	return r;
}

int
zone_rule_parse(struct zone_rule *ret, struct slice text)
{
	struct zone_rule rule = {0};
	int r = name(&text);

	if (r == 0)
		r = hours(&text, 24, &rule.offset[0]);
	if (r < 0)
		return r;
	rule.offset[0] = -rule.offset[0];
	rule.offset[1] = rule.offset[0] + 3600;
	if (text.len > 0) {
		rule.summer = true;
		r = name(&text);
		if (r == 0 && text.len && text.ptr[0] != ',') {
			r = hours(&text, 24, &rule.offset[1]);
			rule.offset[1] = -rule.offset[1];
		}
		for (int i = 0; r == 0 && i < 2; i++)
			r = next_is(&text, ',') ? day(&text, &rule.days[i])
						: -EINVAL;
	}
	if (r < 0 || text.len > 0)
		return -EINVAL;
	*ret = rule;
	return 0;
}

static bool
is_leap(int year)
{
	return calendar_days(year + 1, 1, 1) - calendar_days(year, 1, 1) == 366;
}

static int64_t
day_of(const struct zone_day *d, int year)
{
	int64_t first = calendar_days(year, 1, 1), next;

	if (d->kind == '0')
		return first + d->day;
	if (d->kind == 'J')
		return first + d->day - 1 + (d->day > 59 && is_leap(year));
	first = calendar_days(year, (unsigned)d->month, 1);
	next = d->month == 12 ? calendar_days(year + 1, 1, 1)
			      : calendar_days(year, (unsigned)d->month + 1, 1);
	first += (d->day - (int)calendar_weekday(first) + 7) % 7 +
		 7 * (d->week - 1);
	return first < next ? first : first - 7;
}

void
zone_rule_year(const struct zone_rule *rule, int year, int64_t ret[static 2])
{
	for (int i = 0; i < 2; i++)
		ret[i] = day_of(&rule->days[i], year) * 86400 +
			 rule->days[i].time - rule->offset[i];
}
