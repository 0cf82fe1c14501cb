#pragma once

/*
 * A callback of WeChat Pay's, from its raw bytes to what it says: signature
 * over the bytes as they came, then decryption, then the fields.  Pure: nothing
 * is stored or sent here.
 */

#include "base/arena.h"
#include "base/val.h"
#include "pay/merchant.h"

enum { NOTIFY_BODY_TOP = 64 * 1024, NOTIFY_SKEW_S = 300 };

enum notify_kind {
	NOTIFY_PAID,   /* TRANSACTION.SUCCESS */
	NOTIFY_REFUND, /* REFUND.SUCCESS, REFUND.ABNORMAL, REFUND.CLOSED */
};

/* The request as it came; v2 has no headers. */
struct notify_in {
	struct slice timestamp, nonce, serial, signature, signature_type;
	struct slice body;
	int64_t now_s;
};

/* Strings live in the arena. */
struct notify {
	enum notify_kind kind;
	const char *event_id;   /* WeChat's id; v2: SHA-256 of the body, hex */
	const char *event_type; /* "TRANSACTION.SUCCESS" */
	const char *mchid, *appid; /* refunds of v3 name no appid: "" */
	const char *out_trade_no, *transaction_id;
	const char *openid, *currency, *trade_type, *bank_type, *attach;
	int64_t total, payer_total; /* fen; payer_total -1: not said */
	const char *state;          /* trade_state or refund_status */
	int64_t at_ms;              /* success_time; 0: not said */
	const char *out_refund_no, *refund_id; /* refunds; else "" */
	int64_t refund;                        /* fen */
	const char *resource;                  /* the JSON that was sealed; v2:
						* its fields as an object */
};

/* v3.  `path_mchid`: of the address that was called ("" for the first
 * merchant): the one whose keys are tried.  ERR_PAY_PROBE: WeChat tests whether
 * we look; ERR_PAY_UNSIGNED: headers are missing (a proxy ate them?);
 * ERR_PAY_STALE: the clocks are five minutes apart (each time: `why` says how
 * far); ERR_PAY_FORGED_NOTIFY: it did not verify; ERR_PAY_UNKNOWN_KEY: no key
 * of that serial is here (ask for the certificates, once); ERR_PAY_DECRYPT: the
 * APIv3 key is not the one that sealed it. */
int notify_read(struct notify *ret, const struct merchant *m,
	const struct notify_in *in, struct arena *arena,
	struct fault *why) _must_check_;
/* The second half of it: what a body says whose signature was looked at before.
 */
int notify_read_body(struct notify *ret, const struct merchant *m,
	struct slice body, struct arena *arena, struct fault *why) _must_check_;
/* Does it open?  Only WeChat Pay has the APIv3 key beside us, so such a body is
 * worth asking for the certificate whose serial number came with it. */
bool notify_is_sealed(
	const struct merchant *m, struct slice body, struct arena *arena);
/* v2: XML, signed with the v2 key (payments) or sealed with it (refunds). */
int notify_read_v2(struct notify *ret, const struct merchant *m,
	const struct notify_in *in, struct arena *arena,
	struct fault *why) _must_check_;
