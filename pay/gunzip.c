/*
 * gzip (RFC 1952) with a ceiling on what comes out: a few bytes can say
 * gigabytes.
 */
#include "pay/gunzip.h"

#include "base/err.h"

#include <errno.h>
#include <limits.h>
#include <zlib.h>

enum { PIECE = 256 * 1024, GZIP_BITS = 16 + MAX_WBITS };

bool
gunzip_is(struct slice in)
{
	return in.len > 2 && (uint8_t)in.ptr[0] == 0x1f &&
	       (uint8_t)in.ptr[1] == 0x8b;
}

static int
unpack(z_stream *z, struct buf *to)
{
	int r = Z_OK;

	while (r == Z_OK) {
		size_t room = min((size_t)PIECE, to->ceiling - to->len);
		char *at = room ? buf_reserve(to, room) : NULL;

		if (!at)
			return ERR_TOO_BIG;
		z->next_out = (Bytef *)at;
		z->avail_out = (uInt)room;
		r = inflate(z, Z_NO_FLUSH);
		buf_grown(to, room - z->avail_out);
		if (r == Z_BUF_ERROR ||
			(r == Z_OK && !z->avail_in && z->avail_out))
			return ERR_FORMAT;
	}
	return r == Z_STREAM_END && !z->avail_in ? 0 : ERR_FORMAT;
}

int
gunzip(struct buf *to, struct slice in)
{
	z_stream z = {0};
	int r;

	if (in.len > UINT32_MAX)
		return ERR_TOO_BIG;
	z.next_in = (Bytef *)(uintptr_t)in.ptr;
	z.avail_in = (uInt)in.len;
	if (inflateInit2(&z, GZIP_BITS) != Z_OK)
		return -ENOMEM;
	r = unpack(&z, to);
	(void)inflateEnd(&z);
	return r;
}

int
gzip(struct buf *to, struct slice in)
{
	z_stream z = {0};
	uLong room;
	char *at;
	int r;

	if (in.len > UINT_MAX ||
		deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, GZIP_BITS,
			8, Z_DEFAULT_STRATEGY) != Z_OK)
		return ERR_TOO_BIG;
	room = deflateBound(&z, (uLong)in.len);
	at = buf_reserve(to, room);
	z.next_in = (Bytef *)(uintptr_t)in.ptr;
	z.avail_in = (uInt)in.len;
	z.next_out = (Bytef *)at;
	z.avail_out = (uInt)room;
	r = at ? deflate(&z, Z_FINISH) : Z_BUF_ERROR;
	if (r == Z_STREAM_END)
		buf_grown(to, z.total_out);
	(void)deflateEnd(&z);
	return r == Z_STREAM_END ? 0 : ERR_TOO_BIG;
}
