/*
 * GET /v3/bill/tradebill and fundflowbill give an address that is good for five
 * minutes, and the SHA-1 of what is there before it is packed.  The download's
 * answer is not signed; that is what the sum is for.
 */

#include "bill.h"

#include "control.h"
#include "pay.h"
#include "random.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"

#include <stdio.h>
#include <zlib.h>

enum { TEXTS_TOP = 32, NUMBER_TOP = 64, LIST_TOP = 100000 };

#define DAY_MS  86400000LL
#define GOOD_MS 300000LL
#define OLD_MS  (92 * DAY_MS)

struct bill_text {
	struct item item; /* by token */
	const struct seller *seller;
	struct buf text;
	int64_t made_ms;
	bool gzip;
};

static void
bill_text_free(struct item *item)
{
	struct bill_text *b = container_of(item, struct bill_text, item);

	buf_done(&b->text);
	mem_free(b);
}

void
bills_init(struct bills *b)
{
	store_init(&b->texts, TEXTS_TOP, bill_text_free);
	b->hidden = json_array();
	b->totals = json_object();
	b->extras = json_array();
}

void
bills_done(struct bills *b)
{
	store_done(&b->texts);
	json_decref(b->hidden);
	json_decref(b->totals);
	json_decref(b->extras);
}

/* ---- asking ---- */

static bool
date_parse(struct bill_ask *ask, struct slice date)
{
	char text[40];
	int64_t ns;

	(void)snprintf(text, sizeof(text), "%.*sT00:00:00+08:00",
		(int)min(date.len, (size_t)10), date.ptr);
	if (date.len != 10 || text_untime(slice_str(text), &ns) < 0)
		return false;
	ask->date = date;
	ask->from_ms = ns / CLOCK_MS;
	ask->until_ms = ask->from_ms + DAY_MS;
	return true;
}

/* Days that are over, of the last three months. */
static bool
date_check(struct bill_ask *ask, struct exchange *x, struct answer *a)
{
	struct slice date = exchange_query(x, "bill_date");
	int64_t now = clock_now_ms();

	if (!date_parse(ask, date))
		answer_query_error(a, "/bill_date", "YYYY-MM-DD is needed");
	else if (ask->until_ms > now || ask->from_ms < now - OLD_MS)
		answer_pay_error(a, 400, "INVALID_REQUEST",
			"账单日期不合法，仅支持三个月内、今天之前的账单");
	else
		return true;
	return false;
}

static bool
packing_check(struct exchange *x, struct answer *a)
{
	struct slice packing = exchange_query(x, "tar_type");

	if (!packing.ptr || slice_is(packing, "GZIP"))
		return true;
	answer_query_error(a, "/tar_type", "GZIP, or nothing");
	return false;
}

static bool
kind_check(struct exchange *x, enum bill_kind *ret, bool *ret_empty,
	struct answer *a)
{
	static const char *const words[] = {
		[BILL_ALL] = "ALL",
		[BILL_SUCCESS] = "SUCCESS",
		[BILL_REFUND] = "REFUND",
	};
	static const char *const empty[] = {
		"RECHARGE_REFUND", "ALL_SPECIAL", "SUC_SPECIAL", "REF_SPECIAL"};
	struct slice word = exchange_query(x, "bill_type");

	if (word.len == 0)
		word = SLICE("ALL");
	*ret_empty = false;
	for (unsigned i = 0; i < array_size(words); i++)
		if (slice_is(word, words[i])) {
			*ret = (enum bill_kind)i;
			return true;
		}
	for (unsigned i = 0; i < array_size(empty); i++)
		if (slice_is(word, empty[i]))
			*ret_empty = true;
	if (!*ret_empty)
		answer_query_error(a, "/bill_type", "not a type of bill");
	return *ret_empty;
}

static bool
account_check(struct exchange *x, bool *ret_empty, struct answer *a)
{
	struct slice word = exchange_query(x, "account_type");

	*ret_empty = slice_is(word, "OPERATION") || slice_is(word, "FEES");
	if (*ret_empty || word.len == 0 || slice_is(word, "BASIC"))
		return true;
	answer_query_error(a, "/account_type", "BASIC, OPERATION or FEES");
	return false;
}

/* Keeps the text; the answer says where. */
static void
bill_offer(struct sandbox *s, struct exchange *x, struct bill_text *b,
	struct answer *a)
{
	_free_ char *token = random_name("", 32, URL_SAFE);
	struct slice host = exchange_header(x, "Host");
	uint8_t sum[SHA1_LEN];

	crypto_sha1(buf_all(&b->text), sum);
	if (s->pay->bills.bad_hash)
		sum[0] ^= 1;
	b->made_ms = clock_now_ms();
	b->gzip = exchange_query(x, "tar_type").len > 0;
	store_add(&s->pay->bills.texts, &b->item, slice_str(token));
	buf_str(&a->body, "{\"hash_type\":\"SHA1\",\"hash_value\":\"");
	text_hex(&a->body, slice_of(sum, sizeof(sum)));
	buf_printf(&a->body,
		"\",\"download_url\":\"%s://%.*s/v3/billdownload/file?token="
		"%s\"}",
		exchange_is_tls(x) ? "https" : "http", SLICE_ARG(host), token);
}

static void
bill_answer(struct sandbox *s, struct exchange *x, const struct bill_ask *ask,
	bool empty, struct answer *a)
{
	struct bills *all = &s->pay->bills;
	struct bill_text *b;
	size_t lines;

	if (all->creating > 0) {
		all->creating--;
		answer_pay_error(a, 400, "STATEMENT_CREATING", "账单生成中");
		return;
	}
	b = mem_new(struct bill_text);
	b->seller = ask->seller;
	buf_init(&b->text, BILL_TOP);
	lines = ask->kind == BILL_FUNDS ? bill_write_funds(&b->text, s, ask)
					: bill_write(&b->text, s, ask);
	if (lines > 0 && !empty && buf_check(&b->text) == 0) {
		bill_offer(s, x, b, a);
		return;
	}
	bill_text_free(&b->item);
	answer_pay_error(a, 400, "NO_STATEMENT_EXIST", "账单文件不存在");
}

