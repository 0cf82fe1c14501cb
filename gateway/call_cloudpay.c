/*
 * wx.wxPayApi: cloudPay.unifiedOrder, queryOrder, closeOrder, refund,
 * queryRefund, downloadBill and downloadFundflow for unmodified wx-server-sdk
 * (CloudBase's pages "CloudPay.unifiedOrder" and so on: the fields of API v2
 * without appid, mch_id and signatures).  The orders are ours, whichever API
 * the merchant has.
 *
 * What WeChat or an order's state refuses is an answer there, not an error:
 * return_code SUCCESS, result_code FAIL, err_code; authors look at these.
 */
#include "gateway/call_cloudpay.h"

#include "base/text.h"
#include "gateway/call_wechat.h"
#include "gateway/gateway.h"
#include "pay/bill.h"

#include <stdio.h>

enum { ANSWER_TOP = 8192, APPID_TOP = 64 };

int
cloudpay_text(
	struct cloudpay *p, const char *name, size_t top, const char **ret)
{
	const json_t *v = json_object_get(p->data, name);
	struct slice s;
	int e;

	if (json_is_integer(v)) {
		*ret = arena_printf(p->call->arena, "%" JSON_INTEGER_FORMAT,
			json_integer_value(v));
		return 0;
	}
	e = val_str_or(p->data, name, top, SLICE(""), &s, &p->call->job.why);
	if (e == 0 && memchr(s.ptr, '\0', s.len))
		e = fault_set(&p->call->job.why, ERR_PARAM,
			"%s: no NUL characters", name);
	if (e == 0)
		*ret = arena_str(p->call->arena, s);
	return e;
}

/* Fees are whole numbers of fen; "100" will do as well. */
int
cloudpay_fee(struct cloudpay *p, const char *name, bool must, int64_t *ret)
{
	const json_t *v = json_object_get(p->data, name);
	uint64_t n = 0;

	if (json_is_string(v) && slice_to_u64(slice_of(json_string_value(v),
						      json_string_length(v)),
					 INT64_MAX, &n) == 0)
		*ret = (int64_t)n;
	else if (json_is_integer(v))
		*ret = json_integer_value(v);
	else if (!v || json_is_null(v))
		*ret = 0;
	else
		return fault_set(&p->call->job.why, ERR_PARAM,
			"%s: a whole number, of fen", name);
	if (*ret < 0 || (must && *ret < 1))
		return fault_set(&p->call->job.why, ERR_PARAM,
			"%s: a whole number of fen, 1 or more", name);
	return 0;
}

/* ---- answers ---- */

static void
rest(struct call *c)
{
	struct cloudpay *p = c->wechat;

	json_decref(p->held);
	if (p->has_gate)
		gate_done(&p->gate);
	p->merchant = merchant_unref(p->merchant);
}

void
cloudpay_answer(struct cloudpay *p, struct slice json)
{
	call_wechat_answer(p->call, CALL_BYTES, json);
	call_end(p->call, 0, NULL);
}

/* WeChat's word in "WeChat Pay: NOT_ENOUGH: …", without underscores as v2 has
 * it; of our own refusals, what v2 would have said. */
static void
code_of(int err, const char *why, char ret[64])
{
	static const char head[] = "WeChat Pay: ";
	static const struct {
		int err;
		const char *words, *code;
	} rows[] = {
		{ERR_ORDER_NOT_FOUND, "refund", "REFUNDNOTEXIST"},
		{ERR_ORDER_NOT_FOUND, "", "ORDERNOTEXIST"},
		{ERR_CONFLICT, "paid", "ORDERPAID"},
		{ERR_CONFLICT, "closed", "ORDERCLOSED"},
		{ERR_CONFLICT, "taken", "OUT_TRADE_NO_USED"},
		{ERR_CONFLICT, "", "INVALID_REQUEST"},
	};
	size_t n = 0;

	if (slice_starts(slice_str(why), head)) {
		for (const char *s = why + sizeof(head) - 1;
			*s && *s != ':' && n < 63; s++)
			if (*s != '_')
				ret[n++] = *s;
		ret[n] = '\0';
		return;
	}
	for (size_t i = 0; i < array_size(rows); i++)
		if (rows[i].err == err && strstr(why, rows[i].words)) {
			(void)snprintf(ret, 64, "%s", rows[i].code);
			return;
		}
	(void)snprintf(ret, 64, "SYSTEMERROR");
}

/* What is said about the payment, and how; everything else is an error of the
 * call. */
static bool
is_answer(int err)
{
	static const int those[] = {ERR_ORDER_NOT_FOUND, ERR_CONFLICT,
		ERR_PAY_REFUSED, ERR_UPSTREAM, ERR_UPSTREAM_BUSY, ERR_TIMEOUT,
		ERR_PAY_FORGED};

	for (size_t i = 0; i < array_size(those); i++)
		if (err == those[i])
			return true;
	return false;
}

