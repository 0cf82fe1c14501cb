#pragma once

/*
 * What an order asks for: checked when it comes in, written once as the JSON
 * that WeChat Pay takes.
 */

#include "base/buf.h"
#include "base/val.h"
#include "pay/merchant.h"

enum { TRADE_NO = 32 };

struct bill {
	struct slice no; /* empty: to be made */
	struct slice description, attach;
	int64_t total;  /* fen */
	bool is_priced; /* false: only `no`, of an order that exists */
};

/* Strings are borrowed from `body`. */
int bill_parse(struct bill *ret, const json_t *body, bool may_price,
	struct fault *why) _must_check_;
/* The request's body for POST /v3/pay/transactions/jsapi. */
int bill_build(const struct bill *bill, const struct merchant *m,
	const char *openid, struct buf *to) _must_check_;

/* 6 to 32 of [0-9A-Za-z_-|*]. */
bool trade_no_is(struct slice no);
/* 32 of [0-9a-z]: the millisecond, then 118 random bits, so that new orders
 * stand together in the index and nobody guesses another's. */
void trade_no_make(char ret[TRADE_NO + 1], int64_t now_ms);
