/*
 * Text between UTF-8 and the engine.  Its own conversions stop at what they do
 * not like (a lone surrogate, a byte that is not UTF-8), so they are used where
 * there is nothing of the kind, which is seen by counting, and replaced where
 * there is.
 */
#include "functions/js.h"

#include "base/mem.h"

#include <stdlib.h>

enum { SMALL = 2048, REPLACEMENT = 0xfffd };

static bool
is_ascii(struct slice s)
{
	unsigned char all = 0;

	for (size_t i = 0; i < s.len; i++)
		all |= (unsigned char)s.ptr[i];
	return all < 0x80;
}

size_t
js_units(struct slice text)
{
	size_t n = 0;

	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];

		n += (c & 0xc0) != 0x80;
		n += c >= 0xf0;
	}
	return n;
}

/* The longest start of a sequence that could still become one: what WHATWG's
 * decoder replaces by one U+FFFD. */
static size_t
bad_length(struct slice s)
{
	const unsigned char *p = (const unsigned char *)s.ptr;
	unsigned char low = 0x80, high = 0xbf;
	size_t want, n = 1;

	if (p[0] < 0xc2 || p[0] > 0xf4)
		return 1;
	want = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	if (p[0] == 0xe0)
		low = 0xa0;
	else if (p[0] == 0xed)
		high = 0x9f;
	else if (p[0] == 0xf0)
		low = 0x90;
	else if (p[0] == 0xf4)
		high = 0x8f;
	while (n < want && n < s.len && p[n] >= low && p[n] <= high) {
		low = 0x80;
		high = 0xbf;
		n++;
	}
	return n;
}

static uint32_t
code_point(const char *at, size_t len)
{
	const unsigned char *p = (const unsigned char *)at;
	uint32_t c = len == 1   ? p[0]
		     : len == 2 ? p[0] & 0x1fu
		     : len == 3 ? p[0] & 0x0fu
				: p[0] & 0x07u;

	for (size_t i = 1; i < len; i++)
		c = c << 6 | (p[i] & 0x3fu);
	return c;
}

/* `to` has room for a unit a byte. */
static size_t
decode(struct slice text, JSChar *to)
{
	size_t n = 0;

	while (text.len > 0) {
		size_t len = slice_utf8(text);
		uint32_t c = len ? code_point(text.ptr, len) : REPLACEMENT;

		if (!len)
			len = bad_length(text);
		if (c >= 0x10000) {
			to[n++] = (JSChar)(0xd7c0 + (c >> 10));
			to[n++] = (JSChar)(0xdc00 + (c & 0x3ff));
		} else {
			to[n++] = (JSChar)c;
		}
		text = slice_of(text.ptr + len, text.len - len);
	}
	return n;
}

static JSStringRef
ascii_string(struct slice text)
{
	char small[SMALL], *copy = small;
	JSStringRef s;

	if (text.len >= sizeof(small))
		copy = mem_alloc(text.len + 1);
	if (text.len > 0)
		memcpy(copy, text.ptr, text.len);
	copy[text.len] = '\0';
	s = JSStringCreateWithUTF8CString(copy);
	if (copy != small)
		free(copy);
	return s;
}

JSStringRef
js_string(struct slice text)
{
	JSChar small[SMALL], *units = small;
	JSStringRef s;

	if (is_ascii(text) && !memchr(text.ptr, '\0', text.len))
		return ascii_string(text);
	if (text.len > array_size(small))
		units = mem_array(text.len, JSChar);
	s = JSStringCreateWithCharacters(units, decode(text, units));
	if (units != small)
		free(units);
	return s;
}

JSValueRef
js_text(JSContextRef js, struct slice text)
{
	JSStringRef s = js_string(text);
	JSValueRef v = JSValueMakeString(js, s);

	JSStringRelease(s);
	return v;
}

static size_t
encode_one(uint32_t c, char *to)
{
	if (c < 0x80) {
		to[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		to[0] = (char)(0xc0 | c >> 6);
		to[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		to[0] = (char)(0xe0 | c >> 12);
		to[1] = (char)(0x80 | (c >> 6 & 0x3f));
		to[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	to[0] = (char)(0xf0 | c >> 18);
	to[1] = (char)(0x80 | (c >> 12 & 0x3f));
	to[2] = (char)(0x80 | (c >> 6 & 0x3f));
	to[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

static bool
is_pair(const JSChar *at, size_t left)
{
	return left > 1 && (at[0] & 0xfc00) == 0xd800 &&
	       (at[1] & 0xfc00) == 0xdc00;
}

/* With three bytes a unit in `to`. */
static size_t
encode(JSStringRef s, char *to)
{
	const JSChar *units = JSStringGetCharactersPtr(s);
	size_t len = JSStringGetLength(s), n = 0;

	for (size_t i = 0; i < len; i++) {
		uint32_t c = units[i];

		if (is_pair(units + i, len - i)) {
			c = 0x10000 + ((c & 0x3ff) << 10) +
			    (units[++i] & 0x3ffu);
		} else if ((c & 0xf800) == 0xd800) {
			c = REPLACEMENT;
		}
		n += encode_one(c, to + n);
	}
	return n;
}

bool
js_string_utf8(JSStringRef s, struct buf *to)
{
	size_t top = JSStringGetMaximumUTF8CStringSize(s);
	char *at = buf_reserve(to, top);
	size_t n;

	if (!at)
		return false;
	n = JSStringGetUTF8CString(s, at, top);
	n = n > 0 ? n - 1 : 0;
	if (js_units(slice_of(at, n)) != JSStringGetLength(s))
		n = encode(s, at);
	buf_grown(to, n);
	return true;
}

bool
js_utf8(JSContextRef js, JSValueRef v, struct buf *to)
{
	JSStringRef s = JSValueToStringCopy(js, v, NULL);
	bool ok;

	if (!s)
		return false;
	ok = js_string_utf8(s, to);
	JSStringRelease(s);
	return ok;
}
