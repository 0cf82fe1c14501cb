#pragma once

/* Which runs of a timer there are when it is looked at: no database, no clock.
 */

#include "base/val.h"
#include "functions/cron.h"

enum timer_missed { MISSED_SKIP, MISSED_ONCE, MISSED_ALL };

struct timer_spec {
	struct cron cron;
	struct zone *zone;
	enum timer_missed missed;
	struct slice name, config, timezone, message; /* of the JSON */
};

/* An object of mpcloud.triggers.spec, which must outlive `ret`. */
int timer_spec_parse(struct timer_spec *ret, const json_t *from,
	struct fault *why) _must_check_;
void timer_spec_done(struct timer_spec *spec);

/* Seconds since 1970; -1: never. */
int64_t timer_next(const struct timer_spec *spec, int64_t after);

struct timer_due {
	int64_t next;   /* after now; -1: never */
	int64_t missed; /* times that are passed over; counted up to 100,000 */
	json_t *runs;   /* [{at (ms), time, event}], the earliest first */
};

/* `seen`: the time it is waiting for, not after `now`; seconds. */
void timer_due(struct timer_due *ret, const struct timer_spec *spec,
	int64_t seen, int64_t now, int64_t grace);
