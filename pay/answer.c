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

static void
time_put(struct buf *to, const char *name, int64_t ms)
{
	if (!ms)
		return;
	buf_printf(to, ",\"%s\":\"", name);
	text_time(to, ms * CLOCK_MS);
	buf_char(to, '"');
}

static void
text_put(struct buf *to, const char *name, struct slice text)
{
	if (!text.len)
		return;
	buf_printf(to, ",\"%s\":", name);
	buf_json(to, text);
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
	text_put(to, "state", row->state);
	time_put(to, "createdAt", row->created_at);
	text_put(to, "attach", row->attach);
	time_put(to, "expiresAt", row->expires_at);
	time_put(to, "paidAt", row->paid_at);
	text_put(to, "transactionId", row->transaction_id);
	if (row->refunded)
		buf_printf(to, ",\"refunded\":%" PRId64, row->refunded);
	buf_char(to, '}');
}
