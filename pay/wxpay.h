#pragma once

/*
 * One question to WeChat Pay's API v3: signed by us, the answer's signature
 * verified (docs "request signing" and "response verification").
 */

#include "base/fetch.h"
#include "base/val.h"
#include "pay/merchant.h"

/* Embedded in its owner. */
struct wxpay {
	struct job job;
	/* answer: the body's JSON, verified; until wxpay_done */
	json_t *answer;
	/* its own */
	struct loop *loop;
	struct fetcher *fetcher;
	struct merchant *merchant;
	const char *path;
	struct slice body;
	struct fetch fetch;
	unsigned tries;
};

/* job_init(&w->job, …) first.  `path` (with its query) and `body` (JSON, sent
 * as it is) are borrowed while it runs.  0; ERR_PAY_REFUSED with WeChat's own
 * words; ERR_PAY_FORGED; ERR_UPSTREAM_CONFIG; ERR_UPSTREAM_BUSY, ERR_UPSTREAM
 * and ERR_TIMEOUT: it may or may not have been done, the same may be asked
 * again. */
void wxpay_post(struct wxpay *w, struct loop *loop, struct fetcher *fetcher,
	struct merchant *merchant, const char *path, struct slice body);
/* Cancels it when it still runs. */
void wxpay_done(struct wxpay *w);
