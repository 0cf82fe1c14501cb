#pragma once

/*
 * Where orders and refunds change their state: one statement each (the routines
 * mpcloud.pay_apply and mpcloud.refund_apply), whoever brings the news: a
 * callback, a query, a bill.  It checks, stores, applies exactly once and puts
 * what the author's functions are told into the queue, in one transaction.
 */

#include "db/pool.h"
#include "pay/notify.h"

/* What became of it. */
enum ledger_outcome {
	LEDGER_APPLIED,     /* the state has changed: fulfil it */
	LEDGER_REPEAT,      /* we knew */
	LEDGER_QUARANTINED, /* it does not fit the order; ledger_why */
	LEDGER_IGNORED, /* nothing to change: still NOTPAY, PROCESSING … */
};

/* `told_by`: "notify" (then `raw` and `serial` go into the inbox), "query",
 * "bill".  The job of `ask` is done when it is committed. */
void ledger_apply(struct pool *pool, struct ask *ask, const struct notify *n,
	const char *env, const char *told_by, struct slice raw,
	struct slice serial, int64_t now_ms);
/* `why`: until the ask is answered; empty: nothing to say. */
int ledger_read(const struct ask *ask, enum ledger_outcome *ret,
	struct slice *why) _must_check_;
/* "applied", … as in mpcloud.pay_inbox.outcome. */
const char *ledger_outcome_name(enum ledger_outcome outcome);
/* Whoever applied it says this after ledger_read: what the operator has to
 * know becomes an event (quarantined; paid although it was closed). */
void ledger_tell(const struct notify *n, const char *told_by,
	enum ledger_outcome outcome, struct slice why);
