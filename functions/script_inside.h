#pragma once

/* What the script runtime's files share; nobody else includes this. */

#include "base/frame.h"
#include "base/list.h"
#include "functions/js.h"
#include "functions/script.h"

/* What main.js returned, by name. */
#define X_ENTRIES \
	X(LOAD, "load") \
	X(WARM, "warm") \
	X(INVOKE, "invoke") \
	X(ON_TIMER, "onTimer") \
	X(ON_REPLY, "onReply") \
	X(ON_FETCH, "onFetch") \
	X(ON_REJECTION, "onRejection") \
	X(ON_IDLE, "onIdle")

enum script_entry {
#define X(name, member) ENTRY_##name,
	X_ENTRIES
#undef X
		ENTRIES
};

struct script_timer {
	int64_t at;   /* clock_mono */
	uint64_t seq; /* those of one moment in order of asking */
	double id;
};

/* host.timer: a heap, the next one first. */
struct script_timers {
	struct script_timer *heap;
	size_t len, room;
	uint64_t seq;
};

struct fetches;

struct script {
	const struct script_conf *conf;
	JSGlobalContextRef js;
	JSObjectRef api[ENTRIES];
	struct script_timers timers;
	struct fetches *fetches; /* NULL: none yet */
	int fd;                  /* the worker's socket; -1: in the template */
	struct buf in, out;
	struct list queue;  /* invocations that have not begun */
	struct buf context; /* of the first, JSON: they share a gateway */
	uint32_t *running;  /* ids of those that have no answer yet */
	size_t nrunning, concurrency;
	bool draining;
	bool warming;   /* what is sent now is for nobody */
	uint32_t asked; /* the last call of the cloud meanwhile; 0: none */
	unsigned turns;
};

/* A function of `host`: `v` has at least `args` arguments. */
typedef JSValueRef script_host_fn(
	struct script *s, const JSValueRef *v, JSValueRef *exc);

struct script_host_row {
	const char *name;
	unsigned args;
	script_host_fn *call;
};

/* Tables ended by a row without a name. */
extern const struct script_host_row script_host_files[], script_host_frames[],
	script_host_fetch[];

/* script_host.c */
JSObjectRef script_host_build(struct script *s);

/* script.c: call one of main.js's functions; what it throws ends the process,
 * for main.js is ours and catches what the author's code throws. */
void script_call(struct script *s, enum script_entry entry, size_t n,
	const JSValueRef *v);
void script_collect(void); /* garbage, now */
/* The worker is one that stays: let the allocator give memory back. */
void script_settle_in(void);

/* script_timer.c */
int script_timer_set(struct script_timers *t, double id, double ms);
void script_timer_clear(struct script_timers *t, double id);
/* Those that are due, in order. */
void script_timers_run(struct script *s);
/* Milliseconds to the next, rounded up; -1: none is set. */
int script_timers_left(const struct script_timers *t);
void script_timers_done(struct script_timers *t);

/* script_fetch.c */
bool script_fetches_busy(const struct script *s);
/* Wait for answers, for `fd` to be readable (-1: not), or for `ms` (-1: as long
 * as it takes); then onFetch for those that are there. */
void script_fetches_wait(struct script *s, int fd, int ms);
void script_fetches_run(struct script *s);
void script_fetches_done(struct script *s);

/* script_frame.c: the socket's two directions. */
void script_frames_init(struct script *s, int fd);
void script_flush(struct script *s);
/* Read what is there; `wait`: until something is.  0: the gateway has gone. */
int script_read(struct script *s, bool wait) _must_check_;
/* Begin those that wait and have a place. */
void script_begin(struct script *s);
bool script_may_begin(const struct script *s);

/* script_loop.c: until nothing is left to wait for, or `ms` have passed. */
bool script_settle(struct script *s, int ms);
int script_loop(struct script *s);

/* script_check.c */
JSValueRef script_check(struct script *s, const JSValueRef *v, JSValueRef *exc);
