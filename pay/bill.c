/*
 * The rules of docs "JSAPI order", checked before anything is stored: an order
 * that WeChat would refuse for its form never gets a row.  Unknown members are
 * refused, since a misspelt outTradeNo would make a second order of a retry.
 */
#include "pay/bill.h"

#include "base/text.h"

#include <string.h>

enum { DESCRIPTION_TOP = 127, ATTACH_TOP = 128, UTF8_TOP = 4 };
#define TOTAL_TOP 10000000000LL

bool
trade_no_is(struct slice no)
{
	static const char letters[] =
		"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"_-|*";

	for (size_t i = 0; i < no.len; i++)
		if (!no.ptr[i] || !strchr(letters, no.ptr[i]))
			return false;
	return no.len >= 6 && no.len <= TRADE_NO;
}

void
trade_no_make(char ret[TRADE_NO + 1], int64_t now_ms)
{
	static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyz";
	enum { TIME = 9, FAIR = 252 }; /* 252 = 7 * 36 */
	uint8_t byte;

	for (int i = TIME - 1; i >= 0; i--) {
		ret[i] = digits[now_ms % 36];
		now_ms /= 36;
	}
	for (int i = TIME; i < TRADE_NO; i++) {
		do
			crypto_random(&byte, 1);
		while (byte >= FAIR);
		ret[i] = digits[byte % 36];
	}
	ret[TRADE_NO] = '\0';
}

static int
check_keys(const json_t *body, bool may_price, struct fault *why)
{
	static const char *const known[] = {
		"outTradeNo", "description", "total", "attach"};
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)(uintptr_t)body, key, value) {
		size_t i = 0;

		while (i < array_size(known) && strcmp(key, known[i]) != 0)
			i++;
		if (i == array_size(known))
			return fault_set(why, ERR_PARAM,
				"an order has outTradeNo, description, total "
				"and attach, not %.40s",
				key);
		if (i > 0 && !may_price)
			return fault_set(why, ERR_DENIED,
				"only a cloud function may say what an order "
				"costs: send the outTradeNo of an order that "
				"a function made");
	}
	return 0;
}

/* At most `top` characters, none of them a control character. */
static int
check_text(struct slice s, const char *name, size_t top, struct fault *why)
{
	size_t count = 0;

	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.ptr[i];

		if (c < 0x20 || c == 0x7f)
			return fault_set(why, ERR_PARAM,
				"%s: no control characters", name);
		count += (c & 0xc0) != 0x80;
	}
	if (count > top || !text_is_utf8(s))
		return fault_set(why, ERR_PARAM, "%s: at most %zu characters",
			name, top);
	return 0;
}

static int
price_parse(struct bill *b, const json_t *body, struct fault *why)
{
	int r;

	b->is_priced = true;
	r = val_int(body, "total", 1, TOTAL_TOP, &b->total, why);
	if (r < 0)
		return r;
	r = val_str(body, "description", DESCRIPTION_TOP * UTF8_TOP,
		&b->description, why);
	if (r < 0)
		return r;
	if (!b->description.len)
		return fault_set(why, ERR_PARAM,
			"description: what the user sees in the bill");
	r = check_text(b->description, "description", DESCRIPTION_TOP, why);
	if (r < 0)
		return r;
	r = val_str_or(body, "attach", ATTACH_TOP * UTF8_TOP, SLICE(""),
		&b->attach, why);
	return r < 0 ? r : check_text(b->attach, "attach", ATTACH_TOP, why);
}

int
bill_parse(
	struct bill *ret, const json_t *body, bool may_price, struct fault *why)
{
	struct bill b = {0};
	int r;

	if (!json_is_object(body))
		return fault_set(why, ERR_PARAM, "an order is a JSON object");
	r = check_keys(body, may_price, why);
	if (r < 0)
		return r;
	r = val_str_or(body, "outTradeNo", TRADE_NO, SLICE(""), &b.no, why);
	if (r < 0)
		return r;
	if (b.no.len && !trade_no_is(b.no))
		return fault_set(why, ERR_PARAM,
			"outTradeNo: 6 to 32 of [0-9A-Za-z_-|*]");
	if (may_price && (json_object_get(body, "total") || !b.no.len)) {
		r = price_parse(&b, body, why);
		if (r < 0)
			return r;
	} else if (json_object_get(body, "description") ||
		   json_object_get(body, "attach")) {
		return fault_set(
			why, ERR_PARAM, "total: a new order needs it, in fen");
	} else if (!b.no.len) {
		return fault_set(why, ERR_PARAM,
			"outTradeNo: which order is to be paid?");
	}
	*ret = b;
	return 0;
}

static json_t *
text_of(struct slice s)
{
	return json_stringn(s.ptr, s.len);
}

int
bill_build(const struct bill *bill, const struct merchant *m,
	const char *openid, struct buf *to)
{
	_json_ json_t *v = json_object();
	_json_ json_t *amount = json_object();
	_json_ json_t *payer = json_object();
	int r = 0;

	r |= json_object_set_new(v, "appid", json_string(m->appid));
	r |= json_object_set_new(v, "mchid", json_string(m->mchid));
	r |= json_object_set_new(v, "description", text_of(bill->description));
	r |= json_object_set_new(v, "out_trade_no", text_of(bill->no));
	r |= json_object_set_new(v, "notify_url", json_string(m->notify_url));
	if (bill->attach.len)
		r |= json_object_set_new(v, "attach", text_of(bill->attach));
	r |= json_object_set_new(amount, "total", json_integer(bill->total));
	r |= json_object_set_new(amount, "currency", json_string("CNY"));
	r |= json_object_set(v, "amount", amount);
	r |= json_object_set_new(payer, "openid", json_string(openid));
	r |= json_object_set(v, "payer", payer);
	if (r < 0)
		return ERR_PARAM;
	val_put(to, v);
	return buf_check(to);
}
