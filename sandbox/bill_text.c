/*
 * A trade bill as text: a heading, a line for each payment and each refund of
 * the day, a heading and a line with the sums.  Every value begins with a
 * backtick; nothing is quoted, as in WeChat's.
 */

#include "bill.h"

#include "pay.h"

#include "base/mem.h"

#include <stdio.h>
#include <time.h>

enum {
	IN_ALL = 1 << BILL_ALL,
	IN_SUCCESS = 1 << BILL_SUCCESS,
	IN_REFUND = 1 << BILL_REFUND
};

enum column {
#define X(name, heading, in) COLUMN_##name,
#include "bill_column.def"
#undef X
	COLUMNS
};

static const struct {
	const char *heading;
	unsigned in;
} columns[] = {
#define X(name, heading, in) {heading, in},
#include "bill_column.def"
#undef X
};

enum { CELL = 160 };

/* One line in the making. */
struct line {
	char cells[COLUMNS][CELL];
};

struct sums {
	size_t count;
	int64_t settlement, refund, fee, total, refund_asked;
};

struct writer {
	struct buf *to;
	const struct sandbox *s;
	const struct bill_ask *ask;
	struct sums sums;
};

void
bill_yuan(char ret[32], int64_t fen)
{
	int64_t n = fen < 0 ? -fen : fen;

	(void)snprintf(ret, 32, "%s%lld.%02lld", fen < 0 ? "-" : "",
		(long long)(n / 100), (long long)(n % 100));
}

int64_t
bill_fee(int64_t fen)
{
	return (fen * 6 + 500) / 1000;
}

void
bill_time(char ret[32], int64_t ms)
{
	char full[32];

	china_time(full, ms);
	(void)snprintf(ret, 32, "%.10s %.8s", full, full + 11);
}

bool
bill_hides(const struct sandbox *s, const char *number)
{
	const json_t *list = s->pay->bills.hidden;

	for (size_t i = 0; i < json_array_size(list); i++)
		if (strcmp(json_string_value(json_array_get(list, i)),
			    number) == 0)
			return true;
	return false;
}

int64_t
bill_amount(const struct sandbox *s, const char *number, int64_t amount)
{
	const json_t *other = json_object_get(s->pay->bills.totals, number);

	return other ? json_integer_value(other) : amount;
}

/* Line ends and what else would break the line become blanks. */
static void
put(struct line *l, enum column c, const char *value)
{
	(void)snprintf(l->cells[c], CELL, "%s", value ? value : "");
	for (char *at = l->cells[c]; *at; at++)
		if ((unsigned char)*at < ' ')
			*at = ' ';
}

static void
put_yuan(struct line *l, enum column c, int64_t fen)
{
	char text[32];

	bill_yuan(text, fen);
	put(l, c, text);
}

/* Five places, of which WeChat uses two. */
static void
put_fee(struct line *l, int64_t fen)
{
	char text[32], full[40];

	bill_yuan(text, fen);
	(void)snprintf(full, sizeof(full), "%s000", text);
	put(l, COLUMN_FEE, full);
}

static void
end_line(const struct writer *w)
{
	buf_str(w->to, w->s->pay->bills.plain ? "\n" : "\r\n");
}

static void
write_line(struct writer *w, const struct line *l)
{
	bool first = true;

	for (unsigned i = 0; i < COLUMNS; i++) {
		if (!(columns[i].in & 1u << w->ask->kind))
			continue;
		buf_printf(w->to, "%s`%s", first ? "" : ",", l->cells[i]);
		first = false;
	}
	end_line(w);
	w->sums.count++;
}

static void
write_heading(struct writer *w)
{
	bool first = true;

	if (!w->s->pay->bills.plain)
		buf_str(w->to, "\xef\xbb\xbf");
	for (unsigned i = 0; i < COLUMNS; i++) {
		if (!(columns[i].in & 1u << w->ask->kind))
			continue;
		buf_printf(w->to, "%s%s", first ? "" : ",", columns[i].heading);
		first = false;
	}
	end_line(w);
}

