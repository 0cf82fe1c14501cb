#pragma once

/* v2's part of pay/gate.c, and for it only. */

#include "pay/gate.h"

/* Starts g->v2 with what g asks. */
void gate_v2_ask(struct gate *g);
/* g->told from the answer to a query or refund. */
int gate_v2_told(struct gate *g) _must_check_;
/* paySign of wx.requestPayment, and its signType: the order's own. */
int gate_v2_sign(struct buf *to, const struct merchant *m, const char *appid,
	const char *timestamp, const char *nonce,
	struct slice prepay_id) _must_check_;
const char *gate_v2_sign_type(const struct merchant *m);
