/*
 * Clients that send or read too slowly.  What is large has no limit for the
 * whole of it, but each body timeout must move a KiB a second on the average;
 * somebody who trickles bytes to hold a connection does not.
 *
 * How much a client has read is asked of the kernel, and only when a limit has
 * passed: bytes that his TCP has acknowledged are out of our hands.
 */
#include "http/http_inside.h"

#include "base/sock.h"

enum { FLOOR_PER_S = 1024 };

/* Bytes that must pass within a limit of so many ms. */
static uint64_t
least(uint64_t ms)
{
	return ms * FLOOR_PER_S / 1000;
}

/* A unix socket has no such count: who may connect there is trusted. */
static int
count_passed(const struct conn *c, uint64_t *ret)
{
	if (c->phase != CONN_SINK)
		return sock_acked(c->fd, ret);
	*ret = c->x->took;
	return 0;
}

bool
conn_is_slow(struct conn *c, uint64_t ms)
{
	uint64_t now, before = c->mark;
	bool marked = c->marked;

	if (count_passed(c, &now) < 0)
		return false;
	c->mark = now;
	c->marked = true;
	return marked && now - before < least(ms);
}
