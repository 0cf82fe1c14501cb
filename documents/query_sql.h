#pragma once

/*
 * Between query_sql.c, which knows nodes, and query_leaf_sql.c, which knows
 * leaves.
 */

#include "documents/query.h"
#include "documents/sql.h"
#include "documents/sql_from.h"

/* A leaf over from->doc, in which _id is a member like others. */
void query_sql_leaf(
	struct sql *s, const struct query *q, const struct sql_from *from);
/* Metres from the point of a QUERY_NEAR. */
void sql_query_distance(
	struct sql *s, const struct query *near, const struct sql_from *from);
/* A leaf about _id by the key from->id; false when that cannot say it. */
bool query_sql_id(struct sql *s, const struct query *q,
	const struct sql_from *from) _must_check_;
