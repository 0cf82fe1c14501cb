/*
 * One shot, no stream: what is compressed is an answer in memory, whose size is
 * known and small.  The room is the input's size: what does not fit into it is
 * not worth a header.
 */
#include "base/compress.h"

#include <brotli/encode.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { GZIP_WINDOW = 15 + 16, MEMORY = 8 };

const char *
compress_name(enum compress_coding coding)
{
	return coding == COMPRESS_BR     ? "br"
	       : coding == COMPRESS_GZIP ? "gzip"
					 : "identity";
}

/* ";q=0.5" in thousandths (RFC 9110, 12.4.2); what cannot be read is 0. */
static unsigned
weight_of(struct slice params)
{
	struct slice one;

	while (slice_split(&params, ';', &one)) {
		unsigned n = 0, unit = 100;

		one = slice_trim(one);
		if (one.len < 3 || (one.ptr[0] | 0x20) != 'q' ||
			one.ptr[1] != '=')
			continue;
		if (one.ptr[2] == '1')
			return 1000;
		if (one.ptr[2] != '0')
			return 0;
		for (size_t i = 4; i < one.len && i < 7; i++, unit /= 10) {
			if (one.ptr[i] < '0' || one.ptr[i] > '9')
				return 0;
			n += (unsigned)(one.ptr[i] - '0') * unit;
		}
		return n;
	}
	return 1000;
}

enum compress_coding
compress_choose(struct slice accept, unsigned have)
{
	static const char *const names[COMPRESS_CODINGS_] = {
		"identity", "gzip", "br"};
	unsigned q[COMPRESS_CODINGS_];
	bool said[COMPRESS_CODINGS_] = {false};
	unsigned any = 0, best = 0;
	enum compress_coding ret = COMPRESS_NOT;
	struct slice one, name;

	if (!accept.len)
		return COMPRESS_NOT;
	while (slice_split(&accept, ',', &one)) {
		unsigned weight;

		if (!slice_split(&one, ';', &name))
			continue;
		weight = one.ptr ? weight_of(one) : 1000;
		name = slice_trim(name);
		if (slice_is(name, "*"))
			any = weight;
		for (size_t i = 0; i < array_size(names); i++)
			if (slice_is_nocase(name, names[i]) ||
				(i == COMPRESS_GZIP &&
					slice_is_nocase(name, "x-gzip"))) {
				q[i] = weight;
				said[i] = true;
			}
	}
	for (size_t i = COMPRESS_GZIP; i < COMPRESS_CODINGS_; i++) {
		unsigned its = said[i] ? q[i] : any;

		if (have >> i & 1 && its && its >= best) {
			best = its;
			ret = (enum compress_coding)i;
		}
	}
	return said[COMPRESS_NOT] && q[COMPRESS_NOT] > best ? COMPRESS_NOT
							    : ret;
}

static bool
ends_with(struct slice s, const char *end)
{
	size_t n = strlen(end);

	return s.len >= n &&
	       slice_is_nocase(slice_of(s.ptr + s.len - n, n), end);
}

bool
compress_gains(struct slice content_type)
{
	static const char *const types[] = {"application/json",
		"application/javascript", "application/xml",
		"application/x-ndjson", "application/manifest+json",
		"application/wasm", "application/graphql", "application/yaml",
		"application/vnd.ms-fontobject", "font/ttf", "font/otf",
		"image/bmp", "image/x-icon"};
	struct slice rest = content_type, type;

	if (!slice_split(&rest, ';', &type))
		return false;
	type = slice_trim(type);
	if (ends_with(type, "+json") || ends_with(type, "+xml"))
		return true;
	/* a stream of events must not wait for a buffer */
	if (type.len > 5 && slice_is_nocase(slice_of(type.ptr, 5), "text/"))
		return !slice_is_nocase(type, "text/event-stream");
	for (size_t i = 0; i < array_size(types); i++)
		if (slice_is_nocase(type, types[i]))
			return true;
	return false;
}

static int
gzip(struct buf *to, char *room, struct slice in, bool best)
{
	z_stream z = {0};
	int e;

	if (deflateInit2(&z, best ? 9 : 4, Z_DEFLATED, GZIP_WINDOW, MEMORY,
		    Z_DEFAULT_STRATEGY) != Z_OK)
		abort(); /* out of memory */
	z.next_in = (Bytef *)(uintptr_t)in.ptr;
	z.avail_in = (uInt)in.len;
	z.next_out = (Bytef *)room;
	z.avail_out = (uInt)in.len;
	e = deflate(&z, Z_FINISH);
	if (e == Z_STREAM_END)
		buf_grown(to, z.total_out);
	(void)deflateEnd(&z);
	return e == Z_STREAM_END ? 0 : ERR_TOO_BIG;
}

static int
brotli(struct buf *to, char *room, struct slice in, bool best)
{
	size_t len = in.len;

	if (!BrotliEncoderCompress(best ? 9 : 4, BROTLI_DEFAULT_WINDOW,
		    BROTLI_MODE_TEXT, in.len, (const uint8_t *)in.ptr, &len,
		    (uint8_t *)room) ||
		len >= in.len)
		return ERR_TOO_BIG;
	buf_grown(to, len);
	return 0;
}

int
compress_put(
	struct buf *to, struct slice in, enum compress_coding coding, bool best)
{
	char *room;

	if (!in.len || in.len > INT32_MAX)
		return ERR_TOO_BIG;
	room = buf_reserve(to, in.len);
	if (!room)
		return ERR_TOO_BIG;
	if (coding == COMPRESS_BR)
		return brotli(to, room, in, best);
	if (coding == COMPRESS_GZIP)
		return gzip(to, room, in, best);
	return ERR_TOO_BIG;
}
