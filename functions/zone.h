#pragma once

/*
 * What cron_next sees of a time zone (zone_open and zone_free are in
 * functions/cron.h): spans of time, each with one distance from UTC.
 */

#include "functions/cron.h"

struct zone_span {
	int64_t from, to; /* seconds since 1970, `to` is outside */
	int32_t offset;   /* local time - UTC, seconds */
	int32_t before;   /* that of the span before */
};

/* The span that holds `at`.  NULL is UTC+8. */
void zone_span(const struct zone *zone, int64_t at, struct zone_span *ret);

/* The bytes of a TZif file (RFC 8536). */
int zone_parse(
	struct zone **ret, struct slice file, struct fault *why) _must_check_;
