#pragma once

/*
 * An order as WeChat Pay keeps it, and its refunds.  The way of both APIs: what
 * v2 asks for is written in v3's words (trade.asked), so that an order placed
 * by one is queried, paid and refunded by the other.
 *
 * NOTPAY → SUCCESS → REFUND, NOTPAY → CLOSED.
 */

#include "agenda.h"
#include "seller.h"
#include "store.h"

enum trade_state {
#define X(name, word, text) TRADE_##name,
#include "trade_state.def"
#undef X
	TRADE_STATES
};

enum refund_state {
	REFUND_PROCESSING,
	REFUND_SUCCESS,
	REFUND_ABNORMAL,
	REFUND_CLOSED,
	REFUND_STATES
};

enum { REFUNDS_OF_ORDER = 50 };

struct trade {
	struct item item;           /* by mchid/out_trade_no */
	struct item by_transaction; /* by mchid/transaction_id; name NULL
				     * before it is paid */
	struct seller *seller;
	json_t *asked; /* the body of the order */
	bool v2;
	char *v2_sign_type; /* of the order, for its paySign */
	enum trade_state state;
	int64_t created_ms, expires_ms, paid_ms;
	char transaction_id[40], event_id[40];
	int64_t total, coupon; /* fen; what a coupon paid of it */
	int64_t refunded;      /* fen, of refunds that were not closed */
	unsigned refund_count;
	int64_t last_refund_ms;
	struct list refunds; /* the oldest first */
};

struct refund {
	struct item item; /* by mchid/out_refund_no */
	struct list in_trade;
	struct entry settles;
	struct sandbox *sandbox;
	struct trade *trade;
	json_t *asked;
	bool v2;
	enum refund_state state, outcome;
	int64_t created_ms, settled_ms;
	int64_t amount; /* fen */
	char refund_id[40], event_id[40];
};

/* "mchid/name" for the stores; the caller frees. */
char *trade_key(const struct seller *m, struct slice name) _returns_value_;

void trades_init(struct sandbox *s);
void trades_done(struct sandbox *s);
struct trade *trade_find(const struct sandbox *s, const struct seller *m,
	struct slice out_trade_no);
struct trade *trade_find_paid(const struct sandbox *s, const struct seller *m,
	struct slice transaction_id);
/* `asked` is referred to, not copied. */
struct trade *trade_new(struct sandbox *s, struct seller *m, json_t *asked);
/* A prepay_id for it, as it stands in the answer: good for two hours. */
void trade_prepay(struct sandbox *s, struct trade *t, char ret[64]);
/* The order of a prepay_id; NULL: unknown, or older than that. */
struct trade *trade_of_prepay(const struct sandbox *s, struct slice prepay_id);
/* A member of the order; NULL when absent.  "payer.openid" is `openid`. */
const char *trade_word(const struct trade *t, const char *name);
const char *trade_openid(const struct trade *t);
const char *trade_state_word(enum trade_state state);
const char *trade_state_text(enum trade_state state);
bool trade_was_paid(const struct trade *t);
/* The user has paid: the state changes, the callback goes out. */
void trade_pay(struct sandbox *s, struct trade *t, int64_t coupon);
/* The fields of a query or a callback (3.9 in WeChat Pay's pages). */
json_t *trade_facts(const struct trade *t);

struct refund *refund_find(const struct sandbox *s, const struct seller *m,
	struct slice out_refund_no);
struct refund *refund_new(
	struct sandbox *s, struct trade *t, json_t *asked, int64_t amount);
const char *refund_word(const struct refund *r, const char *name);
const char *refund_state_word(enum refund_state state);
enum refund_state refund_state_find(struct slice word); /* REFUND_STATES */
/* Its end, and the callback. */
void refund_settle(struct refund *r, enum refund_state state);
/* The answer of a refund or its query. */
json_t *refund_facts(const struct refund *r);
/* The other fields that a callback has. */
json_t *refund_news(const struct refund *r);

/* "2018-06-08T10:34:56+08:00" into ret[32]. */
void china_time(char ret[32], int64_t ms);
/* "20180608103456". */
void china_digits(char ret[16], int64_t ms);
