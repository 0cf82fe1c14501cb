#pragma once

/* What becomes of a call after an attempt. */

#include "base/util.h"

enum fate {
	FATE_DONE,
	FATE_RETRY,  /* the attempt failed; another one after fate_delay_ms */
	FATE_DEAD,   /* the same, and it was the last, or more would not help */
	FATE_RETURN, /* the code was not reached: soon again, not an attempt */
	FATE_MISSING, /* there is no such function: the same, for some time */
};

/* `err`: the call's; failed: attempts that failed before this one; retries: how
 * many may follow the first. */
enum fate fate_of(int err, unsigned failed, unsigned retries);

/* 1 s, 2, 4 … 10 minutes after the failed'th failure (from 1), and up to a
 * quarter more by `dice`, so that what failed together does not come back
 * together. */
int64_t fate_delay_ms(unsigned failed, uint32_t dice);
