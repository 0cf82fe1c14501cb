#pragma once

/*
 * Asks WeChat Pay about orders whose callback is late, and drives refunds that
 * are under way: whatever has a time in poll_at that is over.  Every gateway of
 * every node does it; a row is one's own for a while by the statement that
 * claims it (mpcloud.pay_due, mpcloud.refund_due), so that nothing is asked
 * twice and nothing waits for who has died.
 */

#include "pay/order.h"

struct poll;

struct poll_conf {
	unsigned rate;   /* questions a second, at the most; 0: none */
	uint64_t *count; /* one more each time; may be NULL */
};

struct poll *poll_new(struct loop *loop, struct pool *pool, struct pay *pay,
	const struct poll_conf *conf) _returns_value_;
struct poll *poll_free(struct poll *poll);
DEFINE_CLEANUP(struct poll *, poll_free)
void poll_configure(struct poll *poll, const struct poll_conf *conf);
/* Once the schema is there. */
void poll_start(struct poll *poll);
/* Claim nothing more; true when nothing is under way. */
bool poll_drain(struct poll *poll);
