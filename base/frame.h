#pragma once

/*
 * Length-prefixed messages.  Head, 12 bytes, little-endian:
 *   u32 length of the payload · u8 type · u8 flags (0) · u16 zero · u32 id
 * The same head stands before each packet on SOCK_SEQPACKET channels.
 *
 * Payloads are built with put_ words and read with get_ words; end must be
 * end: get_end fails when bytes are left.
 */

#include "base/buf.h"

enum { FRAME_HEAD = 12 };

struct frame {
	uint8_t type;
	uint32_t id;
	struct slice body; /* borrowed from the bytes it was cut from */
};

/* Append one whole frame. */
void frame_put(struct buf *to, uint8_t type, uint32_t id, struct slice body);
/* A frame whose body is written piece by piece: the mark goes to frame_end. */
size_t frame_begin(struct buf *to, uint8_t type, uint32_t id);
void frame_end(struct buf *to, size_t mark);

/* Cut the first frame off `*from` (which moves behind it).  1: *ret filled;
 * 0: more bytes are needed; ERR_FORMAT: not a frame; ERR_TOO_BIG: its length
 * is over `top`. */
int frame_cut(struct slice *from, size_t top, struct frame *ret) _must_check_;

void put_u8(struct buf *to, uint8_t n);
void put_u32(struct buf *to, uint32_t n);
void put_u64(struct buf *to, uint64_t n);
void put_bytes(struct buf *to, struct slice s); /* u32 length, bytes */

struct getter {
	struct slice left;
	bool bad;
};

static inline struct getter
getter_of(struct slice body)
{
	return (struct getter){body, false};
}

uint8_t get_u8(struct getter *g);
uint32_t get_u32(struct getter *g);
uint64_t get_u64(struct getter *g);
struct slice get_bytes(struct getter *g);
struct slice get_rest(struct getter *g);
/* 0, or ERR_FORMAT when a word was missing or bytes are left. */
int get_end(struct getter *g) _must_check_;
