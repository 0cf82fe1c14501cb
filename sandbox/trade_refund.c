/*
 * Refunds: accepted at once, settled later by the agenda, with the outcome that
 * the settings or a test wants.
 */

#include "trade.h"

#include "notice.h"
#include "pay.h"
#include "random.h"

#include "base/clock.h"
#include "base/mem.h"

#include <stdio.h>

static const char *const words[] = {
	[REFUND_PROCESSING] = "PROCESSING",
	[REFUND_SUCCESS] = "SUCCESS",
	[REFUND_ABNORMAL] = "ABNORMAL",
	[REFUND_CLOSED] = "CLOSED",
};

struct refund *
refund_find(const struct sandbox *s, const struct seller *m,
	struct slice out_refund_no)
{
	_free_ char *key = trade_key(m, out_refund_no);
	struct item *i = store_find(&s->pay->refunds, slice_str(key));

	return i ? container_of(i, struct refund, item) : NULL;
}

const char *
refund_word(const struct refund *r, const char *name)
{
	return json_string_value(json_object_get(r->asked, name));
}

const char *
refund_state_word(enum refund_state state)
{
	return words[state];
}

enum refund_state
refund_state_find(struct slice word)
{
	for (unsigned i = 0; i < REFUND_STATES; i++)
		if (slice_is(word, words[i]))
			return (enum refund_state)i;
	return REFUND_STATES;
}

static void
on_settle(struct entry *entry)
{
	struct refund *r = container_of(entry, struct refund, settles);

	refund_settle(r, r->outcome);
}

struct refund *
refund_new(struct sandbox *s, struct trade *t, json_t *asked, int64_t amount)
{
	struct refund *r = mem_new(struct refund);
	char now[16], tail[14];
	_free_ char *key = NULL;

	r->sandbox = s;
	r->trade = t;
	r->asked = json_incref(asked);
	r->amount = amount;
	r->outcome = s->pay->settings.refund_outcome;
	r->created_ms = clock_now_ms();
	entry_init(&r->settles);
	list_init(&r->in_trade);
	china_digits(now, r->created_ms);
	random_letters(tail, 13, DIGITS);
	(void)snprintf(r->refund_id, sizeof(r->refund_id), "50000000%.8s%s",
		now, tail);
	key = trade_key(t->seller, slice_str(refund_word(r, "out_refund_no")));
	store_add(&s->pay->refunds, &r->item, slice_str(key));
	list_add(&t->refunds, &r->in_trade);
	t->state = TRADE_REFUND;
	t->refunded += amount;
	t->refund_count++;
	t->last_refund_ms = r->created_ms;
	agenda_put(&s->pay->agenda, &r->settles, s->pay->settings.refund_ms,
		on_settle);
	return r;
}

void
refund_settle(struct refund *r, enum refund_state state)
{
	entry_clear(&r->settles);
	if (r->state == state || state == REFUND_PROCESSING)
		return;
	if (state == REFUND_CLOSED)
		r->trade->refunded -= r->amount;
	else if (r->state == REFUND_CLOSED)
		r->trade->refunded += r->amount;
	r->state = state;
	r->settled_ms = clock_now_ms();
	notice_of_refund(r->sandbox, r);
}

/* Of what the user paid himself, the coupon last. */
static int64_t
payer_refund(const struct refund *r)
{
	return min(r->amount, r->trade->total - r->trade->coupon);
}

static void
success_time_put(json_t *all, const struct refund *r)
{
	char when[32];

	if (r->state != REFUND_SUCCESS)
		return;
	china_time(when, r->settled_ms);
	(void)json_object_set_new(all, "success_time", json_string(when));
}

static json_t *
common_facts(const struct refund *r)
{
	const struct trade *t = r->trade;

	return json_pack("{s:s,s:s,s:s,s:s,s:s}", "refund_id", r->refund_id,
		"out_refund_no", refund_word(r, "out_refund_no"),
		"transaction_id", t->transaction_id, "out_trade_no",
		trade_word(t, "out_trade_no"), "user_received_account",
		"支付用户零钱");
}

json_t *
refund_facts(const struct refund *r)
{
	const char *funds = refund_word(r, "funds_account");
	json_t *all = common_facts(r);
	char when[32];

	china_time(when, r->created_ms);
	(void)json_object_update_new(
		all, json_pack("{s:s,s:s,s:s,s:s,s:[]}", "channel", "ORIGINAL",
			     "create_time", when, "status", words[r->state],
			     "funds_account", funds ? funds : "AVAILABLE",
			     "promotion_detail"));
	(void)json_object_set_new(all, "amount",
		json_pack("{s:I,s:I,s:[],s:I,s:I,s:I,s:I,s:I,s:s,s:I}", "total",
			(json_int_t)r->trade->total, "refund",
			(json_int_t)r->amount, "from", "payer_total",
			(json_int_t)(r->trade->total - r->trade->coupon),
			"payer_refund", (json_int_t)payer_refund(r),
			"settlement_refund", (json_int_t)r->amount,
			"settlement_total", (json_int_t)r->trade->total,
			"discount_refund",
			(json_int_t)(r->amount - payer_refund(r)), "currency",
			"CNY", "refund_fee", (json_int_t)0));
	success_time_put(all, r);
	return all;
}

json_t *
refund_news(const struct refund *r)
{
	json_t *all = common_facts(r);

	(void)json_object_update_new(
		all, json_pack("{s:s,s:s,s:{s:I,s:I,s:I,s:I}}", "mchid",
			     r->trade->seller->mchid, "refund_status",
			     words[r->state], "amount", "total",
			     (json_int_t)r->trade->total, "refund",
			     (json_int_t)r->amount, "payer_total",
			     (json_int_t)(r->trade->total - r->trade->coupon),
			     "payer_refund", (json_int_t)payer_refund(r)));
	success_time_put(all, r);
	return all;
}
