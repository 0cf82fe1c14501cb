#pragma once

/*
 * The durable queue in PostgreSQL (mpcloud.queue): calls that nobody waits for.
 * A row is claimed with SKIP LOCKED and a lease by whichever gateway of whichever
 * node has room, called, and then done, waiting for its next attempt, or dead.
 * At least once: a lease that runs out is claimed anew.  Every attempt is a row
 * of mpcloud.attempts.  No SQL reads the clock.
 */

#include "base/job.h"
#include "base/slice.h"
#include "db/pool.h"

struct crews;
struct caller;
struct queue;

struct queue_conf {
	struct pool *pool;
	struct crews *crews;
	const char *env;
	const char *node;      /* name of this gateway on this node, for who looks */
	unsigned running_top;  /* calls of the queue under way at once here */
	uint64_t poll_ms;      /* looks at least so often; NOTIFY is quicker */
};

int queue_new(struct queue **ret, struct loop *loop,
	const struct queue_conf *conf, struct fault *why) _must_check_;
struct queue *queue_free(struct queue *queue);
/* Claim nothing more; true when nothing of it runs. */
bool queue_drain(struct queue *queue);

/* Why there is a call: mpcloud.queue.kind, and what the function sees of it. */
enum queue_kind {
	QUEUE_ASYNC,    /* somebody asked for it */
	QUEUE_TIMER,    /* event {"Type":"Timer","TriggerName","Time","Message"} */
	QUEUE_DOCUMENT, /* a document changed */
	QUEUE_FILE,     /* a file changed */
	QUEUE_LOGIN,    /* somebody logged in for the first time, or again */
	QUEUE_PAY,      /* an order was paid or refunded */
	QUEUE_KINDS_
};

/* One call to come.  Durable when done is called with 0. */
struct queue_put {
	struct ask ask; /* ask.job: the caller's */
	/* in: borrowed until queue_put_async returns */
	enum queue_kind kind;
	const char *function, *qualifier;
	const struct caller *caller; /* as whom it is called */
	const char *request_id;
	struct slice event; /* JSON */
	int64_t run_at;     /* ns since 1970; 0: now */
	int retries;        /* after the first attempt; -1: the function's */
	const char *key;    /* another with this key is not put again; "" none */
	/* out */
	char id[40];
	bool existed; /* the key was there: id is the older one's */
};

/* job_init(&put->ask.job, …) first. */
void queue_put_async(struct queue *queue, struct queue_put *put);
