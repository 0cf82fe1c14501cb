#pragma once

/*
 * "How it stands": the fields that callbacks and queries share, read strictly
 * into a struct notify.  Amounts are integers, in fen; an order that is not
 * paid may leave most of them out (total is -1 then).
 */

#include "pay/notify.h"

/* A transaction of v3 (callback's resource, query's answer). */
int trade_read(struct notify *ret, const json_t *v, struct arena *arena,
	struct fault *why) _must_check_;
/* A refund of v3: a callback's resource (refund_status), or the answer to a
 * refund or its query (status; it names no merchant: `mchid`). */
int trade_read_refund(struct notify *ret, const json_t *v, const char *mchid,
	struct arena *arena, struct fault *why) _must_check_;
/* The same of v2: the fields of a payment's callback or of an orderquery. */
int trade_read_v2(struct notify *ret, const json_t *v, struct arena *arena,
	struct fault *why) _must_check_;
/* A refund of v2 by its number: a callback's fields once opened, the answer to
 * a refund, or (there the names end in _0, _1 …) to a refundquery.  NULL:
 * whichever it is.  ERR_ORDER_NOT_FOUND: it is not among them. */
int trade_read_refund_v2(struct notify *ret, const json_t *v, const char *mchid,
	const char *appid, const char *out_refund_no, struct arena *arena,
	struct fault *why) _must_check_;

/* For those that read alike: the string in the arena, "" when absent;
 * ERR_TOO_BIG past the arena's ceiling. */
int trade_text(const json_t *v, const char *key, size_t top, const char **ret,
	struct arena *arena, struct fault *why) _must_check_;
/* event_type from `what` and the state: "TRANSACTION.SUCCESS". */
int trade_event(
	struct notify *ret, const char *what, struct arena *arena) _must_check_;
/* `v` as compact JSON, in the arena. */
int trade_resource(
	struct notify *ret, const json_t *v, struct arena *arena) _must_check_;
