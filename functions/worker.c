/*
 * A native worker's turns.  Frames are read as many as there are; every one is
 * copied out into what it belongs to (an invocation, a waiting call), so the
 * buffer can move at any time and nothing points into it.
 *
 * A function's cloud call looks synchronous.  Alone in its worker it reads the
 * socket itself until the reply is there.  With a concurrency over one each
 * invocation runs on a fiber: a runner takes one invocation after the other and
 * only when one waits does another runner go on with the rest, so a batch that
 * never waits costs one switch.
 */
#include "functions/worker.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/frame.h"
#include "base/mem.h"
#include "base/val.h"
#include "functions/fiber.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CHUNK = 64 * 1024, OUT_TURN = 1024 * 1024, NUMBERS = 64 };

struct runner {
	struct list on;
	struct worker *worker;
	struct fiber *fiber;
};

static void
flush(struct worker *w)
{
	size_t at = 0;

	while (at < w->out.len) {
		ssize_t n = send(
			w->fd, w->out.ptr + at, w->out.len - at, MSG_NOSIGNAL);

		if (n >= 0)
			at += (size_t)n;
		else if (errno != EINTR)
			break; /* the next read says that it is gone */
	}
	buf_clear(&w->out);
}

/* Room for one more frame of any size. */
static struct buf *
out_begin(struct worker *w)
{
	if (w->out.len > OUT_TURN)
		flush(w);
	return &w->out;
}

static struct slice
keep(struct mpc_context *ctx, struct slice bytes)
{
	char *p = arena_try(&ctx->arena, bytes.len + 1);

	if (!p)
		return (struct slice){0};
	if (bytes.len > 0)
		memcpy(p, bytes.ptr, bytes.len);
	return slice_of(p, bytes.len);
}

static int
take_invoke(struct worker *w, const struct frame *f)
{
	struct getter g = getter_of(f->body);
	uint32_t ms = get_u32(&g);
	struct slice context = get_bytes(&g), event = get_rest(&g);
	struct mpc_context *ctx;
	int r = get_end(&g);

	if (r < 0)
		return r;
	ctx = mem_new(struct mpc_context);
	ctx->worker = w;
	ctx->id = f->id;
	ctx->deadline = clock_mono() + (int64_t)ms * CLOCK_MS;
	arena_init(&ctx->arena, WORKER_MEMORY + 2 * WORKER_FRAME_TOP);
	ctx->context = keep(ctx, context);
	ctx->event = keep(ctx, event.len > 0 ? event : SLICE("{}"));
	list_add(&w->queue, &ctx->on);
	return 0;
}

static void
take_reply(struct worker *w, const struct frame *f)
{
	list_for_each (at, &w->waiting) {
		struct mpc_context *ctx =
			container_of(at, struct mpc_context, on);

		if (ctx->call != f->id)
			continue;
		ctx->reply = keep(ctx, f->body);
		ctx->too_big = !ctx->reply.ptr;
		ctx->replied = true;
		list_del(&ctx->on);
		list_add(&w->ready, &ctx->on);
		return;
	}
}

static int
take_frame(struct worker *w, const struct frame *f)
{
	switch (f->type) {
	case PROTO_INVOKE:
		return take_invoke(w, f);
	case PROTO_REPLY:
		take_reply(w, f);
		return 0;
	case PROTO_DRAIN:
		w->draining = true;
		return 0;
	default:
		return ERR_FORMAT;
	}
}

int
worker_take(struct worker *w)
{
	struct slice left = buf_all(&w->in);
	struct frame f;
	int r;

	while ((r = frame_cut(&left, WORKER_FRAME_TOP, &f)) == 1) {
		r = take_frame(w, &f);
		if (r < 0)
			return r;
	}
	buf_drop(&w->in, w->in.len - left.len);
	return r;
}

/* 1: something came; 0: the other side has gone. */
static int
read_more(struct worker *w)
{
	char *at = buf_reserve(&w->in, CHUNK);
	ssize_t n;
	int r;

	if (!at)
		return ERR_TOO_BIG;
	do
		n = read(w->fd, at, CHUNK);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return n < 0 ? -errno : 0;
	buf_grown(&w->in, (size_t)n);
	r = worker_take(w);
	return r < 0 ? r : 1;
}

static void
put_error(struct mpc_context *ctx, struct slice message)
{
	struct buf *out = out_begin(ctx->worker);
	size_t mark = frame_begin(out, PROTO_ERROR, ctx->id);

	buf_str(out, "{\"code\":\"FUNCTIONS_EXECUTE_FAIL\",\"message\":");
	buf_json(out, message);
	buf_str(out, "}");
	frame_end(out, mark);
}

static void
put_failure(struct mpc_context *ctx, int r)
{
	char text[NUMBERS];

	(void)snprintf(text, sizeof(text), "mpc_main returned %d", r);
	put_error(ctx, slice_str(ctx->fail ? ctx->fail : text));
}

static void
put_answer(struct mpc_context *ctx, int r)
{
	struct slice result = ctx->result;

	if (r < 0)
		put_failure(ctx, r);
	else if (!result.ptr)
		frame_put(out_begin(ctx->worker), PROTO_RESULT, ctx->id,
			SLICE("null"));
	else if (result.len > WORKER_RESULT_TOP)
		put_error(ctx, SLICE("the answer is larger than 16 MiB"));
	else if (val_check(result) < 0)
		put_error(ctx, SLICE("mpc_result: not valid JSON"));
	else
		frame_put(
			out_begin(ctx->worker), PROTO_RESULT, ctx->id, result);
}

