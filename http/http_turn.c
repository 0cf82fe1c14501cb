/*
 * Large files take turns to begin.  The library gives a socket 128 KiB of a
 * file each time it comes by.  With many under way each of these is carried to
 * its client, who is woken, at our cost; what a socket takes without a pause
 * waits in it and leaves as it is acknowledged, which costs a quarter of that.
 * So the library runs for one file until its socket is full, and then for the
 * next.  In each run it serves whoever else is ready, too.
 */
#include "http/http_inside.h"

enum {
	CHUNK = 128 * 1024, /* of the library: MHD_SENFILE_CHUNK_ */
	RUNS = 16,          /* of one turn: 2 MiB, as nginx sends at once */
	TURNS = 8,          /* before the loop goes on */
};

bool
turn_is_worth(const struct exchange *x, uint64_t len)
{
	return !x->conn->tls && len > CHUNK;
}

void
turn_wait(struct exchange *x)
{
	x->large = false;
	list_add(&x->http->turns, &x->turn);
	http_spin_soon(x->http);
}

static void
take_turn(struct http *http, struct exchange *x)
{
	/* two more: for the call that takes the answer, and for its head */
	unsigned runs = 2 + (unsigned)min(x->sent / CHUNK, (uint64_t)RUNS);

	list_del(&x->turn);
	exchange_wake(x);
	do
		(void)MHD_run(http->daemon);
	while (--runs && http_has_more(http));
}

void
turns_take(struct http *http)
{
	struct exchange *x;

	for (int n = 0; n < TURNS; n++) {
		x = list_first(&http->turns, struct exchange, turn);
		if (!x)
			return;
		take_turn(http, x);
	}
}
