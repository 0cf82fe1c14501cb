#pragma once

/*
 * What order.c and order_get.c have in hand: the pay object, and one order_*()
 * while it runs.  For the files of this folder only.
 */

#include "base/arena.h"
#include "pay/gate.h"
#include "pay/order.h"
#include "pay/order_close.h"
#include "pay/order_query.h"
#include "pay/order_row.h"

struct pay {
	struct loop *loop;
	struct pool *pool;
	struct fetcher *fetcher;
	struct merchants *merchants; /* borrowed */
	struct pay_more more;
	struct list running; /* struct run */
	struct list refunds; /* struct refund_run, see refund.h */
	struct list bills;   /* of reconcile.c */
};

/* What questions to WeChat Pay are asked with. */
struct gate_home pay_gate_home(const struct pay *pay);
/* An order or refund has changed: calls may be in the queue. */
void pay_applied(const struct pay *pay);

/* One order_*() while it runs; order->inside[0]. */
struct run {
	struct list on; /* pay's */
	struct pay *pay;
	struct order *order;
	struct merchant *merchant; /* NULL: not known yet */
	struct arena mem;          /* the copies below */
	struct order_key key;
	struct slice mchids; /* where to look: "{1900,1901}" */
	bool may_all;        /* a function's: all users' orders */
	struct bill bill;
	struct order_row row;
	int64_t asked_ms; /* when WeChat Pay was */
	struct ask ask;
	struct gate gate;
	struct order_query query;
	struct order_close close;
};

/* Begins the order's job; the strings of `who` are copied. */
struct run *run_begin(struct pay *pay, struct order *o,
	const struct caller *who) _returns_value_;
/* 0, or why this caller cannot order here; `must_pay`: he is the payer. */
int run_check(
	struct run *run, const struct caller *who, bool must_pay) _must_check_;
/* The merchant of this number, or ("") the first through which the caller's
 * mini program pays. */
int run_choose(struct run *run, struct slice mchid) _must_check_;
/* run->row is read: it is the row's merchant's. */
int run_found(struct run *run, int err) _must_check_;
/* The row of run->key.no, for `done`. */
void run_look(struct run *run, job_fn *done);
/* The answer's bytes, into the order's arena. */
int run_answer(struct run *run, const struct buf *text) _must_check_;
/* Says `text` to the caller and gives `err`. */
int run_fault(struct run *run, int err, const char *text);
/* The run is gone, the order's job answered: at once, or at the end of this
 * turn for trouble found at the start. */
void run_end(struct run *run, int err);
void run_fail_soon(struct run *run, int err);
