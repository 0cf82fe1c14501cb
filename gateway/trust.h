#pragma once

/*
 * Proxies that are believed: server.trusted_proxies.  From one of them
 * Forwarded (RFC 7239) or X-Forwarded-For says who asked, X-Forwarded-Proto
 * whether by TLS.  The nearest address that is not a trusted proxy's counts;
 * from anybody else these headers mean nothing.
 */

#include "base/err.h"
#include "base/slice.h"

struct exchange;
struct trust;

/* "127.0.0.1 10.0.0.0/8 unix"; ERR_CONFIG with a text. */
int trust_new(
	struct trust **ret, const char *text, struct fault *why) _must_check_;
struct trust *trust_free(struct trust *t);
/* At the head: sets exchange_set_peer when there is reason to. */
void trust_apply(const struct trust *t, struct exchange *x);
