/*
 * Cron expressions, the names of zones, and TZif files.  The first byte says
 * which.  What was accepted gives times that rise, in zones whose spans meet.
 */
#include "functions/cron.h"
#include "functions/zone.h"
#include "tests/fuzz/fuzz.h"

static void
times(const struct cron *cron, const struct zone *zone)
{
	int64_t now = 1795000000;

	for (int i = 0; i < 4; i++) {
		int64_t next = cron_next(cron, zone, now);

		if (next == -1)
			return;
		if (next <= now)
			__builtin_trap();
		now = next;
	}
}

static void
spans(const struct zone *zone)
{
	struct zone_span span;

	for (int64_t at = 0; at < 4102444800; at = span.to) {
		zone_span(zone, at, &span);
		if (span.from > at || span.to <= at)
			__builtin_trap();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct zone *zone = NULL;
	struct cron cron;
	struct slice text;

	if (size == 0)
		return 0;
	text = slice_of(data + 1, size - 1);
	if (data[0] == 'e') {
		if (cron_parse(&cron, text, NULL) == 0)
			times(&cron, NULL);
		return 0;
	}
	if ((data[0] == 'n' ? zone_open(&zone, text, NULL)
			    : zone_parse(&zone, text, NULL)) == 0) {
		spans(zone);
		if (cron_parse(&cron, SLICE("0 30 2 * * MON#2"), NULL) == 0)
			times(&cron, zone);
	}
	zone_free(zone);
	return 0;
}
