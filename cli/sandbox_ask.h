#pragma once

/*
 * A question to the WeChat sandbox of a development stack, for the command
 * line, which has nothing else to do meanwhile.
 */

#include "base/val.h"

/* `body` is taken; NULL: GET.  *ret is what it answered, an object or array.
 * ERR_NOT_FOUND and the like: the sandbox's own words are in `why`. */
int sandbox_ask(const char *base, const char *path, json_t *body, json_t **ret,
	struct fault *why) _must_check_;
