/*
 * The questions about orders and refunds as v3 asks them (docs "JSAPI order",
 * "query order", "close order", "refund", "query refund", "trade bill"), and
 * the choice between v3 and v2, which is gate_v2.c's.
 */
#include "pay/gate.h"

#include "base/clock.h"
#include "base/text.h"
#include "pay/gate_v2.h"
#include "pay/gunzip.h"
#include "pay/sign.h"
#include "pay/trade.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
	PATH_TOP = 1024,
	NONCE = 32,
	SIGN_TOP = 1024,
	PREPAY_TOP = 64,
	URL_TOP = 2048,
	DEADLINE_MS = 160000, /* above the sum of what is inside */
};

/* Numbers may have letters that stand for something in an address. */
static const char *
path_make(struct gate *g, const char *head, const char *no, const char *tail)
{
	_buf_ struct buf b;

	buf_init(&b, PATH_TOP);
	buf_str(&b, head);
	text_url(&b, slice_str(no));
	buf_str(&b, tail);
	return arena_str(g->arena, buf_all(&b));
}

static void
start(struct gate *g, const char *method)
{
	wxpay_start(&g->v3, g->home.loop, g->home.fetcher, g->merchant, method,
		g->path, g->body);
}

static void
ask_query(struct gate *g)
{
	_buf_ struct buf tail;

	buf_init(&tail, PATH_TOP);
	buf_printf(&tail, "?mchid=%s", g->merchant->mchid);
	g->path = path_make(
		g, "/v3/pay/transactions/out-trade-no/", g->no, tail.ptr);
	start(g, "GET");
}

static void
ask_close(struct gate *g)
{
	_buf_ struct buf body;

	buf_init(&body, PATH_TOP);
	buf_printf(&body, "{\"mchid\":\"%s\"}", g->merchant->mchid);
	g->body = slice_str(arena_str(g->arena, buf_all(&body)));
	g->path = path_make(
		g, "/v3/pay/transactions/out-trade-no/", g->no, "/close");
	start(g, "POST");
}

static void
ask_bill(struct gate *g)
{
	if (g->account)
		g->path = arena_printf(g->arena,
			"/v3/bill/fundflowbill?bill_date=%s&account_type=%s"
			"&tar_type=GZIP",
			g->no, g->account);
	else
		g->path = path_make(g, "/v3/bill/tradebill?bill_date=", g->no,
			"&bill_type=ALL&tar_type=GZIP");
	start(g, "GET");
}

static void
ask_v3(struct gate *g)
{
	switch (g->what) {
	case GATE_ORDER:
		g->path = "/v3/pay/transactions/jsapi";
		start(g, "POST");
		break;
	case GATE_QUERY:
		ask_query(g);
		break;
	case GATE_CLOSE:
		ask_close(g);
		break;
	case GATE_REFUND:
		g->path = "/v3/refund/domestic/refunds";
		start(g, "POST");
		break;
	case GATE_REFUND_QUERY:
		g->path =
			path_make(g, "/v3/refund/domestic/refunds/", g->no, "");
		start(g, "GET");
		break;
	case GATE_BILL:
		ask_bill(g);
		break;
	case GATE_BILL_FILE:
		wxpay_download(&g->v3, g->home.loop, g->home.fetcher,
			g->merchant, g->url, GATE_BILL_TOP);
		break;
	}
}

static int
prepay_take(struct gate *g, const char *id)
{
	size_t n = id ? strlen(id) : 0;

	for (size_t i = 0; i < n; i++)
		if (id[i] <= 0x20 || id[i] > 0x7e || id[i] == '"' ||
			id[i] == '\\')
			n = 0;
	if (n == 0 || n > PREPAY_TOP)
		return fault_set(&g->job.why, ERR_UPSTREAM,
			"WeChat Pay's answer has no prepay_id");
	g->prepay_id = arena_str(g->arena, slice_of(id, n));
	return 0;
}

static int
told_check(struct gate *g)
{
	const struct notify *n = &g->told;
	const char *theirs =
		g->what == GATE_QUERY ? n->out_trade_no : n->out_refund_no;

	if (strcmp(n->mchid, g->merchant->mchid) == 0 &&
		strcmp(g->no, theirs) == 0)
		return 0;
	return fault_set(&g->job.why, ERR_PAY_FORGED,
		"WeChat Pay's answer is about another order");
}

static int
told_take(struct gate *g, const json_t *v)
{
	int r = g->what == GATE_QUERY
			? trade_read(&g->told, v, g->arena, &g->job.why)
			: trade_read_refund(&g->told, v, g->merchant->mchid,
				  g->arena, &g->job.why);

	if (r == 0)
		r = told_check(g);
	if (r == 0 && g->what != GATE_QUERY)
		g->told.appid = g->appid;
	return r == ERR_FORMAT ? fault_set(&g->job.why, ERR_UPSTREAM, "%s",
					 fault_text(&g->job.why, r))
			       : r;
}

