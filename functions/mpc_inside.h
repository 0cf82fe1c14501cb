#pragma once

/* What mpc.c, mpc_call.c and mpc_db.c share. */

#include "functions/worker.h"

/* Leaves the words for mpc_error_text, returns `err`. */
int mpc_error(struct mpc_context *ctx, int err, const char *text, size_t len);
const char *mpc_unquote(
	struct mpc_context *ctx, struct slice raw) _returns_value_;

/* A request that is being written: begin with its action, put members (`key`
 * with its comma and colon), then send it and wait: done, or end when the
 * answer's data is wanted.  The answer is ctx->reply. */
struct mpc_request {
	struct mpc_context *ctx;
	struct buf *out;
	size_t mark;
};

struct mpc_request mpc_request_begin(
	struct mpc_context *ctx, const char *action);
void mpc_request_text(struct mpc_request *q, const char *key, const char *text);
void mpc_request_json(
	struct mpc_request *q, const char *key, struct slice json);
int mpc_request_done(struct mpc_request *q) _must_check_;
int mpc_request_end(struct mpc_request *q, struct slice *data) _must_check_;
/* A piece of the reply as a text of its own. */
void mpc_give(struct slice piece, const char **ret, size_t *len);
bool mpc_is_json(const char *text);
int mpc_bad_argument(struct mpc_context *ctx, const char *name);
