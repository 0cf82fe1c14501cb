/*
 * The same of v2, where everything is a string, times are China's without
 * saying so, and a refund's words are others.
 */
#include "pay/trade.h"

#include "base/clock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { WORD = 64, ATTACH = 512, KEY = 64, REFUNDS = 50 };

static const int64_t FEN_TOP = 100000000000;
static const time_t CHINA_S = 8 * 3600;

static int
missing(const char *key, struct fault *why)
{
	return fault_set(why, ERR_FORMAT, "WeChat Pay's %s is missing", key);
}

/* -1: not said. */
static int
fen(const json_t *v, const char *key, int64_t *ret, struct fault *why)
{
	const char *s = json_string_value(json_object_get(v, key));
	uint64_t n;

	*ret = -1;
	if (!s || !*s)
		return 0;
	if (slice_to_u64(slice_str(s), (uint64_t)FEN_TOP, &n) < 0)
		return fault_set(why, ERR_FORMAT,
			"WeChat Pay's %s is not a number of fen", key);
	*ret = (int64_t)n;
	return 0;
}

/* `form` of strptime; China's time. */
static int
time_read(const json_t *v, const char *key, const char *form, int64_t *ret,
	struct fault *why)
{
	const char *s = json_string_value(json_object_get(v, key)), *end;
	struct tm tm = {0};

	*ret = 0;
	if (!s || !*s)
		return 0;
	end = strptime(s, form, &tm);
	if (!end || *end || strlen(s) > 32)
		return fault_set(
			why, ERR_FORMAT, "WeChat Pay's %s is not a time", key);
	*ret = ((int64_t)timegm(&tm) - CHINA_S) * 1000;
	return 0;
}

static int
paid_numbers(struct notify *n, const json_t *v, struct fault *why)
{
	int r = fen(v, "total_fee", &n->total, why);

	if (r == 0)
		r = fen(v, "cash_fee", &n->payer_total, why);
	if (r == 0)
		r = time_read(v, "time_end", "%Y%m%d%H%M%S", &n->at_ms, why);
	return r;
}

static int
paid_check(const struct notify *n, struct fault *why)
{
	bool paid = strcmp(n->state, "SUCCESS") == 0 ||
		    strcmp(n->state, "REFUND") == 0;

	if (!n->appid[0])
		return missing("appid", why);
	if (!n->mchid[0])
		return missing("mch_id", why);
	if (!n->out_trade_no[0])
		return missing("out_trade_no", why);
	if (paid && n->total < 0)
		return missing("total_fee", why);
	if (paid && !n->transaction_id[0])
		return missing("transaction_id", why);
	return 0;
}

int
trade_read_v2(struct notify *ret, const json_t *v, struct arena *arena,
	struct fault *why)
{
	struct notify n = {
		.kind = NOTIFY_PAID,
		.event_id = "",
		.out_refund_no = "",
		.refund_id = "",
	};
	const struct {
		const char *key;
		size_t top;
		const char **to;
	} rows[] = {
		{"mch_id", 32, &n.mchid},
		{"appid", 32, &n.appid},
		{"out_trade_no", 32, &n.out_trade_no},
		{"transaction_id", WORD, &n.transaction_id},
		{"openid", 128, &n.openid},
		{"fee_type", 16, &n.currency},
		{"trade_type", WORD, &n.trade_type},
		{"bank_type", WORD, &n.bank_type},
		{"attach", ATTACH, &n.attach},
		{"trade_state", WORD, &n.state},
	};
	int r = 0;

	for (size_t i = 0; i < array_size(rows) && r == 0; i++)
		r = trade_text(
			v, rows[i].key, rows[i].top, rows[i].to, arena, why);
	if (r == 0)
		r = paid_numbers(&n, v, why);
	if (r < 0)
		return r;
	/* a callback has no trade_state: it comes of payments only */
	if (!n.state[0])
		n.state = "SUCCESS";
	if (!n.currency[0])
		n.currency = "CNY";
	r = paid_check(&n, why);
	if (r == 0)
		r = trade_resource(&n, v, arena);
	if (r < 0)
		return r;
	*ret = n;
	return trade_event(ret, "TRANSACTION", arena);
}

