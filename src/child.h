#pragma once

/*
 * A process that the supervisor starts, talks to over a control channel, and
 * starts again when it ends: after 100 ms, then twice as long each time up to
 * 10 s, and from the beginning again once it has lived for 30 s.
 */

#include "base/channel.h"
#include "base/timer.h"
#include "src/launch.h"

enum child_state {
	CHILD_DOWN,     /* not started yet */
	CHILD_STARTING, /* runs, not ready */
	CHILD_READY,
	CHILD_WAITING, /* ended, waits for its back-off */
	CHILD_LEAVING, /* asked to end */
	CHILD_GONE,    /* ended for good */
	CHILD_COUNT_
};

enum child_event {
	CHILD_ON_START,
	CHILD_ON_UP,
	CHILD_ON_EXIT,
	CHILD_ON_WAKE,
	CHILD_ON_LEAVE,
	CHILD_ON_COUNT_
};

enum child_act {
	CHILD_ACT_NOTHING,
	CHILD_ACT_SPAWN,
	CHILD_ACT_READY,
	CHILD_ACT_BACK_OFF,
	CHILD_ACT_WATCH,
	CHILD_ACT_GONE,
	CHILD_ACT_COUNT_
};

enum {
	BACK_OFF_FIRST_MS = 100,
	BACK_OFF_TOP_MS = 10000,
	BACK_OFF_FORGOTTEN_MS = 30000,
};

struct child;

struct child_ops {
	/* Arguments and descriptors; the control descriptor is 3 already. */
	void (*prepare)(struct child *c, struct launch *l);
	/* It runs: the first messages may be sent. */
	void (*on_up)(struct child *c);
	void (*on_frame)(
		struct child *c, const struct frame *f, int *fds, int nfds);
	/* It ended; state is CHILD_WAITING or CHILD_GONE.  Also called, with
	 * CHILD_GONE, for one that never ran. */
	void (*on_end)(struct child *c);
};

struct child {
	const struct process_kind *kind;
	const struct child_ops *ops;
	struct loop *loop;
	struct list on; /* all children, for the reaper */
	struct channel control;
	struct timer timer;  /* start deadline, then back-off */
	struct timer linger; /* between the two halves of an end */
	enum child_state state;
	pid_t pid;  /* 0: does not run */
	int status; /* wait status, when reaped */
	bool reaped, hung_up;
	bool once;    /* not started again */
	bool patient; /* wait the longest back-off */
	unsigned restarts;
	uint64_t back_off_ms;
	int64_t started_at; /* clock_mono */
	char label[80];     /* "gateway-0", "hello v3" */
	char ending[64];    /* how it ended last: "signal 9 (Killed)" */
};

void child_init(struct child *c, enum process_kind_index kind,
	const struct child_ops *ops, struct loop *loop, struct list *children);
/* Kills what still runs; nothing is called back. */
void child_done(struct child *c);

void child_start(struct child *c); /* also ends a back-off early */
void child_is_up(struct child *c); /* its READY came */
/* It is to end by itself, now that it was told; child_kill ends the wait. */
void child_leave(struct child *c);
void child_kill(struct child *c); /* with all that it started */
bool child_runs(const struct child *c);
const char *child_state_name(enum child_state s) _returns_value_;

/* SIGCHLD. */
void children_reap(struct list *children);

/* Pure, for tests. */
enum child_act child_step(enum child_state *at, enum child_event event);
/* How long to wait after it ended at `now`. */
uint64_t child_back_off(struct child *c, int64_t now);
