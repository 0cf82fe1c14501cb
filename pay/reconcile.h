#pragma once

/*
 * A day's trade bill beside our orders and refunds (db/routines/reconcile.sql).
 * What the bill knows and we do not (a payment or a refund whose news never
 * came) is put into the ledger, so that functions hear of it; everything else
 * stands in mpcloud.pay_differences until somebody has looked.
 *
 * Kinds of difference:
 *   unpaid_here        paid there, not here: repaired (settled_by bill)
 *   unknown_order      paid there, and no order of ours has this number
 *   missing_there      paid here that day, and in no bill
 *   amount             another total, currency or mini program
 *   transaction        another transaction number: paid twice?
 *   twice              twice in the bill
 *   refund_unfinished  done there, not here: repaired
 *   refund_unknown     made there (the merchant platform?), not asked for here
 *   refund_missing     done here, and in no bill
 *   refund_amount      another amount or order
 *   refund_state       failed there, done here
 *   refund_twice       twice in the bill
 */

#include "base/arena.h"
#include "base/job.h"
#include "pay/order.h"

enum { DAY_TEXT = 11 }; /* "2026-11-20" */

struct reconcile {
	struct job job;
	/* answer */
	int64_t open;     /* differences of the day that nobody has settled */
	int64_t repaired; /* of them: by the bill, now */
	bool ready;       /* false: WeChat Pay is still making the bill */
	void *inside;
};

/* job_init(&r->job, …) first.  `day` is China's, at the latest yesterday.
 * ERR_BUSY: another gateway is at this day; ERR_FORMAT: the bill cannot be
 * read; else as gate.h. */
void reconcile_day(struct pay *pay, struct reconcile *r, const char *mchid,
	const char *day);

/* pay_free: whatever runs ends with ERR_SHUTDOWN. */
void reconciles_stop(struct pay *pay);

/* "2026-11-20" of a time; a day back with minus 86400000. */
void reconcile_day_of(char ret[DAY_TEXT], int64_t ms);
/* -EINVAL: not a date. */
int reconcile_day_check(struct slice day) _must_check_;
