#pragma once

/*
 * WeChat Pay orders (JSAPI): an order row, a signed request, a verified
 * answer, and exactly what wx.requestPayment takes.
 */

#include "auth/caller.h"
#include "base/crypto.h"
#include "base/fetch.h"
#include "base/job.h"
#include "base/val.h"
#include "db/pool.h"

struct pay;
struct merchants;

/* WeChat's own when an order says nothing. */
#define PAY_LIFE_MS (7 * 86400000LL)

/* `merchants` are borrowed, until pay_configure or pay_free. */
struct pay *pay_new(struct loop *loop, struct pool *pool,
	struct fetcher *fetcher, struct merchants *merchants) _returns_value_;
struct pay *pay_free(struct pay *pay);
DEFINE_CLEANUP(struct pay *, pay_free)
/* What runs keeps the merchant it has. */
void pay_configure(struct pay *pay, struct merchants *merchants);

struct pay_more {
	const char *env;       /* whose functions hear of orders; copied */
	int64_t order_life_ms; /* of orders that do not say expireAt */
	/* An order or refund changed its state: calls are in the queue. */
	void (*applied)(void *owner);
	void *owner;
};
/* At start and after a reload. */
void pay_set(struct pay *pay, const struct pay_more *more);

struct order {
	struct job job;
	struct arena *arena;
	/* order_get, _refresh, _end: of this merchant, which must be one that
	 * the caller may see; NULL or "": of any, his own first. */
	const char *mchid;
	/* answer: a JSON object, in the arena.  order_place: {outTradeNo,
	 * payment: {timeStamp, nonceStr, package, signType, paySign}}; all
	 * others: {outTradeNo, total, currency, description, state, createdAt,
	 * and what there is of attach, expiresAt, paidAt, transactionId,
	 * refunded}. */
	struct slice answer;
	void *inside[24]; /* order.c's */
};

/* `body`: {outTradeNo?, description, total (fen), attach?, expireAt?};
 * functions also say mchid, function (which hears of the payment), goodsTag,
 * detail, sceneInfo, settleInfo, supportFapiao (pay/bill.h).  An order of the
 * caller's that exists with the same content is paid again (its prepay_id is
 * used for two hours); with other content: ERR_CONFLICT.  `may_price`: the
 * caller may say the total (functions); else only {outTradeNo} of an order
 * that exists and is his.  WeChat says that it is paid or closed: that is
 * applied, and ERR_CONFLICT. */
void order_place(struct pay *pay, struct order *o, const struct caller *who,
	const json_t *body, bool may_price);

/* order_get.c.  Users have their own orders, functions all of them. */
void order_get(struct pay *pay, struct order *o, const struct caller *who,
	struct slice out_trade_no);
/* WeChat Pay is asked first, and what it says is applied. */
void order_refresh(struct pay *pay, struct order *o, const struct caller *who,
	struct slice out_trade_no);
/* Nobody can pay it any more.  Closed already: 0; paid: ERR_CONFLICT. */
void order_end(struct pay *pay, struct order *o, const struct caller *who,
	struct slice out_trade_no);
