/*
 * cloudPay's orders: API v2's fields become the order that pay/ takes.
 */
#include "gateway/call_cloudpay.h"

#include "base/text.h"
#include "gateway/gateway.h"
#include "gateway/guard.h"
#include "pay/bill.h"

#include <stdio.h>

enum { TEXT_TOP = 512, ANSWER_TOP = 8192 };

/* ---- unifiedOrder ---- */

/* {outTradeNo, payment} → {return_code, …, prepay_id, payment}. */
static int
order_answer(struct cloudpay *p, struct slice told)
{
	static const char package[] = "prepay_id=";
	struct merchant *m = p->merchant;
	_json_ json_t *v = NULL;
	_json_ json_t *to = NULL;
	_buf_ struct buf text = {0};
	json_t *payment;
	const char *id;

	if (val_parse(&v, told, NULL) < 0)
		return ERR_INTERNAL;
	payment = json_object_get(v, "payment");
	id = val_text(payment, "package");
	if (slice_starts(slice_str(id), package))
		id += sizeof(package) - 1;
	(void)json_object_set_new(payment, "appId", json_string(p->who.appid));
	to = json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:O}",
		"return_code", "SUCCESS", "return_msg", "OK", "result_code",
		"SUCCESS", "appid", p->who.appid, "sub_appid", p->who.appid,
		"mch_id", m->mchid, "sub_mch_id", m->mchid, "nonce_str",
		val_text(payment, "nonceStr"), "sign", "", "trade_type",
		"JSAPI", "prepay_id", id, "payment", payment);
	if (!to)
		return ERR_INTERNAL;
	(void)json_object_set_new(
		to, "out_trade_no", json_string(val_text(v, "outTradeNo")));
	buf_init(&text, ANSWER_TOP);
	val_put(&text, to);
	if (buf_check(&text) < 0)
		return ERR_INTERNAL;
	cloudpay_answer(p,
		slice_of(arena_str(p->call->arena, buf_all(&text)), text.len));
	return 0;
}

static void
on_placed(struct job *job)
{
	struct cloudpay *p = container_of(job, struct cloudpay, order.job);
	int e = job->err;

	if (e == 0)
		e = order_answer(p, p->order.answer);
	if (e < 0)
		cloudpay_refused(p, e, &job->why);
}

static int
put_text(struct cloudpay *p, const char *from, const char *name)
{
	const char *text;
	int e = cloudpay_text(p, from, TEXT_TOP, &text);

	if (e == 0 && *text &&
		json_object_set_new(p->held, name, json_string(text)) < 0)
		e = fault_set(&p->call->job.why, ERR_PARAM, "%s: must be UTF-8",
			from);
	return e;
}

/* yyyyMMddHHmmss of China's clock → RFC 3339. */
static int
put_end(struct cloudpay *p)
{
	const char *t;
	uint64_t n;
	int e = cloudpay_text(p, "time_expire", 32, &t);

	if (e < 0 || !*t)
		return e;
	if (strlen(t) != 14 || slice_to_u64(slice_str(t), UINT64_MAX, &n) < 0)
		return fault_set(&p->call->job.why, ERR_PARAM,
			"timeExpire: 20261120183000, of China's clock");
	return json_object_set_new(p->held, "expireAt",
		json_sprintf("%.4s-%.2s-%.2sT%.2s:%.2s:%.2s+08:00", t, t + 4,
			t + 6, t + 8, t + 10, t + 12));
}

static int
put_place(struct cloudpay *p)
{
	const char *ip;
	int e = cloudpay_text(p, "spbill_create_ip", 64, &ip);

	/* what every example has, and says nothing about the user */
	if (e < 0 || !*ip || !strcmp(ip, "127.0.0.1"))
		return e;
	return json_object_set_new(p->held, "sceneInfo",
		json_pack("{s:s}", "payer_client_ip", ip));
}

static int
order_build(struct cloudpay *p)
{
	static const struct {
		const char *from, *name;
	} texts[] = {
		{"out_trade_no", "outTradeNo"},
		{"body", "description"},
		{"attach", "attach"},
		{"goods_tag", "goodsTag"},
		{"function_name", "function"},
	};
	const char *type, *sharing;
	int64_t fee;
	int e = cloudpay_fee(p, "total_fee", true, &fee);

	if (e == 0)
		e = cloudpay_text(p, "trade_type", 16, &type);
	if (e == 0)
		e = cloudpay_text(p, "profit_sharing", 8, &sharing);
	if (e == 0 && *type && strcmp(type, "JSAPI") != 0)
		e = fault_set(&p->call->job.why, ERR_PARAM,
			"tradeType: only JSAPI is offered here");
	if (e < 0)
		return e;
	p->held = json_object();
	(void)json_object_set_new(p->held, "total", json_integer(fee));
	(void)json_object_set_new(
		p->held, "mchid", json_string(p->merchant->mchid));
	if (!strcmp(sharing, "Y"))
		(void)json_object_set_new(p->held, "settleInfo",
			json_pack("{s:b}", "profit_sharing", 1));
	for (size_t i = 0; e == 0 && i < array_size(texts); i++)
		e = put_text(p, texts[i].from, texts[i].name);
	if (e == 0)
		e = put_end(p);
	return e < 0 ? e : put_place(p);
}

static void
order_begin(struct cloudpay *p, job_fn *done)
{
	p->order = (struct order){
		.arena = p->call->arena, .mchid = p->merchant->mchid};
	job_init(&p->order.job, done);
	call_wait(p->call, &p->order.job);
}

int
cloudpay_unified_order(struct cloudpay *p)
{
	int e = order_build(p);

	if (e < 0)
		return e;
	p->call->gateway->count->orders++;
	order_begin(p, on_placed);
	guard_paying(p->call->gateway, &p->who);
	order_place(p->call->gateway->pay, &p->order, &p->who, p->held, true);
	return 0;
}

/* ---- queryOrder, closeOrder ---- */

static void
on_queried(struct job *job)
{
	struct cloudpay *p = container_of(job, struct cloudpay, order.job);

	if (job->err < 0)
		cloudpay_refused(p, job->err, &job->why);
	else
		cloudpay_show(p, "SELECT mpcloud.cloudpay_order($1, $2)::text",
			false);
}

static void
query_found(struct cloudpay *p)
{
	order_begin(p, on_queried);
	order_refresh(
		p->call->gateway->pay, &p->order, &p->who, slice_str(p->no));
}

static void
close_found(struct cloudpay *p)
{
	order_begin(p, on_queried);
	order_end(p->call->gateway->pay, &p->order, &p->who, slice_str(p->no));
}

int
cloudpay_query_order(struct cloudpay *p)
{
	return cloudpay_find(p, query_found);
}

int
cloudpay_close_order(struct cloudpay *p)
{
	return cloudpay_find(p, close_found);
}
