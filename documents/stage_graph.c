/*
 * $graphLookup: a recursive common table expression for each row, one row of it
 * for each depth: the keys found there, the values to go on from, and all keys
 * seen so far, so that a circle ends.
 */
#include "documents/stage.h"

struct graph {
	const struct coll_info *info;
	const json_t *start, *restrict_;
	struct expr *expr;
	struct path from, to, as, depth;
	bool has_depth, has_top;
	int64_t top;
	struct query *only; /* or NULL */
};

static int
check_names(struct pipe *p, const json_t *v)
{
	static const char *const names[] = {"from", "startWith",
		"connectFromField", "connectToField", "as", "maxDepth",
		"depthField", "restrictSearchWithMatch"};
	const char *key;
	json_t *item;

	if (!json_is_object(v))
		return stage_wrong(p, "$graphLookup specification must be an "
				      "object");
	json_object_foreach ((json_t *)(uintptr_t)v, key, item) {
		bool known = false;

		for (size_t i = 0; i < array_size(names); i++)
			known |= strcmp(key, names[i]) == 0;
		if (!known)
			return stage_wrong(p,
				"Unknown argument to $graphLookup: %.60s", key);
	}
	return 0;
}

static int
read_paths(struct pipe *p, const json_t *v, struct graph *g)
{
	const json_t *depth = json_object_get(v, "depthField");
	int r = stage_path(p, json_object_get(v, "connectFromField"), false,
		"$graphLookup: 'connectFromField'", &g->from);

	if (r == 0)
		r = stage_path(p, json_object_get(v, "connectToField"), false,
			"$graphLookup: 'connectToField'", &g->to);
	if (r == 0)
		r = stage_path(p, json_object_get(v, "as"), false,
			"$graphLookup: 'as'", &g->as);
	if (r == 0 && depth)
		r = stage_path(p, depth, false, "$graphLookup: 'depthField'",
			&g->depth);
	g->has_depth = depth != NULL;
	if (r == 0)
		r = stage_check_foreign(p, g->info, &g->to);
	return r < 0 ? r : stage_check_foreign(p, g->info, &g->from);
}

static int
read_only(struct pipe *p, const json_t *v, struct graph *g)
{
	int r;

	if (!v)
		return 0;
	if (!json_is_object(v))
		return stage_wrong(p, "$graphLookup: 'restrictSearchWithMatch' "
				      "must be an object");
	r = query_parse(&g->only, v, p->arena, p->b->now_ms, p->why);
	if (r == 0)
		r = access_query(
			g->only, g->info, &p->b->req->scope, p->arena, p->why);
	if (r == 0 && query_can_raise(g->only))
		return stage_wrong(p, "$graphLookup: 'restrictSearchWithMatch' "
				      "takes no $expr");
	return r;
}

static int
read_graph(struct pipe *p, const json_t *v, struct graph *g)
{
	const json_t *top = json_object_get(v, "maxDepth");
	const json_t *start = json_object_get(v, "startWith");
	int r = check_names(p, v);

	if (r == 0)
		r = stage_find_info(p, json_object_get(v, "from"),
			"$graphLookup", &g->info);
	if (r == 0 && !start)
		return stage_wrong(p, "$graphLookup requires 'startWith'");
	if (r == 0)
		r = read_paths(p, v, g);
	if (r == 0)
		r = stage_expr(p, start, &g->expr);
	if (r == 0 && top && value_int(top, 0, INT32_MAX, &g->top, NULL) < 0)
		return stage_wrong(p, "$graphLookup: 'maxDepth' must be a "
				      "whole number, 0 or more");
	g->has_top = top != NULL;
	return r < 0 ? r
		     : read_only(p,
			       json_object_get(v, "restrictSearchWithMatch"),
			       g);
}

