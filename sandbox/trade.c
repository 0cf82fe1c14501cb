/*
 * Three stores say where an order is found: by the merchant's number, by
 * WeChat's number once it is paid, and by a prepay_id.  The first owns it; when
 * it forgets the oldest order, the order's refunds go with it.
 */

#include "trade.h"

#include "notice.h"
#include "pay.h"
#include "random.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"

#include <stdio.h>
#include <time.h>

enum {
	ORDERS_TOP = 50000,
	REFUNDS_TOP = 50000,
	PREPAYS_TOP = 100000,
	PREPAY_TAIL = 20,
	CHINA_S = 8 * 3600
};

#define PREPAY_MS (2 * 3600 * 1000LL)
#define ORDER_MS  (7 * 86400 * 1000LL)

struct prepay {
	struct item item;
	char *order; /* its key in the store */
	int64_t given_ms;
};

static const struct {
	const char *word, *text;
} states[] = {
#define X(name, word, text) [TRADE_##name] = {word, text},
#include "trade_state.def"
#undef X
};

static struct tm
china_tm(int64_t ms)
{
	time_t t = (time_t)(ms / 1000 + CHINA_S);
	struct tm tm;

	(void)gmtime_r(&t, &tm);
	return tm;
}

void
china_time(char ret[32], int64_t ms)
{
	struct tm tm = china_tm(ms);

	(void)strftime(ret, 32, "%Y-%m-%dT%H:%M:%S+08:00", &tm);
}

void
china_digits(char ret[16], int64_t ms)
{
	struct tm tm = china_tm(ms);

	(void)strftime(ret, 16, "%Y%m%d%H%M%S", &tm);
}

char *
trade_key(const struct seller *m, struct slice name)
{
	return str_printf("%s/%.*s", m->mchid, SLICE_ARG(name));
}

static struct sandbox *
sandbox_of_trades(struct trade *t)
{
	return t->seller->sandbox;
}

/* ---- forgetting ---- */

static void
refund_free(struct item *item)
{
	struct refund *r = container_of(item, struct refund, item);

	entry_clear(&r->settles);
	list_del(&r->in_trade);
	json_decref(r->asked);
	mem_free(r);
}

static void
trade_free(struct item *item)
{
	struct trade *t = container_of(item, struct trade, item);
	struct pay *pay = sandbox_of_trades(t)->pay;

	while (!list_empty(&t->refunds))
		store_del(&pay->refunds,
			&list_first(&t->refunds, struct refund, in_trade)
				 ->item);
	if (t->by_transaction.name)
		store_del(&pay->transactions, &t->by_transaction);
	mem_free(t->v2_sign_type);
	json_decref(t->asked);
	mem_free(t);
}

static void
nothing_free(struct item *item)
{
	(void)item;
}

static void
prepay_free(struct item *item)
{
	struct prepay *p = container_of(item, struct prepay, item);

	mem_free(p->order);
	mem_free(p);
}

void
trades_init(struct sandbox *s)
{
	store_init(&s->pay->trades, ORDERS_TOP, trade_free);
	store_init(&s->pay->transactions, ORDERS_TOP + 1, nothing_free);
	store_init(&s->pay->refunds, REFUNDS_TOP, refund_free);
	store_init(&s->pay->prepays, PREPAYS_TOP, prepay_free);
}

void
trades_done(struct sandbox *s)
{
	store_done(&s->pay->trades);
	store_done(&s->pay->transactions);
	store_done(&s->pay->refunds);
	store_done(&s->pay->prepays);
}

/* ---- orders ---- */

static struct item *
found_in(const struct store *store, const struct seller *m, struct slice name)
{
	_free_ char *key = trade_key(m, name);

	return store_find(store, slice_str(key));
}

struct trade *
trade_find(const struct sandbox *s, const struct seller *m,
	struct slice out_trade_no)
{
	struct item *i = found_in(&s->pay->trades, m, out_trade_no);

	return i ? container_of(i, struct trade, item) : NULL;
}

struct trade *
trade_find_paid(const struct sandbox *s, const struct seller *m,
	struct slice transaction_id)
{
	struct item *i = found_in(&s->pay->transactions, m, transaction_id);

	return i ? container_of(i, struct trade, by_transaction) : NULL;
}

const char *
trade_word(const struct trade *t, const char *name)
{
	return json_string_value(json_object_get(t->asked, name));
}

const char *
trade_openid(const struct trade *t)
{
	return json_string_value(
		json_object_get(json_object_get(t->asked, "payer"), "openid"));
}

/* At least a minute from now; without a wish a week (WeChat Pay, time_expire:
 * what is too early is made later). */
static int64_t
expires_ms(const json_t *asked, int64_t now)
{
	const json_t *wish = json_object_get(asked, "time_expire");
	int64_t ns;

	if (!wish || text_untime(slice_str(json_string_value(wish)), &ns) < 0)
		return now + ORDER_MS;
	return max(ns / CLOCK_MS, now + 60000);
}

