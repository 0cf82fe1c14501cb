#pragma once

/*
 * Bytes both ways between two connected stream sockets, until both directions
 * have ended.  What one side ends, the other sees ended, and the way back stays
 * open (half-close).  A side that does not read makes the other wait: at most
 * EGRESS_RELAY_HELD bytes a direction are kept.
 */

#include "base/buf.h"
#include "base/fdpoll.h"

enum { EGRESS_RELAY_HELD = 64 * 1024 };

struct egress_relay;
/* Both directions have ended, or it broke; the relay is closed already. */
typedef void egress_relay_fn(struct egress_relay *relay);

struct egress_relay {
	egress_relay_fn *on_end;
	uint64_t moved; /* bytes, both ways: does it still live? */
	struct egress_relay_side {
		struct egress_relay *relay;
		struct fdpoll poll;
		int fd;
		struct buf held; /* for this side to take */
		bool ended;      /* it sends no more */
		bool told;       /* that the other sends no more */
		bool hung;       /* it neither sends nor takes */
	} sides[2];
};

/* Takes both descriptors, which do not block. */
int egress_relay_open(struct egress_relay *relay, struct loop *loop, int a,
	int b, egress_relay_fn *on_end) _must_check_;
/* Bytes that side 0 or 1 gets first. */
void egress_relay_give(
	struct egress_relay *relay, int side, struct slice bytes);
void egress_relay_close(struct egress_relay *relay);
