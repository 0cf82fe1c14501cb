/*
 * The runs between the time that a timer waits for and now.  Within the grace
 * each has its own; of those before it there may be a day's seconds, so the
 * latest are found from the end: in a stretch before the grace that is doubled
 * until it holds enough of them.
 */
#include "trigger/timer_due.h"

#include "base/clock.h"
#include "base/text.h"
#include "trigger/timer.h"

enum {
	COUNT_TOP = 100000,
	NAME_TOP = 64,
	CONFIG_TOP = 256,
	MESSAGE_TOP = 4096
};

static const char *const policies[] = {
	[MISSED_SKIP] = "skip", [MISSED_ONCE] = "once", [MISSED_ALL] = "all"};

static int
policy_parse(enum timer_missed *ret, struct slice text, struct fault *why)
{
	for (size_t i = 0; i < array_size(policies); i++)
		if (slice_is(text, policies[i])) {
			*ret = (enum timer_missed)i;
			return 0;
		}
	return fault_set(why, ERR_PARAM,
		"missed \"%.*s\": give skip, once or all",
		(int)min(text.len, (size_t)20), text.ptr);
}

int
timer_spec_parse(struct timer_spec *ret, const json_t *from, struct fault *why)
{
	struct timer_spec s = {0};
	struct slice missed;
	int e;

	e = val_str(from, "name", NAME_TOP, &s.name, why);
	if (e == 0)
		e = val_str(from, "config", CONFIG_TOP, &s.config, why);
	if (e == 0)
		e = val_str_or(from, "timezone", NAME_TOP, SLICE(""),
			&s.timezone, why);
	if (e == 0)
		e = val_str_or(from, "message", MESSAGE_TOP, SLICE(""),
			&s.message, why);
	if (e == 0)
		e = val_str_or(
			from, "missed", NAME_TOP, SLICE("skip"), &missed, why);
	if (e == 0)
		e = policy_parse(&s.missed, missed, why);
	if (e == 0)
		e = cron_parse(&s.cron, s.config, why);
	if (e == 0)
		e = zone_open(&s.zone, s.timezone, why);
	if (e == 0)
		*ret = s;
	return e;
}

void
timer_spec_done(struct timer_spec *spec)
{
	spec->zone = zone_free(spec->zone);
}

int64_t
timer_next(const struct timer_spec *spec, int64_t after)
{
	return cron_next(&spec->cron, spec->zone, after);
}

/* How many there are from `from` on, before `end`. */
static int64_t
count(const struct timer_spec *spec, int64_t from, int64_t end)
{
	int64_t n = 0;

	for (int64_t at = timer_next(spec, from - 1);
		at >= 0 && at < end && n < COUNT_TOP; at = timer_next(spec, at))
		n++;
	return n;
}

/* Where the latest `top` runs of those from `seen` on and before `end` begin;
 * or a little earlier. */
static int64_t
begin_of(const struct timer_spec *spec, int64_t seen, int64_t end, int64_t top)
{
	for (int64_t back = 1;; back *= 2) {
		int64_t from = max(seen, end - back);

		if (from == seen || count(spec, from, end) >= top)
			return from;
	}
}

/* CloudBase's event, docs.cloudbase.net/cloud-function/timer-trigger; the time
 * is the one that was planned. */
static void
add_run(json_t *runs, const struct timer_spec *spec, int64_t at)
{
	struct buf time _buf_ = {0}, text _buf_ = {0};
	_json_ json_t *event = NULL;

	buf_init(&time, 64);
	buf_init(&text, 64 << 10);
	text_time(&time, at * CLOCK_S);
	/* "2019-02-21T11:49:00.000Z" → "2019-02-21T11:49:00Z" */
	if (time.len > 5) {
		time.len -= 5;
		buf_char(&time, 'Z');
	}
	event = json_pack("{s:s,s:s%,s:s%,s:s%}", "Type", "Timer",
		"TriggerName", spec->name.ptr, spec->name.len, "Time", time.ptr,
		time.len, "Message", spec->message.ptr, spec->message.len);
	val_put(&text, event);
	(void)json_array_append_new(
		runs, json_pack("{s:I,s:s%,s:s%}", "at",
			      (json_int_t)(at * 1000), "time", time.ptr,
			      time.len, "event", text.ptr, text.len));
}

static void
add_missed(struct timer_due *ret, const struct timer_spec *spec, int64_t seen,
	int64_t end)
{
	int64_t top = spec->missed == MISSED_ALL    ? TIMERS_ALL_TOP
		      : spec->missed == MISSED_ONCE ? 1
						    : 0;
	int64_t from, pass;

	ret->missed = count(spec, seen, end);
	if (top == 0 || ret->missed == 0)
		return;
	from = begin_of(spec, seen, end, top);
	pass = count(spec, from, end) - top;
	for (int64_t at = timer_next(spec, from - 1); at >= 0 && at < end;
		at = timer_next(spec, at))
		if (pass-- <= 0)
			add_run(ret->runs, spec, at);
	ret->missed -= (int64_t)json_array_size(ret->runs);
}

void
timer_due(struct timer_due *ret, const struct timer_spec *spec, int64_t seen,
	int64_t now, int64_t grace)
{
	int64_t fresh = max(seen, now - grace);

	*ret = (struct timer_due){.runs = json_array()};
	add_missed(ret, spec, seen, fresh);
	for (int64_t at = timer_next(spec, fresh - 1); at >= 0 && at <= now;
		at = timer_next(spec, at))
		add_run(ret->runs, spec, at);
	ret->next = timer_next(spec, now);
}
