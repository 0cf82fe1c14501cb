#pragma once

/* WeChat Pay's side: what its files share. */

#include "agenda.h"
#include "bill.h"
#include "notice.h"
#include "platform.h"
#include "sandbox.h"
#include "seller.h"
#include "trade.h"

#include "base/val.h"

enum { SCHEDULE_TOP = 32 };

struct pay {
	char *dir;
	struct store sellers, trades, transactions, refunds, prepays;
	struct platform platform;
	struct agenda agenda;
	struct notices notices;
	struct bills bills;
	struct {
		int64_t schedule[SCHEDULE_TOP]; /* ms between deliveries */
		unsigned schedule_count;
		int64_t refund_ms; /* until a refund is settled */
		enum refund_state refund_outcome;
		int64_t refund_apart_ms; /* of one order; WeChat: a minute */
		int64_t close_after_ms;  /* of an order's age; WeChat: 5 min */
		bool v2_certificate;     /* v2 refunds must show one */
		char *notify_to;         /* stands for the internet, or NULL */
		char *refund_notify_url; /* of refunds that name none, or NULL
					  */
	} settings;
};

/* v2's paySign of wx.requestPayment. */
int v2_pay_sign_check(const struct trade *t, struct slice appid,
	struct slice timestamp, struct slice nonce, struct slice package,
	struct slice type, struct slice sign, struct fault *why) _must_check_;

/* The headers and the signature of a request to v3: whose it is.  NULL: `a` has
 * the answer.  `body`: it must have one. */
struct seller *pay_enter(
	struct sandbox *s, struct exchange *x, struct answer *a, bool body);
/* The merchant whose Authorization it is; NULL: `a` has the 401.  (WeChat Pay:
 * "签名生成", WECHATPAY2-SHA256-RSA2048.) */
struct seller *pay_authorize(
	struct sandbox *s, struct exchange *x, struct answer *a);
/* Is it a user of this mini program? */
bool pay_user_check(struct sandbox *s, struct slice appid, struct slice openid);
/* The forms of bodies: jsapi.def, refund.def. */
enum pay_form { FORM_ORDER, FORM_REFUND, FORM_CLOSE };
/* True when `body` has that form; else `a` has the 400. */
bool pay_body_check(const json_t *body, enum pay_form form, struct answer *a);
/* The body of a request, checked; NULL: `a` has the 400.  The caller's. */
json_t *pay_body(struct exchange *x, enum pay_form form, struct answer *a);
/* PARAM_ERROR about one field: `field` is "/amount/total", `value` may be
 * NULL. */
void answer_param_error(struct answer *a, const char *field,
	const json_t *value, const char *issue);
/* The same about a name in the path or the query. */
void answer_query_error(struct answer *a, const char *field, const char *issue);
/* Takes `all`. */
void answer_json(struct answer *a, json_t *all);
/* WeChat Pay's signature over a->body, with what `trouble` makes of it. */
void pay_sign(struct sandbox *s, struct exchange *x, const struct answer *a,
	enum fault_kind trouble);
