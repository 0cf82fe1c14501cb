/*
 * Bytes as text and back.  Decoders are strict unless they say otherwise: two
 * spellings of one token would be two tokens to a cache or a deny list.
 */
#include "base/text.h"

#include "base/crypto.h"
#include "base/err.h"

#include <errno.h>
#include <string.h>

static const char letters[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
static const char hexes[] = "0123456789abcdef";

static void
base64_put(struct buf *to, struct slice in, const char *last, bool pad)
{
	const unsigned char *p = (const unsigned char *)in.ptr;
	size_t whole = in.len / 3, left = in.len % 3;
	size_t len = whole * 4 + (left == 0 ? 0 : pad ? 4 : left + 1);
	char table[64], *at = buf_reserve(to, len);

	if (!at)
		return;
	memcpy(table, letters, 62);
	memcpy(table + 62, last, 2);
	for (size_t i = 0; i < whole; i++, p += 3) {
		*at++ = table[p[0] >> 2];
		*at++ = table[(p[0] & 3) << 4 | p[1] >> 4];
		*at++ = table[(p[1] & 15) << 2 | p[2] >> 6];
		*at++ = table[p[2] & 63];
	}
	if (left) {
		unsigned second = left == 2 ? p[1] : 0;

		*at++ = table[p[0] >> 2];
		*at++ = table[(p[0] & 3) << 4 | second >> 4];
		if (left == 2)
			*at++ = table[(second & 15) << 2];
		else if (pad)
			*at++ = '=';
		if (pad)
			*at++ = '=';
	}
	buf_grown(to, len);
}

void
text_base64(struct buf *to, struct slice in)
{
	base64_put(to, in, "+/", true);
}

void
text_base64url(struct buf *to, struct slice in)
{
	base64_put(to, in, "-_", false);
}

static int
base64_digit(char c, const char *last)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == last[0] ? 62 : c == last[1] ? 63 : -1;
}

/* The digits of `in` without padding.  Bits that encode nothing must be 0. */
static int
base64_get(struct buf *to, struct slice in, const char *last)
{
	size_t len = in.len / 4 * 3 + (in.len % 4 ? in.len % 4 - 1 : 0);
	char *at = buf_reserve(to, len);
	unsigned bits = 0;
	int have = 0;

	if (in.len % 4 == 1)
		return -EINVAL;
	if (!at)
		return ERR_TOO_BIG;
	for (size_t i = 0; i < in.len; i++) {
		int digit = base64_digit(in.ptr[i], last);

		if (digit < 0)
			return -EINVAL;
		bits = (bits << 6 | (unsigned)digit) & 0xfff;
		have += 6;
		if (have >= 8) {
			have -= 8;
			*at++ = (char)(bits >> have & 0xff);
		}
	}
	if (bits & ((1U << have) - 1))
		return -EINVAL;
	buf_grown(to, len);
	return 0;
}

int
text_unbase64(struct buf *to, struct slice in)
{
	if (in.len % 4)
		return -EINVAL;
	for (int i = 0; i < 2 && in.len && in.ptr[in.len - 1] == '='; i++)
		in.len--;
	return base64_get(to, in, "+/");
}

int
text_unbase64url(struct buf *to, struct slice in)
{
	return base64_get(to, in, "-_");
}

int
text_unbase64_lenient(struct buf *to, struct slice in)
{
	_buf_ struct buf plain;

	buf_init(&plain, in.len);
	for (size_t i = 0; i < in.len; i++) {
		char c = in.ptr[i];

		if (c == '\r' || c == '\n' || c == '\t')
			continue;
		buf_char(&plain, c == ' ' || c == '-' ? '+'
				 : c == '_'           ? '/'
						      : c);
	}
	while (plain.len && plain.ptr[plain.len - 1] == '=')
		plain.len--;
	return base64_get(to, buf_all(&plain), "+/");
}

static void
hex_put(char *to, const unsigned char *from, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = from[i];

		*to++ = hexes[c >> 4];
		*to++ = hexes[c & 15];
	}
}

void
text_hex(struct buf *to, struct slice in)
{
	char *at = buf_reserve(to, in.len * 2);

	if (!at)
		return;
	hex_put(at, (const unsigned char *)in.ptr, in.len);
	buf_grown(to, in.len * 2);
}

void
text_hex_string(char *ret, const void *from, size_t len)
{
	hex_put(ret, from, len);
	ret[2 * len] = '\0';
}

int
text_hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

int
text_unhex(struct buf *to, struct slice in)
{
	char *at = buf_reserve(to, in.len / 2);

	if (in.len % 2)
		return -EINVAL;
	if (!at)
		return ERR_TOO_BIG;
	for (size_t i = 0; i < in.len; i += 2) {
		int high = text_hex_digit(in.ptr[i]);
		int low = text_hex_digit(in.ptr[i + 1]);

		if (high < 0 || low < 0)
			return -EINVAL;
		*at++ = (char)(high << 4 | low);
	}
	buf_grown(to, in.len / 2);
	return 0;
}

static bool
is_unreserved(char c)
{
	return (c != '\0' && memchr(letters, c, 62)) || c == '-' || c == '.' ||
	       c == '_' || c == '~';
}

void
text_url(struct buf *to, struct slice in)
{
	for (size_t i = 0; i < in.len; i++) {
		unsigned char c = (unsigned char)in.ptr[i];

		if (is_unreserved(in.ptr[i])) {
			buf_char(to, in.ptr[i]);
			continue;
		}
		buf_char(to, '%');
		buf_char(to, "0123456789ABCDEF"[c >> 4]);
		buf_char(to, "0123456789ABCDEF"[c & 15]);
	}
}

static int
unurl(struct buf *to, struct slice in, bool plus)
{
	for (size_t i = 0; i < in.len; i++) {
		char c = in.ptr[i];
		int high, low;

		if (c != '%') {
			buf_char(to, plus && c == '+' ? ' ' : c);
			continue;
		}
		if (in.len - i < 3)
			return -EINVAL;
		high = text_hex_digit(in.ptr[i + 1]);
		low = text_hex_digit(in.ptr[i + 2]);
		if (high < 0 || low < 0)
			return -EINVAL;
		buf_char(to, (char)(high << 4 | low));
		i += 2;
	}
	return buf_check(to);
}

int
text_unurl(struct buf *to, struct slice in, bool plus)
{
	size_t mark = to->len;
	int r = unurl(to, in, plus);

	if (r < 0)
		to->len = mark;
	return r;
}

void
text_random_hex(char *ret, size_t bytes)
{
	/* The upper half of the room holds the bytes until they are spelt. */
	crypto_random(ret + bytes, bytes);
	text_hex_string(ret, ret + bytes, bytes);
}

bool
text_is_utf8(struct slice in)
{
	size_t i = 0;

	while (i < in.len) {
		uint64_t eight;
		size_t n;

		if (in.len - i >= sizeof(eight)) {
			memcpy(&eight, in.ptr + i, sizeof(eight));
			if (!(eight & 0x8080808080808080ULL)) {
				i += sizeof(eight);
				continue;
			}
		}
		n = slice_utf8(slice_of(in.ptr + i, in.len - i));
		if (n == 0)
			return false;
		i += n;
	}
	return true;
}
