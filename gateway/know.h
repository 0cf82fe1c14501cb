#pragma once

#include "base/util.h"

/* Token → caller, from where the route says it is. */

struct request;

/* 0: r->caller is filled; STEP_WAIT: the body is needed first; ERR_TOKEN_BAD,
 * ERR_TOKEN_EXPIRED, ERR_NO_LOGIN, ERR_JSON. */
int know_caller(struct request *r);

/* know_declared.c: of a declared route, by its `auth`.  The same, and
 * ERR_API_KEY, ERR_TICKET_BAD, ERR_DENIED; STEP_WAIT also for a look-up. */
int know_declared(struct request *r) _must_check_;

/* For it: the caller of the Authorization header, nobody without one; the same,
 * where what is no token of ours is nobody's. */
int know_header(struct request *r) _must_check_;
int know_maybe(struct request *r) _must_check_;