/* What payments and refunds of an order have in common. */
static void
line_start(struct line *l, const struct trade *t, int64_t ms)
{
	char when[32];

	bill_time(when, ms);
	put(l, COLUMN_TIME, when);
	put(l, COLUMN_APPID, trade_word(t, "appid"));
	put(l, COLUMN_MCHID, t->seller->mchid);
	put(l, COLUMN_SUB_MCHID, "0");
	put(l, COLUMN_TRANSACTION, t->transaction_id);
	put(l, COLUMN_NUMBER, trade_word(t, "out_trade_no"));
	put(l, COLUMN_OPENID, trade_openid(t));
	put(l, COLUMN_TYPE, "JSAPI");
	put(l, COLUMN_BANK, "OTHERS");
	put(l, COLUMN_CURRENCY, "CNY");
	put(l, COLUMN_NAME, trade_word(t, "description"));
	put(l, COLUMN_ATTACH, trade_word(t, "attach"));
	put(l, COLUMN_RATE, "0.60%");
	put_yuan(l, COLUMN_COUPON, 0);
	put_yuan(l, COLUMN_REFUND_COUPON, 0);
}

static void
payment_amounts(struct writer *w, struct line *l, int64_t total, int64_t coupon)
{
	put(l, COLUMN_STATE, "SUCCESS");
	put(l, COLUMN_REFUND_ID, "0");
	put(l, COLUMN_REFUND_NUMBER, "0");
	put_yuan(l, COLUMN_SETTLEMENT, total);
	put_yuan(l, COLUMN_COUPON, coupon);
	put_yuan(l, COLUMN_REFUND_AMOUNT, 0);
	put_yuan(l, COLUMN_TOTAL, total);
	put_yuan(l, COLUMN_REFUND_ASKED, 0);
	put_fee(l, bill_fee(total));
	w->sums.settlement += total;
	w->sums.total += total;
	w->sums.fee += bill_fee(total);
}

static void
write_payment(struct writer *w, const struct trade *t)
{
	const char *number = trade_word(t, "out_trade_no");
	struct line l = {0};

	if (t->paid_ms < w->ask->from_ms || t->paid_ms >= w->ask->until_ms ||
		w->ask->kind == BILL_REFUND || bill_hides(w->s, number))
		return;
	line_start(&l, t, t->paid_ms);
	payment_amounts(w, &l, bill_amount(w->s, number, t->total), t->coupon);
	write_line(w, &l);
}

static void
write_refund(struct writer *w, const struct refund *r)
{
	const char *number = refund_word(r, "out_refund_no");
	int64_t amount = bill_amount(w->s, number, r->amount);
	struct line l = {0};
	char when[32];

	if (r->created_ms < w->ask->from_ms ||
		r->created_ms >= w->ask->until_ms ||
		w->ask->kind == BILL_SUCCESS || bill_hides(w->s, number))
		return;
	line_start(&l, r->trade, r->created_ms);
	bill_time(when, r->created_ms);
	put(&l, COLUMN_REFUND_TIME, when);
	if (r->state == REFUND_SUCCESS) {
		bill_time(when, r->settled_ms);
		put(&l, COLUMN_REFUND_DONE, when);
	}
	put(&l, COLUMN_STATE, "REFUND");
	put(&l, COLUMN_REFUND_ID, r->refund_id);
	put(&l, COLUMN_REFUND_NUMBER, number);
	put(&l, COLUMN_REFUND_TYPE, "ORIGINAL");
	put(&l, COLUMN_REFUND_STATE, refund_state_word(r->state));
	put_yuan(&l, COLUMN_SETTLEMENT, 0);
	put_yuan(&l, COLUMN_REFUND_AMOUNT, amount);
	put_yuan(&l, COLUMN_TOTAL, 0);
	put_yuan(&l, COLUMN_REFUND_ASKED, amount);
	put_fee(&l, -bill_fee(amount));
	write_line(w, &l);
	w->sums.refund += amount;
	w->sums.refund_asked += amount;
	w->sums.fee -= bill_fee(amount);
}