/* v3's word; "": the answer to a refund has none, it has been taken. */
static const char *
state_of(const char *v2)
{
	static const struct {
		const char *v2, *v3;
	} rows[] = {
		{"", "PROCESSING"},
		{"SUCCESS", "SUCCESS"},
		{"PROCESSING", "PROCESSING"},
		{"CHANGE", "ABNORMAL"},
		{"REFUNDCLOSE", "CLOSED"},
	};

	for (size_t i = 0; i < array_size(rows); i++)
		if (strcmp(v2, rows[i].v2) == 0)
			return rows[i].v3;
	return NULL;
}

/* "refund_id_0": of a refundquery, for the refund `i`; -1: the bare name. */
static const char *
name(char room[KEY], const char *key, int i)
{
	if (i < 0)
		(void)snprintf(room, KEY, "%s", key);
	else
		(void)snprintf(room, KEY, "%s_%d", key, i);
	return room;
}

/* Which of the refunds it is. */
static int
place_find(const json_t *v, const char *out_refund_no, int *ret)
{
	char room[KEY];

	for (int i = -1; i < REFUNDS; i++) {
		const char *s = json_string_value(
			json_object_get(v, name(room, "out_refund_no", i)));

		if (s && (!out_refund_no || strcmp(s, out_refund_no) == 0)) {
			*ret = i;
			return 0;
		}
	}
	return ERR_ORDER_NOT_FOUND;
}

static int
refund_texts(struct notify *n, const json_t *v, int at, struct arena *arena,
	struct fault *why)
{
	const struct {
		const char *key;
		bool each;
		const char **to;
	} rows[] = {
		{"mch_id", false, &n->mchid},
		{"appid", false, &n->appid},
		{"out_trade_no", false, &n->out_trade_no},
		{"transaction_id", false, &n->transaction_id},
		{"out_refund_no", true, &n->out_refund_no},
		{"refund_id", true, &n->refund_id},
		{"refund_status", true, &n->state},
	};
	char room[KEY];
	int r = 0;

	for (size_t i = 0; i < array_size(rows) && r == 0; i++)
		r = trade_text(v,
			name(room, rows[i].key, rows[i].each ? at : -1), WORD,
			rows[i].to, arena, why);
	return r;
}

static int
refund_numbers(struct notify *n, const json_t *v, int at, struct fault *why)
{
	static const char form[] = "%Y-%m-%d %H:%M:%S";
	char room[KEY];
	int r = fen(v, "total_fee", &n->total, why);

	if (r == 0)
		r = fen(v, name(room, "refund_fee", at), &n->refund, why);
	if (r == 0)
		r = time_read(v,
			at < 0 ? "success_time"
			       : name(room, "refund_success_time", at),
			form, &n->at_ms, why);
	if (r == 0 && n->total < 0)
		r = missing("total_fee", why);
	if (r == 0 && n->refund < 0)
		r = missing("refund_fee", why);
	return r;
}

int
trade_read_refund_v2(struct notify *ret, const json_t *v, const char *mchid,
	const char *appid, const char *out_refund_no, struct arena *arena,
	struct fault *why)
{
	struct notify n = {
		.kind = NOTIFY_REFUND,
		.event_id = "",
		.openid = "",
		.currency = "CNY",
		.trade_type = "",
		.bank_type = "",
		.attach = "",
		.payer_total = -1,
	};
	int at, r = place_find(v, out_refund_no, &at);

	if (r == 0)
		r = refund_texts(&n, v, at, arena, why);
	if (r == 0)
		r = refund_numbers(&n, v, at, why);
	if (r < 0)
		return r;
	if (!n.mchid[0])
		n.mchid = mchid;
	if (!n.appid[0])
		n.appid = appid;
	n.state = state_of(n.state);
	if (!n.state)
		return fault_set(why, ERR_FORMAT,
			"WeChat Pay's refund_status is not known");
	if (!n.out_trade_no[0])
		return missing("out_trade_no", why);
	if (!n.refund_id[0])
		return missing("refund_id", why);
	r = trade_resource(&n, v, arena);
	if (r < 0)
		return r;
	*ret = n;
	return trade_event(ret, "REFUND", arena);
}