/* What is downloaded, and its sum. */
static int
bill_take(struct gate *g, const json_t *v)
{
	struct slice how = {0}, sum = {0}, url = {0};

	if (val_str(v, "hash_type", 16, &how, NULL) < 0 ||
		!slice_is(how, "SHA1") ||
		val_str(v, "hash_value", 2 * SHA1_LEN, &sum, NULL) < 0 ||
		val_str(v, "download_url", URL_TOP, &url, NULL) < 0)
		return fault_set(&g->job.why, ERR_UPSTREAM,
			"WeChat Pay's answer about a bill lacks hash_type "
			"SHA1, "
			"hash_value or download_url");
	g->sum = arena_str(g->arena, sum);
	g->url = arena_str(g->arena, url);
	return 0;
}

/* WeChat Pay decides whether it packs what was asked for packed. */
static int
bill_unpack(struct gate *g, struct buf *from)
{
	if (gunzip_is(buf_all(from))) {
		buf_init(&g->bill, GATE_BILL_TOP);
		if (gunzip(&g->bill, buf_all(from)) == 0)
			return 0;
		return fault_set(&g->job.why, ERR_PAY_FORGED,
			"the bill does not unpack: it was cut or changed on "
			"its way");
	}
	g->bill = *from;
	buf_init(from, 1);
	return 0;
}

static int
file_take(struct gate *g)
{
	uint8_t sum[SHA1_LEN];
	_buf_ struct buf hex;

	buf_init(&hex, 2 * SHA1_LEN);
	if (bill_unpack(g, &g->v3.fetch.body) < 0)
		return ERR_PAY_FORGED;
	crypto_sha1(buf_all(&g->bill), sum);
	text_hex(&hex, slice_of(sum, sizeof(sum)));
	if (!slice_is_nocase(buf_all(&hex), g->sum))
		return fault_set(&g->job.why, ERR_PAY_FORGED,
			"the bill's SHA1 is not the one that WeChat Pay said: "
			"it was cut or changed on its way");
	return 0;
}

static int
answer_take(struct gate *g)
{
	const json_t *v = g->v3.answer;

	switch (g->what) {
	case GATE_ORDER:
		return prepay_take(
			g, json_string_value(json_object_get(v, "prepay_id")));
	case GATE_CLOSE:
		return 0;
	case GATE_BILL:
		return bill_take(g, v);
	case GATE_BILL_FILE:
		return file_take(g);
	default:
		return told_take(g, v);
	}
}

/* A refusal's word; "closed already" is what was wanted. */
static int
gate_refused(struct gate *g, int err, const char *code, const struct fault *why)
{
	if (err == ERR_PAY_REFUSED && g->what == GATE_CLOSE &&
		strcmp(code, "ORDER_CLOSED") == 0)
		return 0;
	(void)snprintf(g->code, sizeof(g->code), "%s", code);
	if (why->text[0])
		g->job.why = *why;
	return err;
}

static void
on_v3(struct job *job)
{
	struct gate *g = container_of(job, struct gate, v3.job);
	int r = job->err < 0 ? gate_refused(g, job->err, g->v3.code, &job->why)
			     : answer_take(g);

	if (r == 0 && g->what == GATE_BILL) {
		wxpay_done(&g->v3);
		g->what = GATE_BILL_FILE;
		job_init(&g->v3.job, on_v3);
		ask_v3(g);
		return;
	}
	job_finish(&g->job, r);
}

static void
on_v2(struct job *job)
{
	struct gate *g = container_of(job, struct gate, v2.job);
	int r = job->err < 0 ? gate_refused(g, job->err, g->v2.code, &job->why)
			     : 0;

	if (r == 0 && job->err == 0) {
		switch (g->what) {
		case GATE_ORDER:
			r = prepay_take(g, json_string_value(json_object_get(
						   g->v2.answer, "prepay_id")));
			break;
		case GATE_CLOSE:
			break;
		case GATE_BILL:
			r = bill_unpack(g, &g->v2.fetch.body);
			break;
		default:
			r = gate_v2_told(g);
			if (r == 0)
				r = told_check(g);
		}
	}
	job_finish(&g->job, r);
}

static void
on_drop(struct job *job)
{
	struct gate *g = container_of(job, struct gate, job);

	if (g->merchant->api == MERCHANT_V2)
		v2_done(&g->v2);
	else
		wxpay_done(&g->v3);
}

static const char *
copied(struct gate *g, const char *s)
{
	return s ? arena_str(g->arena, slice_str(s)) : "";
}

