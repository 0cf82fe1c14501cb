/*
 * Stages that make other rows of a row: $unwind, $facet, $redact.
 */
#include "documents/stage.h"

struct unwind {
	struct path path, index;
	bool has_index, keeps;
};

static int
read_unwind(struct pipe *p, const json_t *v, struct unwind *u)
{
	const json_t *path = json_is_object(v) ? json_object_get(v, "path") : v;
	const json_t *index = json_object_get(v, "includeArrayIndex");
	const json_t *keeps = json_object_get(v, "preserveNullAndEmptyArrays");
	int r = stage_path(p, path, true, "$unwind's path", &u->path);

	if (r < 0)
		return r;
	if (json_is_object(v) &&
		json_object_size(v) != 1U + (index != NULL) + (keeps != NULL))
		return stage_wrong(p, "unrecognized option to $unwind stage");
	if (keeps && !json_is_boolean(keeps))
		return stage_wrong(p, "expected a boolean for the "
				      "preserveNullAndEmptyArrays option to "
				      "$unwind stage");
	u->keeps = json_is_true(keeps);
	u->has_index = index != NULL;
	return index ? stage_path(p, index, false,
			       "$unwind's includeArrayIndex", &u->index)
		     : 0;
}

/* e: the element v, where it stood i (NULL: it was no array), and whether there
 * was an array at all. */
static void
put_elements(struct pipe *p, const struct unwind *u, const char *doc)
{
	struct sql *s = p->s;

	sql_add(s, u->keeps ? " LEFT JOIN LATERAL " : " CROSS JOIN LATERAL ");
	buf_printf(&s->text, "mpcloud.stage_unwind(%s #> ", doc);
	sql_param_path(s, &u->path);
	sql_add(s, u->keeps ? ", TRUE) e ON TRUE" : ", FALSE) e");
}

int
stage_put_unwind(struct pipe *p, const json_t *v)
{
	struct unwind u = {0};
	struct sql *s = p->s;
	const char *alias, *doc;
	unsigned n;
	int r = read_unwind(p, v, &u);

	if (r < 0)
		return r;
	stage_settle(p);
	if (path_starts(&u.path, "_id") ||
		(u.has_index && path_starts(&u.index, "_id")))
		stage_make_whole(p);
	alias = arena_printf(p->arena, "s%u", p->last);
	doc = arena_printf(p->arena, "%s.doc", alias);
	n = stage_open(p);
	sql_add(s, "SELECT ");
	stage_put_id(p, alias);
	if (u.has_index) {
		sql_add(s, "mpcloud.stage_set(");
	}
	if (u.path.count == 1) {
		buf_printf(&s->text, "CASE WHEN e.v IS NULL THEN %s - ", doc);
		sql_param_once(s, u.path.step[0], "text");
		buf_printf(&s->text, " ELSE %s || jsonb_build_object(", doc);
		sql_param_once(s, u.path.step[0], "text");
		sql_add(s, ", e.v) END");
	} else {
		buf_printf(&s->text,
			"CASE WHEN e.v IS NULL THEN mpcloud.stage_remove(%s, ",
			doc);
		sql_param_path(s, &u.path);
		buf_printf(&s->text, ") ELSE mpcloud.stage_put(%s, ", doc);
		sql_param_path(s, &u.path);
		sql_add(s, ", e.v) END");
	}
	if (u.has_index) {
		sql_add(s, ", to_jsonb(");
		sql_param_path(s, &u.index);
		sql_add(s, "), coalesce(to_jsonb(e.i), 'null'))");
	}
	sql_add(s, " AS doc");
	stage_from(p);
	put_elements(p, &u, doc);
	sql_add(s, " OFFSET 0");
	stage_close(p, n);
	p->info = NULL;
	return 0;
}

