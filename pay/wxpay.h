#pragma once

/*
 * One question to WeChat Pay's API v3: signed by us, the answer's signature
 * verified (docs "request signing" and "response verification").
 *
 * Every question asked here can be asked again: it reads, or carries its own
 * number (out_trade_no, out_refund_no).  So a request that got lost goes to the
 * backup host once, and an answer that only tested our signature check is asked
 * for again.
 */

#include "base/fetch.h"
#include "base/val.h"
#include "pay/cert.h"
#include "pay/merchant.h"

enum { WXPAY_CODE_TOP = 48, WXPAY_ID_TOP = 96 };

struct wxpay;
/* Finds the key of an answer's serial; NULL: not here.  cert.c's own. */
typedef struct rsa *wxpay_key_fn(struct wxpay *w, struct slice serial);

/* Embedded in its owner. */
struct wxpay {
	struct job job;
	/* answer, until wxpay_done */
	json_t *answer; /* the body's JSON, verified; NULL of a 204 */
	long status;    /* HTTP; 0: none came */
	/* of a refusal: WeChat's word for it, in one spelling; "" */
	char code[WXPAY_CODE_TOP];
	char message[160];             /* and what it says of it */
	char request_id[WXPAY_ID_TOP]; /* for WeChat Pay's support */
	/* the key that verified it, or would have */
	char serial[CERT_SERIAL_TOP + 32];
	int64_t skew_s; /* their clock minus ours, when they said it */
	/* its own */
	struct loop *loop;
	struct fetcher *fetcher;
	struct merchant *merchant;
	const char *method, *path, *base;
	struct slice body;
	size_t answer_top;
	wxpay_key_fn *key_of;
	struct fetch fetch;
	struct certs_ask certs;
	unsigned tries;
	bool is_download, asked_backup, asked_certs;
};

/* job_init(&w->job, …) first.  `method`, `path` (with its query) and `body`
 * (JSON, sent as it is; empty with GET) and `merchant` are borrowed while it
 * runs.  0; ERR_PAY_REFUSED with WeChat's own words (see w->code);
 * ERR_PAY_FORGED; ERR_UPSTREAM_CONFIG; ERR_UPSTREAM_BUSY, ERR_UPSTREAM and
 * ERR_TIMEOUT: it may or may not have been done, the same may be asked again.
 */
void wxpay_start(struct wxpay *w, struct loop *loop, struct fetcher *fetcher,
	struct merchant *merchant, const char *method, const char *path,
	struct slice body);
void wxpay_post(struct wxpay *w, struct loop *loop, struct fetcher *fetcher,
	struct merchant *merchant, const char *path, struct slice body);
/* A file from the address that a question about a bill gave (borrowed).  It
 * must be of this merchant's api_base or api_backup, else ERR_PAY_FORGED.  Such
 * answers are not signed: compare the sum that came with the address.  At most
 * `top` bytes; they are in w->fetch.body. */
void wxpay_download(struct wxpay *w, struct loop *loop, struct fetcher *fetcher,
	struct merchant *merchant, const char *url, size_t top);
/* Cancels it when it still runs. */
void wxpay_done(struct wxpay *w);

/* WeChat's code in one spelling ("ORDERNOTEXIST" → "ORDER_NOT_EXIST"), and what
 * it is to us; `status` decides of codes that are not known.  Of v2's too. */
const char *wxpay_code(const char *code);
int wxpay_code_error(const char *code, long status);
