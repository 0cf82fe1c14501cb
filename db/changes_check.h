#pragma once

/*
 * Can changes be followed there?  Asked by hand (`mpcloud doctor`), blocking
 * for a few seconds at the most.
 */

#include "base/err.h"

/* 0; ERR_DB_DOWN: it could not be asked; ERR_WATCH_STREAM: no, and `why` says
 * what to do.  `why` has words in any case. */
int changes_check(const char *url, struct fault *why) _must_check_;
