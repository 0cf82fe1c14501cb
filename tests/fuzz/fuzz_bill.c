/*
 * What a caller sends to place an order: JSON → a checked bill → the JSON that
 * WeChat Pay gets, which must hold its rules whatever came in.
 */
#include "pay/bill.h"
#include "tests/fuzz/fuzz.h"

#define NOW_MS 1800000000000LL

static void
check(const struct bill *b)
{
	static char mchid[] = "19", url[] = "https://x/";
	const struct merchant m = {.mchid = mchid, .notify_url = url};
	struct bill made = *b;
	_json_ json_t *v = NULL;
	_buf_ struct buf body;

	buf_init(&body, 32768);
	must(!b->no.len || trade_no_is(b->no));
	if (!b->is_priced) {
		must(b->no.len > 0);
		return;
	}
	must(b->total >= 1 && b->total <= 10000000000);
	if (!made.no.len)
		made.no = SLICE("made-0");
	must(bill_build(&made, &m, "wx", "o", true, &body) == 0);
	must(val_parse(&v, buf_all(&body), NULL) == 0);
	must(json_integer_value(json_object_get(
		     json_object_get(v, "amount"), "total")) == b->total);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_json_ json_t *v = NULL;
	struct fault why;
	struct bill b;

	if (val_parse(&v, slice_of(data, size), NULL) < 0)
		return 0;
	if (bill_parse(&b, v, BILL_ALL, NOW_MS, &why) == 0)
		check(&b);
	if (bill_parse(&b, v, BILL_PRICE, NOW_MS, &why) == 0)
		check(&b);
	if (bill_parse(&b, v, BILL_PAY, NOW_MS, &why) == 0)
		must(!b.is_priced);
	return 0;
}
