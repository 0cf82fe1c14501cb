#pragma once

/*
 * cloudPay.*: one call on its way.  For call_cloudpay*.c only.
 *
 * A handler checks what it was given, puts it into the words of pay/, and
 * starts a job; when that has ended the answer is a statement's (cloudpay.sql).
 */

#include "gateway/call.h"
#include "pay/gate.h"
#include "pay/order.h"
#include "pay/refund.h"

struct cloudpay {
	struct call *call;
	const char *api;
	const json_t *data; /* requestData, an object */
	struct caller who;  /* with the openid and appid that were given */
	struct merchant *merchant;
	const char *no, *refund_no; /* "" not known */
	json_t *held;               /* the order as pay/ takes it */
	union {
		struct order order;
		struct refund refund;
		struct gate gate;
	};
	bool has_gate;
	struct ask ask;
	void (*found)(struct cloudpay *p); /* no and refund_no are known */
};

/* A string of `data`, in the call's arena; absent: "".  A number is written out
 * (people give outTradeNo as one). */
int cloudpay_text(struct cloudpay *p, const char *name, size_t top,
	const char **ret) _must_check_;
int cloudpay_fee(struct cloudpay *p, const char *name, bool must,
	int64_t *ret) _must_check_;

/* The answer: JSON of the call's arena. */
void cloudpay_answer(struct cloudpay *p, struct slice json);
/* err < 0: WeChat's way to say so: {return_code, result_code, err_code …}, or,
 * for what is not about the payment, the envelope's error. */
void cloudpay_refused(struct cloudpay *p, int err, const struct fault *why);
/* The answer is this statement's one value, of (mchid, no) or with a third
 * parameter (refund_no). */
void cloudpay_show(struct cloudpay *p, const char *sql, bool third);

/* Which order is meant, and which refund: by out_trade_no, transaction_id,
 * out_refund_no or refund_id; then p->no and p->refund_no are known. */
int cloudpay_find(
	struct cloudpay *p, void (*found)(struct cloudpay *)) _must_check_;

/* The APIs: 0, or why not. */
int cloudpay_unified_order(struct cloudpay *p);
int cloudpay_query_order(struct cloudpay *p);
int cloudpay_close_order(struct cloudpay *p);
int cloudpay_refund(struct cloudpay *p);
int cloudpay_query_refund(struct cloudpay *p);
int cloudpay_bill(struct cloudpay *p);
int cloudpay_flow(struct cloudpay *p);
