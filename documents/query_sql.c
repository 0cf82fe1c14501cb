/*
 * A query tree as a boolean expression: how the nodes are put together, and
 * where each leaf finds its document.  What a leaf is in SQL: query_leaf_sql.c.
 *
 * Comparisons may be NULL for "unknown": hence IS NOT TRUE.
 */
#include "documents/query_sql.h"
#include "documents/expr.h"
#include "documents/plan.h"
#include "documents/rule.h"

static void put(
	struct sql *s, const struct query *q, const struct sql_from *from);

static void
put_parts(struct sql *s, const struct query *q, const struct sql_from *from,
	const char *between, const char *none)
{
	if (!q->parts) {
		sql_add(s, none);
		return;
	}
	sql_add(s, "(");
	for (const struct query *at = q->parts; at; at = at->next) {
		if (at != q->parts)
			sql_add(s, between);
		put(s, at, from);
	}
	sql_add(s, ")");
}

static void
put_not(struct sql *s, const struct query *q, const struct sql_from *from)
{
	sql_add(s, "(");
	put(s, q->parts, from);
	sql_add(s, ") IS NOT TRUE");
}

static void
put_expr(struct sql *s, const struct query *q, const struct sql_from *from)
{
	struct sql_from here = *from;

	here.hides_openid |= q->hides_openid;
	sql_expr_truth(s, q->expr, &here);
}

/* "jsonb_array_elements(…)" of a member, "mpcloud.elements(…)" of what any path
 * reaches. */
static void
put_elements(struct sql *s, const struct query *q, const struct sql_from *from)
{
	if (q->path.count != 1 || q->path.has_index) {
		sql_add(s, "mpcloud.elements(");
		sql_add(s, from->doc);
		sql_add(s, ", ");
		sql_param_path(s, &q->path);
		sql_add(s, ")");
		return;
	}
	sql_add(s, "jsonb_array_elements(CASE jsonb_typeof(");
	sql_add(s, from->doc);
	sql_add(s, " -> ");
	sql_param(s, q->path.step[0], "text");
	sql_add(s, ") WHEN 'array' THEN ");
	sql_add(s, from->doc);
	sql_add(s, " -> ");
	sql_param(s, q->path.step[0], "text");
	sql_add(s, " END)");
}

/* Nested ones may all say "e": an expression after FROM does not see the name
 * that it is given, but the one further out.  As a column's name, because such
 * a name further out goes before a table's here. */
static void
put_elem(struct sql *s, const struct query *q, const struct sql_from *from)
{
	const struct sql_from inside = {.doc = "e", .vars = from->vars};

	sql_add(s, "EXISTS (SELECT 1 FROM ");
	put_elements(s, q, from);
	sql_add(s, " AS e(e) WHERE ");
	put_parts(s, q, &inside, " AND ", "TRUE");
	sql_add(s, ")");
}

static void
put_leaf(struct sql *s, const struct query *q, const struct sql_from *from)
{
	bool about_id = q->path.count && path_starts(&q->path, "_id");
	struct sql_from whole = *from;
	char doc[80];

	if (from->id && about_id && query_sql_id(s, q, from))
		return;
	/* The document alone has an _id only when it is no text. */
	if (from->id && (about_id || q->op == QUERY_SCHEMA)) {
		(void)snprintf(doc, sizeof(doc), "mpcloud.whole(%s, %s)",
			from->id, from->doc);
		whole.doc = doc;
	}
	if (q->op == QUERY_ELEM)
		put_elem(s, q, &whole);
	else
		query_sql_leaf(s, q, &whole);
}

static void
put(struct sql *s, const struct query *q, const struct sql_from *from)
{
	switch (q->op) {
	case QUERY_ALL:
		sql_add(s, "TRUE");
		break;
	case QUERY_NONE:
		sql_add(s, "FALSE");
		break;
	case QUERY_AND:
		put_parts(s, q, from, " AND ", "TRUE");
		break;
	case QUERY_OR:
		put_parts(s, q, from, " OR ", "FALSE");
		break;
	case QUERY_NOT:
		put_not(s, q, from);
		break;
	case QUERY_EXPR:
		put_expr(s, q, from);
		break;
	case QUERY_RULE:
		rule_sql(s, q->rule, from);
		break;
	default:
		put_leaf(s, q, from);
	}
}

void
sql_query(struct sql *s, const struct query *q, const struct sql_from *from)
{
	struct sql_from here = *from;

	if (from->info && sql_plan(s, q, from))
		return;
	here.info = NULL;
	put(s, q, &here);
}
