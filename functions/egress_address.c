/*
 * Which addresses are the internet's.  "Public" is what is left when IANA's two
 * special-purpose registries (RFC 6890) are taken away; of IPv6 only 2000::/3
 * has been given out at all.  Addresses that carry an IPv4 address inside are
 * as public as that one is, because a gateway on the way would go there.
 */
#include "functions/egress_address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct range {
	const char *from;
	unsigned bits;
	const char *kind;
};

static const char private_kind[] = "a private address";
static const char loopback_kind[] = "a loopback address";
static const char link_kind[] = "a link-local address";
static const char multicast_kind[] = "a multicast address";
static const char reserved_kind[] = "a reserved address";
static const char example_kind[] = "an address for documentation";

static const struct range v4_ranges[] = {
	{"0.0.0.0", 8, reserved_kind},      /* RFC 791: this network */
	{"10.0.0.0", 8, private_kind},      /* RFC 1918 */
	{"100.64.0.0", 10, private_kind},   /* RFC 6598: carriers' own NAT */
	{"127.0.0.0", 8, loopback_kind},    /* RFC 1122 */
	{"168.63.129.16", 32, link_kind},   /* Azure's platform, no RFC */
	{"169.254.0.0", 16, link_kind},     /* RFC 3927, clouds' metadata */
	{"172.16.0.0", 12, private_kind},   /* RFC 1918 */
	{"192.0.0.0", 24, reserved_kind},   /* RFC 6890: protocols */
	{"192.0.2.0", 24, example_kind},    /* RFC 5737 */
	{"192.88.99.0", 24, reserved_kind}, /* RFC 7526: 6to4 relays */
	{"192.168.0.0", 16, private_kind},  /* RFC 1918 */
	{"198.18.0.0", 15, private_kind},   /* RFC 2544: benchmarks */
	{"198.51.100.0", 24, example_kind}, /* RFC 5737 */
	{"203.0.113.0", 24, example_kind},  /* RFC 5737 */
	{"224.0.0.0", 4, multicast_kind},   /* RFC 5771 */
	{"240.0.0.0", 4, reserved_kind},    /* RFC 1112, and broadcast */
};

static const struct range v6_ranges[] = {
	{"::", 128, reserved_kind},        /* RFC 4291: none */
	{"::1", 128, loopback_kind},       /* RFC 4291 */
	{"64:ff9b:1::", 48, private_kind}, /* RFC 8215: NAT64, own */
	{"100::", 64, reserved_kind},      /* RFC 6666: discard */
	{"2001:2::", 48, private_kind},    /* RFC 5180: benchmarks */
	{"2001:10::", 28, reserved_kind},  /* RFC 4843: ORCHID */
	{"2001:db8::", 32, example_kind},  /* RFC 3849 */
	{"3fff::", 20, example_kind},      /* RFC 9637 */
	{"fc00::", 7, private_kind},       /* RFC 4193 */
	{"fe80::", 10, link_kind},         /* RFC 4291 */
	{"fec0::", 10, private_kind},      /* RFC 3879: site-local */
	{"ff00::", 8, multicast_kind},     /* RFC 4291 */
};

/* Those that carry an IPv4 address, from byte `at` on. */
static const struct {
	const char *from;
	unsigned bits, at;
	uint8_t flip;
} carriers[] = {
	{"64:ff9b::", 96, 12, 0}, /* RFC 6052: NAT64 */
	{"2002::", 16, 2, 0},     /* RFC 3056: 6to4 */
	{"2001::", 32, 4, 0},     /* RFC 4380: Teredo, its server */
	{"2001::", 32, 12, 0xff}, /* RFC 4380: Teredo, its client */
};

static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

struct egress_address
egress_address_of(const void *bytes, size_t len)
{
	struct egress_address a = {.len = (uint8_t)len};

	if (len == 16 && memcmp(bytes, mapped, sizeof(mapped)) == 0)
		return egress_address_of((const uint8_t *)bytes + 12, 4);
	memcpy(a.bytes, bytes, len);
	return a;
}

bool
egress_address_parse(struct egress_address *ret, struct slice text)
{
	char copy[EGRESS_ADDRESS_TEXT];
	uint8_t bytes[16];

	if (text.len == 0 || text.len >= sizeof(copy) ||
		memchr(text.ptr, '\0', text.len))
		return false;
	memcpy(copy, text.ptr, text.len);
	copy[text.len] = '\0';
	if (inet_pton(AF_INET, copy, bytes) == 1)
		*ret = egress_address_of(bytes, 4);
	else if (inet_pton(AF_INET6, copy, bytes) == 1)
		*ret = egress_address_of(bytes, 16);
	else
		return false;
	return true;
}

