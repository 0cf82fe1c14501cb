#pragma once

/*
 * Refunds.  A refund's row is committed, with the bytes of its request, before
 * WeChat Pay is asked; from then on it is driven until WeChat knows of it and
 * has ended it: by the answer, by polls, by callbacks, by the bill.  The same
 * wish again is the same refund (docs "refund": never a new number for a failed
 * one), so a caller who lost an answer asks again without harm.
 */

#include "base/arena.h"
#include "base/job.h"
#include "base/val.h"
#include "pay/order.h"

enum { REFUND_NO = 64, REFUND_KEY = 128, REFUND_REASON = 80 };

/* Strings are borrowed until refund_ask returns; "" or 0: not said. */
struct refund_wish {
	const char *mchid, *appid; /* mchid "": the one this app pays through */
	const char *out_trade_no;
	const char *out_refund_no; /* the caller's own number, or … */
	const char *key;      /* … what makes it one refund; see refund.sql */
	const char *reason;   /* shown to the user */
	const char *function; /* is told how it ends (cloudPay) */
	int64_t amount;       /* fen; 0: all that is left */
};

struct refund {
	struct job job;
	/* in: */
	struct arena *arena; /* the answer's */
	const char *env; /* whose orders are looked at; "": all (operator) */
	/* answer: {outRefundNo, outTradeNo, state, amount, total, currency,
	 * refundId?, reason?, why?, createdAt, refundedAt?, waitsUntil?}.
	 * state CREATED: WeChat has not said yes, polls go on asking, and
	 * `why` says what it said last; waitsUntil: it is not asked before. */
	struct slice answer;
	const char *out_refund_no; /* in the arena */
	void *inside;
};

/* {outTradeNo, amount?, key? | outRefundNo?, reason?, function?, mchid?} of
 * a function's call or the operator's.  Strings are borrowed from `body`. */
int refund_wish_parse(struct refund_wish *ret, const json_t *body,
	struct arena *arena, struct fault *why) _must_check_;

/* job_init(&r->job, …) first.  ERR_ORDER_NOT_FOUND; ERR_CONFLICT: not paid,
 * more than is left, the number taken by another refund; ERR_PAY_REFUSED:
 * WeChat does not do it (the refund is CLOSED then).  That WeChat is away is no
 * error. */
void refund_ask(
	struct pay *pay, struct refund *r, const struct refund_wish *wish);
/* How it stands; `fresh`: WeChat is asked first, when it has not ended.
 * mchid "": that of `appid`.  ERR_ORDER_NOT_FOUND. */
void refund_get(struct pay *pay, struct refund *r, const char *mchid,
	const char *appid, const char *out_refund_no, bool fresh);
/* What a poll does with one that is due (mpcloud.refund_due): sends it, or asks
 * how it stands. */
void refund_poll(struct pay *pay, struct refund *r, const char *mchid,
	const char *out_refund_no);

/* pay_free: whatever runs ends with ERR_SHUTDOWN. */
void refunds_stop(struct pay *pay);
