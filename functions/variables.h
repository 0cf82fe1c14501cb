#pragma once

/* The environment of a function's code: what cloud SDKs read, what the author
 * set, and nothing of ours. */

#include "functions/host_setup.h"

/* NULL-ended "NAME=value"; lives until the process ends. */
char **variables_build(const struct host_setup *setup) _returns_value_;
