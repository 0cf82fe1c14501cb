#pragma once

/*
 * The times of a timer: CloudBase's seven fields, "second minute hour day month
 * week year" (docs.cloudbase.net, cloud-function/timer-trigger), years may be
 * left out.  Ranges 0-59 0-59 0-23 1-31 1-12|JAN-DEC 0-6|SUN-SAT 1970-2099;
 * "," "-" "*" "/" "?" "L" "W" "#".  When both day and week are restricted,
 * either will do.
 */

#include "base/err.h"
#include "base/slice.h"

struct cron {
	uint64_t seconds, minutes; /* bit n: it matches n */
	uint32_t hours, days, months, weekdays;
	bool any_day, any_weekday; /* not restricted */
	bool any_hour;             /* every hour: a rhythm, not a time of day */
	bool last_day;             /* L in the day field */
	uint32_t nearest_weekday;  /* nW: bit n; bit 0: LW */
	uint8_t nth[7];            /* w#n: bit n of weekday w; bit 0: wL */
	uint8_t years[17];         /* bit (year - 1970) */
};

/* ERR_PARAM with a text that names the field and what is wrong with it. */
int cron_parse(
	struct cron *ret, struct slice text, struct fault *why) _must_check_;

/* A time zone: "Asia/Shanghai" and every other name that the system's tzdata
 * has, or "+08:00".  "" is UTC+8. */
struct zone;
int zone_open(
	struct zone **ret, struct slice name, struct fault *why) _must_check_;
struct zone *zone_free(struct zone *zone);
DEFINE_CLEANUP(struct zone *, zone_free)

/* The first match after `after`, both in seconds since 1970; -1: there is none
 * before 2100.  A time that a clock change skips runs at the first instant
 * after the gap; one that it repeats runs once, the first time.  With every
 * hour allowed neither holds: what runs each ten minutes goes on doing so. */
int64_t cron_next(
	const struct cron *cron, const struct zone *zone, int64_t after);
