#pragma once

/*
 * Which indexes a condition can use, and how that is said in SQL: exactly what
 * sql_query says, in a form that PostgreSQL answers with the index, also from a
 * prepared statement's generic plan.
 */

#include "documents/query.h"
#include "documents/sql.h"
#include "documents/sql_from.h"

/* Called by sql_query for the outermost node when from->info is there; it takes
 * care of all that is below.  `q` should hold everything that is asked of a
 * document, permission and condition in one AND.  For an AND the best index is
 * used (longest run of equalities, then one range), for an OR one for each of
 * its parts.  False and nothing appended when no index fits; then nothing below
 * can use one either: go on with from->info NULL. */
bool sql_plan(struct sql *s, const struct query *q,
	const struct sql_from *from) _must_check_;

/* One field of a list's order. */
struct sql_order {
	struct path path;
	bool descends;
};

enum { SQL_ORDER_TOP = 32 };

/* A page of a list in the order of an index: appends
 *   (SELECT _id, doc, o1, o2 … the first `top` of them …) AS page
 * to stand after FROM, of which the outer statement takes ORDER BY o1 [DESC],
 * o2 …, _id with its LIMIT and OFFSET.  q: the whole condition, since rows are
 * cut off inside; top: skip + limit.  False and nothing appended when no index
 * has this order. */
bool sql_plan_ordered(struct sql *s, const struct query *q,
	const struct sql_order *order, unsigned count, int64_t top,
	const struct sql_from *from) _must_check_;
