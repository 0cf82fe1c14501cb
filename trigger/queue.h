#pragma once

/*
 * The durable queue in PostgreSQL (mpcloud.queue): calls that nobody waits for.
 * A row is claimed with SKIP LOCKED and a lease by whichever gateway of
 * whichever node has room, called, and then done, waiting for its next attempt,
 * or dead. At least once: a lease that runs out is claimed anew.  Every attempt
 * is a row of mpcloud.attempts.  No SQL reads the clock.
 */

#include "base/job.h"
#include "base/slice.h"
#include "db/pool.h"

#include <jansson.h>

struct crews;
struct caller;
struct mark_table;
struct queue;

struct queue_conf {
	struct pool *pool;
	struct crews *crews;
	const char *env;
	const char *node;     /* of this machine, for who looks */
	unsigned gateway;     /* its number there, the same */
	const char *url;      /* for LISTEN on a connection of its own */
	unsigned running_top; /* calls of the queue under way at once here */
	unsigned each_top;    /* of those, of one function */
	unsigned depth_top;   /* document triggers that may lead to a call */
	uint64_t poll_ms;     /* looks at least so often; NOTIFY is quicker */
	uint64_t lease_ms;
	int64_t missing_ms; /* how long a function may not be there */
	int64_t keep_ms, dead_keep_ms;
	/* Of stored files' paths, which verdicts change (storage/hot.h); or
	 * NULL: nobody keeps any. */
	struct mark_table *marks;
};

/* It claims nothing before queue_start. */
int queue_new(struct queue **ret, struct loop *loop,
	const struct queue_conf *conf, struct fault *why) _must_check_;
struct queue *queue_free(struct queue *queue);
DEFINE_CLEANUP(struct queue *, queue_free)
void queue_start(struct queue *queue);
/* The numbers of a new configuration. */
void queue_configure(struct queue *queue, const struct queue_conf *conf);
/* Claim nothing more; true when nothing of it runs. */
bool queue_drain(struct queue *queue);
/* No time is left: what runs is given back and begins anew elsewhere. */
void queue_give_back(struct queue *queue);
/* There may be work: look for it at the end of this turn. */
void queue_look(struct queue *queue);
/* There is work, committed: look, and tell the other gateways. */
void queue_wake(struct queue *queue);
/* Somebody logged in or wrote documents: the same, when a function that is
 * deployed wants to hear of that. */
void queue_heard(struct queue *queue);
void queue_set_hears(struct queue *queue, bool hears);
/* {running, draining} */
json_t *queue_status(const struct queue *queue) _returns_value_;

/* A function is there (or is another now): `retries` where a call says none.
 * Unknown ones count as not deployed for queue_has only. */
void queue_know(struct queue *queue, const char *function, unsigned retries);
void queue_forget(struct queue *queue, const char *function);
bool queue_has(const struct queue *queue, const char *function);

/* Why there is a call: mpcloud.queue.kind, and what the function sees of it. */
enum queue_kind {
	QUEUE_ASYNC, /* somebody asked for it */
	QUEUE_TIMER, /* event {"Type":"Timer","TriggerName","Time","Message"} */
	QUEUE_DOCUMENT, /* a document changed */
	QUEUE_FILE,     /* a file changed */
	QUEUE_LOGIN,    /* somebody logged in for the first time, or again */
	QUEUE_PAY,      /* an order was paid or refunded */
	QUEUE_CLOUDPAY, /* the same, for the function that the order names: it
			 * is done when that answers {errcode: 0} */
	QUEUE_PUSH,     /* a message of WeChat's, which is the event */
	QUEUE_CHECK,    /* a file's content is judged by the answer:
			 * {pass: true}, {pass: false, reason} or {wait: s} */
	QUEUE_KINDS_
};

/* "async", … as in mpcloud.queue.kind. */
const char *queue_kind_name(enum queue_kind kind);

/* One call to come.  Durable when done is called with 0. */
struct queue_put {
	struct ask ask; /* ask.job: the caller's */
	/* in: borrowed until queue_put_async returns */
	enum queue_kind kind;
	const char *function, *qualifier;
	const struct caller *caller; /* as whom it is called */
	const char *source;          /* "wx_client" …; NULL: "wx_trigger" */
	const char *request_id;
	struct slice event; /* JSON */
	int64_t run_at;     /* ns since 1970; 0: now */
	int retries;        /* after the first attempt; -1: the function's */
	const char *key;   /* another with this key is not put again; "" none */
	unsigned user_top; /* calls that may wait of this user; 0: any */
	/* out */
	char id[40];
	bool existed; /* the key was there: id is the older one's */
	/* queue's own */
	struct queue *queue;
	job_fn *told;
};

/* job_init(&put->ask.job, …) first.  Who writes other things in the same
 * transaction calls mpcloud.queue_put (db/routines/queue.sql) instead, and
 * queue_wake after its commit. */
void queue_put_async(struct queue *queue, struct queue_put *put);
