/*
 * Callbacks of WeChat Pay's, whose bytes come from strangers: the first byte
 * says what the rest is.  Whatever it is, what is taken is a payment or a
 * refund with all that the ledger asks for.
 *
 *   E  an envelope of v3, its signature taken for good
 *   T  the sealed JSON of a payment     R  of a refund
 *   X  a callback of v2                 Q  its req_info, opened
 */
#include "base/text.h"
#include "base/xml.h"
#include "pay/notify.h"
#include "pay/trade.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

static void
check(const struct notify *n)
{
	must(n->mchid && n->appid && n->out_trade_no && n->out_trade_no[0]);
	must(n->transaction_id && n->openid && n->currency && n->attach);
	must(n->out_refund_no && n->refund_id && n->state && n->event_type);
	must(n->resource && n->resource[0] == '{');
	must(text_is_utf8(slice_str(n->resource)));
	must(n->total >= -1 && n->total <= 100000000000);
	if (n->kind == NOTIFY_REFUND)
		must(n->out_refund_no[0] && n->refund >= 0 && n->total >= 0);
	else if (strcmp(n->state, "SUCCESS") == 0)
		must(n->total >= 0 && n->transaction_id[0] && n->appid[0]);
}

static int
read_json(struct notify *n, struct slice text, bool refund, struct arena *arena)
{
	_json_ json_t *v = NULL;

	if (val_parse(&v, text, NULL) < 0)
		return ERR_FORMAT;
	return refund ? trade_read_refund(n, v, "1900000109", arena, NULL)
		      : trade_read(n, v, arena, NULL);
}

static int
read_refund_v2(struct notify *n, struct slice text, struct arena *arena)
{
	_json_ json_t *v = NULL;

	if (xml_parse(&v, "root", text, NULL) < 0)
		return ERR_FORMAT;
	return trade_read_refund_v2(
		n, v, "1900000109", "wx1", NULL, arena, NULL);
}

static int
read_any(struct notify *n, char what, struct slice text, struct arena *arena)
{
	static char mchid[] = "1900000109", none[] = "", app[] = "wx1";
	static char key[] = "mpcloudtestapiv2key0123456789abc";
	static char key3[] = "mpcloud-test-apiv3-key-012345678";
	static char *apps[] = {app, NULL};
	const struct merchant m = {.mchid = mchid,
		.public_key_id = none,
		.v2_key = key,
		.apiv3_key = key3,
		.appids = apps,
		.appid = app};
	const struct notify_in in = {.body = text, .now_s = 1704135845};

	switch (what) {
	case 'E':
		return notify_read_body(n, &m, text, arena, NULL);
	case 'T':
		return read_json(n, text, false, arena);
	case 'R':
		return read_json(n, text, true, arena);
	case 'X':
		return notify_read_v2(n, &m, &in, arena, NULL);
	case 'Q':
		return read_refund_v2(n, text, arena);
	default:
		return ERR_FORMAT;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena;
	struct notify n;

	if (!size)
		return 0;
	arena_init(&arena, 1 << 20);
	if (read_any(&n, (char)data[0], slice_of(data + 1, size - 1), &arena) ==
		0)
		check(&n);
	arena_done(&arena);
	return 0;
}
