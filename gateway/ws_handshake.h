#pragma once

/*
 * A request becomes a WebSocket (RFC 6455, section 4.2).
 */

#include "http/ws.h"

struct fault;
struct request;

/* Is this a valid handshake (RFC 6455, 4.2.1)?  ERR_UPGRADE says what is not.
 */
int ws_check(const struct request *r, struct fault *why) _must_check_;
/* The bare protocol of the list that the client offers, and a token beside it:
 * browsers can set no headers, so "mpcloud.token.TOKEN" stands there. */
struct ws_offer {
	struct slice protocol; /* the first that is no token; or empty */
	struct slice token;    /* or empty */
};
struct ws_offer ws_offered(const struct request *r);
/* Sec-WebSocket-Accept of a key (4.2.2): 28 letters and NUL. */
enum { WS_ACCEPT = 29 };
void ws_accept_key(struct slice key, char ret[WS_ACCEPT]);
/* From an endpoint: answers 101; the request ends, `conf` is copied. */
int ws_accept(struct request *r, const struct ws_conf *conf) _must_check_;
