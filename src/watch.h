#pragma once

/*
 * Whether gateways live, asked every second over their control channels; and
 * systemd's watchdog, fed only while they all do.
 */

#include "base/timer.h"

#include <stdint.h>

struct gateway;
struct supervisor;

enum {
	WATCH_PING_MS = 1000,
	WATCH_LATE_MS = 3000,  /* systemd is not told that all is well */
	WATCH_DEAD_MS = 10000, /* the gateway is killed */
};

struct watch {
	struct timer ping, keep_alive;
	uint64_t last_turn; /* uv_hrtime */
	uint32_t number;
	char line[200]; /* STATUS= as said last */
};

void watch_start(struct supervisor *s);
void watch_stop(struct supervisor *s);
/* For how many milliseconds a ping has not been answered. */
int64_t watch_silence(const struct gateway *g);
/* STATUS= when it has changed. */
void watch_tell(struct supervisor *s);
