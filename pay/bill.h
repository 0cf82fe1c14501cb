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
	/* Of functions' orders; empty, 0 or NULL: not said. */
	struct slice mchid;    /* through which merchant */
	struct slice function; /* that is told, by cloudPay's protocol */
	int64_t expires_at;    /* ms since 1970 */
	struct slice goods_tag;
	const json_t *detail, *scene_info, *settle_info; /* as v3 has them */
	bool has_fapiao;
};

/* What who asks may say. */
enum bill_may {
	BILL_PAY,   /* which order is to be paid: its number alone */
	BILL_PRICE, /* a mini program that may: also what it costs, till when */
	BILL_ALL,   /* a function */
};

/* Strings and values are borrowed from `body`. */
int bill_parse(struct bill *ret, const json_t *body, enum bill_may may,
	int64_t now_ms, struct fault *why) _must_check_;
/* The request's body for POST /v3/pay/transactions/jsapi.  time_expire is said
 * when `tells_end`. */
int bill_build(const struct bill *bill, const struct merchant *m,
	const char *appid, const char *openid, bool tells_end,
	struct buf *to) _must_check_;
/* Names of the members that an order of a function's may have, ended by NULL.
 */
extern const char *const bill_members[];

/* bill_detail.c: `v` is what v3's page says of `name` (detail, scene_info,
 * settle_info): nothing is missing, unknown or of another type. */
int bill_detail_check(
	const char *name, const json_t *v, struct fault *why) _must_check_;

/* 6 to 32 of [0-9A-Za-z_-|*]. */
bool trade_no_is(struct slice no);
/* 32 of [0-9a-z]: the millisecond, then 118 random bits, so that new orders
 * stand together in the index and nobody guesses another's. */
void trade_no_make(char ret[TRADE_NO + 1], int64_t now_ms);
