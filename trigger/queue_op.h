#pragma once

/* What the operator sees of the queue and does to it. */

#include "base/val.h"
#include "db/pool.h"

struct queue_op {
	struct ask ask; /* ask.job: the caller's */
	/* in, borrowed until queue_op returns */
	const char *env;
	const char *function; /* "" all */
	const char *state;    /* "" all */
	int64_t limit;
	int64_t id;
	const json_t *ids; /* array of strings or numbers, or NULL */
};

/* The answer is ask_value(&op->ask, 0, 0). */
/* JSON {calls: […]}, the newest first */
void queue_op_list(struct pool *pool, struct queue_op *op);
/* JSON {…, tries: […]}; ask_is_null: there is none */
void queue_op_show(struct pool *pool, struct queue_op *op);
/* Dead calls run again: those of `ids`, or all of `function`.  How many. */
void queue_op_replay(struct pool *pool, struct queue_op *op);
/* Calls of `ids` that do not run just now.  How many. */
void queue_op_drop(struct pool *pool, struct queue_op *op);
