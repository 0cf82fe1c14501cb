#pragma once

/*
 * What stands before a request's act besides limits: load shedding (shed.h) and
 * the circuit breaker of what answers (breaker.h), as this request meets them.
 */

#include "base/err.h"
#include "base/loop.h"

struct caller;
struct gateway;
struct request;

struct guard;

/* Measures the loop from now on. */
struct guard *guard_new(struct gateway *g) _returns_value_;
struct guard *guard_free(struct guard *guard);
/* The settings of g->conf. */
void guard_configure(struct guard *guard);

/* At the head: 0 or ERR_SHED. */
int guard_head(struct request *r) _must_check_;
/* When the caller is known: the same. */
int guard_caller(struct request *r) _must_check_;
/* Before the endpoint: 0 or ERR_CIRCUIT_OPEN, with r->retry_ms. */
int guard_act(struct request *r) _must_check_;
/* How it ended; `status` 0: the client left. */
void guard_end(struct request *r, int status);
/* He has just made an order: his calls go before others' for a while. */
void guard_paying(struct gateway *g, const struct caller *caller);
/* For metrics: 0 … SHED_TOP. */
unsigned guard_level(const struct guard *guard);
struct breakers *guard_breakers(struct guard *guard) _returns_value_;