static int
put_part_of_facet(struct pipe *p, const char *name, const json_t *stages)
{
	struct pipe inner;
	int r = stage_check_name(p, "$facet", name);

	if (r < 0)
		return r;
	sql_param(p->s, slice_str(name), "text");
	sql_add(p->s, ", ");
	return stage_put_part(p, &inner, stages, NULL, p->vars, p->names,
		"coalesce(jsonb_agg(y.doc), '[]')");
}

/* Each part reads the rows so far, which PostgreSQL keeps for them. */
int
stage_put_facet(struct pipe *p, const json_t *v)
{
	enum { PARTS_TOP = 40 };
	const char *name;
	json_t *stages;
	bool first = true;
	unsigned n;
	int r = 0;

	if (!json_is_object(v) || json_object_size(v) == 0 ||
		json_object_size(v) > PARTS_TOP)
		return stage_wrong(p,
			"the $facet specification must be an "
			"object of 1 to %d pipelines",
			PARTS_TOP);
	n = stage_open(p);
	sql_add(p->s, "SELECT jsonb_build_object(");
	json_object_foreach ((json_t *)(uintptr_t)v, name, stages) {
		sql_add(p->s, first ? "" : ", ");
		first = false;
		r = put_part_of_facet(p, name, stages);
		if (r < 0)
			return r;
	}
	sql_add(p->s, ") AS doc");
	stage_close(p, n);
	stage_made(p);
	p->sorted = false;
	return 0;
}

/* The verdict on each object in a document, from the outermost in; then what
 * is pruned goes. */
int
stage_put_redact(struct pipe *p, const json_t *v)
{
	static const char *const verdicts[] = {"DESCEND", "PRUNE", "KEEP"};
	const char *known[array_size(verdicts) + STAGE_VARS_TOP + 1] = {0};
	struct sql_var vars[array_size(verdicts) + 1];
	struct sql_from top, below;
	struct sql *s = p->s;
	size_t count = array_size(verdicts);
	struct expr *e;
	unsigned n;
	int r;

	stage_make_whole(p);
	for (size_t i = 0; i < array_size(verdicts); i++) {
		known[i] = verdicts[i];
		vars[i] = (struct sql_var){
			.name = verdicts[i], .next = &vars[i + 1]};
	}
	vars[0].sql = "'\"descend\"'::jsonb";
	vars[1].sql = "'\"prune\"'::jsonb";
	vars[2].sql = "'\"keep\"'::jsonb";
	vars[3] = (struct sql_var){.name = "ROOT",
		.sql = arena_printf(p->arena, "s%u.doc", p->last),
		.next = p->vars};
	for (size_t i = 0; p->names && p->names[i] && i < STAGE_VARS_TOP; i++)
		known[count++] = p->names[i];
	r = expr_parse(&e, v, known, p->arena, p->b->now_ms, p->why);
	if (r < 0)
		return r;
	top = stage_document(p);
	top.vars = vars;
	below = top;
	below.doc = "c.v";
	n = stage_open(p);
	buf_printf(&s->text,
		"SELECT mpcloud.stage_cut(x.doc, x.cuts) AS doc FROM (SELECT "
		"s%u.doc, (WITH RECURSIVE r(path, v, w) AS (SELECT "
		"'{}'::text[], s%u.doc, mpcloud.stage_verdict(",
		p->last, p->last);
	sql_expr(s, e, &top);
	sql_add(s, ") UNION ALL SELECT r.path || c.path, c.v, "
		   "mpcloud.stage_verdict(");
	sql_expr(s, e, &below);
	sql_add(s, ") FROM r, mpcloud.stage_below(r.v) c WHERE r.w = "
		   "'descend') SELECT coalesce(jsonb_agg(to_jsonb(path)) "
		   "FILTER (WHERE w = 'prune'), '[]') FROM r) AS cuts");
	stage_from(p);
	sql_add(s,
		" OFFSET 0) x WHERE x.cuts -> 0 IS DISTINCT FROM '[]'::jsonb "
		"OFFSET 0");
	stage_close(p, n);
	return 0;
}
