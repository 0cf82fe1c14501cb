#pragma once

/*
 * What the trust*.c files share, and nobody else sees.
 */

#include "http/trust.h"

enum { TRUST_NETS_TOP = 64 };

/* An IPv4 address is ::ffff:a.b.c.d here. */
struct net {
	struct in6_addr at;
	unsigned bits;
};

struct trust {
	bool forwarded; /* RFC 7239's header */
	bool local;     /* unix sockets */
	size_t count;
	struct net net[TRUST_NETS_TOP];
};

/* "https": 1, another: 0, none: -1. */
int trust_proto(struct slice proto);