/* "(SELECT keys and next values of those that fit) t" */
static int
put_step(struct pipe *p, const struct graph *g, const char *values,
	const char *seen)
{
	const struct sql_from from = {
		.doc = "doc", .id = "_id", .info = g->info};
	struct sql *s = p->s;
	int r;

	sql_add(s, "(SELECT array_agg(f._id) AS ids, mpcloud.graph_next("
		   "jsonb_agg(mpcloud.graph_values(");
	if (path_starts(&g->from, "_id"))
		sql_add(s, "mpcloud.whole(f._id, f.doc)");
	else
		sql_add(s, "f.doc");
	sql_add(s, ", ");
	sql_param_path(s, &g->from);
	sql_add(s, "))) AS next FROM (");
	r = stage_put_table(p, g->info);
	sql_add(s, " AND ");
	stage_put_hit(p, g->info, &g->to, values, "");
	sql_add(s, seen);
	if (g->only) {
		sql_add(s, " AND ");
		sql_query(s, g->only, &from);
	}
	sql_add(s, ") f) t WHERE t.ids IS NOT NULL");
	return r;
}

static int
put_found(struct pipe *p, const struct graph *g)
{
	struct sql *s = p->s;
	int r;

	sql_add(s, ") SELECT coalesce(jsonb_agg(");
	if (g->has_depth && g->depth.count == 1) {
		stage_put_whole(p, g->info, "f");
		sql_add(s, " || jsonb_build_object(");
		sql_param(s, g->depth.step[0], "text");
		sql_add(s, ", g.depth)");
	} else if (g->has_depth) {
		sql_add(s, "mpcloud.stage_set(");
		stage_put_whole(p, g->info, "f");
		sql_add(s, ", to_jsonb(");
		sql_param_path(s, &g->depth);
		sql_add(s, "), to_jsonb(g.depth))");
	} else {
		stage_put_whole(p, g->info, "f");
	}
	sql_add(s, " ORDER BY g.depth, f._id), '[]') FROM g, unnest(g.ids) i, "
		   "LATERAL (");
	r = stage_put_table(p, g->info);
	sql_add(s, " AND _id = i) f)");
	return r;
}

static int
put_recursion(struct pipe *p, const struct graph *g, const char *values)
{
	struct sql *s = p->s;
	int r;

	sql_add(s, "(WITH RECURSIVE g(depth, ids, next, seen) AS (SELECT "
		   "0::bigint, t.ids, t.next, t.ids FROM ");
	r = put_step(p, g, values, "");
	if (r < 0)
		return r;
	sql_add(s, " UNION ALL SELECT g.depth + 1, t.ids, t.next, g.seen || "
		   "t.ids FROM g, LATERAL ");
	r = put_step(p, g, "g.next", " AND _id <> ALL (g.seen)");
	if (g->has_top) {
		sql_add(s, " AND g.depth < ");
		sql_param_i64(s, g->top);
	}
	return r < 0 ? r : put_found(p, g);
}

int
stage_put_graph_lookup(struct pipe *p, const json_t *v)
{
	const char *alias, *values;
	struct graph g = {0};
	struct sql_from from;
	unsigned n;
	int r = read_graph(p, v, &g);

	if (r < 0)
		return r;
	stage_settle(p);
	from = stage_document(p);
	n = stage_open(p);
	alias = arena_printf(p->arena, "x%u", stage_number(p));
	values = arena_printf(p->arena, "%s.l", alias);
	sql_add(p->s, "SELECT ");
	stage_put_id(p, alias);
	stage_open_member(p, arena_printf(p->arena, "%s.doc", alias), &g.as);
	r = put_recursion(p, &g, values);
	buf_printf(&p->s->text,
		") AS doc FROM (SELECT s%u.*, "
		"mpcloud.graph_start(",
		p->last);
	sql_expr(p->s, g.expr, &from);
	sql_add(p->s, ") AS l");
	stage_from(p);
	buf_printf(&p->s->text, " OFFSET 0) %s OFFSET 0", alias);
	stage_close(p, n);
	p->info = NULL;
	return r;
}
