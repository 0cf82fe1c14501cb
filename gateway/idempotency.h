#pragma once

/*
 * Idempotency-Key (draft-ietf-httpapi-idempotency-key-header): a POST that is
 * sent again with the same key is not run again but answered as the first time,
 * with Idempotency-Replayed: true.  With another body it is refused (422),
 * while the first one runs likewise (409).
 *
 * For routes that are declared so, POST /v1/functions/{name} and
 * POST /v1/pay/orders.  A key belongs to its caller (a stranger's to his
 * address) and its route.  The answer is stored before it is sent, and kept for
 * a day.  What was refused without being run (429, 503, WeChat not reached)
 * frees its key.  Whose connection breaks can ask again: that he left is seen
 * when he is answered, and his answer is kept by then.  Who runs a request
 * renews a lease on its key; when its gateway is killed, the key is free once
 * the lease ends.
 */

#include "base/err.h"

struct request;

enum {
	IDEMPOTENCY_KEY_TOP = 255,
	IDEMPOTENCY_BODY_TOP = 256 * 1024, /* of an answer that is kept */
	IDEMPOTENCY_LEASE_MS = 30000,
};

/* STEP_ONCE.  0, STEP_WAIT, ERR_PARAM, ERR_IDEMPOTENT_OTHER,
 * ERR_IDEMPOTENT_RUNNING. */
int idempotency_step(struct request *r) _must_check_;
/* Before the answer is sent: 0, or STEP_WAIT until it is stored. */
int idempotency_keep(struct request *r) _must_check_;
void idempotency_end(struct request *r);
