#pragma once

/*
 * Indexes of a collection: definitions as clients and projects write them, and
 * what the planner (plan.h) knows of each.
 *
 * An index on a path stands on two functions, made once per environment and
 * path (routines/indexes.sql) and named by quoted identifiers: k(doc), the
 * order-preserving key of the value there (mpcloud.key), and ks(doc), the keys
 * of all that is met when an array is crossed on the way or at the end.  Of a
 * document with such an array k is [200, …], above all other keys.  A b-tree on
 * (k(doc) …, _id) holds all documents, a GIN index on ks(doc) those with an
 * array at the first path.  (Decimals count as arrays: see index_key_of.)  So
 * the condition {path: 5} is k(doc) = $1 OR (k(doc) >= '[200, null]' AND
 * ks(doc) @> $2 AND exact) and an index never changes what a query finds.  A
 * unique index holds an array as one value.  Functions are named after what
 * they compute (INDEX_LAYOUT included) and never replaced: raise the layout
 * when mpcloud.key changes.
 *
 * A stored definition, mpcloud.indexes.definition:
 *   {"layout": 1, "keys": [{"name": "a.b", "direction": "1"}, …],
 *    "unique": true, "sparse": true, "expireAfterSeconds": 60,
 *    "partialFilterExpression": {…}}
 * with direction "1", "-1", "2dsphere" or "text"; absent members are false.
 */

#include "base/val.h"
#include "documents/coll.h"
#include "documents/path.h"

struct query;

enum index_kind { INDEX_PLAIN, INDEX_GEO, INDEX_TEXT };

enum {
	INDEX_LAYOUT = 1,
	INDEX_FIELDS =
		31, /* of one index; with _id as many as PostgreSQL takes */
	INDEX_TOP = 100, /* of a collection */
	INDEX_NAME_TOP = 120,
};

struct index_field {
	struct path path;
	bool is_id; /* the key itself: column _id, no function */
	bool descends;
	struct slice key;  /* "env_x"."k_…", quoted; of the first field of a
			      text index the function of all its fields */
	struct slice keys; /* "env_x"."ks_…", quoted; of a geo index the
			      function that says how far a condition reaches */
};

struct index_info {
	const struct index_info *next;
	struct slice name;
	struct slice relation; /* of the b-tree (or GiST, GIN), unquoted */
	enum index_kind kind;
	bool unique, sparse;
	const struct index_field *fields;
	unsigned count;
	int64_t expire_s; /* TTL, or -1 */
	/* It holds only documents that fit: "env_x"."p_…", quoted, with the
	 * condition as a tree; or len 0 and NULL. */
	struct slice holds;
	const struct query *partial;
	const json_t *definition; /* as stored; borrowed */
};

/* From a stored definition, for db/catalog.h: `definition` must outlive it.
 * -ENOENT: of another layout, not to be used. */
int index_load(struct index_info **ret, const struct coll *coll,
	struct slice name, const json_t *definition, struct arena *arena,
	struct fault *why) _must_check_;

/* index_define.c: from what a client or a project's file says, in any of the
 * usual forms:
 * {"name", "keys": [{"name", "direction"}]}, CloudBase's {"IndexName",
 * "MgoKeySchema": {"MgoIndexKeys": [{"Name", "Direction"}], "MgoIsUnique",
 * "MgoIsSparse"}}, MongoDB's {"key": {"a": 1}, "name", …}.  *name: "a_1" when
 * it says none.  *ret: a new definition, as stored; NULL for that of _id, which
 * is always there. */
int index_define(json_t **ret, struct slice *name, const json_t *v,
	struct arena *arena, struct fault *why) _must_check_;

/* What mpcloud.index_add wants besides the definition: the names and texts of
 * all that is made for it, as JSON. */
int index_build(json_t **ret, const struct coll *coll,
	const struct index_info *info, struct arena *arena,
	struct fault *why) _must_check_;

/* "E11000 duplicate key error …" for a unique violation whose message names
 * the index; false when it is that of the primary key. */
bool index_tell_duplicate(
	struct slice collection, const char *message, struct fault *why);
