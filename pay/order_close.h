#pragma once

/*
 * An order is closed: at WeChat Pay first, so that nobody can pay it any more,
 * then here.  Paid meanwhile, it is paid, and that is what is applied.
 */

#include "pay/order_query.h"

/* Embedded in its owner; zero before. */
struct order_close {
	struct job job;
	bool is_paid; /* answer, when job.err is ERR_CONFLICT */
	/* its own */
	struct pay *pay;
	struct merchant *merchant;
	struct arena *mem;
	const char *appid, *no;
	struct gate gate;
	struct notify closed;
	struct ask ask;
	struct order_query query;
};

/* job_init(&c->job, …) first; the strings are copied.  0: it is closed;
 * ERR_CONFLICT: it is paid (c->is_paid, and applied); else as order_query. */
void order_close_start(struct order_close *c, struct pay *pay,
	struct merchant *m, const char *appid, const char *out_trade_no);
void order_close_done(struct order_close *c);
