/*
 * SipHash-2-4, written from the paper's description.
 */
#include "base/sip.h"

#include <endian.h>
#include <string.h>

struct sip {
	uint64_t a, b, c, d;
};

static inline uint64_t
turn(uint64_t n, unsigned by)
{
	return n << by | n >> (64 - by);
}

static inline void
mix(struct sip *s)
{
	s->a += s->b;
	s->b = turn(s->b, 13) ^ s->a;
	s->a = turn(s->a, 32);
	s->c += s->d;
	s->d = turn(s->d, 16) ^ s->c;
	s->a += s->d;
	s->d = turn(s->d, 21) ^ s->a;
	s->c += s->b;
	s->b = turn(s->b, 17) ^ s->c;
	s->c = turn(s->c, 32);
}

static inline uint64_t
word(const unsigned char *p)
{
	uint64_t n;

	memcpy(&n, p, sizeof(n));
	return le64toh(n);
}

/* The last `left` bytes of `len`; where there are eight, by one load. */
static uint64_t
last_word(const unsigned char *p, size_t left, size_t len)
{
	uint64_t n = 0;

	if (!left)
		return 0;
	if (len >= 8)
		return word(p + left - 8) >> (8 * (8 - left));
	for (size_t i = 0; i < left; i++)
		n |= (uint64_t)p[i] << (8 * i);
	return n;
}

static inline void
eat(struct sip *s, uint64_t n)
{
	s->d ^= n;
	mix(s);
	mix(s);
	s->a ^= n;
}

uint64_t
sip_hash(const uint64_t key[2], const void *bytes, size_t len)
{
	struct sip s = {0x736f6d6570736575 ^ key[0],
		0x646f72616e646f6d ^ key[1], 0x6c7967656e657261 ^ key[0],
		0x7465646279746573 ^ key[1]};
	const unsigned char *p = bytes;
	size_t left = len;

	for (; left >= 8; left -= 8, p += 8)
		eat(&s, word(p));
	eat(&s, last_word(p, left, len) | (uint64_t)len << 56);
	s.c ^= 0xff;
	for (int i = 0; i < 4; i++)
		mix(&s);
	return s.a ^ s.b ^ s.c ^ s.d;
}
