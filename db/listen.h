#pragma once

/*
 * LISTEN on a connection of its own, which opens again after a loss.  What is
 * notified while it is away is not told afterwards: listen_fn is called with
 * NULL whenever it stands again, "look yourself".
 */

#include "base/err.h"
#include "base/loop.h"

struct listen;

typedef void listen_fn(void *owner, const char *payload);

/* `channel`: a plain name.  Begins to connect. */
int listen_new(struct listen **ret, struct loop *loop, const char *url,
	const char *channel, listen_fn *fn, void *owner,
	struct fault *why) _must_check_;
struct listen *listen_free(struct listen *listen);
DEFINE_CLEANUP(struct listen *, listen_free)
