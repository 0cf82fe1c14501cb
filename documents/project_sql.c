/*
 * A projection as an expression: each part is a function around the one before.
 */
#include "documents/project_tree.h"
#include "documents/sql.h"
#include "documents/sql_from.h"

static void
add_slice(struct sql *s, const struct project_made *m)
{
	sql_add(s, ", ");
	sql_param_path(s, &m->path);
	sql_add(s, ", ");
	if (m->has_skip)
		sql_param_i64(s, m->skip);
	else
		sql_add(s, "NULL");
	sql_add(s, ", ");
	sql_param_i64(s, m->many);
	sql_add(s, ")");
}

/* ", (SELECT [e] … the first that fits))" */
static void
add_elem(struct sql *s, const struct project_made *m,
	const struct sql_from *from)
{
	const struct sql_from inside = {
		.doc = m->is_wrapped ? "jsonb_build_object('e', e)" : "e"};

	sql_add(s, ", ");
	sql_param_path(s, &m->path);
	sql_add(s, ", (SELECT jsonb_build_array(e) FROM "
		   "mpcloud.list_at(");
	sql_add(s, from->doc);
	sql_add(s, ", ");
	sql_param(s, m->path.step[0], "text");
	sql_add(s, ") AS e(e) WHERE ");
	sql_query(s, m->elem, &inside);
	sql_add(s, " LIMIT 1))");
}

static void
add_expr(struct sql *s, const struct project_made *m, const struct project *p,
	const struct sql_from *from)
{
	struct sql_from here = *from;

	here.hides_openid |= p->hides_openid;
	sql_add(s, ", ");
	sql_param_path(s, &m->path);
	sql_add(s, ", ");
	sql_expr(s, m->expr, &here);
	sql_add(s, ")");
}

static void
add_made_sql(struct sql *s, const struct project_made *m,
	const struct project *p, const struct sql_from *from)
{
	switch (m->kind) {
	case MADE_SLICE:
		add_slice(s, m);
		break;
	case MADE_ELEM:
		add_elem(s, m, from);
		break;
	case MADE_EXPR:
		add_expr(s, m, p, from);
		break;
	}
}

/* The outermost function comes first in the text, its arguments last. */
static void
open_made(struct sql *s, const struct project_made *m)
{
	if (!m)
		return;
	open_made(s, m->next);
	sql_add(s, m->kind == MADE_SLICE ? "mpcloud.doc_slice("
					 : "mpcloud.doc_made(");
}

static void
close_tree(struct sql *s, struct slice tree)
{
	if (tree.len == 0)
		return;
	sql_add(s, ", ");
	sql_param(s, tree, "jsonb");
	sql_add(s, ")");
}

void
sql_project(struct sql *s, const struct project *p, const struct sql_from *from)
{
	open_made(s, p->made);
	if (p->omit.len)
		sql_add(s, "mpcloud.doc_omit(");
	if (p->pick.len)
		sql_add(s, "mpcloud.doc_pick(");
	sql_add(s, p->cuts_openid ? "(" : "");
	sql_add(s, from->doc);
	sql_add(s, p->cuts_openid ? " - '_openid')" : "");
	close_tree(s, p->pick);
	close_tree(s, p->omit);
	for (const struct project_made *m = p->made; m; m = m->next)
		add_made_sql(s, m, p, from);
}
