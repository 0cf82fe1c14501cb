#pragma once

/*
 * Documents: one table per collection (_id text primary key, doc jsonb) in one
 * schema per environment.  A request is parsed into a query, update or pipeline
 * tree, one SQL statement with parameters comes out; values and names never
 * become SQL text (names only as quoted identifiers after a check).
 *
 * The stored form is relaxed EJSON: int and double as numbers, Date as
 * {"$date": ms}, other tagged types as CloudBase's EJSON writes them.
 */

#include "base/arena.h"
#include "base/val.h"
#include "db/pool.h"
#include "documents/catalog.h"

struct replicas;
struct slow;
struct tx;

/* What the operator allows; each error names its setting. */
struct doc_limits {
	int64_t limit_preset; /* documents of a list that says no limit */
	int64_t limit_top;    /* documents of a list */
	int64_t result_top;   /* bytes of an answer */
	int64_t stages_top;   /* of a pipeline */
	int64_t insert_top;   /* documents of one insert */
};
extern const struct doc_limits doc_limits_preset;

/* What every call about documents needs beside its request. */
struct docs {
	struct pool *pool;         /* the primary */
	struct catalog *catalog;   /* what is known of collections */
	struct replicas *replicas; /* or NULL: all reads go to the primary */
	struct doc_limits limits;
	struct slow *slow; /* notes slow requests, or NULL */
};

enum doc_verb {
	DOC_ADD_COLLECTION,
	DOC_INSERT, /* data: array of documents; _id made when absent */
	DOC_FIND,
	DOC_COUNT,
	DOC_UPDATE, /* data: {$set…} when merge, else the whole document */
	DOC_UPDATE_RETURN, /* one document; the changed one is in list[0] */
	DOC_REMOVE,
	DOC_AGGREGATE, /* stages */
};

/* Who asks: what he may see and touch is ANDed into every statement. */
struct doc_scope {
	bool admin; /* everything; nothing is stamped */
	/* Of the caller, "" for nobody; of one who has none (an anonymous or
	 * custom login) his uid, which then stands in _openid. */
	const char *openid;
	/* for the rules' `auth`; NULL or "" when there is none */
	const char *uid, *login_type;
	const json_t *custom; /* claims of a custom login, or NULL */
};

struct doc_request {
	enum doc_verb verb;
	const char *env; /* environment id → schema name */
	struct slice collection;
	const json_t *query; /* object or NULL: all */
	const json_t *data;
	const json_t *order; /* {field: ±1…} or [{field, direction}] or NULL */
	const json_t *projection;    /* object or NULL */
	const json_t *stages;        /* [{"$match": …}, …] */
	const json_t *array_filters; /* [{"x.a": …}, …] or NULL */
	int64_t skip, limit;         /* limit < 0: the preset (100) */
	bool multi, merge, upsert;
	bool by_id;           /* a call about one document: doc(id).… */
	bool want_total;      /* DOC_FIND: op->total beside the page */
	bool explain;         /* list[0] is the plan instead */
	bool may_be_stale;    /* a replica may answer */
	struct tx *tx;        /* inside a transaction, or NULL */
	struct slice session; /* who wants to read his own writes, or len 0 */
	unsigned depth;       /* document triggers that led to this; 0: none */
	struct doc_scope scope;
};

struct doc_op {
	struct job job; /* err: ERR_DB_…; why: for the author */
	struct arena *arena;
	/* answer, in the arena */
	struct slice *list;      /* documents as JSON text, ready to splice */
	size_t count;            /* of list; or inserted */
	const char **ids;        /* DOC_INSERT: stored JSON of each _id */
	int64_t total;           /* DOC_COUNT; updated; removed; want_total */
	const char *upserted_id; /* stored JSON, or NULL */
	struct ask ask;
	struct catalog_ask names;
	const struct docs *docs;
	void *inside[16];
};

/* job_init(&op->job, …) and op->arena first.  `request`'s JSON and strings must
 * live until the job is done.  The permission or the rules of the collection
 * (db/access.h) are enforced in SQL for scopes that are not admin; what nothing
 * grants is denied.  Documents inserted by a user are stamped with _openid;
 * users neither write nor read that member. */
void doc_run(const struct docs *docs, struct doc_op *op,
	const struct doc_request *request);
