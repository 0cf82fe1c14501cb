/*
 * A frame is its head, of 2 to 14 bytes, and a payload whose length stands
 * there.
 */
#include "http/ws_edges.h"

#include "base/crypto.h"

#include <string.h>

enum { OPCODE = 0x0f, CLOSE = 0x8, MASKED = 0x80, LENGTH = 0x7f };

/* Of a head whose first two bytes are there. */
static unsigned
head_length(const struct ws_edges *e)
{
	unsigned length = e->head[1] & LENGTH;

	return 2 +
	       (length == 126          ? 2
		       : length == 127 ? 8
				       : 0) +
	       (e->head[1] & MASKED ? 4 : 0);
}

static uint64_t
payload_length(const struct ws_edges *e)
{
	uint64_t length = e->head[1] & LENGTH;
	unsigned bytes = length == 126 ? 2 : length == 127 ? 8 : 0;

	if (!bytes)
		return length;
	length = 0;
	for (unsigned i = 0; i < bytes; i++)
		length = length << 8 | e->head[2 + i];
	return length;
}

bool
ws_edges_between(const struct ws_edges *e)
{
	return !e->got;
}

/* The frame has ended. */
static void
end(struct ws_edges *e)
{
	e->closed = (e->head[0] & OPCODE) == CLOSE;
	e->got = 0;
}

size_t
ws_edges_cut(struct ws_edges *e, struct slice in)
{
	size_t at = 0, n;

	while (at < in.len && !(e->got >= 2 && e->got == head_length(e))) {
		e->head[e->got++] = (unsigned char)in.ptr[at++];
		if (e->got < 2 || e->got < head_length(e))
			continue;
		e->left = payload_length(e);
		if (!e->left) {
			end(e);
			return at;
		}
	}
	n = (size_t)min(e->left, (uint64_t)(in.len - at));
	if (n) {
		e->left -= n;
		if (!e->left)
			end(e);
	}
	return at + n;
}

size_t
ws_close_put(
	char to[WS_CLOSE_TOP], unsigned code, const char *reason, bool masked)
{
	size_t len = min(strlen(reason), (size_t)123), at = 2;
	unsigned char mask[4] = {0};

	to[0] = (char)(0x80 | CLOSE);
	to[1] = (char)((masked ? MASKED : 0) | (int)(len + 2));
	if (masked) {
		crypto_random(mask, sizeof(mask));
		memcpy(to + at, mask, sizeof(mask));
		at += sizeof(mask);
	}
	to[at] = (char)(code >> 8);
	to[at + 1] = (char)code;
	memcpy(to + at + 2, reason, len);
	for (size_t i = 0; i < len + 2; i++)
		to[at + i] = (char)(to[at + i] ^ mask[i % 4]);
	return at + 2 + len;
}
