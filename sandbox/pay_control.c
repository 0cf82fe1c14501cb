/*
 * The user who pays, the bank that refunds, and what became of the callbacks:
 * what a test asks WeChat Pay that no merchant could.
 */

#include "pay_control.h"

#include "control.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"

enum { NAME_TOP = 128, ROWS = 1000 };

/* The merchant a control request names in "mchid" (else the first). */
static int
seller_named(struct sandbox *s, const json_t *ask, struct seller **ret,
	struct fault *why)
{
	struct slice mchid;
	int r = val_str_or(
		ask, "mchid", NAME_TOP, slice_str(s->keys.mchid), &mchid, why);

	if (r < 0)
		return r;
	*ret = seller_find(s, mchid);
	return *ret ? 0
		    : fault_set(why, ERR_NOT_FOUND,
			      "mchid: no merchant %.*s (POST "
			      "/sandbox/merchants makes one)",
			      SLICE_ARG(mchid));
}

static int
trade_named(struct sandbox *s, const json_t *ask, struct trade **ret,
	struct fault *why)
{
	struct seller *m;
	struct slice name;
	int r = seller_named(s, ask, &m, why);

	if (r == 0)
		r = val_str(ask, "out_trade_no", NAME_TOP, &name, why);
	if (r < 0)
		return r;
	*ret = trade_find(s, m, name);
	return *ret ? 0
		    : fault_set(why, ERR_NOT_FOUND,
			      "out_trade_no: merchant %s has no order %.*s",
			      m->mchid, SLICE_ARG(name));
}

static int
refund_named(struct sandbox *s, const json_t *ask, struct refund **ret,
	struct fault *why)
{
	struct seller *m;
	struct slice name;
	int r = seller_named(s, ask, &m, why);

	if (r == 0)
		r = val_str(ask, "out_refund_no", NAME_TOP, &name, why);
	if (r < 0)
		return r;
	*ret = refund_find(s, m, name);
	return *ret ? 0
		    : fault_set(why, ERR_NOT_FOUND,
			      "out_refund_no: merchant %s has no refund %.*s",
			      m->mchid, SLICE_ARG(name));
}

/* ---- paying ---- */

/* What the user's telephone would say. */
static int
payable_check(const struct trade *t, struct slice openid, struct fault *why)
{
	if (trade_was_paid(t))
		return fault_set(why, ERR_PARAM, "this order is paid already");
	if (t->state == TRADE_CLOSED)
		return fault_set(why, ERR_PARAM, "this order is closed");
	if (clock_now_ms() >= t->expires_ms)
		return fault_set(why, ERR_PARAM, "this order has expired");
	if (openid.len && !slice_is(openid, trade_openid(t)))
		return fault_set(
			why, ERR_PARAM, "openid: the order is another user's");
	return 0;
}

static json_t *
paid_show(const struct trade *t, const char *message)
{
	json_t *all = json_pack("{s:s,s:s,s:s,s:s}", "out_trade_no",
		trade_word(t, "out_trade_no"), "mchid", t->seller->mchid,
		"trade_state", trade_state_word(t->state), "errMsg", message);

	if (trade_was_paid(t))
		(void)json_object_set_new(
			all, "transaction_id", json_string(t->transaction_id));
	return all;
}

static int
pay_parse(struct sandbox *s, const json_t *ask, struct trade **ret,
	bool *ret_success, int64_t *ret_coupon, struct fault *why)
{
	struct slice openid, result;
	struct trade *t = NULL;
	int r = json_object_get(ask, "package")
			? requested_order(s, ask, &t, why)
			: trade_named(s, ask, &t, why);

	if (r < 0 || !t)
		return r;
	r = val_str_or(ask, "openid", NAME_TOP, SLICE(""), &openid, why);
	if (r == 0)
		r = val_str_or(
			ask, "result", 32, SLICE("success"), &result, why);
	if (r == 0)
		r = val_int_or(ask, "coupon", 0, t->total, 0, ret_coupon, why);
	if (r < 0)
		return r;
	*ret = t;
	*ret_success = slice_is(result, "success");
	if (!*ret_success && !slice_is(result, "fail"))
		return fault_set(why, ERR_PARAM, "result: success or fail");
	return payable_check(t, openid, why);
}

