/*
 * The bill of the money's flow (WeChat Pay's page "资金账单详细说明"): what
 * came in, what was paid back, and what WeChat Pay took of each.
 */

#include "bill.h"

#include "pay.h"

struct flow {
	struct buf *to;
	const struct sandbox *s;
	const struct bill_ask *ask;
	size_t count, in_count, out_count;
	int64_t in, out;
};

static void
end_line(const struct flow *f)
{
	buf_str(f->to, f->s->pay->bills.plain ? "\n" : "\r\n");
}

/* `fen` below 0 goes out. */
static void
write_row(struct flow *f, const struct trade *t, int64_t ms, int64_t fen,
	const char *business, const char *type, const char *voucher)
{
	char when[32], amount[32], balance[32];

	if (fen == 0)
		return;
	f->count++;
	if (fen > 0) {
		f->in_count++;
		f->in += fen;
	} else {
		f->out_count++;
		f->out -= fen;
	}
	bill_time(when, ms);
	bill_yuan(amount, fen > 0 ? fen : -fen);
	bill_yuan(balance, f->in - f->out);
	buf_printf(f->to, "`%s,`%s,`%s%03zu,`%s,`%s,`%s,`%s,`%s,`%sAPI,`,`%s",
		when, voucher, t->transaction_id, f->count % 1000, business,
		type, fen > 0 ? "收入" : "支出", amount, balance,
		t->seller->mchid, voucher);
	end_line(f);
}

static bool
is_in(const struct flow *f, int64_t ms)
{
	return ms >= f->ask->from_ms && ms < f->ask->until_ms;
}

static void
write_trade(struct flow *f, const struct trade *t)
{
	const char *number = trade_word(t, "out_trade_no");
	int64_t total = bill_amount(f->s, number, t->total);

	if (is_in(f, t->paid_ms) && !bill_hides(f->s, number)) {
		write_row(f, t, t->paid_ms, total, "交易", "交易",
			t->transaction_id);
		write_row(f, t, t->paid_ms, -bill_fee(total), "交易",
			"扣除交易手续费", t->transaction_id);
	}
	list_for_each (at, (struct list *)(uintptr_t)&t->refunds) {
		const struct refund *r =
			container_of(at, struct refund, in_trade);

		if (is_in(f, r->created_ms) && r->state != REFUND_CLOSED)
			write_row(f, t, r->created_ms,
				bill_fee(r->amount) - r->amount, "退款", "退款",
				r->refund_id);
	}
}

size_t
bill_write_funds(
	struct buf *to, const struct sandbox *s, const struct bill_ask *ask)
{
	struct flow f = {.to = to, .s = s, .ask = ask};
	struct list *age = (struct list *)(uintptr_t)&s->pay->trades.age;
	char in[32], out[32];

	if (!s->pay->bills.plain)
		buf_str(to, "\xef\xbb\xbf");
	buf_str(to, "记账时间,微信支付业务单号,资金流水单号,业务名称,业务类型,"
		    "收支类型,收支金额(元),账户结余(元),资金变更提交申请人,"
		    "备注,业务凭证号");
	end_line(&f);
	list_for_each (at, age) {
		struct trade *t =
			container_of(container_of(at, struct item, in_age),
				struct trade, item);

		if (t->seller == ask->seller && trade_was_paid(t))
			write_trade(&f, t);
	}
	bill_yuan(in, f.in);
	bill_yuan(out, f.out);
	buf_str(to, "资金流水总笔数,收入笔数,收入金额,支出笔数,支出金额");
	end_line(&f);
	buf_printf(to, "`%zu,`%zu,`%s,`%zu,`%s", f.count, f.in_count, in,
		f.out_count, out);
	end_line(&f);
	return f.count;
}
