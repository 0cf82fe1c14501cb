#pragma once

/*
 * What the tests of orders share: a real PostgreSQL, a WeChat Pay on loopback
 * that checks our signatures and signs its answers, and two pay objects on two
 * pools, which play two gateways.
 */

#include "base/arena.h"
#include "pay/merchant.h"
#include "pay/order.h"
#include "pay/sign.h"
#include "tests/lib/pg.h"
#include "tests/unit/fake_wechat.h"
#include "tests/unit/test.h"

enum { GATEWAYS = 2 };

extern struct testpg *pg;
/* Who pays, when nothing else is said. */
extern const struct caller user;

/* How the fake spoils its answer. */
enum spoil {
	SPOIL_NOTHING,
	SPOIL_BODY, /* signed, then changed */
	SPOIL_NO_SIGN,
	SPOIL_NO_NONCE,
	SPOIL_SERIAL,
	SPOIL_OTHER_KEY, /* signed with the wrong key */
	SPOIL_OLD,       /* 300 s ago */
	SPOIL_PROBE,     /* WECHATPAY/SIGNTEST/, the first time */
	SPOIL_PROBES,    /* always */
	SPOIL_NOT_JSON,
	SPOIL_NO_PREPAY,
};

struct fixture {
	struct loop loop;
	struct fake fake;
	struct fetcher *fetcher;
	struct pool *pool[GATEWAYS];
	struct pay *pay[GATEWAYS];
	struct merchant_conf conf;
	struct merchants *merchants;
	struct arena arena;
	struct rsa *merchant, *platform, *other;
	enum spoil spoil;
	int status;            /* not 200: a refusal */
	const char *refusal;   /* its body */
	unsigned bad_requests; /* unsigned or wrongly signed by us */
	/* What is said to questions about an order and to closing one, when
	 * `status` is 200: a transaction's JSON, or with another status an
	 * error's.  NULL: as to an order that WeChat does not know. */
	const char *trade;
	int trade_status, close_status;
	const char *close_refusal;
	unsigned queries, closes;
	struct buf bodies[8];
};

/* An order that was asked for, and how often it was answered. */
struct asked {
	struct order order;
	int done;
};

#define APPLES \
	"{\"outTradeNo\":\"shop-0001\",\"description\":\"苹果 3 斤\"," \
	"\"total\":1999,\"attach\":\"cart=7\"}"

/* Whole program: the database. */
int group_setup(void **state);
int group_teardown(void **state);
/* Each test: no orders, gateways as configured. */
struct fixture *setup(void);
void teardown(struct fixture *f);

/* What a reload does: the gateways have f->conf. */
void reconfigure(struct fixture *f);

/* A key or name of wechat-vectors-own.json. */
const char *key(const char *name);

void asked_init(struct asked *a, struct fixture *f);
/* Turns the loop until `a` is answered; its error. */
int wait_for(struct fixture *f, struct asked *a);

/* order_place() of the JSON `text` at a gateway, not waited for. */
void place_start(struct fixture *f, int gateway, struct asked *a,
	const struct caller *who, const char *text, bool may_price);
/* At the first gateway, waited for. */
int place_as(struct fixture *f, struct asked *a, const struct caller *who,
	const char *text, bool may_price);
/* As `user`, who may price. */
int place(struct fixture *f, struct asked *a, const char *text);

/* The payment of an answer, checked as the WeChat client would. */
void payment_check(
	struct fixture *f, const struct asked *a, const char *prepay_id);
/* The answer; the caller frees. */
json_t *answer_of(const struct asked *a);
/* A string that must be there. */
const char *text_of(const json_t *v, const char *name);
