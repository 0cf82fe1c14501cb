#pragma once

/*
 * What queue.c, queue_claim.c and queue_run.c share.
 *
 *   queue   the claims of one gateway
 *   run     a row that was claimed here, until its end is written
 *   known   a function that is deployed here
 */

#include "auth/caller.h"
#include "base/list.h"
#include "base/timer.h"
#include "functions/crew.h"
#include "trigger/queue.h"

struct listen;

struct known {
	struct list on;
	unsigned retries;
	char name[64];
};

enum run_state {
	RUN_CALLING, /* the function has it; the crew has the deadline */
	RUN_ENDING,  /* how it ended is being written; tried again until it is
			written or is another's */
};

/* What the function of a content check answered. */
enum check_verdict { CHECK_NONE, CHECK_PASSED, CHECK_REFUSED, CHECK_WAIT };

struct run {
	struct list on; /* queue->runs */
	struct queue *queue;
	enum run_state state;
	struct fn_call call;
	struct caller caller;
	int64_t id, claim;
	unsigned attempt, failed, retries;
	int64_t missing_at; /* ms, 0: the function was there so far */
	int64_t created_at; /* ms */
	/* how it ended */
	bool returned; /* as if there had been no attempt */
	const char *outcome, *next;
	int64_t run_at, missing_ms; /* ms; 0: none */
	unsigned version;
	enum check_verdict verdict;
	bool marked;      /* its file's path is, as one that is being changed */
	int64_t wait_ms;  /* CHECK_WAIT */
	char error[1024]; /* CHECK_REFUSED: the reason */
	struct ask ask;
	struct timer again;
	char *event;
	char text[]; /* strings of the row */
};

struct queue {
	struct loop *loop;
	struct queue_conf conf;
	char *env, *node;
	struct listen *listen;
	struct list runs, known;
	unsigned running;
	int64_t next_claim;
	struct defer soon;
	struct timer poll, renew, sweep, tell;
	struct ask claiming, reaping, renewing, sweeping, telling;
	char *self;  /* what it notifies: "env number" */
	bool wanted; /* look again when `claiming` is over */
	bool untold; /* tell others when `tell` is over */
	bool hears;  /* functions want to hear of documents or logins */
	bool started, draining;
};

/* queue.c */
/* In `room`, for a parameter. */
struct number {
	char text[24];
};
struct slice number_of(struct number *room, int64_t n);
uint32_t queue_dice(void);
/* What a function says of the calls that say nothing. */
unsigned queue_retries(const struct queue *queue, const char *function);

/* queue_claim.c */
void queue_claim(struct queue *queue);
void queue_reap(struct queue *queue);

/* queue_check.c */
bool run_is_check(const struct run *run);
/* Sets run->verdict, of a call that was answered. */
int check_judge(struct run *run) _must_check_;
/* Instead of queue_end: the attempt's end and what becomes of the file. */
void check_write(struct run *run);
/* The database has answered, whatever. */
void check_answered(struct run *run);
/* That stands in the database: run->ask is its answer. */
void check_written(struct run *run);

/* queue_run.c */
/* The row of queue_claim's answer. */
void run_start(
	struct queue *queue, const struct ask *ask, int row, int64_t claim);
/* What is written of the end, cut to fit: a sentence, or what a function
 * threw. */
void run_keep_error(struct run *run, const char *said);
/* It begins anew elsewhere. */
void run_give_back(struct run *run);
void run_free(struct run *run);
