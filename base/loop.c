/*
 * libuv's loop with the two things it lacks for us: work at the end of a turn,
 * and timers that need no closing.
 */
#include "base/loop.h"

#include "base/mem.h"
#include "base/timer.h"

#include <assert.h>

static int64_t
busy_ns(const struct loop *loop)
{
	int64_t ms = (int64_t)(uv_hrtime() / 1000000 - loop->woken_ms);

	return loop->woken_ms && ms > 0 ? ms * 1000000 : 0;
}

static void
on_turn(uv_prepare_t *turn)
{
	struct loop *loop = container_of(turn, struct loop, turn);

	while (!list_empty(&loop->deferred)) {
		struct defer *d = list_first(&loop->deferred, struct defer, on);

		list_del(&d->on);
		d->fn(d);
	}
	uv_unref((uv_handle_t *)turn);
	if (loop->busy)
		loop->busy(loop->busy_owner, busy_ns(loop));
}

/* libuv reads its clock when it wakes, and keeps it for the callbacks. */
static void
on_woken(uv_check_t *woken)
{
	struct loop *loop = container_of(woken, struct loop, woken);

	loop->woken_ms = uv_now(&loop->uv);
}

void
loop_measure(struct loop *loop, loop_busy_fn *fn, void *owner)
{
	loop->busy = fn;
	loop->busy_owner = owner;
	loop->woken_ms = 0;
	if (fn)
		(void)uv_check_start(&loop->woken, on_woken);
	else
		(void)uv_check_stop(&loop->woken);
	uv_unref((uv_handle_t *)&loop->woken);
}

int
loop_init(struct loop *loop)
{
	int r;

	*loop = (struct loop){0};
	list_init(&loop->deferred);
	r = uv_loop_init(&loop->uv);
	if (r < 0)
		return r;
	(void)uv_timer_init(&loop->uv, &loop->tick);
	uv_unref((uv_handle_t *)&loop->tick);
	(void)uv_check_init(&loop->uv, &loop->woken);
	(void)uv_prepare_init(&loop->uv, &loop->turn);
	(void)uv_prepare_start(&loop->turn, on_turn);
	uv_unref((uv_handle_t *)&loop->turn);
	return 0;
}

static void
close_one(uv_handle_t *handle, void *arg)
{
	(void)arg;
	if (!uv_is_closing(handle))
		uv_close(handle, NULL);
}

void
loop_done(struct loop *loop)
{
	uv_walk(&loop->uv, close_one, NULL);
	(void)uv_run(&loop->uv, UV_RUN_DEFAULT);
	(void)uv_loop_close(&loop->uv);
	loop->heap = mem_free(loop->heap);
	loop->heap_len = loop->heap_room = 0;
}

void
defer_init(struct defer *defer, defer_fn *fn)
{
	list_init(&defer->on);
	defer->fn = fn;
}

void
defer_clear(struct defer *defer)
{
	list_del(&defer->on);
}

void
loop_defer(struct loop *loop, struct defer *defer)
{
	assert(defer->fn);
	if (list_empty(&defer->on))
		list_add(&loop->deferred, &defer->on);
	uv_ref((uv_handle_t *)&loop->turn); /* there is work: stay alive */
}

void
loop_run(struct loop *loop)
{
	(void)uv_run(&loop->uv, UV_RUN_DEFAULT);
}

void
loop_turn(struct loop *loop, bool wait)
{
	(void)uv_run(&loop->uv, wait ? UV_RUN_ONCE : UV_RUN_NOWAIT);
}

void
loop_stop(struct loop *loop)
{
	uv_stop(&loop->uv);
}
