#pragma once

/*
 * An internet address, and whether it is one that anybody may reach: the table
 * of ranges that are not is in egress_address.c, each with its RFC.
 */

#include "base/slice.h"

#include <sys/socket.h>

struct egress_address {
	uint8_t bytes[16];
	uint8_t len; /* 4 or 16; 0: none */
};

enum { EGRESS_ADDRESS_TEXT = 64 };

/* "10.0.0.5", "fd00::5"; no brackets, no zone.  An IPv4 address written as an
 * IPv6 one (::ffff:10.0.0.5) is the IPv4 address. */
bool egress_address_parse(struct egress_address *ret, struct slice text);
/* `len` is 4 or 16. */
struct egress_address egress_address_of(const void *bytes, size_t len);
struct egress_address egress_address_from(const struct sockaddr *from);
/* The length of *ret. */
socklen_t egress_address_to(const struct egress_address *a, uint16_t port,
	struct sockaddr_storage *ret);
/* Into room of EGRESS_ADDRESS_TEXT; IPv6 in brackets when a port follows (port
 * 0: none does). */
const char *egress_address_text(
	const struct egress_address *a, uint16_t port, char *room);
bool egress_address_eq(
	const struct egress_address *a, const struct egress_address *b);

/* NULL for a public address; else what it is, "a private address". */
const char *egress_address_kind(const struct egress_address *a);
/* Does this machine answer at it?  Asks the kernel's routes; sends nothing. */
bool egress_address_is_ours(const struct egress_address *a);
