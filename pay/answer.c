/*
 * An order for its owner's eyes.  Times are RFC 3339, amounts fen; openids and
 * WeChat's prepay_id by itself are nobody's business.
 */
#include "pay/answer.h"

#include "base/clock.h"
#include "base/text.h"
#include "pay/gate.h"

#include <inttypes.h>

int
answer_payment(struct buf *to, const struct merchant *m, const char *appid,
	const char *no, struct slice prepay_id)
{
	int r;

	buf_str(to, "{\"outTradeNo\":");
	buf_json(to, slice_str(no));
	buf_str(to, ",\"payment\":");
	r = gate_payment(to, m, appid, prepay_id);
	if (r < 0)
		return r;
	buf_char(to, '}');
	return buf_check(to);
}

void
answer_state(struct buf *to, const char *no, const struct order_row *row)
{
	buf_str(to, "{\"outTradeNo\":");
	buf_json(to, slice_str(no));
	buf_printf(to, ",\"total\":%" PRId64 ",\"currency\":", row->total);
	buf_json(to, row->currency);
	buf_str(to, ",\"description\":");
	buf_json(to, row->description);
	val_put_text(to, "state", row->state);
	val_put_time(to, "createdAt", row->created_at);
	val_put_text(to, "attach", row->attach);
	val_put_time(to, "expiresAt", row->expires_at);
	val_put_time(to, "paidAt", row->paid_at);
	val_put_text(to, "transactionId", row->transaction_id);
	if (row->refunded)
		buf_printf(to, ",\"refunded\":%" PRId64, row->refunded);
	buf_char(to, '}');
}
