#pragma once

/*
 * What WeChat Pay is asked about orders and refunds: the same questions and
 * answers for API v3 and v2, whichever the merchant has (pay.api).  Each may be
 * asked again: an order, a refund and a closing carry their own number.
 */

#include "base/arena.h"
#include "pay/notify.h"
#include "pay/v2.h"
#include "pay/wxpay.h"

enum { GATE_BILL_TOP = 256 << 20 };

/* What it is asked with. */
struct gate_home {
	struct loop *loop;
	struct fetcher *fetcher;
};

enum gate_what {
	GATE_ORDER,
	GATE_QUERY,
	GATE_CLOSE,
	GATE_REFUND,
	GATE_REFUND_QUERY,
	GATE_BILL,
	GATE_BILL_FILE, /* the second step of v3's */
};

/* Embedded in its owner. */
struct gate {
	struct job job;
	/* of a refusal: WeChat's word for it in one spelling, "" else:
	 * ORDER_NOT_EXIST, ORDERPAID, ORDER_CLOSED, RESOURCE_NOT_EXISTS (no
	 * such refund), NOT_ENOUGH, NO_STATEMENT_EXIST, STATEMENT_CREATING, …
	 */
	char code[WXPAY_CODE_TOP];
	/* answers; strings live in the arena */
	const char *prepay_id; /* gate_order */
	struct notify told;    /* gate_query, gate_refund, gate_refund_query:
				* for ledger_apply; event_id is "" */
	struct buf bill;       /* gate_bill; until gate_done */
	/* its own */
	enum gate_what what;
	const char *account; /* of gate_flow; else NULL */
	struct gate_home home;
	struct merchant *merchant;
	struct arena *arena;
	const char *appid, *no, *path; /* no: of the order, refund; the day */
	struct slice body;
	const char *url, *sum; /* of a bill */
	union {
		struct wxpay v3;
		struct v2 v2;
	};
};

/* job_init(&g->job, …) first (of a struct that is zero).  `m` is held until
 * gate_done, `body` and the numbers are copied into the arena, which must live
 * until then.  Errors as wxpay.h says: ERR_PAY_REFUSED (see g->code);
 * ERR_PAY_FORGED, ERR_UPSTREAM_CONFIG; ERR_UPSTREAM_BUSY, ERR_UPSTREAM and
 * ERR_TIMEOUT: it may or may not have been done, ask the same again.
 *
 * `body` of an order or refund is the JSON that v3 takes, for v2 too: its
 * fields become XML here (appid, mchid, description, out_trade_no, time_expire,
 * attach, notify_url, goods_tag, amount, payer.openid,
 * scene_info.payer_client_ip; transaction_id or out_trade_no, out_refund_no,
 * reason, notify_url, amount). The same bytes again are the same order or
 * refund to WeChat. */
void gate_order(struct gate *g, const struct gate_home *home,
	struct merchant *m, struct arena *arena, struct slice body);
/* How the order stands: g->told. */
void gate_query(struct gate *g, const struct gate_home *home,
	struct merchant *m, struct arena *arena, const char *appid,
	const char *out_trade_no);
/* Refused as ORDERPAID when it is paid; closed already: 0. */
void gate_close(struct gate *g, const struct gate_home *home,
	struct merchant *m, struct arena *arena, const char *appid,
	const char *out_trade_no);
/* g->told: how the refund stands, mostly PROCESSING. */
void gate_refund(struct gate *g, const struct gate_home *home,
	struct merchant *m, struct arena *arena, const char *appid,
	struct slice body);
/* Refused as RESOURCE_NOT_EXISTS when there is no such refund. */
void gate_refund_query(struct gate *g, const struct gate_home *home,
	struct merchant *m, struct arena *arena, const char *appid,
	const char *out_refund_no);
/* The trade bill of a day of China's ("2026-11-20"), type ALL, as text: its sum
 * is checked.  Refused as NO_STATEMENT_EXIST when nothing was traded, as
 * STATEMENT_CREATING when it is not ready yet. */
void gate_bill(struct gate *g, const struct gate_home *home, struct merchant *m,
	struct arena *arena, const char *appid, const char *day);
/* The same of the money's flow through an account ("BASIC", "OPERATION",
 * "FEES"); v3 only, else ERR_UNIMPLEMENTED. */
void gate_flow(struct gate *g, const struct gate_home *home, struct merchant *m,
	struct arena *arena, const char *appid, const char *day,
	const char *account);
/* Cancels it when it still runs.  Nothing to do for a struct that is zero. */
void gate_done(struct gate *g);

/* {timeStamp, nonceStr, package, signType, paySign}: exactly what
 * wx.requestPayment takes. */
int gate_payment(struct buf *to, const struct merchant *m, const char *appid,
	struct slice prepay_id) _must_check_;
