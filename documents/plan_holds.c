/*
 * A sparse or partial index does not hold every document.  It may be used where
 * its condition follows from what is asked: by the same leaf, or by one that is
 * narrower.  With arrays on the way both speak of some element, so what holds
 * for one value holds there as well.
 */
#include "documents/plan_inside.h"

#include <stdlib.h>
#include <string.h>

/* Where it is true, something that is not null is at its path. */
static bool
needs_value(const struct query *q)
{
	switch (q->op) {
	case QUERY_EQ:
		return q->kind != VALUE_NULL;
	case QUERY_GT:
	case QUERY_GTE:
	case QUERY_LT:
	case QUERY_LTE:
	case QUERY_IN:
	case QUERY_REGEX:
	case QUERY_SIZE:
	case QUERY_MOD:
	case QUERY_EXISTS:
		return true;
	default:
		return false;
	}
}

/* Numbers and dates: -1, 0, 1; 2 when they cannot be compared. */
static int
compare(const struct query *a, const struct query *b)
{
	size_t head = a->kind == VALUE_DATE ? strlen("{\"$date\":") : 0;
	char x[64], y[64];
	double d, e;

	if (a->kind != b->kind ||
		(a->kind != VALUE_NUMBER && a->kind != VALUE_DATE) ||
		a->value.len >= sizeof(x) || b->value.len >= sizeof(y))
		return 2;
	memcpy(x, a->value.ptr, a->value.len);
	memcpy(y, b->value.ptr, b->value.len);
	x[a->value.len] = y[b->value.len] = '\0';
	d = strtod(x + head, NULL);
	e = strtod(y + head, NULL);
	return d < e ? -1 : d > e;
}

/* Is `goal` true wherever the leaf `q` is? */
static bool
leaf_implies(const struct query *q, const struct query *goal)
{
	bool up = goal->op == QUERY_GT || goal->op == QUERY_GTE;
	int order;

	if (!plan_same_path(&q->path, &goal->path))
		return false;
	if (goal->op == QUERY_EXISTS)
		return needs_value(q);
	if (q->op == goal->op && q->kind == goal->kind &&
		slice_eq(q->value, goal->value))
		return true;
	if (goal->op < QUERY_GT || goal->op > QUERY_LTE)
		return false;
	order = compare(q, goal);
	if (order == 2 || order == 0)
		return order == 0 &&
		       (goal->op == QUERY_GTE || goal->op == QUERY_LTE) &&
		       (q->op == QUERY_EQ ||
			       q->op == (up ? QUERY_GT : QUERY_LT));
	if (order != (up ? 1 : -1))
		return false;
	return q->op == QUERY_EQ || q->op == (up ? QUERY_GT : QUERY_LT) ||
	       q->op == (up ? QUERY_GTE : QUERY_LTE);
}

static bool
implies(const struct plan_parts *parts, const struct query *goal)
{
	const struct query *at;

	switch (goal->op) {
	case QUERY_ALL:
		return true;
	case QUERY_AND:
		for (at = goal->parts; at; at = at->next)
			if (!implies(parts, at))
				return false;
		return true;
	case QUERY_OR:
		for (at = goal->parts; at; at = at->next)
			if (implies(parts, at))
				return true;
		return false;
	default:
		for (unsigned i = 0; i < parts->count; i++)
			if (parts->part[i]->op >= QUERY_EQ &&
				leaf_implies(parts->part[i], goal))
				return true;
		return false;
	}
}

bool
plan_holds(const struct index_info *index, const struct plan_parts *parts)
{
	bool some = false;

	if (index->partial && !implies(parts, index->partial))
		return false;
	if (!index->sparse)
		return true;
	for (unsigned f = 0; f < index->count; f++)
		for (unsigned i = 0; i < parts->count; i++)
			some |= parts->part[i]->op >= QUERY_EQ &&
				needs_value(parts->part[i]) &&
				plan_same_path(&parts->part[i]->path,
					&index->fields[f].path);
	return some;
}
