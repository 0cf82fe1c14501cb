#pragma once

/*
 * Proxies that are believed: server.trusted_proxies.  From one of them one
 * header (server.forwarded_header) says who asked: X-Forwarded-For, or
 * Forwarded (RFC 7239), which of them is a setting, because a proxy that writes
 * one of them lets a client's other one through.  The nearest address that is
 * not a trusted proxy's counts; from anybody else these headers mean nothing.
 * X-Forwarded-Proto, or Forwarded's proto, says whether he asked by TLS.
 */

#include "base/err.h"
#include "base/slice.h"

#include <netinet/in.h>

struct exchange;
struct trust;

/* "127.0.0.1 10.0.0.0/8 unix"; ERR_CONFIG with a text.  Empty: *ret is NULL. */
int trust_new(struct trust **ret, const char *text, const char *header,
	struct fault *why) _must_check_;
struct trust *trust_free(struct trust *t);
DEFINE_CLEANUP(struct trust *, trust_free)
/* At the head: sets exchange_set_peer and exchange_set_tls when there is reason
 * to.  `t` may be NULL. */
void trust_apply(const struct trust *t, struct exchange *x);

/* Pure, for tests. */
struct trust_told {
	char peer[INET6_ADDRSTRLEN]; /* "" when nothing is told */
	int tls;                     /* -1: not told */
};
bool trust_knows(const struct trust *t, const char *peer);
/* `list`: all lines of the header, joined by commas. */
void trust_read(
	const struct trust *t, struct slice list, struct trust_told *ret);
