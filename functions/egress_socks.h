#pragma once

/*
 * SOCKS version 5 (RFC 1928) as the egress speaks it: no authentication,
 * CONNECT, names and both kinds of addresses.  And two commands of its own:
 * RESOLVE, as Tor has it (the port says which kind of address: 4, 6, or 0), and
 * PARK (see egress_tunnel.c).  An answer's address is the far side's.
 */

#include "base/buf.h"
#include "functions/egress_address.h"

enum { EGRESS_CONNECT = 1, EGRESS_RESOLVE = 0xf0, EGRESS_PARK = 0xf1 };

/* RFC 1928, section 6. */
enum egress_reply {
	EGRESS_OK = 0,
	EGRESS_FAILED = 1,
	EGRESS_REFUSED = 2, /* not allowed by the rules */
	EGRESS_NO_NET = 3,
	EGRESS_NO_HOST = 4, /* a name: there is none */
	EGRESS_NO_PORT = 5, /* connection refused */
	EGRESS_TIMEOUT = 6,
	EGRESS_NO_COMMAND = 7,
	EGRESS_NO_FAMILY = 8,
};

struct egress_ask {
	uint8_t command;
	struct slice name; /* bytes as they came; empty: the address */
	struct egress_address address;
	uint16_t port;
};

/* Both cut one message off the front of *in: 1: done, 0: more bytes are
 * needed, ERR_FORMAT: this is not SOCKS 5.
 * greet: *ok says whether the client can do without authentication. */
int egress_socks_greet(struct slice *in, bool *ok) _must_check_;
/* ERR_PARAM: of a kind of address that nobody knows. */
int egress_socks_ask(struct slice *in, struct egress_ask *ret) _must_check_;

/* `a` (may be of length 0): what was connected to, or resolved. */
void egress_socks_answer(struct buf *out, enum egress_reply reply,
	const struct egress_address *a, uint16_t port);
/* Negative errno of a connect, as a reply. */
enum egress_reply egress_socks_reply_of(int err);
