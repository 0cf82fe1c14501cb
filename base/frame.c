/*
 * Frames and the words inside them.  Written byte by byte, so that neither
 * alignment nor the machine's byte order matters; compilers make one store
 * of it.
 */
#include "base/frame.h"

#include "base/err.h"

#include <assert.h>

static void
word_put(char *at, uint64_t n, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		at[i] = (char)(n >> (8 * i) & 0xff);
}

static uint64_t
word_get(const char *at, size_t bytes)
{
	uint64_t n = 0;

	for (size_t i = 0; i < bytes; i++)
		n |= (uint64_t)(unsigned char)at[i] << (8 * i);
	return n;
}

static void
head_put(char *at, size_t len, uint8_t type, uint32_t id)
{
	assert(len <= UINT32_MAX);
	word_put(at, len, 4);
	word_put(at + 4, type, 4);
	word_put(at + 8, id, 4);
}

void
frame_put(struct buf *to, uint8_t type, uint32_t id, struct slice body)
{
	char *at = buf_reserve(to, FRAME_HEAD + body.len);

	if (!at)
		return;
	head_put(at, body.len, type, id);
	if (body.len)
		memcpy(at + FRAME_HEAD, body.ptr, body.len);
	buf_grown(to, FRAME_HEAD + body.len);
}

size_t
frame_begin(struct buf *to, uint8_t type, uint32_t id)
{
	size_t mark = to->len;
	char *at = buf_reserve(to, FRAME_HEAD);

	if (at) {
		head_put(at, 0, type, id);
		buf_grown(to, FRAME_HEAD);
	}
	return mark;
}

void
frame_end(struct buf *to, size_t mark)
{
	if (to->full) { /* half a frame would be worse than none */
		to->len = mark;
		return;
	}
	assert(to->len >= mark + FRAME_HEAD);
	word_put(to->ptr + mark, to->len - mark - FRAME_HEAD, 4);
}

int
frame_cut(struct slice *from, size_t top, struct frame *ret)
{
	uint64_t len;

	if (from->len < FRAME_HEAD)
		return 0;
	len = word_get(from->ptr, 4);
	if (word_get(from->ptr + 5, 3) != 0)
		return ERR_FORMAT;
	if (len > top)
		return ERR_TOO_BIG;
	if (from->len - FRAME_HEAD < len)
		return 0;
	ret->type = (uint8_t)from->ptr[4];
	ret->id = (uint32_t)word_get(from->ptr + 8, 4);
	ret->body = slice_of(from->ptr + FRAME_HEAD, len);
	from->ptr += FRAME_HEAD + len;
	from->len -= FRAME_HEAD + len;
	return 1;
}

static void
put_word(struct buf *to, uint64_t n, size_t bytes)
{
	char *at = buf_reserve(to, bytes);

	if (!at)
		return;
	word_put(at, n, bytes);
	buf_grown(to, bytes);
}

void
put_u8(struct buf *to, uint8_t n)
{
	put_word(to, n, 1);
}

void
put_u32(struct buf *to, uint32_t n)
{
	put_word(to, n, 4);
}

void
put_u64(struct buf *to, uint64_t n)
{
	put_word(to, n, 8);
}

void
put_bytes(struct buf *to, struct slice s)
{
	assert(s.len <= UINT32_MAX);
	put_u32(to, (uint32_t)s.len);
	buf_slice(to, s);
}

/* What is not there reads as nothing, and the end says so. */
static struct slice
get_piece(struct getter *g, size_t len)
{
	struct slice s = {g->left.ptr, len};

	if (g->bad || g->left.len < len) {
		g->bad = true;
		return slice_of("", 0);
	}
	g->left.ptr += len;
	g->left.len -= len;
	return s;
}

static uint64_t
get_word(struct getter *g, size_t bytes)
{
	struct slice s = get_piece(g, bytes);

	return g->bad ? 0 : word_get(s.ptr, bytes);
}

uint8_t
get_u8(struct getter *g)
{
	return (uint8_t)get_word(g, 1);
}

uint32_t
get_u32(struct getter *g)
{
	return (uint32_t)get_word(g, 4);
}

uint64_t
get_u64(struct getter *g)
{
	return get_word(g, 8);
}

struct slice
get_bytes(struct getter *g)
{
	return get_piece(g, get_u32(g));
}

struct slice
get_rest(struct getter *g)
{
	return get_piece(g, g->left.len);
}

int
get_end(struct getter *g)
{
	return g->bad || g->left.len ? ERR_FORMAT : 0;
}