static const char *
extra_word(const json_t *extra, const char *name, const char *preset)
{
	const char *word = json_string_value(json_object_get(extra, name));

	return word ? word : preset;
}

/* An order that nobody placed, at noon. */
static void
write_extra(struct writer *w, const json_t *extra)
{
	const struct seller *m = w->ask->seller;
	const char *date = extra_word(extra, "date", NULL);
	struct line l = {0};
	char when[32];

	if (w->ask->kind == BILL_REFUND ||
		(date && !slice_is(w->ask->date, date)) ||
		strcmp(extra_word(extra, "mchid", w->s->keys.mchid),
			m->mchid) != 0)
		return;
	bill_time(when, w->ask->from_ms + 12 * 3600 * 1000);
	put(&l, COLUMN_TIME, when);
	put(&l, COLUMN_APPID,
		extra_word(extra, "appid",
			json_string_value(json_array_get(m->apps, 0))));
	put(&l, COLUMN_MCHID, m->mchid);
	put(&l, COLUMN_SUB_MCHID, "0");
	put(&l, COLUMN_TRANSACTION,
		extra_word(extra, "transaction_id",
			"4200000000000000000000000000"));
	put(&l, COLUMN_NUMBER, extra_word(extra, "out_trade_no", ""));
	put(&l, COLUMN_OPENID, extra_word(extra, "openid", ""));
	put(&l, COLUMN_TYPE, "JSAPI");
	put(&l, COLUMN_BANK, "OTHERS");
	put(&l, COLUMN_CURRENCY, "CNY");
	put(&l, COLUMN_NAME, extra_word(extra, "description", "extra"));
	put(&l, COLUMN_RATE, "0.60%");
	put_yuan(&l, COLUMN_REFUND_COUPON, 0);
	payment_amounts(
		w, &l, json_integer_value(json_object_get(extra, "total")), 0);
	write_line(w, &l);
}

static void
write_sums(struct writer *w)
{
	char settlement[32], refund[32], fee[32], total[32], asked[32];
	const struct sums *n = &w->sums;

	bill_yuan(settlement, n->settlement);
	bill_yuan(refund, n->refund);
	bill_yuan(fee, n->fee);
	bill_yuan(total, n->total);
	bill_yuan(asked, n->refund_asked);
	if (w->ask->kind == BILL_SUCCESS) {
		buf_str(w->to, "总交易单数,应结订单总金额,手续费总金额,"
			       "订单总金额");
		end_line(w);
		buf_printf(w->to, "`%zu,`%s,`%s000,`%s", n->count, settlement,
			fee, total);
	} else {
		buf_str(w->to, "总交易单数,应结订单总金额,退款总金额,"
			       "充值券退款总金额,手续费总金额,订单总金额,"
			       "申请退款总金额");
		end_line(w);
		buf_printf(w->to, "`%zu,`%s,`%s,`0.00,`%s000,`%s,`%s", n->count,
			settlement, refund, fee, total, asked);
	}
	end_line(w);
}

size_t
bill_write(struct buf *to, const struct sandbox *s, const struct bill_ask *ask)
{
	struct writer w = {.to = to, .s = s, .ask = ask};
	struct list *age = (struct list *)(uintptr_t)&s->pay->trades.age;
	const json_t *extras = s->pay->bills.extras;

	write_heading(&w);
	list_for_each (at, age) {
		struct trade *t =
			container_of(container_of(at, struct item, in_age),
				struct trade, item);

		if (t->seller != ask->seller || !trade_was_paid(t))
			continue;
		write_payment(&w, t);
		list_for_each (in, &t->refunds)
			write_refund(
				&w, container_of(in, struct refund, in_trade));
	}
	for (size_t i = 0; i < json_array_size(extras); i++)
		write_extra(&w, json_array_get(extras, i));
	write_sums(&w);
	return w.sums.count;
}
