/*
 * The one growing buffer; see buf.h for how a ceiling is met.
 */
#include "base/buf.h"

#include "base/decimal.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/plain.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void
buf_init(struct buf *b, size_t ceiling)
{
	*b = (struct buf){.ceiling = ceiling};
}

void
buf_done(struct buf *b)
{
	free(b->ptr);
	b->ptr = NULL;
	b->len = b->room = 0;
}

void
buf_clear(struct buf *b)
{
	b->len = 0;
	b->full = false;
	if (b->ptr)
		b->ptr[0] = '\0';
}

char *
buf_reserve(struct buf *b, size_t len)
{
	size_t want;

	if (b->full || len > b->ceiling || b->len > b->ceiling - len) {
		b->full = true;
		return NULL;
	}
	want = b->len + len + 1;
	if (want > b->room) {
		size_t room = max(want, max((size_t)64, b->room * 2));

		b->ptr = mem_resize(b->ptr, room);
		b->room = room;
	}
	return b->ptr + b->len;
}

void
buf_grown(struct buf *b, size_t len)
{
	b->len += len;
	b->ptr[b->len] = '\0';
}

void
buf_drop(struct buf *b, size_t len)
{
	if (!len)
		return;
	memmove(b->ptr, b->ptr + len, b->len - len);
	b->len -= len;
	b->ptr[b->len] = '\0';
}

void
buf_add(struct buf *b, const void *p, size_t len)
{
	char *to = buf_reserve(b, len);

	if (!to)
		return;
	if (len)
		memcpy(to, p, len);
	buf_grown(b, len);
}

void
buf_slice(struct buf *b, struct slice s)
{
	buf_add(b, s.ptr, s.len);
}

void
buf_str(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void
buf_char(struct buf *b, char c)
{
	buf_add(b, &c, 1);
}

void
buf_i64(struct buf *b, int64_t n)
{
	char text[DECIMAL_TOP + 1] = "-";
	char *at = text + (n < 0);

	at = decimal_put(at, n < 0 ? 0 - (uint64_t)n : (uint64_t)n);
	buf_add(b, text, (size_t)(at - text));
}

void
buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	char *to;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	to = buf_reserve(b, (size_t)n);
	if (!to)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(to, (size_t)n + 1, fmt, ap);
	va_end(ap);
	buf_grown(b, (size_t)n);
}

static void
json_escape(struct buf *b, unsigned char c)
{
	static const char *const shorts = "\"\"\\\\\bb\ff\nn\rr\tt";

	for (const char *s = shorts; *s; s += 2)
		if (c == (unsigned char)s[0]) {
			buf_char(b, '\\');
			buf_char(b, s[1]);
			return;
		}
	buf_printf(b, "\\u%04x", c);
}

/* The first byte from `i` on that cannot stand in a JSON string as it is. */
static size_t
json_plain(struct slice s, size_t i)
{
	while (i < s.len) {
		size_t n;

		i += plain_len(s.ptr + i, s.len - i);
		if (i == s.len || (unsigned char)s.ptr[i] < 0x80)
			break;
		n = slice_utf8(slice_of(s.ptr + i, s.len - i));
		if (n == 0)
			break;
		i += n;
	}
	return i;
}

/* Nearly every text: nothing in it is escaped. */
static bool
json_whole(struct buf *b, struct slice s)
{
	char *to = buf_reserve(b, s.len + 2);

	if (!to || json_plain(s, 0) < s.len)
		return !to;
	to[0] = '"';
	if (s.len)
		memcpy(to + 1, s.ptr, s.len);
	to[s.len + 1] = '"';
	buf_grown(b, s.len + 2);
	return true;
}

void
buf_json(struct buf *b, struct slice s)
{
	size_t from = 0;

	if (json_whole(b, s))
		return;
	buf_char(b, '"');
	for (;;) {
		size_t i = json_plain(s, from);

		if (i > from)
			buf_add(b, s.ptr + from, i - from);
		if (i == s.len)
			break;
		if ((unsigned char)s.ptr[i] >= 0x80)
			buf_str(b, "\xef\xbf\xbd");
		else
			json_escape(b, (unsigned char)s.ptr[i]);
		from = i + 1;
	}
	buf_char(b, '"');
}

int
buf_check(const struct buf *b)
{
	return b->full ? ERR_TOO_BIG : 0;
}
