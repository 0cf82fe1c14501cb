#pragma once

/*
 * POSIX's TZ text (IEEE Std 1003.1, "Environment Variables", with the hours
 * from -167 to 167 of RFC 8536): "CET-1CEST,M3.5.0,M10.5.0/3".
 */

#include "base/slice.h"

struct zone_rule {
	int32_t offset[2]; /* seconds east of UTC: winter, summer */
	bool summer;       /* there is one */
	struct zone_day {
		char kind; /* 'M', 'J' (1-365, no leap day), '0' (0-365) */
		int month, week, day;
		int32_t time; /* seconds, local */
	} days[2];            /* summer begins, ends */
};

/* 0 or -EINVAL. */
int zone_rule_parse(struct zone_rule *ret, struct slice text) _must_check_;
/* When summer begins and ends in a year, seconds since 1970. */
void zone_rule_year(
	const struct zone_rule *rule, int year, int64_t ret[static 2]);
