#pragma once

/*
 * What alerts are judged by: this machine's counters over the last minutes, and
 * what the database said.
 */

#include "base/conf.h"
#include "base/series.h"
#include "base/shm.h"

enum {
	ALERT_WINDOW_MS = 300000,
	ALERT_VIEWS = 64,
	ALERT_TEXT = 256,
	ALERT_WHOSE = 80
};

/* Sums over all gateways of the machine at a moment. */
struct alert_sums {
	int64_t at_ms;
	uint64_t answers, errors, calls, cold;
	uint64_t below[SERIES_EDGES + 1];
};

struct alert_view {
	/* over the window */
	uint64_t answers, errors, calls, cold;
	uint64_t below[SERIES_EDGES + 1];
	int64_t cert_left_ms; /* of the first to end; INT64_MAX: no certificate
			       */
	const char *cert_whose; /* the section of the configuration it is of */
	int64_t waiting, dead, differences, quarantined, abnormal;
	bool database; /* it answered; else those five mean nothing */
};

enum alert_whose { ALERT_NODE, ALERT_ALL };

struct alert_row {
	const char *name;
	enum alert_whose whose;
	const char *severity;
	int64_t for_ms;
	/* Does it hold?  `text` says what was seen. */
	bool (*judge)(const struct alert_view *v, const struct conf *conf,
		int64_t *value, char text[ALERT_TEXT]);
	const char *meaning;
};

extern const struct alert_row alert_rows[];
extern const size_t alert_count;

/* A ring of sums; `now`'s are added, the window's difference is given. */
struct alert_ring {
	struct alert_sums sums[ALERT_VIEWS];
	unsigned next, count;
};

void alert_sums_read(struct alert_sums *ret, struct shm *shm, int64_t now_ms);
void alert_ring_add(struct alert_ring *ring, const struct alert_sums *now,
	struct alert_view *view);
