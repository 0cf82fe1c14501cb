#pragma once

/*
 * WeChat Pay is asked how an order stands, and what it says is applied.  One
 * way for all who want to know: users, functions, the operator, the poller.
 */

#include "pay/gate.h"
#include "pay/ledger.h"

struct pay;

/* Embedded in its owner; zero before. */
struct order_query {
	struct job job;
	/* answer */
	enum ledger_outcome outcome;
	char state[16];            /* WeChat's trade_state */
	char code[WXPAY_CODE_TOP]; /* of a refusal: ORDER_NOT_EXIST, … */
	/* its own */
	struct pay *pay;
	struct arena *mem;
	struct gate gate;
	struct ask ask;
};

/* job_init(&q->job, …) first.  0: it was applied, or there was nothing new
 * (q->outcome); ERR_PAY_REFUSED (q->code); else as pay/wxpay.h and the
 * database say. */
void order_query_start(struct order_query *q, struct pay *pay,
	struct merchant *m, const char *appid, const char *out_trade_no);
/* Cancels it when it still runs. */
void order_query_done(struct order_query *q);