static int
refusal(struct cloudpay *p, int err, const struct fault *why)
{
	const char *text = fault_text(why, err);
	_buf_ struct buf b = {0};
	char code[64];

	buf_init(&b, ANSWER_TOP);
	if (err == ERR_PARAM || err == ERR_UPSTREAM_CONFIG) {
		buf_str(&b, "{\"return_code\":\"FAIL\",\"return_msg\":");
		buf_json(&b, slice_str(text));
		buf_char(&b, '}');
	} else {
		code_of(err, text, code);
		buf_str(&b, "{\"return_code\":\"SUCCESS\",\"return_msg\":"
			    "\"OK\",\"result_code\":\"FAIL\",\"err_code\":");
		buf_json(&b, slice_str(code));
		buf_str(&b, ",\"err_code_des\":");
		buf_json(&b, slice_str(text));
		buf_char(&b, '}');
	}
	if (buf_check(&b) < 0)
		return ERR_INTERNAL;
	call_wechat_answer(p->call, CALL_BYTES,
		slice_of(arena_str(p->call->arena, buf_all(&b)), b.len));
	return 0;
}

void
cloudpay_refused(struct cloudpay *p, int err, const struct fault *why)
{
	if ((is_answer(err) || err == ERR_PARAM ||
		    err == ERR_UPSTREAM_CONFIG) &&
		refusal(p, err, why) == 0)
		call_end(p->call, 0, NULL);
	else
		call_end(p->call, err, why);
}

static void
on_shown(struct job *job)
{
	struct cloudpay *p = container_of(
		container_of(job, struct ask, job), struct cloudpay, ask);
	struct slice json;

	if (job->err < 0 || ask_rows(&p->ask) != 1 ||
		ask_is_null(&p->ask, 0, 0)) {
		cloudpay_refused(p,
			job->err < 0 ? job->err : ERR_ORDER_NOT_FOUND,
			&job->why);
		return;
	}
	json = ask_value(&p->ask, 0, 0);
	cloudpay_answer(p, slice_of(arena_str(p->call->arena, json), json.len));
}

void
cloudpay_show(struct cloudpay *p, const char *sql, bool third)
{
	job_init(&p->ask.job, on_shown);
	p->ask.is_read = false; /* it follows our own writes */
	call_wait(p->call, &p->ask.job);
	pool_ask(p->call->gateway->pool, &p->ask, sql,
		(struct slice[]){slice_str(p->merchant->mchid),
			slice_str(p->no), slice_str(p->refund_no)},
		third ? 3 : 2);
}

/* ---- which order, which refund ---- */

static void
on_found(struct job *job)
{
	struct cloudpay *p = container_of(
		container_of(job, struct ask, job), struct cloudpay, ask);
	struct arena *arena = p->call->arena;

	if (job->err == 0 && ask_rows(&p->ask) != 1)
		job->err = fault_set(&job->why, ERR_ORDER_NOT_FOUND,
			"this order or refund does not exist here");
	if (job->err < 0) {
		cloudpay_refused(p, job->err, &job->why);
		return;
	}
	p->no = arena_str(arena, ask_value(&p->ask, 0, 0));
	p->refund_no = arena_str(arena, ask_value(&p->ask, 0, 1));
	p->found(p);
}

/* By out_trade_no, transaction_id, out_refund_no or refund_id. */
int
cloudpay_find(struct cloudpay *p, void (*found)(struct cloudpay *))
{
	static const char *const names[] = {
		"out_trade_no", "transaction_id", "out_refund_no", "refund_id"};
	const char *texts[array_size(names)];
	bool any = false;

	for (size_t i = 0; i < array_size(names); i++) {
		int e = cloudpay_text(p, names[i], REFUND_NO, &texts[i]);

		if (e < 0)
			return e;
		any |= *texts[i] != '\0';
	}
	if (!any)
		return fault_set(&p->call->job.why, ERR_PARAM,
			"outTradeNo or transactionId is needed");
	p->found = found;
	job_init(&p->ask.job, on_found);
	call_wait(p->call, &p->ask.job);
	pool_ask(p->call->gateway->pool, &p->ask,
		"SELECT out_trade_no, coalesce(out_refund_no, '')"
		" FROM mpcloud.cloudpay_find($1, $2, $3, $4, $5, $6)",
		(struct slice[]){slice_str(p->call->gateway->conf->server_env),
			slice_str(p->merchant->mchid), slice_str(texts[0]),
			slice_str(texts[1]), slice_str(texts[2]),
			slice_str(texts[3])},
		6);
	return 0;
}

/* ---- the call ---- */

