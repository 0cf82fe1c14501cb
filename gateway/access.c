/*
 * The access log.
 *
 * It is on the path of every request and its budget is a few hundred
 * nanoseconds, so nothing here goes through printf: the line is put together
 * in place, in a buffer that was reserved for the longest line, and the date
 * is formatted once a second.
 */
#include "gateway/access.h"

#include "base/clock.h"
#include "base/decimal.h"
#include "base/event.h"
#include "base/plain.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

enum { LINES_TOP = 1 << 20, FLUSH_AT = 1 << 16, TEXT_TOP = 1024 };

void
access_flush(struct access *a)
{
	defer_clear(&a->flush);
	if (a->lines.len)
		event_raw(buf_all(&a->lines));
	buf_clear(&a->lines);
}

static void
on_flush(struct defer *flush)
{
	access_flush(container_of(flush, struct access, flush));
}

void
access_init(struct access *a, struct loop *loop, const char *who)
{
	*a = (struct access){.loop = loop, .second = -1, .on = true};
	buf_init(&a->lines, LINES_TOP);
	defer_init(&a->flush, on_flush);
	a->constant_len = (size_t)snprintf(a->constant, sizeof(a->constant),
		"Z\",\"event\":\"access\",\"who\":\"%.31s\"", who);
}

void
access_done(struct access *a)
{
	if (!a->loop)
		return;
	access_flush(a);
	buf_done(&a->lines);
}

static inline char *
put(char *at, const char *s, size_t len)
{
	memcpy(at, s, len);
	return at + len;
}

#define PUT(at, literal) put(at, literal, sizeof(literal) - 1)

static char *
put_three(char *at, uint64_t n)
{
	*at++ = (char)('0' + n / 100 % 10);
	*at++ = (char)('0' + n / 10 % 10);
	*at++ = (char)('0' + n % 10);
	return at;
}

static char *
put_time(struct access *a, char *at)
{
	int64_t now = clock_coarse(), second = now / CLOCK_S;

	if (second != a->second) {
		struct buf text;

		buf_init(&text, sizeof(a->stamp) * 2);
		text_time(&text, second * CLOCK_S);
		memset(a->stamp, 0, sizeof(a->stamp));
		if (text.len >= 20)
			memcpy(a->stamp, text.ptr, 20);
		a->second = second;
		buf_done(&text);
	}
	at = put(at, a->stamp, 20);
	return put_three(at, (uint64_t)(now % CLOCK_S / CLOCK_MS));
}

/* A value that needs escapes is rare and goes through a buffer. */
static char *
put_json(char *at, const char *value, size_t len)
{
	struct buf text;

	buf_init(&text, (size_t)TEXT_TOP * 6 + 2);
	buf_json(&text, slice_of(value, len));
	at = put(at, text.ptr, text.len);
	buf_done(&text);
	return at;
}

static inline char *
put_quoted(char *at, const char *value, size_t len)
{
	*at++ = '"';
	at = put(at, value, len);
	*at++ = '"';
	return at;
}

/* `,"name":"value"`, nothing without a value. */
#define PUT_TEXT(at, name, value) \
	({ \
		char *to_ = (at); \
		size_t len_ = (value) ? strnlen(value, TEXT_TOP) : 0; \
		if (len_) { \
			to_ = PUT(to_, ",\"" name "\":"); \
			to_ = plain_len(value, len_) == len_ \
				      ? put_quoted(to_, value, len_) \
				      : put_json(to_, value, len_); \
		} \
		to_; \
	})
/* The same of our making, or a word that http has checked. */
#define PUT_OWN(at, name, value) \
	({ \
		char *to_ = (at); \
		size_t len_ = (value) ? strnlen(value, TEXT_TOP) : 0; \
		if (len_) \
			to_ = put_quoted( \
				PUT(to_, ",\"" name "\":"), value, len_); \
		to_; \
	})

static char *
put_line(struct access *a, char *at, const struct access_line *l)
{
	uint64_t us = l->ns > 0 ? (uint64_t)l->ns / 1000 : 0;

	at = PUT(at, "{\"time\":\"");
	at = put_time(a, at);
	at = put(at, a->constant, a->constant_len);
	at = PUT_OWN(at, "requestId", l->request_id);
	at = PUT_OWN(at, "method", l->method);
	at = PUT_TEXT(at, "path", l->path);
	at = PUT(at, ",\"status\":");
	at = decimal_put(at, (uint64_t)l->status);
	at = PUT(at, ",\"bytes\":");
	at = decimal_put(at, l->bytes);
	at = PUT(at, ",\"ms\":");
	at = decimal_put(at, us / 1000);
	*at++ = '.';
	at = put_three(at, us % 1000);
	at = PUT_OWN(at, "ip", l->ip);
	at = PUT_OWN(at, "uid", l->uid);
	at = PUT_TEXT(at, "function", l->function);
	at = PUT_OWN(at, "action", l->action);
	if (l->trace.len) {
		at = PUT(at, ",\"traceId\":\"");
		at = put(at, l->trace.ptr, l->trace.len);
		*at++ = '"';
	}
	return PUT(at, "}\n");
}

void
access_write(struct access *a, const struct access_line *line)
{
	enum { TEXTS = 8, LINE = 256 + TEXTS * (TEXT_TOP * 6 + 32) };
	char *at;

	if (!a->on)
		return;
	if (a->lines.len > FLUSH_AT)
		access_flush(a);
	at = buf_reserve(&a->lines, LINE);
	if (!at)
		return;
	buf_grown(&a->lines, (size_t)(put_line(a, at, line) - at));
	loop_defer(a->loop, &a->flush);
}
