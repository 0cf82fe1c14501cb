#pragma once

/* What the pay_*.c files share. */

#include "sandbox.h"

#include "base/val.h"

/* True when the request's Authorization is the merchant's; else `a` has the
 * 401.  (WeChat Pay: "签名生成", WECHATPAY2-SHA256-RSA2048.) */
bool pay_authorize(struct sandbox *s, struct exchange *x, struct answer *a);
/* True when `body` has the form of a JSAPI order; else `a` has the 400. */
bool pay_body_check(const json_t *body, struct answer *a);
/* PARAM_ERROR about one field: `field` is "/amount/total", `value` may be
 * NULL. */
void answer_param_error(struct answer *a, const char *field,
	const json_t *value, const char *issue);
/* WeChat Pay's signature over a->body, with what `trouble` makes of it. */
void pay_sign(struct sandbox *s, struct exchange *x, const struct answer *a,
	enum fault_kind trouble);
