#pragma once

/*
 * A descriptor that is waited for, embedded in its owner.  Unlike a libuv
 * handle it needs no closing turn: fdpoll_close, and the owner may be freed or
 * opened anew, inside `fn` too, and `fn` is not called for it any more.
 *
 * The descriptor stays its owner's, who closes it after fdpoll_close and not
 * before.  Opening allocates (libuv's handle); nothing else here does.
 */

#include "base/loop.h"

struct fdpoll;
/* From the loop only, never from inside the calls below.  `events`: those that
 * have come of those that were asked for, UV_READABLE and so on.  0: the
 * descriptor has an error; reading or writing says which.  It is polled no more
 * then, until fdpoll_set. */
typedef void fdpoll_fn(struct fdpoll *poll, int events);

struct fdpoll {
	uv_poll_t *handle; /* NULL: not open */
	fdpoll_fn *fn;
	int events; /* that are asked for now */
};

/* `events`: as of fdpoll_set.  -EEXIST: another one polls the descriptor. */
int fdpoll_open(struct fdpoll *p, struct loop *loop, int fd, int events,
	fdpoll_fn *fn) _must_check_;
/* Ask for these from now on, 0: for none.  The same as before cost nothing,
 * others two system calls. */
int fdpoll_set(struct fdpoll *p, int events);
/* What is not open is fine, too. */
void fdpoll_close(struct fdpoll *p);

static inline bool
fdpoll_is_open(const struct fdpoll *p)
{
	return p->handle != NULL;
}

/* For who calls strangers from `fn`: keep p->handle before, and ask after
 * whether it has been closed meanwhile, and `p` perhaps freed.  May be asked
 * until `fn` returns. */
static inline bool
fdpoll_was_closed(const uv_poll_t *handle)
{
	return !handle->data;
}
