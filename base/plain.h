#pragma once

/*
 * The part of a JSON string that stands there as it is, eight bytes at a time.
 */

#include "base/util.h"

#include <string.h>

/* The top bit of each byte that is not plain: a control character, a quote, a
 * backslash, no ASCII.  The classic "has a zero byte" and "has a byte less
 * than" tests; above the first that is found others may show wrongly. */
static inline uint64_t
plain_stops(uint64_t w)
{
	const uint64_t ones = ~0ULL / 255, tops = ones * 0x80;
	uint64_t quote = w ^ (ones * '"'), slash = w ^ (ones * '\\');

	return (w | ((w - ones * 0x20) & ~w) | ((quote - ones) & ~quote) |
		       ((slash - ones) & ~slash)) &
	       tops;
}

/* How many bytes from `p` on are plain. */
static inline size_t
plain_len(const void *p, size_t len)
{
	const unsigned char *at = p, *end = at + len;

	for (; end - at >= 8; at += 8) {
		uint64_t w, stops;

		memcpy(&w, at, sizeof(w));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
		w = __builtin_bswap64(w);
#endif
		stops = plain_stops(w);
		if (stops)
			return (size_t)(at - (const unsigned char *)p) +
			       (size_t)__builtin_ctzll(stops) / 8;
	}
	while (at < end && *at >= 0x20 && *at < 0x80 && *at != '"' &&
		*at != '\\')
		at++;
	return (size_t)(at - (const unsigned char *)p);
}
