/*
 * Bytes of SOCKS 5, cut and put, without any socket: what a function sends is
 * a stranger's, and this part is fuzzed alone.
 */
#include "functions/egress_socks.h"

#include "base/err.h"

#include <errno.h>

enum { SOCKS_5 = 5, NO_AUTH = 0, V4 = 1, NAME = 3, V6 = 4, HEAD = 4 };

static uint8_t
byte(struct slice s, size_t at)
{
	return (uint8_t)s.ptr[at];
}

static void
drop(struct slice *s, size_t len)
{
	*s = slice_of(s->ptr + len, s->len - len);
}

int
egress_socks_greet(struct slice *in, bool *ok)
{
	size_t n;

	if (in->len > 0 && byte(*in, 0) != SOCKS_5)
		return ERR_FORMAT;
	if (in->len < 2 || in->len < 2 + (size_t)byte(*in, 1))
		return 0;
	n = byte(*in, 1);
	*ok = memchr(in->ptr + 2, NO_AUTH, n) != NULL;
	drop(in, 2 + n);
	return 1;
}

/* Bytes of the address that follows the head; 0: not known yet. */
static int
address_len(struct slice in)
{
	switch (byte(in, 3)) {
	case V4:
		return 4;
	case V6:
		return 16;
	case NAME:
		return in.len > HEAD ? 1 + byte(in, HEAD) : 0;
	default:
		return ERR_PARAM;
	}
}

int
egress_socks_ask(struct slice *in, struct egress_ask *ret)
{
	struct egress_ask ask = {0};
	int len;

	if (in->len > 0 && byte(*in, 0) != SOCKS_5)
		return ERR_FORMAT;
	if (in->len < HEAD)
		return 0;
	ask.command = byte(*in, 1);
	len = address_len(*in);
	if (len < 0)
		return len;
	if (len == 0 || in->len < HEAD + (size_t)len + 2)
		return 0;
	if (byte(*in, 3) == NAME)
		ask.name = slice_of(in->ptr + HEAD + 1, (size_t)len - 1);
	else
		ask.address = egress_address_of(in->ptr + HEAD, (size_t)len);
	if (byte(*in, 3) == NAME && ask.name.len == 0)
		return ERR_FORMAT;
	ask.port = (uint16_t)(byte(*in, HEAD + (size_t)len) << 8 |
			      byte(*in, HEAD + (size_t)len + 1));
	drop(in, HEAD + (size_t)len + 2);
	*ret = ask;
	return 1;
}

void
egress_socks_answer(struct buf *out, enum egress_reply reply,
	const struct egress_address *a, uint16_t port)
{
	static const struct egress_address none = {.len = 4};

	if (a->len == 0)
		a = &none;
	buf_char(out, SOCKS_5);
	buf_char(out, (char)reply);
	buf_char(out, 0);
	buf_char(out, a->len == 4 ? V4 : V6);
	buf_add(out, a->bytes, a->len);
	buf_char(out, (char)(port >> 8));
	buf_char(out, (char)port);
}

enum egress_reply
egress_socks_reply_of(int err)
{
	switch (-err) {
	case ECONNREFUSED:
		return EGRESS_NO_PORT;
	case ETIMEDOUT:
		return EGRESS_TIMEOUT;
	case EHOSTUNREACH:
	case EHOSTDOWN:
		return EGRESS_NO_HOST;
	case ENETUNREACH:
	case ENETDOWN:
	case EADDRNOTAVAIL:
		return EGRESS_NO_NET;
	case EACCES:
	case EPERM:
		return EGRESS_REFUSED;
	default:
		return EGRESS_FAILED;
	}
}
