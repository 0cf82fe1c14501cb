#pragma once

/*
 * Growing bytes with a ceiling given at birth: there is no buffer without one.
 * A buffer past its ceiling remembers it, keeps nothing more, and is asked once
 * at the end (buf_check), so that building needs no check at every step.
 * The bytes are always followed by a NUL that does not count.
 */

#include "base/slice.h"
#include "base/util.h"

struct buf {
	char *ptr;
	size_t len, room, ceiling;
	bool full; /* something did not fit */
};

void buf_init(struct buf *b, size_t ceiling);
void buf_done(struct buf *b);
/* Empty again, the memory kept. */
void buf_clear(struct buf *b);

void buf_add(struct buf *b, const void *p, size_t len);
void buf_slice(struct buf *b, struct slice s);
void buf_str(struct buf *b, const char *s);
void buf_char(struct buf *b, char c);
void buf_printf(struct buf *b, const char *fmt, ...) _printf_(2, 3);
/* A JSON string with its quotes.  Bytes that are not UTF-8 become U+FFFD. */
void buf_json(struct buf *b, struct slice s);
void buf_i64(struct buf *b, int64_t n);

/* Room for `len` bytes to be written by the caller, then buf_grown.  NULL past
 * the ceiling. */
char *buf_reserve(struct buf *b, size_t len);
void buf_grown(struct buf *b, size_t len);
/* Drop the first `len` bytes. */
void buf_drop(struct buf *b, size_t len);

/* 0, or ERR_TOO_BIG when something did not fit. */
int buf_check(const struct buf *b) _must_check_;

static inline struct slice
buf_all(const struct buf *b)
{
	return slice_of(b->ptr ? b->ptr : "", b->len);
}

#define _buf_ _cleanup_(buf_done)
