/*
 * Reading a PROXY header.  What follows it belongs to TLS or HTTP and must not
 * be taken from the socket with it: so the reader asks how many bytes are the
 * header's for certain, and takes no more than these.
 *
 *   v1: "PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n"
 *   v2: 12 bytes of signature, version and command, family, length, addresses
 */
#include "http/proxy_header.h"

#include <arpa/inet.h>
#include <string.h>

static const char signature[] = "\r\n\r\n\0\r\nQUIT\n";

enum { V2_FIXED = 16, SIGNATURE = sizeof(signature) - 1 };

/* The whole word must be the number: no sign, no leading zero (2.1). */
static int
read_port(struct slice word, in_port_t *ret)
{
	uint64_t n;

	if (word.len > 1 && word.ptr[0] == '0')
		return ERR_BAD_REQUEST;
	if (slice_to_u64(word, 65535, &n) < 0)
		return ERR_BAD_REQUEST;
	*ret = htons((uint16_t)n);
	return 0;
}

static int
read_address(int family, struct slice word, void *ret)
{
	char text[INET6_ADDRSTRLEN];

	if (word.len >= sizeof(text))
		return ERR_BAD_REQUEST;
	memcpy(text, word.ptr, word.len);
	text[word.len] = '\0';
	return inet_pton(family, text, ret) == 1 ? 0 : ERR_BAD_REQUEST;
}

static int
read_v1_addresses(struct proxy_header *h, int family, struct slice rest)
{
	struct slice word[4];
	struct in6_addr to;
	in_port_t port;
	bool four = family == AF_INET;
	int e;

	if (!rest.len || rest.ptr[rest.len - 1] == ' ')
		return ERR_BAD_REQUEST;
	for (size_t i = 0; i < 4; i++)
		if (!slice_split(&rest, ' ', &word[i]) || !word[i].len)
			return ERR_BAD_REQUEST;
	if (rest.len)
		return ERR_BAD_REQUEST;
	h->from.any.sa_family = (sa_family_t)family;
	e = read_address(family, word[0],
		four ? (void *)&h->from.in.sin_addr
		     : (void *)&h->from.in6.sin6_addr);
	if (e == 0)
		e = read_address(family, word[1], &to);
	if (e == 0)
		e = read_port(word[2],
			four ? &h->from.in.sin_port : &h->from.in6.sin6_port);
	return e == 0 ? read_port(word[3], &port) : e;
}

static int
read_v1(struct proxy_header *h, struct slice line)
{
	struct slice word;

	if (!slice_split(&line, ' ', &word) || !slice_is(word, "PROXY") ||
		!slice_split(&line, ' ', &word))
		return ERR_BAD_REQUEST;
	if (slice_is(word, "UNKNOWN")) { /* whatever follows */
		h->local = true;
		return 1;
	}
	if (slice_is(word, "TCP4"))
		return read_v1_addresses(h, AF_INET, line) < 0 ? ERR_BAD_REQUEST
							       : 1;
	if (slice_is(word, "TCP6"))
		return read_v1_addresses(h, AF_INET6, line) < 0
			       ? ERR_BAD_REQUEST
			       : 1;
	return ERR_BAD_REQUEST;
}

static int
parse_v1(struct proxy_header *h, struct slice bytes)
{
	static const char start[] = "PROXY ";
	const char *end = memchr(bytes.ptr, '\n', bytes.len);
	size_t len = min(bytes.len, sizeof(start) - 1);

	if (memcmp(bytes.ptr, start, len) != 0)
		return ERR_BAD_REQUEST;
	if (end) {
		h->need = (size_t)(end - bytes.ptr) + 1;
		if (h->need > PROXY_V1_TOP || end == bytes.ptr ||
			end[-1] != '\r')
			return ERR_BAD_REQUEST;
		return read_v1(h, slice_of(bytes.ptr, h->need - 2));
	}
	/* No byte of a line is anybody else's before its end. */
	h->need = bytes.len;
	return bytes.len >= PROXY_V1_TOP ? ERR_BAD_REQUEST : 0;
}

static unsigned
byte_at(struct slice s, size_t i)
{
	return (unsigned char)s.ptr[i];
}

enum { TLV_SSL = 0x20, TLV_HEAD = 3 };

/* What stands behind the addresses (2.2.): type, length, value.  A value that
 * is cut off is none of ours to repair. */
static int
read_more(struct proxy_header *h, struct slice bytes, size_t at)
{
	while (at < h->need) {
		size_t len;

		if (h->need - at < TLV_HEAD)
			return ERR_BAD_REQUEST;
		len = byte_at(bytes, at + 1) << 8 | byte_at(bytes, at + 2);
		if (h->need - at - TLV_HEAD < len)
			return ERR_BAD_REQUEST;
		if (byte_at(bytes, at) == TLV_SSL && len) {
			h->told_tls = true;
			h->tls = byte_at(bytes, at + TLV_HEAD) & 1;
		}
		at += TLV_HEAD + len;
	}
	return 1;
}

/* Families of section 2.2; what is no TCP over IP has no address for us. */
static int
read_v2(struct proxy_header *h, struct slice bytes)
{
	unsigned family = byte_at(bytes, 13);
	size_t len = h->need - V2_FIXED;
	const char *at = bytes.ptr + V2_FIXED;

	if ((byte_at(bytes, 12) & 0xf) == 0) { /* LOCAL */
		h->local = true;
	} else if (family == 0x11) {
		if (len < 12)
			return ERR_BAD_REQUEST;
		h->from.in.sin_family = AF_INET;
		memcpy(&h->from.in.sin_addr, at, 4);
		memcpy(&h->from.in.sin_port, at + 8, 2);
		return read_more(h, bytes, V2_FIXED + 12);
	} else if (family == 0x21) {
		if (len < 36)
			return ERR_BAD_REQUEST;
		h->from.in6.sin6_family = AF_INET6;
		memcpy(&h->from.in6.sin6_addr, at, 16);
		memcpy(&h->from.in6.sin6_port, at + 32, 2);
		return read_more(h, bytes, V2_FIXED + 36);
	} else {
		h->local = true;
	}
	return 1;
}

static int
parse_v2(struct proxy_header *h, struct slice bytes)
{
	h->need = V2_FIXED;
	if (bytes.len < V2_FIXED)
		return 0;
	if (byte_at(bytes, 12) != 0x20 && byte_at(bytes, 12) != 0x21)
		return ERR_BAD_REQUEST;
	h->need += byte_at(bytes, 14) << 8 | byte_at(bytes, 15);
	if (h->need > PROXY_HEADER_TOP)
		return ERR_BAD_REQUEST;
	return bytes.len < h->need ? 0 : read_v2(h, bytes);
}

int
proxy_header_parse(struct proxy_header *ret, struct slice bytes)
{
	size_t len = min(bytes.len, (size_t)SIGNATURE);

	*ret = (struct proxy_header){.need = 1};
	if (!bytes.len)
		return 0;
	if (memcmp(bytes.ptr, signature, len) == 0)
		return parse_v2(ret, bytes);
	return parse_v1(ret, bytes);
}
