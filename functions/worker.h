#pragma once

/*
 * The worker's end of its socket, for native functions: INVOKE frames in,
 * mpc_main, RESULT and ERROR frames out, the function's own calls between.
 *
 * With a concurrency of one, an answer is written before the next invocation
 * begins: when the process is killed then, the gateway knows which calls have
 * not begun and may give them to another worker.  With more, every invocation
 * that was sent counts as begun, and the frames of a turn leave together.
 */

#include "base/arena.h"
#include "base/buf.h"
#include "base/list.h"
#include "functions/proto.h"

struct mpc_context;
struct fiber;

typedef int worker_main_fn(
	struct mpc_context *ctx, const char *event, size_t len);

struct worker {
	worker_main_fn *main;
	unsigned concurrency;
	const char *env, *appid; /* where an invocation's context lacks them */
	int fd;                  /* blocking */
	struct buf in, out;
	struct list queue;     /* not begun, in order of arrival */
	struct list waiting;   /* for a REPLY */
	struct list ready;     /* their REPLY has come */
	struct list idle;      /* fibers with nothing to do */
	struct runner *runner; /* the fiber that runs now; NULL: none */
	unsigned fibers, running;
	uint32_t calls;
	bool draining;
};

/* One call of the function; what mpcloud.h calls struct mpc_context. */
struct mpc_context {
	struct list on;
	struct worker *worker;
	struct runner *runner;
	uint32_t id, call;
	int64_t deadline; /* clock_mono */
	struct arena arena;
	struct slice context, event, result, reply;
	const char *fail, *error;
	const char *tx; /* the open transaction's id, or NULL */
	bool replied, too_big;
};

enum {
	WORKER_MEMORY = 64 * 1024 * 1024, /* mpc_alloc's ceiling */
	WORKER_FRAME_TOP = 32 * 1024 * 1024,
	WORKER_RESULT_TOP = 16 * 1024 * 1024
};

/* `w` with main, concurrency, env, appid and fd set.  Sends READY and serves
 * until the other side closes or DRAIN is done: 0; negative: the socket or its
 * frames are broken. */
int worker_run(struct worker *w);

/* A CALL: begin, write the body onto the buffer, end.  `ctx->reply` is then
 * valid for as long as the invocation.  ERR_TOO_BIG: the body or the reply. */
struct buf *worker_call_begin(struct mpc_context *ctx, size_t *mark);
int worker_call_end(struct mpc_context *ctx, size_t mark) _must_check_;
void worker_log(struct mpc_context *ctx, int level, struct slice text);

/* Bytes that came over the socket; for tests and fuzzing. */
void worker_init(struct worker *w);
void worker_done(struct worker *w);
int worker_take(struct worker *w) _must_check_;