static void
gate_start(struct gate *g, enum gate_what what, const struct gate_home *home,
	struct merchant *m, struct arena *arena, const char *appid,
	const char *no, struct slice body)
{
	gate_done(g);
	g->what = what;
	g->home = *home;
	g->merchant = merchant_ref(m);
	g->arena = arena;
	g->appid = copied(g, appid);
	g->no = copied(g, no);
	g->body = body.len ? slice_of(arena_str(arena, body), body.len) : body;
	g->code[0] = '\0';
	g->prepay_id = NULL;
	buf_init(&g->bill, 1);
	memset(&g->told, 0, sizeof(g->told));
	job_begin(&g->job, home->loop, DEADLINE_MS, on_drop);
	if (m->api == MERCHANT_V2) {
		memset(&g->v2, 0, sizeof(g->v2));
		job_init(&g->v2.job, on_v2);
		gate_v2_ask(g);
	} else {
		memset(&g->v3, 0, sizeof(g->v3));
		job_init(&g->v3.job, on_v3);
		ask_v3(g);
	}
}

void
gate_order(struct gate *g, const struct gate_home *home, struct merchant *m,
	struct arena *arena, struct slice body)
{
	gate_start(g, GATE_ORDER, home, m, arena, "", "", body);
}

void
gate_query(struct gate *g, const struct gate_home *home, struct merchant *m,
	struct arena *arena, const char *appid, const char *out_trade_no)
{
	gate_start(g, GATE_QUERY, home, m, arena, appid, out_trade_no,
		slice_of(NULL, 0));
}

void
gate_close(struct gate *g, const struct gate_home *home, struct merchant *m,
	struct arena *arena, const char *appid, const char *out_trade_no)
{
	gate_start(g, GATE_CLOSE, home, m, arena, appid, out_trade_no,
		slice_of(NULL, 0));
}

void
gate_refund(struct gate *g, const struct gate_home *home, struct merchant *m,
	struct arena *arena, const char *appid, struct slice body)
{
	_json_ json_t *v = NULL;
	const char *no = NULL;

	if (val_parse(&v, body, NULL) == 0)
		no = json_string_value(json_object_get(v, "out_refund_no"));
	gate_start(g, GATE_REFUND, home, m, arena, appid, no, body);
}

void
gate_refund_query(struct gate *g, const struct gate_home *home,
	struct merchant *m, struct arena *arena, const char *appid,
	const char *out_refund_no)
{
	gate_start(g, GATE_REFUND_QUERY, home, m, arena, appid, out_refund_no,
		slice_of(NULL, 0));
}

void
gate_bill(struct gate *g, const struct gate_home *home, struct merchant *m,
	struct arena *arena, const char *appid, const char *day)
{
	gate_start(g, GATE_BILL, home, m, arena, appid, day, slice_of(NULL, 0));
}

void
gate_flow(struct gate *g, const struct gate_home *home, struct merchant *m,
	struct arena *arena, const char *appid, const char *day,
	const char *account)
{
	if (m->api == MERCHANT_V2) {
		job_fail_soon(&g->job, home->loop, ERR_UNIMPLEMENTED);
		return;
	}
	g->account = account;
	gate_start(g, GATE_BILL, home, m, arena, appid, day, slice_of(NULL, 0));
}

void
gate_done(struct gate *g)
{
	if (!g->merchant)
		return;
	job_cancel(&g->job);
	on_drop(&g->job);
	buf_done(&g->bill);
	g->merchant = merchant_unref(g->merchant);
}

int
gate_payment(struct buf *to, const struct merchant *m, const char *appid,
	struct slice prepay_id)
{
	bool v2 = m->api == MERCHANT_V2;
	char timestamp[24], nonce[NONCE + 1];
	_buf_ struct buf sign;
	int r;

	buf_init(&sign, SIGN_TOP);
	(void)snprintf(timestamp, sizeof(timestamp), "%" PRId64, clock_now_s());
	text_random_hex(nonce, NONCE / 2);
	r = v2 ? gate_v2_sign(&sign, m, appid, timestamp, nonce, prepay_id)
	       : sign_payment(&sign, m->private_key, slice_str(appid),
			 slice_str(timestamp), slice_str(nonce), prepay_id);
	if (r < 0)
		return r;
	buf_printf(to,
		"{\"timeStamp\":\"%s\",\"nonceStr\":\"%s\","
		"\"package\":\"prepay_id=%.*s\",\"signType\":\"%s\","
		"\"paySign\":\"%s\"}",
		timestamp, nonce, SLICE_ARG(prepay_id),
		v2 ? gate_v2_sign_type(m) : "RSA", sign.ptr);
	return buf_check(to);
}
