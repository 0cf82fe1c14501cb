/*
 * The rules of docs "JSAPI order", checked before anything is stored: an order
 * that WeChat would refuse for its form never gets a row.  Unknown members are
 * refused, since a misspelt outTradeNo would make a second order of a retry.
 */
#include "pay/bill.h"

#include "base/clock.h"
#include "base/text.h"

#include <string.h>

enum {
	DESCRIPTION_TOP = 127,
	ATTACH_TOP = 128,
	GOODS_TAG_TOP = 32,
	NAME_TOP = 60,
	UTF8_TOP = 4,
	LIFE_LEAST_MS = 60000,
	LIFE_MOST_MS = 15 * 86400000,
};
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

/* Every member: its name, its other name (v3's), and who may say it. */
static const struct {
	const char *name, *also;
	enum bill_may may;
} members[] = {
	{"outTradeNo", NULL, BILL_PAY},
	{"description", NULL, BILL_PRICE},
	{"total", NULL, BILL_PRICE},
	{"attach", NULL, BILL_PRICE},
	{"expireAt", "time_expire", BILL_PRICE},
	{"mchid", NULL, BILL_ALL},
	{"function", NULL, BILL_ALL},
	{"goodsTag", "goods_tag", BILL_ALL},
	{"detail", NULL, BILL_ALL},
	{"sceneInfo", "scene_info", BILL_ALL},
	{"settleInfo", "settle_info", BILL_ALL},
	{"supportFapiao", "support_fapiao", BILL_ALL},
};

const char *const bill_members[] = {"outTradeNo", "description", "total",
	"attach", "expireAt", "time_expire", "mchid", "function", "goodsTag",
	"goods_tag", "detail", "sceneInfo", "scene_info", "settleInfo",
	"settle_info", "supportFapiao", "support_fapiao", NULL};

static int
check_key(const char *key, enum bill_may may, struct fault *why)
{
	for (size_t i = 0; i < array_size(members); i++) {
		if (strcmp(key, members[i].name) != 0 &&
			(!members[i].also || strcmp(key, members[i].also) != 0))
			continue;
		if (members[i].may <= may)
			return 0;
		if (may == BILL_PRICE)
			return fault_set(why, ERR_DENIED,
				"%s: only a cloud function may say that", key);
		return fault_set(why, ERR_DENIED,
			"only a cloud function may say what an order costs: "
			"send the outTradeNo of an order that a function made");
	}
	return fault_set(why, ERR_PARAM,
		"an order has outTradeNo, description, total, attach, expireAt "
		"and the like, not %.40s",
		key);
}

static int
check_keys(const json_t *body, enum bill_may may, struct fault *why)
{
	const char *key;
	json_t *value;
	int r = 0;

	json_object_foreach ((json_t *)(uintptr_t)body, key, value) {
		r = check_key(key, may, why);
		if (r < 0)
			break;
	}
	return r;
}

/* By either name; NULL: not there. */
static const json_t *
member(const json_t *body, const char *name, const char *also)
{
	const json_t *v = json_object_get(body, name);

	if (!v || json_is_null(v))
		v = also ? json_object_get(body, also) : NULL;
	return json_is_null(v) ? NULL : v;
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

/* A word that is a name of something here. */
static int
check_name(struct slice s, const char *name, struct fault *why)
{
	static const char letters[] =
		"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"_-";

	for (size_t i = 0; i < s.len; i++)
		if (!s.ptr[i] || !strchr(letters, s.ptr[i]))
			return fault_set(why, ERR_PARAM,
				"%s: letters, digits, - and _ only", name);
	return 0;
}

/* RFC 3339, or milliseconds since 1970. */
static int
end_parse(struct bill *b, const json_t *body, int64_t now_ms, struct fault *why)
{
	const json_t *v = member(body, "expireAt", "time_expire");
	int64_t ns;

	if (!v)
		return 0;
	if (json_is_integer(v))
		b->expires_at = json_integer_value(v);
	else if (json_is_string(v) &&
		 text_untime(
			 slice_of(json_string_value(v), json_string_length(v)),
			 &ns) == 0)
		b->expires_at = ns / CLOCK_MS;
	else
		return fault_set(why, ERR_PARAM,
			"expireAt: a time like 2026-12-31T08:00:00+08:00, or "
			"milliseconds since 1970");
	if (b->expires_at < now_ms + LIFE_LEAST_MS ||
		b->expires_at > now_ms + LIFE_MOST_MS)
		return fault_set(why, ERR_PARAM,
			"expireAt: at least a minute and at most 15 days from "
			"now");
	return 0;
}

static int
objects_parse(struct bill *b, const json_t *body, struct fault *why)
{
	const struct {
		const char *name, *also;
		const json_t **to;
	} rows[] = {
		{"detail", "detail", &b->detail},
		{"sceneInfo", "scene_info", &b->scene_info},
		{"settleInfo", "settle_info", &b->settle_info},
	};

	for (size_t i = 0; i < array_size(rows); i++) {
		int r;

		*rows[i].to = member(body, rows[i].name, rows[i].also);
		if (!*rows[i].to)
			continue;
		r = bill_detail_check(rows[i].also, *rows[i].to, why);
		if (r < 0)
			return r;
	}
	return 0;
}

static int
texts_parse(struct bill *b, const json_t *body, struct fault *why)
{
	const json_t *fapiao = member(body, "supportFapiao", "support_fapiao");
	const char *tag =
		json_object_get(body, "goods_tag") ? "goods_tag" : "goodsTag";
	int r = val_str_or(
		body, "function", NAME_TOP, SLICE(""), &b->function, why);

	if (r == 0)
		r = check_name(b->function, "function", why);
	if (r == 0)
		r = val_str_or(body, tag, GOODS_TAG_TOP * UTF8_TOP, SLICE(""),
			&b->goods_tag, why);
	if (r == 0)
		r = check_text(b->goods_tag, tag, GOODS_TAG_TOP, why);
	if (r < 0)
		return r;
	if (fapiao && !json_is_boolean(fapiao))
		return fault_set(
			why, ERR_PARAM, "supportFapiao: must be true or false");
	b->has_fapiao = json_is_true(fapiao);
	return 0;
}

/* What may only be said of a new order. */
static bool
has_content(const json_t *body)
{
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)(uintptr_t)body, key, value)
		if (strcmp(key, "outTradeNo") != 0 && strcmp(key, "mchid") != 0)
			return true;
	return false;
}

