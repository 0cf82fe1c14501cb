/*
 * The keeper's word with the process that serves the way out: it may begin, and
 * what it refused is said to the author, in the function's own log.
 */
#include "functions/keeper.h"

static void
on_frame(struct channel *c, const struct frame *f, int *fds, int nfds)
{
	struct keeper *k = container_of(c, struct keeper, egress);

	(void)fds;
	(void)nfds;
	if (f->type == EGRESS_LINE)
		keeper_note(k, f->body);
}

static void
on_gone(struct channel *c, int err)
{
	(void)c;
	(void)err;
}

static const struct channel_ops ops = {on_frame, on_gone};

void
keeper_egress_start(struct keeper *k)
{
	int fd = k->cage->egress.keepers;

	if (fd < 0 || channel_open(&k->egress, &k->loop, fd, &ops) < 0)
		return;
	channel_send(&k->egress, EGRESS_GO, 0, SLICE(""), NULL, 0);
}