void
control_pay(struct sandbox *s, struct exchange *x, struct answer *a)
{
	_json_ json_t *ask = NULL;
	struct fault why = {0};
	struct trade *t = NULL;
	int64_t coupon = 0;
	bool success = false;
	int r = control_parse(x, &ask, &why);

	if (r == 0)
		r = pay_parse(s, ask, &t, &success, &coupon, &why);
	if (r < 0 || !t) {
		control_refuse(a, &why);
		return;
	}
	if (success)
		trade_pay(s, t, coupon);
	answer_json(a, paid_show(t, success ? "requestPayment:ok"
					    : "requestPayment:fail cancel"));
}

void
control_refund(struct sandbox *s, struct exchange *x, struct answer *a)
{
	_json_ json_t *ask = NULL;
	struct fault why = {0};
	struct refund *refund = NULL;
	struct slice word = SLICE("");
	enum refund_state state = REFUND_STATES;
	int r = control_parse(x, &ask, &why);

	if (r == 0)
		r = refund_named(s, ask, &refund, &why);
	if (r == 0)
		r = val_str_or(
			ask, "status", 32, SLICE("SUCCESS"), &word, &why);
	if (r == 0)
		state = refund_state_find(word);
	if (r == 0 && (state == REFUND_STATES || state == REFUND_PROCESSING))
		r = fault_set(
			&why, ERR_PARAM, "status: SUCCESS, ABNORMAL or CLOSED");
	if (r < 0) {
		control_refuse(a, &why);
		return;
	}
	refund_settle(refund, state);
	answer_json(a, refund_facts(refund));
}

/* ---- what there is ---- */

static json_t *
trade_show(const struct trade *t)
{
	json_t *all = trade_facts(t);
	json_t *refunds = json_array();
	char when[32];

	list_for_each (at, (struct list *)(uintptr_t)&t->refunds) {
		const struct refund *r =
			container_of(at, struct refund, in_trade);

		(void)json_array_append_new(refunds,
			json_pack("{s:s,s:s,s:I,s:s}", "out_refund_no",
				refund_word(r, "out_refund_no"), "refund_id",
				r->refund_id, "refund", (json_int_t)r->amount,
				"status", refund_state_word(r->state)));
	}
	china_time(when, t->created_ms);
	(void)json_object_update_new(
		all, json_pack("{s:s,s:s,s:s?,s:s,s:o,s:b}", "create_time",
			     when, "openid", trade_openid(t), "notify_url",
			     trade_word(t, "notify_url"), "description",
			     trade_word(t, "description"), "refunds", refunds,
			     "v2", (int)t->v2));
	return all;
}

static bool
trade_fits(const struct trade *t, struct slice mchid, struct slice state,
	struct slice number)
{
	return (mchid.len == 0 || slice_is(mchid, t->seller->mchid)) &&
	       (state.len == 0 ||
		       slice_is(state, trade_state_word(t->state))) &&
	       (number.len == 0 ||
		       slice_is(number, trade_word(t, "out_trade_no")));
}

/* ?limit= of a list; ROWS when absent or silly. */
static uint64_t
rows_wanted(struct exchange *x)
{
	uint64_t n = 0;

	if (slice_to_u64(exchange_query(x, "limit"), DELIVERIES_TOP, &n) < 0)
		n = ROWS;
	return n;
}

/* The newest first; ?mchid= ?state= ?out_trade_no= ?limit= */
void
control_orders(struct sandbox *s, struct exchange *x, struct answer *a)
{
	struct store *trades = &s->pay->trades;
	uint64_t left = rows_wanted(x);
	json_t *all = json_array();

	for (struct list *at = trades->age.prev; left > 0 && at != &trades->age;
		at = at->prev) {
		struct trade *t =
			container_of(container_of(at, struct item, in_age),
				struct trade, item);

		if (!trade_fits(t, exchange_query(x, "mchid"),
			    exchange_query(x, "state"),
			    exchange_query(x, "out_trade_no")))
			continue;
		(void)json_array_append_new(all, trade_show(t));
		left--;
	}
	answer_json(a, all);
}

