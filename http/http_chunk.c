/*
 * A machine that takes a byte at a time of what stands between the data, and
 * the data itself as it lies.
 *
 *   SIZE → (EXTENSION) → SIZE_LF → DATA → DATA_CR → DATA_LF → SIZE …
 *   a size of 0: SIZE_LF → LINE → (TRAILER → TRAILER_LF → LINE) → END_LF → over
 */
#include "http/http_chunk.h"

#include "base/text.h"

enum { EXTENSION_TOP = 1024, TRAILER_TOP = 16 * 1024 };

enum state {
	SIZE,
	EXTENSION,
	SIZE_LF,
	DATA,
	DATA_CR,
	DATA_LF,
	LINE,
	TRAILER,
	TRAILER_LF,
	END_LF,
	OVER,
	BAD
};

static enum state
on_size(struct http_chunk *c, char byte)
{
	int digit = text_hex_digit(byte);

	if (digit >= 0) {
		if (c->left > (uint64_t)INT64_MAX >> 4)
			return BAD;
		c->left = c->left << 4 | (unsigned)digit;
		c->digits = true;
		return SIZE;
	}
	if (!c->digits)
		return BAD;
	if (byte == '\r')
		return SIZE_LF;
	c->extra = 0;
	return byte == ';' || byte == ' ' || byte == '\t' ? EXTENSION : BAD;
}

/* Up to a CR; nothing that a reader might take for the line's end. */
static enum state
on_text(struct http_chunk *c, char byte, unsigned top, enum state same,
	enum state next)
{
	if (byte == '\r')
		return next;
	if (byte == '\n' || byte == '\0' || ++c->extra > top)
		return BAD;
	return same;
}

static enum state
on_size_lf(struct http_chunk *c)
{
	c->digits = false;
	c->extra = 0;
	return c->left ? DATA : LINE;
}

static enum state
on_byte(struct http_chunk *c, char byte)
{
	switch ((enum state)c->state) {
	case SIZE:
		return on_size(c, byte);
	case EXTENSION:
		return on_text(c, byte, EXTENSION_TOP, EXTENSION, SIZE_LF);
	case SIZE_LF:
		return byte == '\n' ? on_size_lf(c) : BAD;
	case DATA_CR:
		return byte == '\r' ? DATA_LF : BAD;
	case DATA_LF:
		return byte == '\n' ? SIZE : BAD;
	case LINE:
		if (byte == '\r')
			return END_LF;
		return on_text(c, byte, TRAILER_TOP, TRAILER, BAD);
	case TRAILER:
		return on_text(c, byte, TRAILER_TOP, TRAILER, TRAILER_LF);
	case TRAILER_LF:
		return byte == '\n' ? LINE : BAD;
	case END_LF:
		return byte == '\n' ? OVER : BAD;
	case DATA:
	case OVER:
	case BAD:
		break;
	}
	return BAD;
}

static struct slice
cut(struct slice *in, size_t len)
{
	struct slice s = slice_of(in->ptr, len);

	in->ptr += len;
	in->len -= len;
	return s;
}

int
http_chunk_next(struct http_chunk *c, struct slice *in, struct slice *data,
	struct fault *why)
{
	*data = slice_of(in->ptr, 0);
	while (c->state != OVER && in->len) {
		if (c->state == DATA) {
			*data = cut(in, (size_t)min(c->left, in->len));
			c->left -= data->len;
			if (!c->left)
				c->state = DATA_CR;
			return 0;
		}
		c->state = (unsigned char)on_byte(c, *in->ptr);
		if (c->state == BAD)
			return fault_set(why, ERR_UPSTREAM,
				"its answer is not HTTP/1.1: "
				"its chunks cannot be read");
		(void)cut(in, 1);
	}
	return c->state == OVER;
}
