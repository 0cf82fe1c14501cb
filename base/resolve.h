#pragma once

/*
 * Resolve: a host's addresses, asked for without stopping the loop (libuv asks
 * getaddrinfo(3) in a thread).
 *
 * A struct resolve lies in what waits for it, one question at a time.
 */
#include "base/buf.h"
#include "base/loop.h"

struct addrinfo;
struct resolving;

struct resolve {
	/* all holds TCP addresses until it returns; status: 0, or libuv's
	 * error, and all is NULL */
	void (*on_done)(
		struct resolve *r, int status, const struct addrinfo *all);
	struct resolving *inside; /* NULL: nothing is asked */
};

/* Asks; port is a number as text, or NULL. 0, or libuv's error: then nothing is
 * called. */
int resolve_start(struct resolve *r, struct loop *loop, const char *host,
	const char *port) _must_check_;

/* Forgets the question, if there is one; on_done is not called. */
void resolve_cancel(struct resolve *r);

/* Adds at most top addresses to the text, with commas between them; returns
 * how many. */
unsigned resolve_text(struct buf *to, const struct addrinfo *all, unsigned top);
