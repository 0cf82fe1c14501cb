#pragma once

/*
 * What order.c has in hand: the pay object, and one order_place or order_get
 * while it runs.  For order.c and run.c only.
 */

#include "base/arena.h"
#include "pay/order.h"
#include "pay/order_row.h"
#include "pay/wxpay.h"

struct pay {
	struct loop *loop;
	struct pool *pool;
	struct fetcher *fetcher;
	struct merchant *merchant;
	struct list running; /* struct run */
};

/* One order_place or order_get while it runs; order->inside[0]. */
struct run {
	struct list on; /* pay's */
	struct pay *pay;
	struct order *order;
	struct merchant *merchant;
	struct arena mem; /* the copies below */
	struct order_key key;
	struct bill bill;
	struct order_row row;
	int64_t asked_ms; /* when WeChat Pay was */
	struct ask ask;
	struct wxpay wxpay;
};

/* Begins the order's job; the strings of `who` are copied. */
struct run *run_new(struct pay *pay, struct order *o,
	const struct caller *who) _returns_value_;
/* 0, or why this caller cannot order here. */
int run_check(struct run *run, const struct caller *who) _must_check_;
/* Says `text` to the caller and gives `err`. */
int run_fault(struct run *run, int err, const char *text);
/* The run is gone, the order's job answered: at once, or at the end of this
 * turn for trouble found at the start. */
void run_finish(struct run *run, int err);
void run_fail_soon(struct run *run, int err);
