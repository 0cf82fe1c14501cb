#pragma once

/* What the client is told about an order, as JSON. */

#include "base/buf.h"
#include "pay/merchant.h"
#include "pay/order_row.h"

/* {outTradeNo, payment}: `payment` is exactly what wx.requestPayment takes. */
int answer_payment(struct buf *to, const struct merchant *m, const char *appid,
	const char *no, struct slice prepay_id) _must_check_;
/* {outTradeNo, total, currency, description, state, createdAt}, and what there
 * is of attach, expiresAt, paidAt, transactionId, refunded. */
void answer_state(struct buf *to, const char *no, const struct order_row *row);