static bool
delivery_fits(const struct delivery *d, struct exchange *x)
{
	struct slice order = exchange_query(x, "out_trade_no");
	struct slice refund = exchange_query(x, "out_refund_no");

	return (order.len == 0 || slice_is(order, d->out_trade_no)) &&
	       (refund.len == 0 || (d->out_refund_no &&
					   slice_is(refund, d->out_refund_no)));
}

static json_t *
delivery_show(const struct delivery *d)
{
	_buf_ struct buf when;

	buf_init(&when, 64);
	text_time(&when, d->at_ms * CLOCK_MS);
	return json_pack(
		"{s:I,s:s,s:I,s:s,s:s?,s:s?,s:s,s:i,s:i,s:I,s:s?,s:s?}",
		"number", (json_int_t)d->number, "at", when.ptr, "at_ms",
		(json_int_t)d->at_ms, "event", d->event, "out_trade_no",
		d->out_trade_no, "out_refund_no", d->out_refund_no, "fault",
		d->fault, "attempt", (int)d->attempt, "status", d->status,
		"took_ms", (json_int_t)d->took_ms, "serial", d->serial, "error",
		d->error);
}

/* Deliveries that are over, the oldest first: ?after=NUMBER ?limit=
 * ?out_trade_no= ?out_refund_no= */
void
control_notifications(struct sandbox *s, struct exchange *x, struct answer *a)
{
	struct notices *n = &s->pay->notices;
	uint64_t after = 0, left = rows_wanted(x);
	uint64_t oldest =
		n->told > DELIVERIES_TOP ? n->told - DELIVERIES_TOP : 0;
	json_t *list = json_array();

	(void)!slice_to_u64(exchange_query(x, "after"), UINT64_MAX - 1, &after);
	for (uint64_t i = max(after, oldest); i < n->told && left > 0; i++) {
		const struct delivery *d = &n->ring[i % DELIVERIES_TOP];

		if (!delivery_fits(d, x))
			continue;
		(void)json_array_append_new(list, delivery_show(d));
		left--;
	}
	answer_json(a,
		json_pack("{s:o,s:I,s:I,s:I,s:I}", "deliveries", list, "told",
			(json_int_t)n->told, "waiting", (json_int_t)n->count,
			"flying", (json_int_t)n->flying, "due",
			(json_int_t)s->pay->agenda.count));
}

/* ---- callbacks on request ---- */

static int
notify_one(struct sandbox *s, const json_t *ask, struct fault *why)
{
	struct refund *refund = NULL;
	struct trade *t = NULL;
	int r = json_object_get(ask, "out_refund_no")
			? refund_named(s, ask, &refund, why)
			: trade_named(s, ask, &t, why);

	if (r < 0)
		return r;
	if (refund)
		notice_of_refund(s, refund);
	else
		notice_of_trade(s, t);
	return 0;
}

/* {out_trade_no | out_refund_no, mchid?, kind? and what goes with it}: a
 * callback now, paid or not.  {}: all that wait for their time go out now. */
void
control_notify(struct sandbox *s, struct exchange *x, struct answer *a)
{
	_json_ json_t *ask = NULL;
	struct notice_armed armed = {0};
	struct fault why = {0};
	unsigned count = 1;
	int r = control_parse(x, &ask, &why);

	if (r == 0 && json_object_size(ask) == 0) {
		count = notices_hurry(s);
	} else if (r == 0) {
		if (json_object_get(ask, "kind"))
			r = armed_parse(&armed, ask, &why);
		s->pay->notices.forced = armed;
		if (r == 0)
			r = notify_one(s, ask, &why);
		s->pay->notices.forced.kind = NOTICE_NONE;
	}
	if (r < 0)
		control_refuse(a, &why);
	else
		answer_json(a, json_pack("{s:i}", "sent", (int)count));
}
