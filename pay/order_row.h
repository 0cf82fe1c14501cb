#pragma once

/* An order as it stands in the database. */

#include "base/arena.h"
#include "db/pool.h"
#include "pay/bill.h"

/* Whose order and which one. */
struct order_key {
	const char *mchid, *no, *appid, *openid, *uid;
};

struct order_row {
	struct slice description, currency, attach, state, prepay_id, body;
	struct slice mchid, appid, transaction_id;
	int64_t total, refunded;                /* fen */
	int64_t prepay_at, created_at, paid_at; /* ms since 1970; 0: never */
	int64_t expires_at;                     /* 0: WeChat's seven days */
	bool is_his;                            /* the caller's own */
};

/* What there is besides the key and the bill. */
struct order_new {
	struct slice body; /* the request, as it will be sent */
	const char *env;
	const char *api; /* "v3", "v2" */
	int64_t now_ms;
};

/* ask_rows: 1 made, 0 there is one of this number already. */
void row_insert(struct pool *pool, struct ask *ask, const struct order_key *key,
	const struct bill *bill, const struct order_new *more);
/* Among these merchants ("{1900,1901}"); the caller's own first.  ask_rows: 0
 * or 1; then row_read. */
void row_find(struct pool *pool, struct ask *ask, const struct order_key *key,
	struct slice mchids);
/* Copies into the arena; false when it has no room. */
bool row_read(
	const struct ask *ask, struct arena *arena, struct order_row *ret);
/* ask_changed: 0 when it is paid or closed by now.  WeChat is asked about it
 * from soon on, as the payment is handed out. */
void row_set_prepay(struct pool *pool, struct ask *ask,
	const struct order_key *key, struct slice prepay_id, int64_t at_ms);
/* The same prepay_id is handed out again: the same. */
void row_hand_out(struct pool *pool, struct ask *ask,
	const struct order_key *key, int64_t now_ms);
/* Can it (still) be paid in this state? */
bool row_is_open(const struct order_row *row);
