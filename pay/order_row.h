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
	int64_t total, prepay_at, created_at; /* fen; ms since 1970 */
	bool is_his;                          /* the caller's own */
};

/* ask_rows: 1 made, 0 there is one of this number already. */
void row_insert(struct pool *pool, struct ask *ask, const struct order_key *key,
	const struct bill *bill, struct slice body, int64_t now_ms);
/* ask_rows: 0 or 1; then row_read. */
void row_find(struct pool *pool, struct ask *ask, const struct order_key *key);
/* Copies into the arena; false when it has no room. */
bool row_read(
	const struct ask *ask, struct arena *arena, struct order_row *ret);
/* ask_changed: 0 when it is paid or closed by now. */
void row_set_prepay(struct pool *pool, struct ask *ask,
	const struct order_key *key, struct slice prepay_id, int64_t at_ms);
