/*
 * wxa/getpaidunionid (api_getpaidunionid): who has just paid may be known by
 * his unionid although he never logged in, for five minutes.
 */

#include "credential.h"
#include "pay.h"
#include "user.h"

#include "base/clock.h"

enum { WITHIN_MS = 5 * 60 * 1000 };

/* By WeChat's number, whoever the merchant is, or by the merchant's. */
static const struct trade *
trade_of(const struct sandbox *s, struct exchange *x)
{
	struct slice id = exchange_query(x, "transaction_id");
	struct seller *m = seller_find(s, exchange_query(x, "mch_id"));
	struct trade *t = NULL;

	if (id.len == 0)
		return m ? trade_find(s, m, exchange_query(x, "out_trade_no"))
			 : NULL;
	list_for_each (at, &s->pay->sellers.age) {
		struct item *i = container_of(at, struct item, in_age);

		t = trade_find_paid(
			s, container_of(i, struct seller, item), id);
		if (t)
			break;
	}
	return t;
}

static bool
is_his(const struct trade *t, const struct mini *m, struct slice openid)
{
	return t && trade_was_paid(t) && slice_is(openid, trade_openid(t)) &&
	       slice_is(slice_str(trade_word(t, "appid")), m->appid) &&
	       t->paid_ms + WITHIN_MS > clock_now_ms();
}

void
api_paid_unionid(struct sandbox *s, struct exchange *x, struct answer *a)
{
	struct mini *m = api_enter(s, x, a, "GET");
	struct slice openid = exchange_query(x, "openid");
	struct user *u = m ? user_find(s, m, openid) : NULL;

	if (!m)
		return;
	if (!u)
		answer_errcode(a, 40003, "invalid openid");
	else if (!is_his(trade_of(s, x), m, openid))
		answer_errcode(a, 89300, "invalid trade");
	else if (!u->unionid)
		answer_errcode(a, 89002, "open not exists");
	else
		buf_printf(&a->body,
			"{\"unionid\":\"%s\",\"errcode\":0,\"errmsg\":\"ok\"}",
			u->unionid);
}
