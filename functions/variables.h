#pragma once

/* The environment of a function's code: what cloud SDKs read, what the author
 * set, and nothing of ours. */

#include "functions/host_setup.h"

/* NULL-ended "NAME=value"; lives until the process ends.  `egress`: the path of
 * the way out, "" when there is none. */
char **variables_build(
	const struct host_setup *setup, const char *egress) _returns_value_;
