/*
 * The questions about orders and refunds as v2 asks them (docs "unifiedorder",
 * "orderquery", "closeorder", "refund", "refundquery", "downloadbill").  An
 * order's and a refund's JSON of v3 is turned into v2's fields, so that nobody
 * above knows of two ways.
 */
#include "pay/gate_v2.h"

#include "base/clock.h"
#include "base/text.h"
#include "pay/trade.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static const time_t CHINA_S = 8 * 3600;

/* "amount.total": a member of a member. */
static const json_t *
find(const json_t *v, const char *path)
{
	struct slice rest = slice_str(path), part;
	char name[32];

	while (slice_split(&rest, '.', &part)) {
		(void)snprintf(name, sizeof(name), "%.*s", SLICE_ARG(part));
		v = json_object_get(v, name);
	}
	return v;
}

struct field {
	const char *v2, *v3;
};

static void
fields_copy(
	json_t *to, const json_t *from, const struct field *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const json_t *v = find(from, rows[i].v3);

		if (v && !json_is_null(v))
			(void)json_object_set(
				to, rows[i].v2, (json_t *)(uintptr_t)v);
	}
}

/* RFC 3339 → yyyyMMddHHmmss of China. */
static void
expire_put(json_t *to, const json_t *from)
{
	const char *s = json_string_value(json_object_get(from, "time_expire"));
	char text[32];
	struct tm tm;
	int64_t ns;
	time_t at;

	if (!s || text_untime(slice_str(s), &ns) < 0)
		return;
	at = (time_t)(ns / CLOCK_S) + CHINA_S;
	if (gmtime_r(&at, &tm) &&
		strftime(text, sizeof(text), "%Y%m%d%H%M%S", &tm))
		(void)json_object_set_new(to, "time_expire", json_string(text));
}

static json_t *
order_fields(const json_t *body)
{
	static const struct field rows[] = {
		{"appid", "appid"},
		{"body", "description"},
		{"out_trade_no", "out_trade_no"},
		{"attach", "attach"},
		{"notify_url", "notify_url"},
		{"goods_tag", "goods_tag"},
		{"total_fee", "amount.total"},
		{"fee_type", "amount.currency"},
		{"openid", "payer.openid"},
		{"spbill_create_ip", "scene_info.payer_client_ip"},
		{"device_info", "scene_info.device_id"},
	};
	const json_t *shared = find(body, "settle_info.profit_sharing");
	json_t *to = json_object();

	fields_copy(to, body, rows, array_size(rows));
	expire_put(to, body);
	(void)json_object_set_new(to, "trade_type", json_string("JSAPI"));
	if (!json_object_get(to, "spbill_create_ip"))
		(void)json_object_set_new(
			to, "spbill_create_ip", json_string("127.0.0.1"));
	if (shared)
		(void)json_object_set_new(to, "profit_sharing",
			json_string(json_is_true(shared) ? "Y" : "N"));
	return to;
}

static json_t *
refund_fields(const json_t *body)
{
	static const struct field rows[] = {
		{"transaction_id", "transaction_id"},
		{"out_trade_no", "out_trade_no"},
		{"out_refund_no", "out_refund_no"},
		{"refund_desc", "reason"},
		{"notify_url", "notify_url"},
		{"refund_fee", "amount.refund"},
		{"total_fee", "amount.total"},
		{"refund_fee_type", "amount.currency"},
	};
	json_t *to = json_object();

	fields_copy(to, body, rows, array_size(rows));
	return to;
}

static json_t *
number_fields(const char *name, const char *value)
{
	json_t *to = json_object();

	(void)json_object_set_new(to, name, json_string(value));
	return to;
}

static json_t *
bill_fields(const char *day)
{
	char digits[9] = "";
	size_t n = 0;
	json_t *to;

	for (; *day && n < 8; day++)
		if (*day != '-')
			digits[n++] = *day;
	digits[n] = '\0';
	to = number_fields("bill_date", digits);
	(void)json_object_set_new(to, "bill_type", json_string("ALL"));
	return to;
}

static json_t *
fields_of(struct gate *g)
{
	_json_ json_t *body = NULL;

	if (g->body.len && val_parse(&body, g->body, NULL) < 0)
		body = json_object();
	switch (g->what) {
	case GATE_ORDER:
		return order_fields(body);
	case GATE_REFUND:
		return refund_fields(body);
	case GATE_REFUND_QUERY:
		return number_fields("out_refund_no", g->no);
	case GATE_BILL:
	case GATE_BILL_FILE:
		return bill_fields(g->no);
	default:
		return number_fields("out_trade_no", g->no);
	}
}

void
gate_v2_ask(struct gate *g)
{
	static const char *const paths[] = {
		[GATE_ORDER] = "/pay/unifiedorder",
		[GATE_QUERY] = "/pay/orderquery",
		[GATE_CLOSE] = "/pay/closeorder",
		[GATE_REFUND] = "/secapi/pay/refund",
		[GATE_REFUND_QUERY] = "/pay/refundquery",
	};
	json_t *fields = fields_of(g);

	if (!json_object_get(fields, "appid"))
		(void)json_object_set_new(fields, "appid",
			json_string(
				g->appid[0] ? g->appid : g->merchant->appid));
	if (g->what == GATE_BILL)
		v2_start_bill(&g->v2, g->home.loop, g->home.fetcher,
			g->merchant, fields, GATE_BILL_TOP);
	else
		v2_start(&g->v2, g->home.loop, g->home.fetcher, g->merchant,
			paths[g->what], fields);
}

int
gate_v2_told(struct gate *g)
{
	const json_t *v = g->v2.answer;
	int r;

	/* a callback without one is a payment's; an answer is nothing */
	if (g->what == GATE_QUERY && !json_object_get(v, "trade_state"))
		return fault_set(&g->job.why, ERR_UPSTREAM,
			"WeChat Pay's trade_state is missing");
	r = g->what == GATE_QUERY
		    ? trade_read_v2(&g->told, v, g->arena, &g->job.why)
		    : trade_read_refund_v2(&g->told, v, g->merchant->mchid,
			      g->appid, g->no, g->arena, &g->job.why);

	if (r == ERR_FORMAT || r == ERR_ORDER_NOT_FOUND)
		return fault_set(&g->job.why, ERR_UPSTREAM, "%s",
			fault_text(&g->job.why, r));
	return r;
}

const char *
gate_v2_sign_type(const struct merchant *m)
{
	return m->v2_sign == MERCHANT_MD5 ? "MD5" : "HMAC-SHA256";
}

int
gate_v2_sign(struct buf *to, const struct merchant *m, const char *appid,
	const char *timestamp, const char *nonce, struct slice prepay_id)
{
	char package[96];
	_json_ json_t *v = NULL;

	(void)snprintf(package, sizeof(package), "prepay_id=%.*s",
		SLICE_ARG(prepay_id));
	v = json_pack("{s:s, s:s, s:s, s:s, s:s}", "appId", appid, "timeStamp",
		timestamp, "nonceStr", nonce, "package", package, "signType",
		gate_v2_sign_type(m));
	return v ? v2_sign(to, v, m->v2_key, m->v2_sign) : ERR_PARAM;
}
