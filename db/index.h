#pragma once

/*
 * Indexes of a collection: definitions as clients and projects write them, the
 * DDL that makes them, and what the planner (plan.h) knows of each.
 *
 * An index on a path stands on two functions, made once per environment and
 * path and named by quoted identifiers: k(doc), the order-preserving key of
 * the value there (mpcloud.key), and x(doc), true when an array is met on the
 * way or at the end.  The b-tree holds the documents of which x is false; a GIN
 * index over the keys of all elements holds the others.  So a scalar's
 * condition is
 *   (NOT x(doc) AND k(doc) = $1) OR (x(doc) AND ks(doc) @> $2 AND exact)
 * and an index never changes what a query finds.
 */

#include "base/val.h"
#include "db/coll.h"
#include "db/path.h"

enum index_kind { INDEX_PLAIN, INDEX_GEO, INDEX_TEXT };

struct index_field {
	struct path path; /* count 1 and "_id": the key itself */
	bool descends;
	struct slice key, crosses, keys; /* quoted names of k, x, ks */
};

struct index_info {
	const struct index_info *next;
	struct slice name;
	enum index_kind kind;
	bool unique, sparse;
	const struct index_field *fields;
	unsigned count;
	int64_t expire_s;      /* TTL, or -1 */
	const json_t *partial; /* the condition of a partial index, or NULL */
};