static int
bill_content(struct bill *b, const json_t *body, enum bill_may may,
	int64_t now_ms, struct fault *why)
{
	int r;

	if (may == BILL_PAY || (!json_object_get(body, "total") && b->no.len)) {
		if (has_content(body))
			return fault_set(why, ERR_PARAM,
				"total: a new order needs it, in fen");
		if (!b->no.len)
			return fault_set(why, ERR_PARAM,
				"outTradeNo: which order is to be paid?");
		return 0;
	}
	r = price_parse(b, body, why);
	if (r == 0)
		r = end_parse(b, body, now_ms, why);
	if (r == 0)
		r = objects_parse(b, body, why);
	return r < 0 ? r : texts_parse(b, body, why);
}

int
bill_parse(struct bill *ret, const json_t *body, enum bill_may may,
	int64_t now_ms, struct fault *why)
{
	struct bill b = {0};
	int r;

	if (!json_is_object(body))
		return fault_set(why, ERR_PARAM, "an order is a JSON object");
	r = check_keys(body, may, why);
	if (r == 0)
		r = val_str_or(
			body, "outTradeNo", TRADE_NO, SLICE(""), &b.no, why);
	if (r == 0)
		r = val_str_or(
			body, "mchid", TRADE_NO, SLICE(""), &b.mchid, why);
	if (r < 0)
		return r;
	if (b.no.len && !trade_no_is(b.no))
		return fault_set(why, ERR_PARAM,
			"outTradeNo: 6 to 32 of [0-9A-Za-z_-|*]");
	r = bill_content(&b, body, may, now_ms, why);
	if (r == 0)
		*ret = b;
	return r;
}

static json_t *
text_of(struct slice s)
{
	return json_stringn(s.ptr, s.len);
}

/* 2018-06-08T10:34:56+08:00 */
static json_t *
time_of(int64_t ms)
{
	_buf_ struct buf text;

	buf_init(&text, 64);
	text_time(&text, (ms / 1000 + 8 * 3600) * CLOCK_S);
	text.len = min(text.len, sizeof("2018-06-08T10:34:56") - 1);
	buf_str(&text, "+08:00");
	return text_of(buf_all(&text));
}

/* What is not in every order; left out rather than null. */
static int
build_more(const struct bill *b, bool tells_end, json_t *v)
{
	const struct {
		const char *name;
		const json_t *value;
	} objects[] = {{"detail", b->detail}, {"scene_info", b->scene_info},
		{"settle_info", b->settle_info}};
	int r = 0;

	if (b->attach.len)
		r |= json_object_set_new(v, "attach", text_of(b->attach));
	if (tells_end && b->expires_at)
		r |= json_object_set_new(
			v, "time_expire", time_of(b->expires_at));
	if (b->goods_tag.len)
		r |= json_object_set_new(v, "goods_tag", text_of(b->goods_tag));
	if (b->has_fapiao)
		r |= json_object_set_new(v, "support_fapiao", json_true());
	for (size_t i = 0; i < array_size(objects); i++)
		if (objects[i].value)
			r |= json_object_set(v, objects[i].name,
				(json_t *)(uintptr_t)objects[i].value);
	return r;
}

int
bill_build(const struct bill *bill, const struct merchant *m, const char *appid,
	const char *openid, bool tells_end, struct buf *to)
{
	_json_ json_t *v = json_object();
	_json_ json_t *amount = json_object();
	_json_ json_t *payer = json_object();
	int r = 0;

	r |= json_object_set_new(v, "appid", json_string(appid));
	r |= json_object_set_new(v, "mchid", json_string(m->mchid));
	r |= json_object_set_new(v, "description", text_of(bill->description));
	r |= json_object_set_new(v, "out_trade_no", text_of(bill->no));
	r |= json_object_set_new(v, "notify_url", json_string(m->notify_url));
	r |= build_more(bill, tells_end, v);
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
