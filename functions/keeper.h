#pragma once

/*
 * The first process of a function host, inside its cage.  It runs no user code:
 * it starts those that do, gives gateways their ends of the workers' sockets,
 * reads what the code prints, and ends what is over its time or memory.
 */

#include "base/channel.h"
#include "base/loop.h"
#include "base/timer.h"
#include "functions/cage.h"
#include "functions/engine.h"
#include "functions/host_setup.h"
#include "functions/proc.h"

struct keeper {
	struct loop loop;
	const struct host_setup *setup;
	const struct cage *cage;
	const struct engine *engine;
	char **env;             /* of the code */
	struct channel control; /* the supervisor */
	struct channel egress;  /* who serves the way out; may be none */
	struct list links, procs;
	struct timer memory,
		end;        /* sampling; loading or draining takes too long */
	struct defer sweep; /* of processes that nobody knows */
	struct timer orphans;
	struct buf said; /* the first lines, until the code is loaded */
	bool loaded, draining;
	int status;         /* to end with */
	struct fork_state { /* engine_fork.c */
		struct channel channel;
		struct proc *template;
		struct timer again;
		unsigned failures;
		bool loaded;
	} forks;
	struct node_state {
		struct timer again;
		struct defer refill;
		unsigned failures;
	} node;
};

/* A gateway. */
struct link {
	struct list on;
	struct keeper *keeper;
	struct channel channel;
	uint32_t index;
};

/* Serves on `control` until it closes or a drain is done; the status to end
 * the process with. */
int keeper_run(
	const struct host_setup *setup, const struct cage *cage, int control);

/* Why code was killed that did not belong to a call yet; %lld: MiB. */
#define KEEPER_TOO_MUCH \
	"the code used more than its %lld MiB of memory while it was loaded"

/* For engines and processes. */
void keeper_loaded(struct keeper *k);
void keeper_failed(struct keeper *k, struct slice text);
void keeper_give(struct keeper *k, struct proc *p);
void keeper_refuse(struct keeper *k, struct proc *p, struct slice text);
void keeper_line(
	struct keeper *k, struct proc *p, int stream, struct slice line);
/* A line of ours for the author. */
void keeper_note(struct keeper *k, struct slice line);
bool keeper_takes_lines(struct keeper *k, struct proc *p);
/* Its pidfd says that it has ended; then, with its status, all is told. */
void keeper_ended(struct keeper *k, struct proc *p);
void keeper_over(struct keeper *k, struct proc *p, int status);
/* Milliseconds to wait before the n-th try in a row. */
uint64_t keeper_back_off(unsigned failures);

/* keeper_egress.c */
void keeper_egress_start(struct keeper *k);

/* keeper_watch.c: as long as a worker runs; soon, for what one left behind. */
void keeper_watch_init(struct keeper *k);
void keeper_watch_memory(struct keeper *k);
void keeper_sweep(struct keeper *k);
