/*
 * A reader that gives one field after the other and a writer of two kinds: the
 * SDKs' messages are few and small, so each is read by a loop of its own
 * (proto_call.c) rather than by a description.
 */
#include "wechat/proto.h"

enum { NUMBER_TOP = (1 << 29) - 1 };

static int
take_varint(struct slice *rest, uint64_t *ret)
{
	uint64_t value = 0;

	for (unsigned shift = 0; shift < 70; shift += 7) {
		unsigned char c;

		if (!rest->len)
			return ERR_FORMAT;
		c = (unsigned char)*rest->ptr++;
		rest->len--;
		if (shift == 63 && c > 1)
			return ERR_FORMAT; /* past 64 bits */
		value |= (uint64_t)(c & 0x7f) << shift;
		if (c < 0x80) {
			*ret = value;
			return 0;
		}
	}
	return ERR_FORMAT;
}

static int
take_fixed(struct slice *rest, size_t size, uint64_t *ret)
{
	uint64_t value = 0;

	if (rest->len < size)
		return ERR_FORMAT;
	for (size_t i = size; i-- > 0;)
		value = value << 8 | (unsigned char)rest->ptr[i];
	rest->ptr += size;
	rest->len -= size;
	*ret = value;
	return 0;
}

static int
take_bytes(struct slice *rest, struct slice *ret)
{
	uint64_t len;
	int e = take_varint(rest, &len);

	if (e < 0 || len > rest->len)
		return ERR_FORMAT;
	*ret = slice_of(rest->ptr, (size_t)len);
	rest->ptr += len;
	rest->len -= (size_t)len;
	return 0;
}

static int
take_value(struct slice *rest, struct proto_field *f)
{
	switch (f->wire) {
	case PROTO_VARINT:
		return take_varint(rest, &f->value);
	case PROTO_FIXED64:
		return take_fixed(rest, 8, &f->value);
	case PROTO_FIXED32:
		return take_fixed(rest, 4, &f->value);
	case PROTO_BYTES:
		return take_bytes(rest, &f->bytes);
	default:
		return ERR_FORMAT;
	}
}

int
proto_next(struct slice *rest, struct proto_field *ret)
{
	struct proto_field f = {.bytes = {"", 0}};
	uint64_t tag;
	int e;

	if (!rest->len)
		return 0;
	e = take_varint(rest, &tag);
	if (e < 0)
		return e;
	if (tag >> 3 == 0 || tag >> 3 > NUMBER_TOP)
		return ERR_FORMAT;
	f.number = (uint32_t)(tag >> 3);
	f.wire = (enum proto_wire)(tag & 7);
	e = take_value(rest, &f);
	if (e < 0)
		return e;
	*ret = f;
	return 1;
}

static void
put_varint(struct buf *to, uint64_t value)
{
	while (value > 0x7f) {
		buf_char(to, (char)(value | 0x80));
		value >>= 7;
	}
	buf_char(to, (char)value);
}

void
proto_put_int(struct buf *to, uint32_t number, int64_t value)
{
	put_varint(to, (uint64_t)number << 3 | PROTO_VARINT);
	put_varint(to, (uint64_t)value);
}

void
proto_put_bytes(struct buf *to, uint32_t number, struct slice value)
{
	put_varint(to, (uint64_t)number << 3 | PROTO_BYTES);
	put_varint(to, value.len);
	buf_slice(to, value);
}
