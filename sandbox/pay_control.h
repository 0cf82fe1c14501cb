#pragma once

/* Between the control endpoints of payment. */

#include "pay.h"

/* The members of a trouble but for whom it is for. */
int armed_parse(struct notice_armed *ret, const json_t *ask,
	struct fault *why) _must_check_;
/* The order that wx.requestPayment's parameters name, when they are rightly
 * signed: appId, timeStamp, nonceStr, package, signType, paySign. */
int requested_order(struct sandbox *s, const json_t *ask, struct trade **ret,
	struct fault *why) _must_check_;