void
pay_tradebill(struct sandbox *s, struct exchange *x, struct answer *a)
{
	struct bill_ask ask = {.seller = pay_enter(s, x, a, false)};
	bool empty;

	if (ask.seller && kind_check(x, &ask.kind, &empty, a) &&
		packing_check(x, a) && date_check(&ask, x, a))
		bill_answer(s, x, &ask, empty, a);
}

void
pay_fundflowbill(struct sandbox *s, struct exchange *x, struct answer *a)
{
	struct bill_ask ask = {
		.seller = pay_enter(s, x, a, false), .kind = BILL_FUNDS};
	bool empty;

	if (ask.seller && account_check(x, &empty, a) && packing_check(x, a) &&
		date_check(&ask, x, a))
		bill_answer(s, x, &ask, empty, a);
}

/* ---- downloading ---- */

int
bill_pack(struct buf *to, struct slice text)
{
	z_stream z = {0};
	uLong top;
	char *room;
	int r;

	if (deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8,
		    Z_DEFAULT_STRATEGY) != Z_OK)
		return ERR_BUSY;
	top = deflateBound(&z, text.len);
	room = buf_reserve(to, top);
	z.next_in = (Bytef *)(uintptr_t)text.ptr;
	z.avail_in = (uInt)text.len;
	z.next_out = (Bytef *)room;
	z.avail_out = room ? (uInt)top : 0;
	r = room ? deflate(&z, Z_FINISH) : Z_BUF_ERROR;
	if (r == Z_STREAM_END)
		buf_grown(to, z.total_out);
	(void)deflateEnd(&z);
	return r == Z_STREAM_END ? 0 : ERR_TOO_BIG;
}

void
pay_billdownload(struct sandbox *s, struct exchange *x, struct answer *a)
{
	struct seller *m = pay_enter(s, x, a, false);
	struct item *i =
		m ? store_find(&s->pay->bills.texts, exchange_query(x, "token"))
		  : NULL;
	struct bill_text *b =
		i ? container_of(i, struct bill_text, item) : NULL;

	if (!m)
		return;
	if (!b || clock_now_ms() - b->made_ms > GOOD_MS) {
		answer_pay_error(a, 400, "INVALID_REQUEST",
			"账单地址已失效，请重新申请账单");
		return;
	}
	if (b->seller != m) {
		answer_pay_error(
			a, 403, "NO_AUTH", "请求的商户与申请的商户不一致");
		return;
	}
	a->sign = false;
	a->type = b->gzip ? "application/x-gzip" : "text/plain";
	if (!b->gzip)
		buf_slice(&a->body, buf_all(&b->text));
	else if (bill_pack(&a->body, buf_all(&b->text)) < 0)
		answer_pay_error(a, 500, "SYSTEM_ERROR", "系统错误");
}

/* ---- what a test makes of them ---- */

static int
list_take(json_t **to, const json_t *ask, const char *name, json_type each,
	struct fault *why)
{
	json_t *list = json_object_get(ask, name);

	if (!list)
		return 0;
	for (size_t i = 0; i < json_array_size(list); i++)
		if (json_typeof(json_array_get(list, i)) != each)
			list = NULL;
	if (!json_is_array(list) || json_array_size(list) > LIST_TOP)
		return fault_set(why, ERR_PARAM, "%s: a list of %s is needed",
			name, each == JSON_STRING ? "numbers" : "orders");
	json_decref(*to);
	*to = json_incref(list);
	return 0;
}

static int
totals_take(struct bills *b, const json_t *ask, struct fault *why)
{
	json_t *totals = json_object_get(ask, "totals"), *one;
	const char *name;

	if (!totals)
		return 0;
	json_object_foreach (totals, name, one)
		if (!json_is_integer(one))
			totals = NULL;
	if (!json_is_object(totals))
		return fault_set(why, ERR_PARAM,
			"totals: an object is needed, number to fen");
	json_decref(b->totals);
	b->totals = json_incref(totals);
	return 0;
}

/* {hide, totals, extra, creating, bad_hash, plain}: what is named is replaced.
 */
void
control_bill(struct sandbox *s, struct exchange *x, struct answer *a)
{
	struct bills *b = &s->pay->bills;
	_json_ json_t *ask = NULL;
	struct fault why = {0};
	int r = control_parse(x, &ask, &why);

	if (r == 0)
		r = list_take(&b->hidden, ask, "hide", JSON_STRING, &why);
	if (r == 0)
		r = list_take(&b->extras, ask, "extra", JSON_OBJECT, &why);
	if (r == 0)
		r = totals_take(b, ask, &why);
	if (r == 0)
		r = val_int_or(ask, "creating", 0, LIST_TOP, b->creating,
			&b->creating, &why);
	if (r == 0)
		r = val_bool_or(
			ask, "bad_hash", b->bad_hash, &b->bad_hash, &why);
	if (r == 0)
		r = val_bool_or(ask, "plain", b->plain, &b->plain, &why);
	if (r < 0)
		control_refuse(a, &why);
	else
		answer_json(
			a, json_pack("{s:O,s:O,s:O,s:I,s:b,s:b}", "hide",
				   b->hidden, "totals", b->totals, "extra",
				   b->extras, "creating",
				   (json_int_t)b->creating, "bad_hash",
				   (int)b->bad_hash, "plain", (int)b->plain));
}