struct egress_address
egress_address_from(const struct sockaddr *from)
{
	if (from->sa_family == AF_INET)
		return egress_address_of(
			&((const struct sockaddr_in *)(const void *)from)
				 ->sin_addr,
			4);
	if (from->sa_family == AF_INET6)
		return egress_address_of(
			&((const struct sockaddr_in6 *)(const void *)from)
				 ->sin6_addr,
			16);
	return (struct egress_address){0};
}

socklen_t
egress_address_to(const struct egress_address *a, uint16_t port,
	struct sockaddr_storage *ret)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)(void *)ret;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)(void *)ret;

	memset(ret, 0, sizeof(*ret));
	if (a->len == 4) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		memcpy(&v4->sin_addr, a->bytes, 4);
		return sizeof(*v4);
	}
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(port);
	memcpy(&v6->sin6_addr, a->bytes, 16);
	return sizeof(*v6);
}

const char *
egress_address_text(const struct egress_address *a, uint16_t port, char *room)
{
	char text[INET6_ADDRSTRLEN] = "";

	(void)inet_ntop(
		a->len == 4 ? AF_INET : AF_INET6, a->bytes, text, sizeof(text));
	if (port == 0)
		(void)snprintf(room, EGRESS_ADDRESS_TEXT, "%s", text);
	else
		(void)snprintf(room, EGRESS_ADDRESS_TEXT,
			a->len == 4 ? "%s:%u" : "[%s]:%u", text, port);
	return room;
}

bool
egress_address_eq(
	const struct egress_address *a, const struct egress_address *b)
{
	return a->len == b->len && memcmp(a->bytes, b->bytes, a->len) == 0;
}

static bool
is_within(const struct egress_address *a, const char *from, unsigned bits)
{
	uint8_t low[16];
	unsigned whole = bits / 8, rest = bits % 8;
	uint8_t mask = (uint8_t)(0xff00u >> rest);

	if (inet_pton(a->len == 4 ? AF_INET : AF_INET6, from, low) != 1)
		return false;
	return memcmp(a->bytes, low, whole) == 0 &&
	       (rest == 0 || ((a->bytes[whole] ^ low[whole]) & mask) == 0);
}

static const char *
kind_in(const struct egress_address *a, const struct range *ranges, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (is_within(a, ranges[i].from, ranges[i].bits))
			return ranges[i].kind;
	return NULL;
}

/* Sets *known when the address carries another. */
static const char *
kind_inside(const struct egress_address *a, bool *known)
{
	const char *kind = NULL;

	for (size_t i = 0; i < array_size(carriers) && !kind; i++) {
		struct egress_address in = {.len = 4};

		if (!is_within(a, carriers[i].from, carriers[i].bits))
			continue;
		for (unsigned k = 0; k < 4; k++)
			in.bytes[k] =
				a->bytes[carriers[i].at + k] ^ carriers[i].flip;
		*known = true;
		kind = egress_address_kind(&in);
	}
	return kind;
}

const char *
egress_address_kind(const struct egress_address *a)
{
	bool known = false;
	const char *kind;

	if (a->len == 4)
		return kind_in(a, v4_ranges, array_size(v4_ranges));
	if (a->len != 16)
		return reserved_kind;
	kind = kind_in(a, v6_ranges, array_size(v6_ranges));
	if (!kind)
		kind = kind_inside(a, &known);
	if (!kind && !known && !is_within(a, "2000::", 3))
		kind = reserved_kind; /* RFC 4291: not given out */
	return kind;
}

/* A datagram socket's connect chooses a route and sends nothing; towards
 * ourselves the kernel chooses the very address as the source. */
bool
egress_address_is_ours(const struct egress_address *a)
{
	struct sockaddr_storage to, from = {0};
	socklen_t len = egress_address_to(a, 9, &to), got = sizeof(from);
	_close_ int fd = socket(to.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct egress_address source;

	if (fd < 0 || connect(fd, (struct sockaddr *)&to, len) < 0 ||
		getsockname(fd, (struct sockaddr *)&from, &got) < 0)
		return false;
	source = egress_address_from((struct sockaddr *)&from);
	return egress_address_eq(a, &source);
}
