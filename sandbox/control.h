#pragma once

/* What the control endpoints share. */

#include "sandbox.h"

#include "base/val.h"

/* The body of a control request: an object; an empty body is an empty one.  The
 * caller owns *ret. */
int control_parse(
	struct exchange *x, json_t **ret, struct fault *why) _must_check_;
/* 400 {"error": "…"} */
void control_refuse(struct answer *a, const struct fault *why);