struct trade *
trade_new(struct sandbox *s, struct seller *m, json_t *asked)
{
	struct trade *t = mem_new(struct trade);
	_free_ char *key = NULL;

	t->seller = m;
	t->asked = json_incref(asked);
	t->created_ms = clock_now_ms();
	t->expires_ms = expires_ms(asked, t->created_ms);
	t->total = json_integer_value(
		json_object_get(json_object_get(asked, "amount"), "total"));
	list_init(&t->refunds);
	key = trade_key(m, slice_str(trade_word(t, "out_trade_no")));
	store_add(&s->pay->trades, &t->item, slice_str(key));
	return t;
}

void
trade_prepay(struct sandbox *s, struct trade *t, char ret[64])
{
	struct prepay *p = mem_new(struct prepay);
	char tail[PREPAY_TAIL + 1], now[16];

	p->given_ms = clock_now_ms();
	p->order = str_dup(t->item.name);
	china_digits(now, p->given_ms);
	random_letters(tail, PREPAY_TAIL, HEX);
	(void)snprintf(ret, 64, "wx%s%s", now, tail);
	store_add(&s->pay->prepays, &p->item, slice_str(ret));
}

struct trade *
trade_of_prepay(const struct sandbox *s, struct slice prepay_id)
{
	struct item *i = store_find(&s->pay->prepays, prepay_id);
	struct prepay *p = i ? container_of(i, struct prepay, item) : NULL;

	if (!p || clock_now_ms() - p->given_ms > PREPAY_MS)
		return NULL;
	i = store_find(&s->pay->trades, slice_str(p->order));
	return i ? container_of(i, struct trade, item) : NULL;
}

const char *
trade_state_word(enum trade_state state)
{
	return states[state].word;
}

const char *
trade_state_text(enum trade_state state)
{
	return states[state].text;
}

bool
trade_was_paid(const struct trade *t)
{
	return t->state == TRADE_SUCCESS || t->state == TRADE_REFUND;
}

void
trade_pay(struct sandbox *s, struct trade *t, int64_t coupon)
{
	char now[16], tail[11];
	_free_ char *key = NULL;

	t->state = TRADE_SUCCESS;
	t->paid_ms = clock_now_ms();
	t->coupon = coupon;
	china_digits(now, t->paid_ms);
	random_letters(tail, 10, DIGITS);
	(void)snprintf(t->transaction_id, sizeof(t->transaction_id),
		"4200000000%.8s%s", now, tail);
	key = trade_key(t->seller, slice_str(t->transaction_id));
	store_add(&s->pay->transactions, &t->by_transaction, slice_str(key));
	notice_of_trade(s, t);
}

/* ---- what is said about them ---- */

static json_t *
amount_of(const struct trade *t)
{
	json_t *a = json_pack("{s:I,s:s}", "total", (json_int_t)t->total,
		"payer_currency", "CNY");

	if (trade_was_paid(t))
		(void)json_object_update_new(a,
			json_pack("{s:s,s:I}", "currency", "CNY", "payer_total",
				(json_int_t)(t->total - t->coupon)));
	return a;
}

static json_t *
promotions_of(const struct trade *t)
{
	if (t->coupon == 0)
		return json_array();
	return json_pack("[{s:s,s:s,s:s,s:s,s:I,s:s,s:I,s:I,s:I,s:s}]",
		"coupon_id", "109519", "name", "sandbox coupon", "scope",
		"GLOBAL", "type", "CASH", "amount", (json_int_t)t->coupon,
		"stock_id", "931386", "wechatpay_contribute",
		(json_int_t)t->coupon, "merchant_contribute", (json_int_t)0,
		"other_contribute", (json_int_t)0, "currency", "CNY");
}

static void
paid_put(json_t *all, const struct trade *t)
{
	char when[32];

	china_time(when, t->paid_ms);
	(void)json_object_update_new(
		all, json_pack("{s:s,s:s,s:s,s:{s:s},s:s,s:s}",
			     "transaction_id", t->transaction_id, "trade_type",
			     "JSAPI", "bank_type", "OTHERS", "payer", "openid",
			     trade_openid(t), "success_time", when, "attach",
			     trade_word(t, "attach") ? trade_word(t, "attach")
						     : ""));
}

json_t *
trade_facts(const struct trade *t)
{
	json_t *all = json_pack("{s:s,s:s,s:s,s:s,s:s,s:o,s:o}", "appid",
		trade_word(t, "appid"), "mchid", t->seller->mchid,
		"out_trade_no", trade_word(t, "out_trade_no"), "trade_state",
		states[t->state].word, "trade_state_desc",
		states[t->state].text, "amount", amount_of(t),
		"promotion_detail", promotions_of(t));

	if (trade_was_paid(t))
		paid_put(all, t);
	return all;
}
