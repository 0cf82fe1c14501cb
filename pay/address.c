/*
 * WeChat Pay never calls back an address inside somebody's network, and says
 * so nowhere: the callbacks are just missing.  So it is looked at beforehand.
 */
#include "pay/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

enum { HOST_TOP = 255 };

/* After "http://" or "https://"; empty: neither. */
static struct slice
after_scheme(struct slice url)
{
	size_t n = slice_starts(url, "https://")  ? 8
		   : slice_starts(url, "http://") ? 7
						  : url.len;

	return slice_of(url.ptr + n, url.len - n);
}

/* "user@host:port" up to the path. */
static struct slice
authority(struct slice url)
{
	struct slice rest = after_scheme(url);
	size_t n = 0;

	while (n < rest.len && !strchr("/?#", rest.ptr[n]))
		n++;
	return slice_of(rest.ptr, n);
}

bool
address_host(struct slice url, struct slice *ret)
{
	struct slice a = authority(url), host;
	const char *end;

	if (!a.len || memchr(a.ptr, '@', a.len))
		return false;
	if (a.ptr[0] == '[') {
		end = memchr(a.ptr, ']', a.len);
		if (!end)
			return false;
		*ret = slice_of(a.ptr + 1, (size_t)(end - a.ptr) - 1);
		return ret->len > 0;
	}
	(void)slice_split(&a, ':', &host);
	*ret = host;
	return host.len > 0 && host.len <= HOST_TOP;
}

bool
address_same_origin(struct slice a, struct slice b)
{
	struct slice x = authority(a), y = authority(b);

	return x.len && slice_eq_nocase(x, y) &&
	       slice_starts(a, "https://") == slice_starts(b, "https://") &&
	       !memchr(x.ptr, '@', x.len);
}

struct slice
address_path(struct slice url)
{
	struct slice a = authority(url);
	const char *at = a.ptr + a.len;
	size_t len = (size_t)(url.ptr + url.len - at);
	const char *hash = len ? memchr(at, '#', len) : NULL;

	if (hash)
		len = (size_t)(hash - at);
	return len && *at == '/' ? slice_of(at, len) : SLICE("/");
}

/* RFC 6890 and what else no stranger reaches. */
static bool
is_private_v4(uint32_t ip)
{
	static const struct {
		uint32_t net;
		int bits;
	} rows[] = {
		{0x00000000, 8},  /* this network */
		{0x0a000000, 8},  /* 10/8 */
		{0x64400000, 10}, /* 100.64/10, carriers */
		{0x7f000000, 8},  /* loopback */
		{0xa9fe0000, 16}, /* link */
		{0xac100000, 12}, /* 172.16/12 */
		{0xc0000000, 24}, /* protocols */
		{0xc0000200, 24}, /* documentation */
		{0xc0a80000, 16}, /* 192.168/16 */
		{0xc6120000, 15}, /* benchmarks */
		{0xc6336400, 24}, /* documentation */
		{0xcb007100, 24}, /* documentation */
		{0xe0000000, 4},  /* multicast */
		{0xf0000000, 4},  /* reserved */
	};

	for (size_t i = 0; i < array_size(rows); i++)
		if ((ip ^ rows[i].net) >> (32 - rows[i].bits) == 0)
			return true;
	return false;
}

/* Public is 2000::/3, without the documentation's. */
static bool
is_private_v6(const uint8_t ip[16])
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	if (memcmp(ip, mapped, sizeof(mapped)) == 0)
		return is_private_v4((uint32_t)ip[12] << 24 |
				     (uint32_t)ip[13] << 16 |
				     (uint32_t)ip[14] << 8 | ip[15]);
	if ((ip[0] & 0xe0) != 0x20)
		return true;
	return ip[0] == 0x20 && ip[1] == 0x01 && ip[2] == 0x0d && ip[3] == 0xb8;
}

bool
address_is_private_ip(const struct sockaddr *at)
{
	if (at->sa_family == AF_INET)
		return is_private_v4(
			ntohl(((const struct sockaddr_in *)(const void *)at)
					->sin_addr.s_addr));
	if (at->sa_family == AF_INET6)
		return is_private_v6(
			((const struct sockaddr_in6 *)(const void *)at)
				->sin6_addr.s6_addr);
	return true;
}

bool
address_is_private(struct slice host)
{
	static const char *const inner[] = {
		"localhost", ".localhost", ".local", ".internal", ".lan"};
	char text[HOST_TOP + 1];
	struct in_addr v4;
	struct in6_addr v6;

	if (host.len > HOST_TOP)
		return true;
	memcpy(text, host.ptr, host.len);
	text[host.len] = '\0';
	if (inet_pton(AF_INET, text, &v4) == 1)
		return is_private_v4(ntohl(v4.s_addr));
	if (inet_pton(AF_INET6, text, &v6) == 1)
		return is_private_v6(v6.s6_addr);
	for (size_t i = 0; i < array_size(inner); i++) {
		size_t n = strlen(inner[i]);

		if (host.len >= n &&
			slice_is_nocase(
				slice_of(host.ptr + host.len - n, n), inner[i]))
			return inner[i][0] == '.' || host.len == n;
	}
	/* a name without a dot is one of this network */
	return !memchr(host.ptr, '.', host.len);
}