static const struct {
	const char *name;
	int (*run)(struct cloudpay *p);
} apis[] = {
	{"unifiedOrder", cloudpay_unified_order},
	{"queryOrder", cloudpay_query_order},
	{"closeOrder", cloudpay_close_order},
	{"refund", cloudpay_refund},
	{"queryRefund", cloudpay_query_refund},
	{"downloadBill", cloudpay_bill},
	{"downloadFundflow", cloudpay_flow},
};

/* apiOptions: protobuf {appid = 1}; how wx-server-sdk says which mini program
 * is meant when an environment is shared. */
static struct slice
appid_of(struct slice options)
{
	if (options.len < 2 || options.ptr[0] != 0x0a ||
		(size_t)(unsigned char)options.ptr[1] + 2 > options.len ||
		(unsigned char)options.ptr[1] >= APPID_TOP)
		return SLICE("");
	return slice_of(options.ptr + 2, (unsigned char)options.ptr[1]);
}

static int
who_read(struct cloudpay *p)
{
	struct call *c = p->call;
	struct slice appid = appid_of(call_wechat_part(c, "apiOptions"));
	const char *sub, *openid, *sub_openid;
	int e = cloudpay_text(p, "sub_appid", APPID_TOP, &sub);

	if (e == 0)
		e = cloudpay_text(p, "openid", 128, &openid);
	if (e == 0)
		e = cloudpay_text(p, "sub_openid", 128, &sub_openid);
	if (e < 0)
		return e;
	p->who = *c->caller;
	if (appid.len)
		p->who.appid = arena_str(c->arena, appid);
	else if (*sub)
		p->who.appid = sub;
	if (*sub_openid || *openid) {
		p->who.openid = *sub_openid ? sub_openid : openid;
		if (strcmp(p->who.openid, c->caller->openid) != 0)
			p->who.uid = "";
	}
	return 0;
}

static int
merchant_read(struct cloudpay *p)
{
	struct gateway *g = p->call->gateway;
	const char *mchid;
	int e = cloudpay_text(p, "sub_mch_id", 32, &mchid);

	if (e < 0)
		return e;
	if (!g->pay || !g->merchants->count)
		return fault_set(&p->call->job.why, ERR_UPSTREAM_CONFIG,
			"payment is off on this server: [pay] mchid is not "
			"set");
	p->merchant =
		*mchid ? merchants_find(g->merchants, slice_str(mchid)) : NULL;
	if (!*mchid && p->who.appid && *p->who.appid)
		p->merchant = merchants_for_app(
			g->merchants, slice_str(p->who.appid));
	if (!*mchid && !p->merchant)
		p->merchant = merchants_find(g->merchants, SLICE(""));
	if (!p->merchant)
		return fault_set(&p->call->job.why, ERR_PARAM,
			"subMchId: %s is no merchant of this server; it has "
			"%s",
			mchid, g->merchants->merchant[0]->mchid);
	(void)merchant_ref(p->merchant); /* a reload may come meanwhile */
	return 0;
}

static int
run(struct cloudpay *p, struct slice name)
{
	const char *env;
	int e = who_read(p);

	if (e == 0)
		e = merchant_read(p);
	if (e == 0)
		e = cloudpay_text(p, "env_id", 128, &env);
	if (e < 0)
		return e;
	if (*env && strcmp(env, p->call->gateway->conf->server_env) != 0)
		return fault_set(&p->call->job.why, ERR_PARAM,
			"envId: this server is the environment %s, and calls "
			"functions of no other",
			p->call->gateway->conf->server_env);
	for (size_t i = 0; i < array_size(apis); i++)
		if (slice_is(name, apis[i].name))
			return apis[i].run(p);
	return fault_set(&p->call->job.why, ERR_UNIMPLEMENTED,
		"cloudPay.%.*s is not offered here; unifiedOrder, queryOrder, "
		"closeOrder, refund, queryRefund, downloadBill and "
		"downloadFundflow are",
		SLICE_ARG(name));
}

int
call_cloudpay(struct call *c)
{
	struct cloudpay *p = arena_new(c->arena, struct cloudpay);
	struct slice name, data;
	json_t *v = NULL;
	int e = call_wechat_name(c, &name);

	if (e == 0)
		e = call_wechat_data(c, &data);
	if (e == 0)
		e = call_text(c, "requestData", data, &v);
	if (e == 0 && !json_is_object(v))
		e = fault_set(&c->job.why, ERR_PARAM,
			"cloudPay.%.*s: an object is needed", SLICE_ARG(name));
	if (e < 0)
		return e;
	p->call = c;
	p->data = v;
	p->no = p->refund_no = "";
	c->wechat = p;
	c->rest = rest;
	p->api = arena_str(c->arena, name);
	e = run(p, name);
	if (e != ERR_PARAM && e != ERR_UPSTREAM_CONFIG)
		return e;
	e = refusal(p, e, &c->job.why);
	if (e == 0)
		call_end_soon(c);
	return e;
}
