#pragma once

/*
 * Gateway 0's end of the relay: other gateways' subscribers at our engine.
 */

#include "watch/watch.h"

struct watch_serve;

/* Takes the listening `fd`. */
int watch_serve_new(struct watch_serve **ret, struct loop *loop,
	struct watches *engine, struct slice secret, int fd) _must_check_;
struct watch_serve *watch_serve_free(struct watch_serve *s);
DEFINE_CLEANUP(struct watch_serve *, watch_serve_free)
