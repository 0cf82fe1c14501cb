/*
 * The statements about one order.  A new order is inserted or not, whoever
 * comes first; the answer tells which, and only then is the other row read:
 * one statement for both would not see a row that was committed meanwhile.
 */
#include "pay/order_row.h"

#include <inttypes.h>
#include <stdio.h>

/* A gateway that dies between the insert and WeChat's answer leaves CREATED
 * behind; later than that answer could come, somebody asks.  After a payment
 * was handed out, five seconds are enough for most users. */
#define CREATED_POLL "65000"
#define FIRST_POLL   "5000"

static const char insert_sql[] =
	"INSERT INTO mpcloud.orders (mchid, out_trade_no, appid, openid, uid,"
	" description, total, currency, attach, state, body, created_at,"
	" updated_at, api, env, function, expires_at, poll_at)"
	" VALUES ($1, $2, $3, $4, $5, $6, $7::bigint, 'CNY', $8,"
	" 'CREATED', $9, $10::bigint, $10::bigint, $11, $12, $13,"
	" nullif($14::bigint, 0), $10::bigint + " CREATED_POLL ")"
	" ON CONFLICT (mchid, out_trade_no) DO NOTHING RETURNING 1";

static const char find_sql[] =
	"SELECT description, total, currency, coalesce(attach, ''), state,"
	" coalesce(prepay_id, ''), coalesce(prepay_at, 0), coalesce(body, ''),"
	" created_at, appid = $3 AND openid = $4, appid,"
	" coalesce(transaction_id, ''), coalesce(paid_at, 0),"
	" coalesce(expires_at, 0), refunded, mchid"
	" FROM mpcloud.orders WHERE mchid = ANY ($1::text[])"
	" AND out_trade_no = $2 ORDER BY 10 DESC, appid = $3 DESC, created_at"
	" LIMIT 1";

#define OPEN_STATES "('CREATED', 'NOTPAY', 'USERPAYING', 'PAYERROR')"

static const char prepay_sql[] =
	"UPDATE mpcloud.orders SET state = 'NOTPAY', prepay_id = $3,"
	" prepay_at = $4::bigint, updated_at = $5::bigint, polls = 0,"
	" poll_at = $5::bigint + " FIRST_POLL
	" WHERE mchid = $1 AND out_trade_no = $2"
	" AND state IN " OPEN_STATES;

static const char hand_out_sql[] = "UPDATE mpcloud.orders SET polls = 0,"
				   " poll_at = $3::bigint + " FIRST_POLL
				   " WHERE mchid = $1 AND out_trade_no = $2"
				   " AND state IN " OPEN_STATES
				   /* two taps one after the other are one */
				   " AND poll_at > $3::bigint + " FIRST_POLL;

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
or_null(struct slice s)
{
	return s.len ? s : slice_of(NULL, 0);
}

void
row_insert(struct pool *pool, struct ask *ask, const struct order_key *key,
	const struct bill *bill, const struct order_new *more)
{
	struct number total, now, end;
	const struct slice params[] = {
		slice_str(key->mchid),
		slice_str(key->no),
		slice_str(key->appid),
		slice_str(key->openid),
		slice_str(key->uid),
		bill->description,
		number_of(&total, bill->total),
		or_null(bill->attach),
		more->body,
		number_of(&now, more->now_ms),
		slice_str(more->api),
		or_null(slice_str(more->env)),
		or_null(bill->function),
		number_of(&end, bill->expires_at),
	};

	ask->is_read = false;
	ask->shares = true;
	pool_ask(pool, ask, insert_sql, params, array_size(params));
}

void
row_find(struct pool *pool, struct ask *ask, const struct order_key *key,
	struct slice mchids)
{
	const struct slice params[] = {
		mchids,
		slice_str(key->no),
		slice_str(key->appid),
		slice_str(key->openid),
	};

	ask->is_read = true;
	pool_ask(pool, ask, find_sql, params, array_size(params));
}

bool
row_read(const struct ask *ask, struct arena *arena, struct order_row *ret)
{
	struct order_row row = {
		.total = ask_int(ask, 0, 1),
		.prepay_at = ask_int(ask, 0, 6),
		.created_at = ask_int(ask, 0, 8),
		.is_his = slice_is(ask_value(ask, 0, 9), "t"),
		.paid_at = ask_int(ask, 0, 12),
		.expires_at = ask_int(ask, 0, 13),
		.refunded = ask_int(ask, 0, 14),
	};
	const struct {
		struct slice *to;
		int col;
	} texts[] = {
		{&row.description, 0},
		{&row.currency, 2},
		{&row.attach, 3},
		{&row.state, 4},
		{&row.prepay_id, 5},
		{&row.body, 7},
		{&row.appid, 10},
		{&row.transaction_id, 11},
		{&row.mchid, 15},
	};

	for (size_t i = 0; i < array_size(texts); i++) {
		struct slice s = ask_value(ask, 0, texts[i].col);
		char *p = arena_try(arena, s.len + 1);

		if (!p)
			return false;
		memcpy(p, s.ptr, s.len);
		p[s.len] = '\0';
		*texts[i].to = slice_of(p, s.len);
	}
	*ret = row;
	return true;
}

void
row_set_prepay(struct pool *pool, struct ask *ask, const struct order_key *key,
	struct slice prepay_id, int64_t at_ms)
{
	struct number at, now;
	const struct slice params[] = {
		slice_str(key->mchid),
		slice_str(key->no),
		prepay_id,
		number_of(&at, at_ms),
		number_of(&now, at_ms),
	};

	ask->is_read = false;
	ask->shares = true;
	pool_ask(pool, ask, prepay_sql, params, array_size(params));
}

void
row_hand_out(struct pool *pool, struct ask *ask, const struct order_key *key,
	int64_t now_ms)
{
	struct number now;
	const struct slice params[] = {
		slice_str(key->mchid),
		slice_str(key->no),
		number_of(&now, now_ms),
	};

	ask->is_read = false;
	ask->shares = true;
	pool_ask(pool, ask, hand_out_sql, params, array_size(params));
}

bool
row_is_open(const struct order_row *row)
{
	static const char *const states[] = {
		"CREATED", "NOTPAY", "USERPAYING", "PAYERROR"};

	for (size_t i = 0; i < array_size(states); i++)
		if (slice_is(row->state, states[i]))
			return true;
	return false;
}
