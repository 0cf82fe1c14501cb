/*
 * `mpcloud timers`: each function's timers with their times and what came of
 * the last run; `mpcloud cron next`: what an expression means, without a
 * daemon.
 */
#include "cli/cli.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "functions/calendar.h"
#include "functions/zone.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TIMES = 5, TIMES_PRESET = 10, TIMES_TOP = 1000 };

static const char days[7][4] = {
	"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
	"Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

/* "2026-11-21 Sat 02:00:00 +08:00" */
static void
print_time(const struct zone *zone, int64_t at)
{
	struct zone_span span;
	int64_t local, day, year;
	unsigned month, mday;

	zone_span(zone, at, &span);
	local = at + span.offset;
	day = local >= 0 ? local / 86400 : (local - 86399) / 86400;
	local -= day * 86400;
	calendar_date(day, &year, &month, &mday);
	(void)printf("%04d-%02u-%02u %s %02d:%02d:%02d %c%02d:%02d", (int)year,
		month, mday, days[calendar_weekday(day)], (int)(local / 3600),
		(int)(local / 60 % 60), (int)(local % 60),
		span.offset < 0 ? '-' : '+', abs(span.offset) / 3600,
		abs(span.offset) / 60 % 60);
}

static const char *
zone_name(const char *zone)
{
	return *zone ? zone : "UTC+8";
}

/* The times from `after` on, each on a line; how many there were. */
static int64_t
print_next(const struct cron *cron, const struct zone *zone, int64_t after,
	int64_t count, const char *first, const char *others)
{
	int64_t n = 0;

	for (; n < count; n++) {
		after = cron_next(cron, zone, after);
		if (after < 0)
			break;
		(void)fputs(n ? others : first, stdout);
		print_time(zone, after);
		(void)putchar('\n');
	}
	return n;
}

static void
print_last(const json_t *t, const struct zone *zone)
{
	const json_t *run = json_object_get(t, "lastRun");
	const char *state = val_text(run, "state"),
		   *why = val_text(run, "error");
	int64_t tries = val_number(run, "attempts");

	if (!json_is_object(run)) {
		(void)puts("  last  none yet");
		return;
	}
	(void)fputs("  last  ", stdout);
	print_time(zone, val_number(t, "lastAt") / 1000);
	if (!*state)
		(void)printf("  ended long ago");
	else if (tries > 1 || strcmp(state, "dead") == 0)
		(void)printf(
			"  %s after %lld attempts", state, (long long)tries);
	else
		(void)printf("  %s", state);
	(void)printf("%s%s\n", *why ? ": " : "", why);
	if (*state && strcmp(state, "done") != 0)
		(void)printf(
			"        mpcloud queue show %s\n", val_text(run, "id"));
}

static const char *
policy_text(const char *policy)
{
	if (strcmp(policy, "once") == 0)
		return "missed times run once";
	if (strcmp(policy, "all") == 0)
		return "missed times all run";
	return "missed times are skipped";
}

static void
print_timer(const json_t *t)
{
	_cleanup_(zone_freep) struct zone *zone = NULL;
	const char *where = val_text(t, "zone"), *error = val_text(t, "error");
	const json_t *next = json_object_get(t, "nextAt");
	struct fault why = {0};
	struct cron cron;

	(void)printf("%s  %s  \"%s\"  %s\n", val_text(t, "function"),
		val_text(t, "name"), val_text(t, "expression"),
		zone_name(where));
	if (zone_open(&zone, slice_str(where), &why) < 0 ||
		cron_parse(&cron, slice_str(val_text(t, "expression")), &why) <
			0) {
		(void)printf("  %s\n", why.text);
		return;
	}
	if (json_is_integer(next))
		(void)print_next(&cron, zone,
			json_integer_value(next) / 1000 - 1, TIMES, "  next  ",
			"        ");
	else
		(void)printf(
			"  next  %s\n", *error ? error : "is being worked out");
	print_last(t, zone);
	(void)printf("  runs  %lld; %lld missed; %s\n",
		(long long)val_number(t, "runs"),
		(long long)val_number(t, "missed"),
		policy_text(val_text(t, "missedPolicy")));
}

int
cli_timers(struct cli *cli)
{
	struct buf path _buf_ = {0};
	_json_ json_t *answer = NULL;
	json_t *list, *t;
	size_t i;
	int status;

	buf_init(&path, 4096);
	buf_str(&path, "/ops/timers");
	if (cli->count) {
		buf_str(&path, "?function=");
		text_url(&path, slice_str(cli->words[0]));
	}
	status = cli_ops_json(cli, "GET", path.ptr, SLICE(""), &answer);
	if (status != EXIT_OK)
		return status;
	list = json_object_get(answer, "timers");
	if (cli->options[OPT_JSON]) {
		cli_print_json(list);
		return EXIT_OK;
	}
	if (json_array_size(list) == 0 && cli->count)
		return cli_fail(EXIT_FAILED,
			"no function \"%s\" with a timer; `mpcloud timers` "
			"lists them all",
			cli->words[0]);
	if (json_array_size(list) == 0)
		(void)puts("No timer; a function's config.json declares one: "
			   "{\"triggers\":[{\"name\":\"daily\",\"type\":"
			   "\"timer\",\"config\":\"0 0 2 * * * *\"}]}");
	json_array_foreach (list, i, t) {
		if (i)
			(void)putchar('\n');
		print_timer(t);
	}
	return EXIT_OK;
}

/* "0, 15, 30, 45"; `all`: there is nothing that is not. */
static void
print_numbers(const char *what, uint64_t bits, unsigned low, unsigned top,
	const char (*names)[4])
{
	bool all = true, first = true;

	for (unsigned n = low; n <= top; n++)
		all = all && bits >> n & 1;
	(void)printf("  %-7s ", what);
	if (all)
		(void)fputs("every", stdout);
	for (unsigned n = low; !all && n <= top; n++) {
		if (!(bits >> n & 1))
			continue;
		(void)fputs(first ? "" : ", ", stdout);
		if (names)
			(void)fputs(names[n - low], stdout);
		else
			(void)printf("%u", n);
		first = false;
	}
	(void)putchar('\n');
}

static void
print_also(bool *first, const char *fmt, ...)
{
	va_list ap;

	(void)fputs(*first ? "" : ", ", stdout);
	*first = false;
	va_start(ap, fmt);
	(void)vprintf(fmt, ap);
	va_end(ap);
}

static void
print_days(const struct cron *c)
{
	bool first = true;

	(void)printf("  %-7s ", "day");
	for (unsigned n = 1; n <= 31; n++)
		if (!c->any_day && c->days >> n & 1)
			print_also(&first, "%u", n);
	for (unsigned n = 1; n <= 31; n++)
		if (c->nearest_weekday >> n & 1)
			print_also(
				&first, "the working day nearest to day %u", n);
	if (c->last_day)
		print_also(&first, "the last of the month");
	if (c->nearest_weekday & 1)
		print_also(&first, "the last working day of the month");
	(void)puts(first ? c->any_weekday ? "every" : "any" : "");
}

static void
print_week(const struct cron *c)
{
	static const char *const nth[] = {
		"last", "first", "second", "third", "fourth", "fifth"};
	bool first = true;

	(void)printf("  %-7s ", "week");
	for (unsigned n = 0; n < 7; n++)
		if (!c->any_weekday && c->weekdays >> n & 1)
			print_also(&first, "%s", days[n]);
	for (unsigned n = 0; n < 7; n++)
		for (unsigned k = 0; k < array_size(nth); k++)
			if (c->nth[n] >> k & 1)
				print_also(&first, "the %s %s of the month",
					nth[k], days[n]);
	(void)puts(first ? c->any_day ? "every" : "any" : "");
	if (!c->any_day && !c->any_weekday)
		(void)puts("          (day or week: either will do)");
}

static void
print_years(const struct cron *c)
{
	int from = -1;
	bool first = true;

	(void)printf("  %-7s ", "year");
	for (int y = 1970; y <= 2100; y++) {
		bool has = y < 2100 &&
			   c->years[(y - 1970) / 8] >> (y - 1970) % 8 & 1;

		if (has && from < 0)
			from = y;
		if (has || from < 0)
			continue;
		if (from == 1970 && y == 2100)
			print_also(&first, "every");
		else if (from == y - 1)
			print_also(&first, "%d", from);
		else
			print_also(&first, "%d to %d", from, y - 1);
		from = -1;
	}
	(void)putchar('\n');
}

static void
print_cron(const struct cron *c)
{
	print_numbers("second", c->seconds, 0, 59, NULL);
	print_numbers("minute", c->minutes, 0, 59, NULL);
	print_numbers("hour", c->hours, 0, 23, NULL);
	print_days(c);
	print_numbers("month", c->months, 1, 12, months);
	print_week(c);
	print_years(c);
}

static json_t *
times_json(const struct cron *cron, const struct zone *zone, int64_t after,
	int64_t count)
{
	json_t *list = json_array();

	while (count-- > 0 && (after = cron_next(cron, zone, after)) >= 0) {
		struct buf time _buf_ = {0};

		buf_init(&time, 64);
		text_time(&time, after * CLOCK_S);
		(void)json_array_append_new(list, json_string(time.ptr));
	}
	return list;
}

int
cli_cron_next(struct cli *cli)
{
	const char *where = cli->options[OPT_ZONE];
	_cleanup_(zone_freep) struct zone *zone = NULL;
	struct fault why = {0};
	struct cron cron;
	int64_t count;
	int status =
		cli_number(cli, OPT_TIMES, 1, TIMES_TOP, TIMES_PRESET, &count);

	if (status != EXIT_OK)
		return status;
	where = where ? where : "";
	if (zone_open(&zone, slice_str(where), &why) < 0 ||
		cron_parse(&cron, slice_str(cli->words[0]), &why) < 0)
		return cli_fail(EXIT_USAGE, "%s", why.text);
	if (cli->options[OPT_JSON]) {
		_json_ json_t *v = json_pack("{s:s,s:s,s:o}", "expression",
			cli->words[0], "zone", where, "next",
			times_json(&cron, zone, clock_now_s(), count));

		cli_print_json(v);
		return EXIT_OK;
	}
	(void)printf("\"%s\" in %s:\n", cli->words[0], zone_name(where));
	print_cron(&cron);
	if (print_next(&cron, zone, clock_now_s(), count, "\nnext    ",
		    "        ") == 0)
		(void)puts("\nnext    never: no time before the year 2100 "
			   "matches");
	return EXIT_OK;
}