static void
context_free(struct mpc_context *ctx)
{
	list_del(&ctx->on);
	arena_done(&ctx->arena);
	mem_free(ctx);
}

static void
run_one(struct worker *w, struct mpc_context *ctx)
{
	int r;

	list_del(&ctx->on);
	ctx->runner = w->runner;
	w->running++;
	r = w->main(ctx, ctx->event.ptr, ctx->event.len);
	w->running--;
	put_answer(ctx, r);
	context_free(ctx);
}

static struct mpc_context *
first(struct list *list)
{
	return list_first(list, struct mpc_context, on);
}

static void
runner_main(void *arg)
{
	struct runner *me = arg;
	struct worker *w = me->worker;

	for (;;) {
		while (!list_empty(&w->queue))
			run_one(w, first(&w->queue));
		list_add_first(&w->idle, &me->on);
		fiber_yield(me->fiber);
	}
}

static struct runner *
runner_get(struct worker *w)
{
	struct runner *runner = list_first(&w->idle, struct runner, on);

	if (runner) {
		list_del(&runner->on);
		return runner;
	}
	if (w->fibers >= w->concurrency)
		return NULL;
	runner = mem_new(struct runner);
	list_init(&runner->on);
	runner->worker = w;
	runner->fiber = fiber_new(runner_main, runner);
	if (!runner->fiber)
		return mem_free(runner);
	w->fibers++;
	return runner;
}

static void
resume(struct worker *w, struct runner *runner)
{
	w->runner = runner;
	fiber_resume(runner->fiber);
	w->runner = NULL;
}

/* Everything that can run without waiting. */
static void
run_fibers(struct worker *w)
{
	struct mpc_context *ctx;
	struct runner *runner;

	while ((ctx = first(&w->ready))) {
		list_del(&ctx->on);
		resume(w, ctx->runner);
	}
	while (!list_empty(&w->queue) && (runner = runner_get(w)))
		resume(w, runner);
	flush(w);
}

static void
run_alone(struct worker *w)
{
	while (!list_empty(&w->queue)) {
		run_one(w, first(&w->queue));
		flush(w);
	}
}

void
worker_init(struct worker *w)
{
	buf_init(&w->in, FRAME_HEAD + WORKER_FRAME_TOP + 2 * CHUNK);
	buf_init(&w->out, OUT_TURN + 2 * WORKER_FRAME_TOP);
	list_init(&w->queue);
	list_init(&w->waiting);
	list_init(&w->ready);
	list_init(&w->idle);
}

void
worker_done(struct worker *w)
{
	while (!list_empty(&w->queue))
		context_free(first(&w->queue));
	list_for_each_safe (at, &w->idle) {
		struct runner *runner = container_of(at, struct runner, on);

		fiber_free(runner->fiber);
		mem_free(runner);
	}
	list_init(&w->idle);
	buf_done(&w->in);
	buf_done(&w->out);
}

static int
serve(struct worker *w)
{
	for (;;) {
		int r;

		if (w->concurrency > 1)
			run_fibers(w);
		else
			run_alone(w);
		if (w->draining && w->running == 0 && list_empty(&w->queue))
			return 0;
		r = read_more(w);
		if (r <= 0)
			return r;
	}
}

int
worker_run(struct worker *w)
{
	int r;

	worker_init(w);
	frame_put(&w->out, PROTO_READY, 0, SLICE(""));
	flush(w);
	r = serve(w);
	worker_done(w);
	return r;
}

struct buf *
worker_call_begin(struct mpc_context *ctx, size_t *mark)
{
	struct worker *w = ctx->worker;
	struct buf *out = out_begin(w);

	ctx->call = ++w->calls;
	*mark = frame_begin(out, PROTO_CALL, ctx->call);
	put_u32(out, ctx->id);
	return out;
}

/* Alone, there is nobody else to read the socket. */
static void
wait_alone(struct mpc_context *ctx)
{
	flush(ctx->worker);
	while (!ctx->replied)
		if (read_more(ctx->worker) <= 0)
			_exit(EXIT_SUCCESS); /* the gateway has gone */
	list_del(&ctx->on);
}

int
worker_call_end(struct mpc_context *ctx, size_t mark)
{
	struct worker *w = ctx->worker;

	frame_end(&w->out, mark);
	if (w->out.full || w->out.len - mark > PROTO_CALL_TOP) {
		w->out.len = mark;
		w->out.full = false;
		return ERR_TOO_BIG;
	}
	ctx->replied = false;
	list_add(&w->waiting, &ctx->on);
	if (ctx->runner)
		fiber_yield(ctx->runner->fiber);
	else
		wait_alone(ctx);
	return ctx->too_big ? ERR_TOO_BIG : 0;
}

void
worker_log(struct mpc_context *ctx, int level, struct slice text)
{
	struct buf *out = out_begin(ctx->worker);
	size_t mark = frame_begin(out, PROTO_LOG, ctx->id);

	put_u8(out, (uint8_t)level);
	text.len = min(text.len, (size_t)PROTO_LOG_TOP - 1);
	buf_slice(out, text);
	frame_end(out, mark);
	/* At once: should the code crash next, this line says why. */
	flush(ctx->worker);
}
