#pragma once

/*
 * Declared limits: so many requests in a time by address, user, openid, API
 * key, route or function, with a burst and a cost; so many at once; in the
 * gateways' shared memory, or in Valkey where nodes must count together.  The
 * plain limits of an address and of a user are admit.h's and hold besides.
 *
 * Steps: limit_head with what the head says (address, API key, route),
 * limit_caller when the caller is known (user, openid, function).  Either may
 * answer STEP_WAIT, when Valkey is asked, and goes on by request_go_on.
 */

#include "base/err.h"

struct request;
struct valkey;

/* 0, STEP_WAIT, ERR_LIMITED (r->retry_ms is set), ERR_BUSY. */
int limit_head(struct request *r) _must_check_;
int limit_caller(struct request *r) _must_check_;
/* At the request's end: places of "at once" are given back. */
void limit_end(struct request *r);
