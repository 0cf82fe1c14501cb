#pragma once

/*
 * The only source of time.  Tests own it: clock_set stops it, and when the
 * environment names a file in MPCLOUD_CLOCK_FILE (8 bytes, an int64 of
 * nanoseconds, mapped shared), its value is added to every reading, so that a
 * test can move the time of several daemons together.  (Timers are the loop's
 * own and not moved.)
 */

#include "base/util.h"

#define CLOCK_S  1000000000LL
#define CLOCK_MS 1000000LL

/* Wall clock: nanoseconds since 1970, UTC. */
int64_t clock_now(void);
/* The same as of the kernel's last tick, a few ms ago at the most: without
 * reading the hardware, for what happens at every request. */
int64_t clock_coarse(void);
/* Monotonic nanoseconds, for deadlines and durations. */
int64_t clock_mono(void);

static inline int64_t
clock_now_s(void)
{
	return clock_now() / CLOCK_S;
}

static inline int64_t
clock_now_ms(void)
{
	return clock_now() / CLOCK_MS;
}

/* Stop all of them at `now` (ns); negative lets them run again. */
void clock_set(int64_t now);
/* Whether a test owns the time: whoever would ask another machine for it must
 * then say it instead. */
bool clock_is_set(void);
