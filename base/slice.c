/*
 * Comparing and cutting borrowed bytes.
 */
#include "base/slice.h"

#include <errno.h>
#include <strings.h>

enum { DISTANCE_TOP = 64 };

bool
slice_eq(struct slice a, struct slice b)
{
	return a.len == b.len &&
	       (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

bool
slice_is(struct slice a, const char *s)
{
	return slice_eq(a, slice_str(s));
}

bool
slice_eq_nocase(struct slice a, struct slice b)
{
	return a.len == b.len &&
	       (a.len == 0 || strncasecmp(a.ptr, b.ptr, a.len) == 0);
}

bool
slice_is_nocase(struct slice a, const char *s)
{
	return slice_eq_nocase(a, slice_str(s));
}

bool
slice_starts(struct slice a, const char *prefix)
{
	size_t n = strlen(prefix);

	return a.len >= n && (n == 0 || memcmp(a.ptr, prefix, n) == 0);
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

struct slice
slice_trim(struct slice a)
{
	while (a.len && is_blank(a.ptr[0]))
		a.ptr++, a.len--;
	while (a.len && is_blank(a.ptr[a.len - 1]))
		a.len--;
	return a;
}

bool
slice_split(struct slice *rest, char sep, struct slice *ret)
{
	const char *at;

	if (!rest->ptr)
		return false;
	at = rest->len ? memchr(rest->ptr, sep, rest->len) : NULL;
	if (!at) {
		*ret = *rest;
		*rest = (struct slice){NULL, 0};
		return true;
	}
	*ret = slice_of(rest->ptr, (size_t)(at - rest->ptr));
	rest->len -= ret->len + 1;
	rest->ptr = at + 1;
	return true;
}

bool
slice_lists(struct slice list, struct slice word)
{
	struct slice one;

	while (slice_split(&list, ',', &one))
		if (slice_eq_nocase(slice_trim(one), word))
			return true;
	return false;
}

int
slice_to_u64(struct slice a, uint64_t top, uint64_t *ret)
{
	uint64_t n = 0;

	if (a.len == 0)
		return -EINVAL;
	for (size_t i = 0; i < a.len; i++) {
		unsigned digit = (unsigned)(a.ptr[i] - '0');

		if (digit > 9)
			return -EINVAL;
		if (digit > top || n > (top - digit) / 10)
			return -ERANGE;
		n = n * 10 + digit;
	}
	*ret = n;
	return 0;
}

size_t
slice_utf8(struct slice a)
{
	/* What may follow these first bytes is narrower than 80..bf. */
	static const struct {
		unsigned char first, low, high;
	} odd[] = {{0xe0, 0xa0, 0xbf}, {0xed, 0x80, 0x9f}, {0xf0, 0x90, 0xbf},
		{0xf4, 0x80, 0x8f}};
	const unsigned char *p = (const unsigned char *)a.ptr;
	size_t n = p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;

	if (p[0] < 0x80)
		return 1;
	if (n == 0 || p[0] > 0xf4 || a.len < n)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	for (size_t i = 0; i < array_size(odd); i++)
		if (p[0] == odd[i].first)
			return p[1] < odd[i].low || p[1] > odd[i].high ? 0 : n;
	return n;
}

size_t
slice_distance(struct slice a, struct slice b)
{
	size_t row[DISTANCE_TOP + 1];

	if (a.len > DISTANCE_TOP || b.len > DISTANCE_TOP)
		return SIZE_MAX;
	for (size_t j = 0; j <= b.len; j++)
		row[j] = j;
	for (size_t i = 1; i <= a.len; i++) {
		size_t corner = row[0];

		row[0] = i;
		for (size_t j = 1; j <= b.len; j++) {
			size_t above = row[j];
			size_t swap = corner + (a.ptr[i - 1] != b.ptr[j - 1]);

			row[j] = min(swap, min(above, row[j - 1]) + 1);
			corner = above;
		}
	}
	return row[b.len];
}
