#pragma once

/* Bytes as text: base64, base64url, hex, URL encoding, times, ids. */

#include "base/buf.h"

void text_base64(struct buf *to, struct slice in);
void text_base64url(struct buf *to, struct slice in); /* no padding */
void text_hex(struct buf *to, struct slice in);
/* The same, NUL-ended, into ret[2*len+1]; `from` may be its upper half. */
void text_hex_string(char *ret, const void *from, size_t len);
/* What a hex digit of either case is worth, -1: it is none. */
int text_hex_digit(char c);
/* RFC 3986: all but unreserved is %XX. */
void text_url(struct buf *to, struct slice in);

/* Strict: padding right, nothing else; -EINVAL. */
int text_unbase64(struct buf *to, struct slice in) _must_check_;
int text_unbase64url(struct buf *to, struct slice in) _must_check_;
/* For what clients send: white space skipped, ' ' is '+', url-safe letters and
 * missing padding are fine. */
int text_unbase64_lenient(struct buf *to, struct slice in) _must_check_;
int text_unhex(struct buf *to, struct slice in) _must_check_;
/* %XX decoded; `plus`: '+' is a space. */
int text_unurl(struct buf *to, struct slice in, bool plus) _must_check_;

/* "2026-11-20T23:47:04.123Z" from ns since 1970. */
void text_time(struct buf *to, int64_t now);
/* "2018-06-08T10:34:56+08:00" (RFC 3339) to ns since 1970. */
int text_untime(struct slice in, int64_t *ret) _must_check_;
/* "Sun, 06 Nov 1994 08:49:37 GMT" from seconds since 1970; "" past year 9999.
 */
enum { TEXT_HTTP_DATE = 32 };
void text_http_date(char ret[TEXT_HTTP_DATE], int64_t s);
/* The three forms of RFC 9110, 5.6.7, to seconds since 1970; -EINVAL. */
int text_unhttp_date(struct slice in, int64_t *ret) _must_check_;

/* `bytes` random bytes as lower-case hex, NUL-ended, into ret[2*bytes+1]. */
void text_random_hex(char *ret, size_t bytes);
/* Valid UTF-8 (RFC 3629). */
bool text_is_utf8(struct slice in);
