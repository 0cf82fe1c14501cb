/*
 * wx.requestPayment's arguments are made here and nowhere else: every mistake
 * with them (a bare prepay_id, a numeric timeStamp, another appid or key) has
 * been made by somebody, and shows only on a telephone.
 */
#include "pay/answer.h"

#include "base/clock.h"
#include "base/text.h"
#include "pay/sign.h"

#include <inttypes.h>
#include <stdio.h>

enum { NONCE = 32, SIGN_TOP = 1024 };

int
answer_payment(struct buf *to, const struct merchant *m, const char *no,
	struct slice prepay_id)
{
	char timestamp[24], nonce[NONCE + 1];
	_buf_ struct buf sign;
	int r;

	buf_init(&sign, SIGN_TOP);
	(void)snprintf(timestamp, sizeof(timestamp), "%" PRId64, clock_now_s());
	text_random_hex(nonce, NONCE / 2);
	r = sign_payment(&sign, m->private_key, slice_str(m->appid),
		slice_str(timestamp), slice_str(nonce), prepay_id);
	if (r < 0)
		return r;
	buf_str(to, "{\"outTradeNo\":");
	buf_json(to, slice_str(no));
	buf_printf(to,
		",\"payment\":{\"timeStamp\":\"%s\",\"nonceStr\":\"%s\","
		"\"package\":\"prepay_id=%.*s\",\"signType\":\"RSA\","
		"\"paySign\":\"%s\"}}",
		timestamp, nonce, SLICE_ARG(prepay_id), sign.ptr);
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
	buf_str(to, ",\"state\":");
	buf_json(to, row->state);
	buf_str(to, ",\"createdAt\":\"");
	text_time(to, row->created_at * CLOCK_MS);
	buf_str(to, "\"}");
}
