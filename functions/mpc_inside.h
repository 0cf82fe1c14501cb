#pragma once

/* What mpc.c and mpc_call.c share. */

#include "functions/worker.h"

/* Leaves the words for mpc_error_text, returns `err`. */
int mpc_error(struct mpc_context *ctx, int err, const char *text, size_t len);
const char *mpc_unquote(
	struct mpc_context *ctx, struct slice raw) _returns_value_;
