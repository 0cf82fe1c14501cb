#pragma once

/* Token → caller, from where the route says it is. */

struct request;

/* 0: r->caller is filled; STEP_WAIT: the body is needed first; ERR_TOKEN_BAD,
 * ERR_TOKEN_EXPIRED, ERR_NO_LOGIN, ERR_JSON. */
int know_caller(struct request *r);
