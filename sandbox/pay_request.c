/*
 * wx.requestPayment as WeChat checks it: the prepay_id, its two hours, and the
 * signature of the merchant over what the mini program was given.  Says which
 * of the usual mistakes it was, which WeChat does not.
 */

#include "pay_control.h"

#include "base/clock.h"
#include "base/text.h"

enum { WORD_TOP = 512, TEXT_TOP = 4096 };

enum { APPID, TIME, NONCE, PREPAY, TYPE, SIGN, WORDS };

static const char *const names[WORDS] = {
	"appId", "timeStamp", "nonceStr", "package", "signType", "paySign"};

static int
words_parse(struct slice ret[WORDS], const json_t *ask, struct fault *why)
{
	int r = 0;

	for (unsigned i = 0; r == 0 && i < WORDS; i++)
		if (i != APPID) /* a mini program knows its own */
			r = val_str(ask, names[i], WORD_TOP, &ret[i], why);
	return r < 0 ? r
		     : val_str_or(ask, names[APPID], WORD_TOP, SLICE(""),
			       &ret[APPID], why);
}

static int
time_check(struct slice text, struct fault *why)
{
	uint64_t t;

	if (text.len == 10 && slice_to_u64(text, INT64_MAX, &t) == 0)
		return 0;
	return fault_set(why, ERR_PARAM,
		"timeStamp: ten digits are needed, the seconds since 1970");
}

static bool
is_signed_v3(const struct trade *t, const struct slice w[WORDS])
{
	_buf_ struct buf text;

	buf_init(&text, TEXT_TOP);
	for (unsigned i = APPID; i <= PREPAY; i++) {
		buf_slice(&text, w[i]);
		buf_char(&text, '\n');
	}
	return rsa_verify(t->seller->rsa, buf_all(&text), w[SIGN]) == 0;
}

static int
sign_check(
	const struct trade *t, const struct slice w[WORDS], struct fault *why)
{
	if (t->v2)
		return v2_pay_sign_check(t, w[APPID], w[TIME], w[NONCE],
			w[PREPAY], w[TYPE], w[SIGN], why);
	if (!slice_is(w[TYPE], "RSA"))
		return fault_set(why, ERR_PARAM,
			"signType: RSA is needed for an order of API v3");
	if (!is_signed_v3(t, w))
		return fault_set(why, ERR_PARAM,
			"paySign: it does not verify (over appId, timeStamp, "
			"nonceStr and package, a line each, with the key that "
			"signed the order)");
	return 0;
}

int
requested_order(struct sandbox *s, const json_t *ask, struct trade **ret,
	struct fault *why)
{
	static const char head[] = "prepay_id=";
	struct slice w[WORDS], id;
	struct trade *t;
	int r = words_parse(w, ask, why);

	if (r < 0)
		return r;
	if (!slice_starts(w[PREPAY], head))
		return fault_set(why, ERR_PARAM,
			"package: \"prepay_id=\" and the id are needed");
	id = slice_of(w[PREPAY].ptr + sizeof(head) - 1,
		w[PREPAY].len - sizeof(head) + 1);
	t = trade_of_prepay(s, id);
	if (!t)
		return fault_set(why, ERR_NOT_FOUND,
			"package: an unknown prepay_id, or one older than two "
			"hours");
	if (w[APPID].len == 0)
		w[APPID] = slice_str(trade_word(t, "appid"));
	if (!slice_is(w[APPID], trade_word(t, "appid")))
		return fault_set(why, ERR_PARAM,
			"appId: the order is another mini program's");
	r = time_check(w[TIME], why);
	if (r == 0)
		r = sign_check(t, w, why);
	if (r == 0)
		*ret = t;
	return r;
}
