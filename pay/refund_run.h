#pragma once

/* A refund_ask, refund_get or refund_poll while it runs; for refund*.c only. */

#include "base/list.h"
#include "pay/gate.h"
#include "pay/ledger.h"
#include "pay/refund.h"
#include "pay/run.h"

/* A refund as it stands in the database; strings in the run's arena. */
struct refund_row {
	const char *out_trade_no, *state, *body, *api, *appid;
	const char *refund_id, *why, *reason, *currency;
	int64_t amount, total, created_at, refunded_at, asked_at;
};

struct refund_run {
	struct list on; /* pay->refunds */
	struct pay *pay;
	struct refund *refund;
	struct merchant *merchant;
	struct arena mem;
	const char *no;
	struct refund_row row;
	struct ask ask;
	struct gate gate;
	struct notify told;
	int err;          /* what the caller is told at the end */
	struct fault why; /* the same */
};

/* Begins the refund's job.  `m` may be NULL. */
struct refund_run *refund_run_new(
	struct pay *pay, struct refund *r, struct merchant *m) _returns_value_;
/* The run is gone, the job answered. */
void refund_run_finish(struct refund_run *run, int err);
/* The same for trouble found at the start. */
void refund_run_fail_soon(struct refund_run *run, int err);

/* The row's statement and its answer: false, there is none. */
void refund_row_ask(struct refund_run *run, const char *no, job_fn *done);
bool refund_row_read(struct refund_run *run);

/* Sends run->row.body, or asks how it stands; then the ledger, then the answer.
 */
void refund_send(struct refund_run *run);
void refund_query(struct refund_run *run);
/* The row once more, and the answer made of it. */
void refund_answer(struct refund_run *run);
