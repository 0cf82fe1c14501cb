/*
 * What a refund may say, checked before anything is stored.
 */
#include "base/text.h"
#include "pay/bill.h"
#include "pay/refund.h"

enum { MCHID_TOP = 32, FUNCTION_TOP = 64, UTF8_TOP = 4 };
#define AMOUNT_TOP 10000000000LL

static bool
is_number(struct slice no)
{
	static const char letters[] =
		"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"_-|*@";

	for (size_t i = 0; i < no.len; i++)
		if (!no.ptr[i] || !strchr(letters, no.ptr[i]))
			return false;
	return no.len <= REFUND_NO;
}

static int
read_text(struct arena *arena, const json_t *body, const char *name, size_t top,
	const char **ret, struct fault *why)
{
	struct slice s;
	int r = val_str_or(body, name, top, SLICE(""), &s, why);

	if (r == 0 && memchr(s.ptr, '\0', s.len))
		r = fault_set(why, ERR_PARAM, "%s: no NUL characters", name);
	if (r == 0)
		*ret = arena_str(arena, s);
	return r;
}

static int
check(const struct refund_wish *w, struct fault *why)
{
	size_t characters = 0;

	if (!trade_no_is(slice_str(w->out_trade_no)))
		return fault_set(why, ERR_PARAM,
			"outTradeNo: the number of the order to refund, 6 to "
			"32 of [0-9A-Za-z_-|*]");
	if (!is_number(slice_str(w->out_refund_no)))
		return fault_set(why, ERR_PARAM,
			"outRefundNo: at most %d of [0-9A-Za-z_-|*@]",
			REFUND_NO);
	if (*w->out_refund_no && *w->key)
		return fault_set(why, ERR_PARAM,
			"key or outRefundNo: both name the refund, one is "
			"enough");
	for (const char *p = w->reason; *p; p++) {
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return fault_set(why, ERR_PARAM,
				"reason: no control characters");
		characters += (*p & 0xc0) != 0x80;
	}
	if (characters > REFUND_REASON || !text_is_utf8(slice_str(w->reason)))
		return fault_set(why, ERR_PARAM,
			"reason: at most %d characters", REFUND_REASON);
	return 0;
}

int
refund_wish_parse(struct refund_wish *ret, const json_t *body,
	struct arena *arena, struct fault *why)
{
	struct refund_wish w = {.appid = ""};
	const struct {
		const char *name;
		size_t top;
		const char **to;
	} texts[] = {
		{"outTradeNo", TRADE_NO, &w.out_trade_no},
		{"outRefundNo", REFUND_NO, &w.out_refund_no},
		{"key", REFUND_KEY, &w.key},
		{"reason", REFUND_REASON * UTF8_TOP, &w.reason},
		{"function", FUNCTION_TOP, &w.function},
		{"mchid", MCHID_TOP, &w.mchid},
	};
	int r = 0;

	for (size_t i = 0; r == 0 && i < array_size(texts); i++)
		r = read_text(arena, body, texts[i].name, texts[i].top,
			texts[i].to, why);
	if (r == 0)
		r = val_int_or(
			body, "amount", 1, AMOUNT_TOP, 0, &w.amount, why);
	if (r == 0)
		r = check(&w, why);
	if (r == 0)
		*ret = w;
	return r;
}
