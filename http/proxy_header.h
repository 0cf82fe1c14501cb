#pragma once

/*
 * The PROXY protocol's header, versions 1 and 2 (HAProxy's proxy-protocol.txt):
 * what a proxy says of its client before the client's own first byte.  Pure.
 */

#include "base/err.h"
#include "base/slice.h"

#include <netinet/in.h>

enum {
	PROXY_V1_TOP = 107,     /* with its CRLF; section 2.1 */
	PROXY_HEADER_TOP = 4096 /* of version 2, with what it adds (TLVs) */
};

struct proxy_header {
	size_t need; /* bytes that belong to it as far as is known: read so
			many, and no more */
	bool local;  /* the proxy itself asks, or it does not know who does */
	bool told_tls, tls; /* whether the client came by TLS (PP2_TYPE_SSL) */
	union {
		struct sockaddr any;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} from; /* when not local */
};

/* 1: complete, ret->need bytes long; 0: not yet (ret->need says how many are
 * its own for certain); ERR_BAD_REQUEST: not such a header, or too long. */
int proxy_header_parse(
	struct proxy_header *ret, struct slice bytes) _must_check_;
