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

struct pay_conf {
	const char *appid, *mchid, *serial, *notify_url, *api_base;
	const char *private_key_pem, *public_key_pem, *public_key_id;
	const char *apiv3_key;
};

int pay_new(struct pay **ret, struct loop *loop, struct pool *pool,
	struct fetcher *fetcher, const struct pay_conf *conf,
	struct fault *why) _must_check_;
struct pay *pay_free(struct pay *pay);
DEFINE_CLEANUP(struct pay *, pay_free)
int pay_configure(struct pay *pay, const struct pay_conf *conf,
	struct fault *why) _must_check_;

struct order {
	struct job job;
	struct arena *arena;
	/* answer: a JSON object, in the arena.  order_place: {outTradeNo,
	 * payment: {timeStamp, nonceStr, package, signType, paySign}};
	 * order_get: {outTradeNo, total, currency, description, state,
	 * createdAt}. */
	struct slice answer;
	void *inside[24]; /* order.c's */
};

/* `body`: {outTradeNo?, description, total (fen), attach?}.  An order of the
 * caller's that exists with the same content is paid again (its prepay_id is
 * used for two hours); with other content: ERR_CONFLICT.  `may_price`: the
 * caller may say the total (functions); else only {outTradeNo} of an order
 * that exists and is his. */
void order_place(struct pay *pay, struct order *o, const struct caller *who,
	const json_t *body, bool may_price);
void order_get(struct pay *pay, struct order *o, const struct caller *who,
	struct slice out_trade_no);
