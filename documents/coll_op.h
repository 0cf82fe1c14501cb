#pragma once

/*
 * What an operator does with collections and indexes, one statement each.  An
 * index is only noted here; db/index_work.h builds and drops it.
 */

#include "base/arena.h"
#include "base/val.h"
#include "db/pool.h"
#include "documents/coll.h"

struct coll_op {
	struct job job; /* err: ERR_DB_…; why: for the operator */
	struct arena *arena;
	/* answer, in the arena */
	struct slice json; /* of coll_op_list, coll_op_indexes */
	bool done; /* of the others: it was made; it was there and is gone */
	struct ask ask;
};

/* job_init(&op->job, …) and op->arena first. */

/* Any statement with one value, which becomes op->json and, as a boolean,
 * op->done. */
void coll_op_ask(struct pool *pool, struct coll_op *op, const char *sql,
	const struct slice *params, int count);
/* [{"name", "documents", "estimated", "bytes", "permission", "indexes"}] */
void coll_op_list(struct pool *pool, struct coll_op *op, const char *env);
/* The collection with all its documents and indexes. */
void coll_op_drop(struct pool *pool, struct coll_op *op, const char *env,
	struct slice collection);
/* Is that a permission, with its rules?  Without a database. */
int coll_check_rules(struct slice permission, const json_t *rules,
	struct arena *arena, struct fault *why) _must_check_;
/* Who may: a permission with, for CUSTOM, its rules, or len 0 and NULL; whether
 * users may read _openid: 1, 0, or -1.  What is not given stays. */
void coll_op_permit(struct pool *pool, struct coll_op *op, const char *env,
	struct slice collection, struct slice permission, const json_t *rules,
	int shows_openid);
/* [{"name", "keys", …, "state", "error", "progress", "bytes", "uses"}], that of
 * _id first. */
void coll_op_indexes(struct pool *pool, struct coll_op *op, const char *env,
	struct slice collection);
/* v: as index_define takes it.  The same once more is fine; another one of this
 * name, or another name for the same fields, is ERR_DB_EXISTS.  op->json is the
 * name as a JSON text. */
void coll_op_add_index(struct pool *pool, struct coll_op *op, const char *env,
	struct slice collection, const json_t *v);
void coll_op_drop_index(struct pool *pool, struct coll_op *op, const char *env,
	struct slice collection, struct slice name);
