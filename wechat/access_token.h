#pragma once

/*
 * One access_token per appid for all gateways of all machines: whoever finds it
 * missing takes a lease in mpcloud.access_tokens, asks stable_token once, and
 * stores it sealed; the others wait for the row.  A token that WeChat refused
 * is dropped only while it is still the stored one (compare and drop).
 */

#include "auth/app.h"
#include "auth/seal.h"
#include "base/fetch.h"
#include "base/job.h"
#include "db/pool.h"

struct access_tokens;

enum { ACCESS_TOKEN_TOP = 1024 };

int access_tokens_new(struct access_tokens **ret, struct loop *loop,
	struct pool *pool, struct fetcher *fetcher,
	struct seal *seal) _must_check_;
struct access_tokens *access_tokens_free(struct access_tokens *t);
DEFINE_CLEANUP(struct access_tokens *, access_tokens_free)

/* Embedded in its owner. */
struct token_ask {
	struct job job;
	char token[ACCESS_TOKEN_TOP + 1]; /* the answer, a secret */
	void *inside[4];
};

/* job_init(&a->job, …) first.  `app` is held while it runs.  At once when this
 * gateway knows a token that is good for longer than a minute.
 * ERR_UPSTREAM_CONFIG, ERR_UPSTREAM_BUSY, ERR_UPSTREAM. */
void access_token_get(
	struct access_tokens *t, struct token_ask *a, struct app *app);
/* WeChat refused `token` (40001, 40014, 42001, 41001). */
void access_token_drop(
	struct access_tokens *t, struct app *app, const char *token);
void token_ask_done(struct token_ask *a);
