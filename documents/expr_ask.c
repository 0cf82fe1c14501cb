/*
 * What is asked of an expression that was parsed.
 */
#include "documents/expr_tree.h"

bool
expr_reads(const struct expr *e, const char *member)
{
	bool is_root = e->kind == EXPR_FIELD ||
		       (e->kind == EXPR_VAR && strcmp(e->name, "ROOT") == 0);

	if (is_root && (e->path.count == 0 || path_starts(&e->path, member)))
		return true;
	for (const struct expr *at = e->args; at; at = at->next)
		if (expr_reads(at, member))
			return true;
	return false;
}

const struct slice *
expr_value(const struct expr *e)
{
	return e->kind == EXPR_LITERAL ? &e->value : NULL;
}

static bool
is_given(const struct expr *e)
{
	return e->kind == EXPR_LITERAL ||
	       (e->kind == EXPR_VAR && strcmp(e->name, "ROOT") != 0);
}

static bool
is_field(const struct expr *e)
{
	return e->kind == EXPR_FIELD && e->path.count > 0;
}

static const struct expr *
find_demand(const struct expr *e, unsigned *left, const struct path **path)
{
	const struct expr *a = e->args, *found = NULL;

	if (e->kind == EXPR_OP && strcmp(e->op->name, "$and") == 0)
		for (; a && !found; a = a->next)
			found = find_demand(a, left, path);
	if (e->kind != EXPR_OP || strcmp(e->op->name, "$eq") != 0)
		return found;
	if (is_field(a->next) && is_given(a)) {
		found = a;
		*path = &a->next->path;
	} else if (is_field(a) && is_given(a->next)) {
		found = a->next;
		*path = &a->path;
	}
	return found && (*left)-- == 0 ? found : NULL;
}

const struct expr *
expr_demands(const struct expr *e, unsigned i, const struct path **path)
{
	return find_demand(e, &i, path);
}

bool
expr_is_total(const struct expr *e)
{
	switch (e->kind) {
	case EXPR_FIELD:
		return e->path.count == 0;
	case EXPR_VAR:
	case EXPR_MISSING:
		return false;
	case EXPR_OP:
		return !(e->op->flags & EXPR_MAY_MISS);
	default:
		return true;
	}
}
