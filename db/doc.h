#pragma once

/*
 * Documents: one table per collection (_id text primary key, doc jsonb) in one
 * schema per environment.  A request is parsed into a query or update tree, one
 * SQL statement with parameters comes out; values and names never become SQL
 * text (names only as quoted identifiers after a check).
 *
 * The stored form is relaxed EJSON: int and double as numbers, Date as
 * {"$date": ms}, other tagged types as CloudBase's EJSON writes them.
 */

#include "base/arena.h"
#include "base/val.h"
#include "db/pool.h"

enum doc_verb {
	DOC_ADD_COLLECTION,
	DOC_INSERT, /* data: array of documents; _id made when absent */
	DOC_FIND,
	DOC_COUNT,
	DOC_UPDATE, /* data: {$set…} when merge, else the whole document */
	DOC_REMOVE,
};

/* What the caller may see and touch, ANDed into every statement. */
struct doc_scope {
	bool admin;         /* everything; nothing is stamped */
	const char *openid; /* of the caller, "" for nobody */
};

struct doc_request {
	enum doc_verb verb;
	const char *env; /* environment id → schema name */
	struct slice collection;
	const json_t *query; /* object or NULL: all */
	const json_t *data;
	const json_t *order; /* {field: ±1…} or [{field, direction}] or NULL */
	const json_t *projection; /* object or NULL */
	int64_t skip, limit;      /* limit < 0: the preset (100) */
	bool multi, merge, upsert;
	struct doc_scope scope;
};

struct doc_op {
	struct job job; /* err: ERR_DB_…; why: for the author */
	struct arena *arena;
	/* answer, in the arena */
	struct slice *list;      /* documents as JSON text, ready to splice */
	size_t count;            /* of list; or inserted */
	const char **ids;        /* DOC_INSERT */
	int64_t total;           /* DOC_COUNT; updated; removed */
	const char *upserted_id; /* or NULL */
	struct ask ask;
	struct pool *pool;
	void *inside[16];
};

/* job_init(&op->job, …) and op->arena first.  The permission of the collection
 * (mpcloud.collections) is enforced in SQL for scopes that are not admin:
 * READONLY, PRIVATE, ADMINWRITE, ADMINONLY (the preset: deny).  Documents
 * inserted by a user are stamped with _openid; users neither write nor read
 * that member. */
void doc_run(struct pool *pool, struct doc_op *op,
	const struct doc_request *request);

/* A collection's permission, made when absent (deploy's `database/`). */
void doc_set_permission(struct pool *pool, struct doc_op *op, const char *env,
	struct slice collection, struct slice permission);
