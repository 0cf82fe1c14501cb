#pragma once

/*
 * Content codings of answers (RFC 9110, 8.4 and 12.5.3): gzip by zlib, br by
 * libbrotli; the only user of brotli's encoder.  Which one a client wants, what
 * is worth it, and the bytes.
 */

#include "base/buf.h"
#include "base/err.h"

enum compress_coding {
	COMPRESS_NOT,
	COMPRESS_GZIP,
	COMPRESS_BR,
	COMPRESS_CODINGS_
};

/* "gzip", "br", "identity". */
const char *compress_name(enum compress_coding coding) _returns_value_;
/* Accept-Encoding → what to send of those in `have` (bits 1 << coding):
 * the largest q, br before gzip among equals; COMPRESS_NOT when none is wanted,
 * or identity is wanted more. */
enum compress_coding compress_choose(struct slice accept, unsigned have);
/* Less than this is not worth it: the answer fits one packet anyway. */
enum { COMPRESS_LEAST = 1024 };
/* Whether bytes of this media type become smaller: texts, JSON, XML, scripts,
 * SVG, fonts and WebAssembly that are not compressed already. */
bool compress_gains(struct slice content_type);
/* Appends.  `best`: take the time that something kept deserves.  ERR_TOO_BIG:
 * `to` is full, or the bytes did not become smaller. */
int compress_put(struct buf *to, struct slice in, enum compress_coding coding,
	bool best) _must_check_;
