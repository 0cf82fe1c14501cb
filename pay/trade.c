/*
 * Reading what WeChat Pay says of an order or refund in v3 (docs "query order",
 * "payment notification", "refund notification").  Callbacks and queries say
 * the same in nearly the same fields, so one reader serves both, and what is
 * done with it cannot differ.
 */
#include "pay/trade.h"

#include "base/clock.h"
#include "base/text.h"

#include <string.h>

enum { WORD = 64, NUMBER = 64, ATTACH = 512, TIME = 64, RESOURCE = 256 * 1024 };

/* What one order may cost, and more. */
#define FEN_TOP 100000000000LL

int
trade_text(const json_t *v, const char *key, size_t top, const char **ret,
	struct arena *arena, struct fault *why)
{
	struct slice s;
	int r = val_str_or(v, key, top, SLICE(""), &s, why);
	char *p;

	if (r < 0)
		return fault_prefix(why, ERR_FORMAT, "WeChat Pay's ");
	p = arena_try(arena, s.len + 1);
	if (!p)
		return ERR_TOO_BIG;
	memcpy(p, s.ptr, s.len);
	p[s.len] = '\0';
	*ret = p;
	return 0;
}

int
trade_resource(struct notify *ret, const json_t *v, struct arena *arena)
{
	_buf_ struct buf text;
	char *p;

	buf_init(&text, RESOURCE);
	val_put(&text, v);
	if (buf_check(&text) < 0)
		return ERR_TOO_BIG;
	p = arena_try(arena, text.len + 1);
	if (!p)
		return ERR_TOO_BIG;
	memcpy(p, text.ptr, text.len);
	p[text.len] = '\0';
	ret->resource = p;
	return 0;
}

int
trade_event(struct notify *ret, const char *what, struct arena *arena)
{
	size_t room = strlen(what) + strlen(ret->state) + 2;
	char *p = arena_try(arena, room);

	if (!p)
		return ERR_TOO_BIG;
	(void)snprintf(p, room, "%s.%s", what, ret->state);
	ret->event_type = p;
	return 0;
}

/* A text that has to be there. */
static int
need(const char *value, const char *key, struct fault *why)
{
	if (value[0])
		return 0;
	return fault_set(why, ERR_FORMAT, "WeChat Pay's %s is missing", key);
}

static int
time_read(const json_t *v, int64_t *ret_ms, struct fault *why)
{
	struct slice s;
	int64_t ns;

	*ret_ms = 0;
	if (val_str_or(v, "success_time", TIME, SLICE(""), &s, why) < 0 ||
		(s.len && text_untime(s, &ns) < 0))
		return fault_set(why, ERR_FORMAT,
			"WeChat Pay's success_time is not a time");
	if (s.len)
		*ret_ms = ns / CLOCK_MS;
	return 0;
}

static int
fen(const json_t *amount, const char *key, int64_t *ret, struct fault *why)
{
	int r = val_int_or(amount, key, 0, FEN_TOP, -1, ret, why);

	return r < 0 ? fault_prefix(why, ERR_FORMAT, "WeChat Pay's amount: ")
		     : 0;
}

struct text_row {
	const char *key;
	size_t top;
	const char **to;
};

static int
texts_read(const json_t *v, const struct text_row *rows, size_t count,
	struct arena *arena, struct fault *why)
{
	for (size_t i = 0; i < count; i++) {
		int r = trade_text(
			v, rows[i].key, rows[i].top, rows[i].to, arena, why);

		if (r < 0)
			return r;
	}
	return 0;
}

static bool
was_paid(const char *state)
{
	return strcmp(state, "SUCCESS") == 0 || strcmp(state, "REFUND") == 0;
}

/* Absent, or an object; anything else is none of WeChat's. */
static int
part(const json_t *v, const char *key, const json_t **ret, struct fault *why)
{
	*ret = json_object_get(v, key);
	if (!*ret || json_is_object(*ret) || json_is_null(*ret))
		return 0;
	return fault_set(
		why, ERR_FORMAT, "WeChat Pay's %s is not an object", key);
}

static int
parts_read(struct notify *n, const json_t *v, struct arena *arena,
	struct fault *why)
{
	const json_t *amount, *payer;
	int r = part(v, "amount", &amount, why);

	n->total = n->payer_total = -1;
	n->openid = n->currency = "";
	if (r == 0)
		r = part(v, "payer", &payer, why);
	if (r == 0 && json_is_object(payer))
		r = trade_text(payer, "openid", 128, &n->openid, arena, why);
	if (r < 0 || !json_is_object(amount))
		return r;
	r = fen(amount, "total", &n->total, why);
	if (r == 0)
		r = fen(amount, "payer_total", &n->payer_total, why);
	if (r == 0)
		r = trade_text(
			amount, "currency", 16, &n->currency, arena, why);
	if (r == 0 && !n->currency[0])
		n->currency = "CNY";
	return r;
}

