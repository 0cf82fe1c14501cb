/*
 * Cron expressions for a test in another language: reads lines "ZONE<tab>AFTER
 * <tab>COUNT<tab>EXPRESSION", writes for each the next times as seconds since
 * 1970 with spaces between, or "!" and the cause.
 */
#include "base/mem.h"
#include "functions/cron.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static void
answer(struct slice line)
{
	_cleanup_(zone_freep) struct zone *zone = NULL;
	struct fault why = {0};
	struct slice part[3];
	struct cron cron;
	int64_t now;

	for (size_t i = 0; i < array_size(part); i++)
		(void)slice_split(&line, '\t', &part[i]);
	now = strtoll(part[1].ptr, NULL, 10);
	if (zone_open(&zone, part[0], &why) < 0 ||
		cron_parse(&cron, line, &why) < 0) {
		printf("!%s\n", why.text);
		return;
	}
	for (long n = strtol(part[2].ptr, NULL, 10); n > 0; n--) {
		now = cron_next(&cron, zone, now);
		if (now < 0)
			break;
		printf("%" PRId64 " ", now);
	}
	printf("\n");
}

int
main(void)
{
	char line[1024];

	while (fgets(line, sizeof(line), stdin)) {
		answer(slice_of(line, strcspn(line, "\n")));
		(void)fflush(stdout);
	}
	return 0;
}
