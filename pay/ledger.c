/*
 * The door to the two routines that change orders and refunds
 * (db/routines/pay.sql, refund.sql).  Everything that has to be decided is
 * decided there, under the row's lock; here it is put into parameters and the
 * answer into words.
 */
#include "pay/ledger.h"

#include "base/event.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { HEX_TOP = 2 * NOTIFY_BODY_TOP + 16 };

static const char *const outcomes[] = {
	[LEDGER_APPLIED] = "applied",
	[LEDGER_REPEAT] = "repeat",
	[LEDGER_QUARANTINED] = "quarantined",
	[LEDGER_IGNORED] = "ignored",
};

static const char paid_sql[] =
	"SELECT outcome, why FROM mpcloud.pay_apply($1, $2, $3, $4, $5, $6, $7,"
	" $8, $9, $10, $11::bigint, $12::bigint, $13, $14, $15, $16::bigint,"
	" $17::jsonb, $18::bytea, $19, $20::bigint)";

static const char refund_sql[] =
	"SELECT outcome, why FROM mpcloud.refund_apply($1, $2, $3, $4, $5, $6,"
	" $7, $8, $9, $10, $11::bigint, $12::bigint, $13::bigint, $14::jsonb,"
	" $15::bytea, $16, $17::bigint)";

struct number {
	char text[24];
};

static struct slice
number_of(struct number *room, int64_t n)
{
	(void)snprintf(room->text, sizeof(room->text), "%" PRId64, n);
	return slice_str(room->text);
}

static struct slice
text_of(const char *s)
{
	return slice_str(s ? s : "");
}

/* What only a callback has: NULL from others. */
static struct slice
callback_of(bool is_callback, struct slice s)
{
	return is_callback ? slice_of(s.ptr ? s.ptr : "", s.len)
			   : slice_of(NULL, 0);
}

static void
ask_paid(struct pool *pool, struct ask *ask, const struct notify *n,
	const char *env, const char *told_by, struct slice raw,
	struct slice serial, int64_t now_ms)
{
	bool is_callback = strcmp(told_by, "notify") == 0;
	struct number total, payer, at, now;

	pool_ask(pool, ask, paid_sql,
		(struct slice[]){slice_str(env), slice_str(told_by),
			text_of(n->mchid),
			callback_of(is_callback, text_of(n->event_id)),
			callback_of(is_callback, text_of(n->event_type)),
			text_of(n->appid), text_of(n->out_trade_no),
			text_of(n->transaction_id), text_of(n->openid),
			text_of(n->currency), number_of(&total, n->total),
			number_of(&payer, n->payer_total),
			text_of(n->trade_type), text_of(n->bank_type),
			text_of(n->state), number_of(&at, n->at_ms),
			slice_str(n->resource ? n->resource : "{}"),
			callback_of(is_callback, raw),
			callback_of(is_callback, serial),
			number_of(&now, now_ms)},
		20);
}

static void
ask_refund(struct pool *pool, struct ask *ask, const struct notify *n,
	const char *env, const char *told_by, struct slice raw,
	struct slice serial, int64_t now_ms)
{
	bool is_callback = strcmp(told_by, "notify") == 0;
	struct number refund, total, at, now;

	pool_ask(pool, ask, refund_sql,
		(struct slice[]){slice_str(env), slice_str(told_by),
			text_of(n->mchid),
			callback_of(is_callback, text_of(n->event_id)),
			callback_of(is_callback, text_of(n->event_type)),
			text_of(n->out_trade_no), text_of(n->transaction_id),
			text_of(n->out_refund_no), text_of(n->refund_id),
			text_of(n->state), number_of(&refund, n->refund),
			number_of(&total, n->total), number_of(&at, n->at_ms),
			slice_str(n->resource ? n->resource : "{}"),
			callback_of(is_callback, raw),
			callback_of(is_callback, serial),
			number_of(&now, now_ms)},
		17);
}

/* All news of one order go over one connection, so that a duplicate waits for
 * the first here and not for its lock there; those of different orders stand
 * under one commit. */
void
ledger_apply(struct pool *pool, struct ask *ask, const struct notify *n,
	const char *env, const char *told_by, struct slice raw,
	struct slice serial, int64_t now_ms)
{
	_buf_ struct buf hex;

	buf_init(&hex, HEX_TOP);
	buf_str(&hex, "\\x");
	text_hex(&hex, raw);
	ask->is_read = false;
	ask->shares = true;
	ask->row = pool_row(text_of(n->mchid), text_of(n->out_trade_no));
	(n->kind == NOTIFY_REFUND ? ask_refund : ask_paid)(
		pool, ask, n, env, told_by, buf_all(&hex), serial, now_ms);
}

int
ledger_read(const struct ask *ask, enum ledger_outcome *ret, struct slice *why)
{
	struct slice word;

	if (ask_rows(ask) != 1)
		return ERR_INTERNAL;
	word = ask_value(ask, 0, 0);
	*why = ask_is_null(ask, 0, 1) ? slice_of("", 0) : ask_value(ask, 0, 1);
	for (size_t i = 0; i < array_size(outcomes); i++)
		if (slice_is(word, outcomes[i])) {
			*ret = (enum ledger_outcome)i;
			return 0;
		}
	return ERR_INTERNAL;
}

const char *
ledger_outcome_name(enum ledger_outcome outcome)
{
	return outcomes[outcome];
}

void
ledger_tell(const struct notify *n, const char *told_by,
	enum ledger_outcome outcome, struct slice why)
{
	char words[256];

	if (n->kind == NOTIFY_REFUND && outcome == LEDGER_APPLIED && n->state &&
		strcmp(n->state, "ABNORMAL") == 0)
		event(EVENT_PAY_REFUND_ABNORMAL, "mchid",
			n->mchid ? n->mchid : "", "outTradeNo",
			n->out_trade_no ? n->out_trade_no : "", "outRefundNo",
			n->out_refund_no ? n->out_refund_no : "", NULL);
	if (outcome != LEDGER_QUARANTINED &&
		(outcome != LEDGER_APPLIED || !why.len))
		return;
	(void)snprintf(words, sizeof(words), "%.*s", SLICE_ARG(why));
	event(outcome == LEDGER_APPLIED ? EVENT_PAY_LATE
					: EVENT_PAY_QUARANTINED,
		"mchid", n->mchid, "outTradeNo", n->out_trade_no, "outRefundNo",
		n->out_refund_no, "state", n->state, "toldBy", told_by, "why",
		words, NULL);
}
