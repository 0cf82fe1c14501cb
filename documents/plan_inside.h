#pragma once

/*
 * Between plan.c, which chooses an index, plan_order.c, which does for a list's
 * order, and plan_sql.c, which says it.
 */

#include "documents/index.h"
#include "documents/plan.h"

enum {
	PLAN_PARTS = 64, /* of an AND that are looked at */
	PLAN_RANGES = 4, /* conditions on one field */
	PLAN_TEXT = 500, /* bytes of a text that a key holds whole */
};

/* What an index does for one of its fields. */
struct plan_field {
	const struct index_field *field;
	/* EQ or IN, or an OR of such on the same path; else NULL */
	const struct query *equal;
	bool is_one; /* `equal` is a single value */
	const struct query *range[PLAN_RANGES];
	unsigned ranges;
};

/* The conditions of an AND, and those that an index has taken up. */
struct plan_parts {
	const struct query *part[PLAN_PARTS];
	bool taken[PLAN_PARTS];
	unsigned count;
	bool too_many; /* some are not here */
};

struct plan {
	const struct index_info *index;
	struct plan_field use[INDEX_FIELDS];
	unsigned used;
	unsigned score; /* 0: of no use */
};

/* plan.c */
void plan_parts(struct plan_parts *to, const struct query *q);
/* What the parts say of a field. */
void plan_field(struct plan_field *to, const struct index_field *field,
	const struct plan_parts *parts);
/* Marks the parts that the plan's fields say. */
void plan_take(struct plan_parts *parts, const struct plan *plan);

bool plan_same_path(const struct path *a, const struct path *b);

/* plan_holds.c: every document that fits the parts is held by the index. */
bool plan_holds(const struct index_info *index, const struct plan_parts *parts);

/* plan_sql.c */
/* Those that are not taken, each with " AND " before it. */
void plan_put_rest(struct sql *s, const struct plan_parts *parts,
	const struct sql_from *from);
/* The plan's field `at` holds no array, and what is asked of it is true; with
 * `bounded` (a page in the index's order, of columns doc and _id) also when
 * nothing is asked. */
void plan_put_scalar(struct sql *s, const struct plan *plan, unsigned at,
	bool bounded, const char *doc);
/* Some field up to the last holds an array: "(… OR …)". */
void plan_put_arrays(struct sql *s, const struct plan *plan, bool bounded,
	const struct sql_from *from);
/* What a text or geo index says of $text or a place. */
void plan_put_special(struct sql *s, const struct index_info *index,
	const struct query *q, const char *doc);
/* A place on the plane, not on the sphere. */
bool plan_is_flat(const struct query *q);
void plan_put_holds(
	struct sql *s, const struct index_info *index, const char *doc);
/* k(doc) */
void plan_put_key(
	struct sql *s, const struct index_field *field, const char *doc);
