/*
 * Node functions: a process each, started ahead of the call that will need it.
 * A standby has loaded the author's code (or is doing so) and waits on its
 * socket, so giving it to a gateway is one message; what it writes there before
 * (READY) is looked at but left for the gateway to read.
 */
#include "functions/keeper.h"

#include "base/frame.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	REFILL_MS = 30 /* starting node takes a core: first let the call run */
};

#define MIB (1024 * 1024)

static void on_refill(struct defer *defer);

_noreturn_ static void
become_node(struct keeper *k, struct proc *p, char *const *argv)
{
	(void)setpgid(0, 0);
	(void)dup2(p->ends[1], STDOUT_FILENO);
	(void)dup2(p->ends[2], STDERR_FILENO);
	engine_exec(k, p->ends[0], argv);
}

static int
fork_node(struct keeper *k, struct proc *p)
{
	const struct host_setup *setup = k->setup;
	_free_ char *argument = engine_argument(k);
	_free_ char *preload = str_printf("%.*s/preload.cjs",
		(int)(strrchr(setup->runner, '/') - setup->runner),
		setup->runner);
	/* A quarter of the limit is for what is not V8's heap. */
	_free_ char *heap = str_printf("--max-old-space-size=%d",
		(int)(setup->function.memory / MIB * 3 / 4));
	char *argv[] = {setup->node, heap, (char[]){"--require"}, preload,
		setup->runner, argument, NULL};
	pid_t pid = fork();

	if (pid == 0)
		become_node(k, p, argv);
	if (pid < 0)
		return -errno;
	proc_forget_ends(p);
	return proc_watch(p, pid, -1);
}

/* READY is there, or the socket is closed: then its pidfd says the rest. */
static void
on_greeting(struct proc *p)
{
	if (!p->ready)
		return;
	p->keeper->node.failures = 0;
	keeper_loaded(p->keeper);
}

static int
start_standby(struct keeper *k, struct proc **ret)
{
	int r = proc_new(ret, k, PROC_STANDBY);

	if (r < 0)
		return r;
	r = fork_node(k, *ret);
	if (r == 0)
		r = proc_peek(*ret, on_greeting);
	if (r < 0)
		proc_free(*ret);
	return r;
}

static unsigned
count_standbys(struct keeper *k)
{
	unsigned n = 0;

	list_for_each (at, &k->procs)
		n += container_of(at, struct proc, on)->state == PROC_STANDBY;
	return n;
}

/* One process at a time is debugged: a standby beside it would have the port
 * when the debugger wants the worker. */
static unsigned
standbys_wanted(struct keeper *k)
{
	if (!k->loaded || (k->setup->function.inspect && list_empty(&k->procs)))
		return 1;
	return k->setup->function.inspect ? 0 : k->setup->standby;
}

static void
on_again(struct timer *t)
{
	struct keeper *k = container_of(t, struct keeper, node.again);

	loop_defer(&k->loop, &k->node.refill);
}

static void
on_refill(struct defer *defer)
{
	struct keeper *k = container_of(defer, struct keeper, node.refill);
	unsigned want = standbys_wanted(k);
	struct proc *p;

	if (k->draining || timer_is_set(&k->node.again))
		return;
	for (unsigned n = count_standbys(k); n < want; n++) {
		int r = start_standby(k, &p);

		if (r == 0)
			continue;
		keeper_failed(k, slice_str(err_text(r)));
		timer_set(&k->node.again, &k->loop,
			keeper_back_off(++k->node.failures), on_again);
		return;
	}
}

static void
node_start(struct keeper *k)
{
	defer_init(&k->node.refill, on_refill);
	loop_defer(&k->loop, &k->node.refill);
}

/* The one that is furthest: ready before starting, older before younger. */
static struct proc *
best_standby(struct keeper *k)
{
	struct proc *best = NULL;

	list_for_each (at, &k->procs) {
		struct proc *p = container_of(at, struct proc, on);

		if (p->state != PROC_STANDBY)
			continue;
		if (!best || (p->ready && !best->ready))
			best = p;
	}
	return best;
}

static void
node_spawn(struct keeper *k, struct link *link, uint32_t id)
{
	struct proc *p = best_standby(k);
	int r = p ? 0 : start_standby(k, &p);

	if (r < 0) {
		channel_send(&link->channel, HOST_NO_WORKER, id,
			slice_str(err_text(r)), NULL, 0);
		return;
	}
	p->link = link;
	p->id = id;
	proc_forget_peek(p);
	keeper_give(k, p);
	if (!timer_is_set(&k->node.again))
		timer_set(&k->node.again, &k->loop, REFILL_MS, on_again);
}

static void
node_ended(struct keeper *k, struct proc *p)
{
	proc_move(p, PROC_ENDED);
	keeper_over(k, p, proc_reap(p));
}

static void
node_lost(struct keeper *k, struct proc *p, int status)
{
	char text[ENGINE_TEXT];

	if (p->was != PROC_STANDBY || k->draining)
		return;
	engine_end_text(p, status, text);
	keeper_failed(k, slice_str(text));
	timer_set(&k->node.again, &k->loop, keeper_back_off(++k->node.failures),
		on_again);
}

static void
node_stop(struct keeper *k)
{
	timer_clear(&k->node.again);
	list_for_each (at, &k->procs) {
		struct proc *p = container_of(at, struct proc, on);

		if (p->state == PROC_STANDBY)
			proc_kill(p, GONE_KILLED);
	}
}

const struct engine engine_node = {
	.start = node_start,
	.spawn = node_spawn,
	.ended = node_ended,
	.lost = node_lost,
	.stop = node_stop,
};