static int
paid_check(const struct notify *n, struct fault *why)
{
	int r = need(n->appid, "appid", why);

	if (r == 0)
		r = need(n->mchid, "mchid", why);
	if (r == 0)
		r = need(n->out_trade_no, "out_trade_no", why);
	if (r == 0)
		r = need(n->state, "trade_state", why);
	if (r < 0 || !was_paid(n->state))
		return r;
	if (n->total < 0)
		return fault_set(why, ERR_FORMAT,
			"WeChat Pay's amount.total is missing");
	return need(n->transaction_id, "transaction_id", why);
}

int
trade_read(struct notify *ret, const json_t *v, struct arena *arena,
	struct fault *why)
{
	struct notify n = {
		.kind = NOTIFY_PAID,
		.event_id = "",
		.out_refund_no = "",
		.refund_id = "",
	};
	const struct text_row rows[] = {
		{"mchid", 32, &n.mchid},
		{"appid", 32, &n.appid},
		{"out_trade_no", 32, &n.out_trade_no},
		{"transaction_id", NUMBER, &n.transaction_id},
		{"trade_type", WORD, &n.trade_type},
		{"bank_type", WORD, &n.bank_type},
		{"attach", ATTACH, &n.attach},
		{"trade_state", WORD, &n.state},
	};
	int r;

	if (!json_is_object(v))
		return fault_set(why, ERR_FORMAT,
			"WeChat Pay's transaction is not an object");
	r = texts_read(v, rows, array_size(rows), arena, why);
	if (r == 0)
		r = parts_read(&n, v, arena, why);
	if (r == 0)
		r = time_read(v, &n.at_ms, why);
	if (r == 0)
		r = paid_check(&n, why);
	if (r == 0)
		r = trade_resource(&n, v, arena);
	if (r < 0)
		return r;
	*ret = n;
	return trade_event(ret, "TRANSACTION", arena);
}

static int
refund_check(const struct notify *n, struct fault *why)
{
	int r = need(n->mchid, "mchid", why);

	if (r == 0)
		r = need(n->out_trade_no, "out_trade_no", why);
	if (r == 0)
		r = need(n->out_refund_no, "out_refund_no", why);
	if (r == 0)
		r = need(n->refund_id, "refund_id", why);
	if (r == 0)
		r = need(n->state, "refund_status", why);
	if (r == 0 && (n->refund < 0 || n->total < 0))
		r = fault_set(why, ERR_FORMAT,
			"WeChat Pay's amount.refund or amount.total is "
			"missing");
	return r;
}

static int
refund_amount(struct notify *n, const json_t *v, struct arena *arena,
	struct fault *why)
{
	const json_t *amount;
	int r = part(v, "amount", &amount, why);

	n->total = n->payer_total = n->refund = -1;
	n->currency = "CNY";
	if (r < 0 || !json_is_object(amount))
		return r;
	r = fen(amount, "total", &n->total, why);
	if (r == 0)
		r = fen(amount, "payer_total", &n->payer_total, why);
	if (r == 0)
		r = fen(amount, "refund", &n->refund, why);
	if (r == 0)
		r = trade_text(
			amount, "currency", 16, &n->currency, arena, why);
	if (r == 0 && !n->currency[0])
		n->currency = "CNY";
	return r;
}

int
trade_read_refund(struct notify *ret, const json_t *v, const char *mchid,
	struct arena *arena, struct fault *why)
{
	struct notify n = {
		.kind = NOTIFY_REFUND,
		.event_id = "",
		.appid = "",
		.openid = "",
		.trade_type = "",
		.bank_type = "",
		.attach = "",
	};
	bool called = json_object_get(v, "refund_status") != NULL;
	const struct text_row rows[] = {
		{"mchid", 32, &n.mchid},
		{"out_trade_no", 32, &n.out_trade_no},
		{"transaction_id", NUMBER, &n.transaction_id},
		{"out_refund_no", NUMBER, &n.out_refund_no},
		{"refund_id", NUMBER, &n.refund_id},
		{called ? "refund_status" : "status", WORD, &n.state},
	};
	int r;

	if (!json_is_object(v))
		return fault_set(why, ERR_FORMAT,
			"WeChat Pay's refund is not an object");
	r = texts_read(v, rows, array_size(rows), arena, why);
	if (r == 0 && !n.mchid[0] && mchid)
		n.mchid = mchid;
	if (r == 0)
		r = refund_amount(&n, v, arena, why);
	if (r == 0)
		r = time_read(v, &n.at_ms, why);
	if (r == 0)
		r = refund_check(&n, why);
	if (r == 0)
		r = trade_resource(&n, v, arena);
	if (r < 0)
		return r;
	*ret = n;
	return trade_event(ret, "REFUND", arena);
}
