/*
 * libuv wants a handle until its close callback, in a later part of the turn.
 * So the handle is an allocation of its own, and its data says whose it is:
 * nobody's once it is closed.
 *
 * libuv takes a descriptor out of epoll and in again at each uv_poll_start,
 * whatever was asked for before; hence the comparison.
 */
#include "base/fdpoll.h"

#include "base/mem.h"

#include <assert.h>

static void
on_closed(uv_handle_t *handle)
{
	(void)mem_free(handle);
}

static void
on_poll(uv_poll_t *handle, int status, int events)
{
	struct fdpoll *p = handle->data;

	if (status < 0) /* always the same one: POLLERR; libuv has stopped */
		p->events = events = 0;
	p->fn(p, events);
}

int
fdpoll_open(
	struct fdpoll *p, struct loop *loop, int fd, int events, fdpoll_fn *fn)
{
	uv_poll_t *handle = mem_new(uv_poll_t);
	int r = uv_poll_init(&loop->uv, handle, fd);

	assert(!p->handle);
	if (r < 0) {
		(void)mem_free(handle);
		return r;
	}
	handle->data = p;
	*p = (struct fdpoll){.handle = handle, .fn = fn};
	r = fdpoll_set(p, events);
	if (r < 0)
		fdpoll_close(p);
	return r;
}

int
fdpoll_set(struct fdpoll *p, int events)
{
	int r;

	if (events == p->events)
		return 0;
	r = events ? uv_poll_start(p->handle, events, on_poll)
		   : uv_poll_stop(p->handle);
	if (r == 0)
		p->events = events;
	return r;
}

void
fdpoll_close(struct fdpoll *p)
{
	uv_poll_t *handle = take(p->handle);

	if (!handle)
		return;
	handle->data = NULL;
	p->events = 0;
	uv_close((uv_handle_t *)handle, on_closed);
}
