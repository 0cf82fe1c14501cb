/*
 * $lookup and $unionWith.
 *
 * By fields, the commonest: to another collection's _id it is a look at the
 * primary key for each row; to a field with an index, a look at that; to any
 * other field one pass over the other collection, joined by value.  With a
 * pipeline it is a correlated subselect whose `let` are columns of the row.
 *
 * Every collection is read under its own permission: what a caller may not
 * find there he does not find here.
 */
#include "documents/index.h"
#include "documents/stage.h"

#include <stdio.h>

struct lookup {
	const struct coll_info *info;
	struct path local, foreign, as;
	bool by_fields, by_id;
	const struct index_field *index; /* on `foreign`, or NULL */
	const json_t *pipeline, *let;
};

static int
find_info(struct pipe *p, const json_t *name, const char *stage,
	const struct coll_info **ret)
{
	struct slice s =
		slice_of(json_string_value(name), json_string_length(name));

	if (!json_is_string(name))
		return stage_wrong(p,
			"%s: 'from' must be the name of a collection", stage);
	*ret = catalog_of(p->b->names, s);
	if (!*ret)
		return stage_wrong(p,
			"%s: %.*s is not among the collections "
			"of this request",
			stage, (int)min(s.len, (size_t)100), s.ptr);
	return 0;
}

int
stage_find_info(struct pipe *p, const json_t *name, const char *stage,
	const struct coll_info **ret)
{
	return find_info(p, name, stage, ret);
}

const struct index_field *
stage_index(const struct coll_info *info, const struct path *path)
{
	for (const struct index_info *i = info->indexes; i; i = i->next)
		if (i->kind == INDEX_PLAIN && !i->partial && !i->sparse &&
			!i->fields[0].is_id &&
			slice_eq(i->fields[0].path.text, path->text))
			return &i->fields[0];
	return NULL;
}

/* What another collection hides cannot be matched with either. */
int
stage_check_foreign(
	struct pipe *p, const struct coll_info *info, const struct path *path)
{
	if (path_starts(path, "_openid") &&
		!access_shows_openid(info, &p->b->req->scope))
		return fault_set(p->why, ERR_DB_DENIED,
			"_openid may only be compared with the caller's own");
	return 0;
}

static int
read_fields(struct pipe *p, const json_t *v, struct lookup *l)
{
	const json_t *local = json_object_get(v, "localField");
	const json_t *foreign = json_object_get(v, "foreignField");
	int r;

	if (!local && !foreign)
		return 0;
	if (!local || !foreign)
		return stage_wrong(p, "$lookup requires both or neither of "
				      "'localField' and 'foreignField' to be "
				      "specified");
	l->by_fields = true;
	r = stage_path(
		p, local, false, "$lookup argument 'localField'", &l->local);
	if (r == 0)
		r = stage_path(p, foreign, false,
			"$lookup argument 'foreignField'", &l->foreign);
	if (r == 0)
		r = stage_check_foreign(p, l->info, &l->foreign);
	if (r < 0)
		return r;
	l->by_id = l->foreign.count == 1 && path_starts(&l->foreign, "_id");
	l->index = stage_index(l->info, &l->foreign);
	return 0;
}

static int
check_lookup(struct pipe *p, const json_t *v)
{
	static const char *const names[] = {
		"from", "localField", "foreignField", "as", "let", "pipeline"};
	const char *key;
	json_t *item;

	if (!json_is_object(v))
		return stage_wrong(
			p, "the $lookup specification must be an object");
	json_object_foreach ((json_t *)(uintptr_t)v, key, item) {
		bool known = false;

		for (size_t i = 0; i < array_size(names); i++)
			known |= strcmp(key, names[i]) == 0;
		if (!known)
			return stage_wrong(
				p, "unknown argument to $lookup: %.60s", key);
	}
	return 0;
}

static int
read_lookup(struct pipe *p, const json_t *v, struct lookup *l)
{
	int r = check_lookup(p, v);

	if (r == 0)
		r = find_info(
			p, json_object_get(v, "from"), "$lookup", &l->info);
	if (r == 0)
		r = stage_path(p, json_object_get(v, "as"), false,
			"$lookup argument 'as'", &l->as);
	if (r == 0)
		r = read_fields(p, v, l);
	if (r < 0)
		return r;
	l->pipeline = json_object_get(v, "pipeline");
	l->let = json_object_get(v, "let");
	if (l->let && !json_is_object(l->let))
		return stage_wrong(
			p, "$lookup argument 'let' must be an object");
	if (!l->by_fields && !l->pipeline)
		return stage_wrong(p, "$lookup requires either 'pipeline' or "
				      "both 'localField' and 'foreignField' to "
				      "be specified");
	if (path_starts(&l->as, "_id"))
		return stage_wrong(p, "$lookup: 'as' may not be _id");
	return 0;
}

/* jsonb: the values of a row that are looked up. */
static void
put_local(struct pipe *p, const struct path *path, const struct sql_from *from)
{
	struct sql *s = p->s;

	sql_add(s, "mpcloud.lookup_values(");
	if (from->id && path_starts(path, "_id"))
		buf_printf(
			&s->text, "mpcloud.whole(%s, %s)", from->id, from->doc);
	else
		sql_add(s, from->doc);
	sql_add(s, ", ");
	sql_param_path(s, path);
	sql_add(s, ")");
}

/* The variables of a `let`, before those that are known around it: the columns
 * v0, v1 … of `alias`. */
static int
bind_let(struct pipe *p, const struct lookup *l, const char *alias,
	struct sql_var **vars, const char ***names)
{
	size_t own = json_object_size(l->let), outer = 0, i = 0;
	const char *name;
	json_t *item;

	if (own > STAGE_VARS_TOP)
		return stage_wrong(
			p, "a let may have %d variables", STAGE_VARS_TOP);
	while (p->names && p->names[outer])
		outer++;
	*vars = arena_get(p->arena, (own + 1) * sizeof(**vars));
	*names = arena_get(p->arena, (own + outer + 1) * sizeof(**names));
	json_object_foreach ((json_t *)(uintptr_t)l->let, name, item) {
		if (!name[0] || strpbrk(name, ".$") ||
			(name[0] >= 'A' && name[0] <= 'Z'))
			return stage_wrong(p,
				"'%.60s' is not a valid name of a variable",
				name);
		(*names)[i] = name;
		(*vars)[i] = (struct sql_var){
			.name = name,
			.sql = arena_printf(p->arena, "%s.v%zu", alias, i),
			.next = i + 1 < own ? &(*vars)[i + 1] : p->vars,
		};
		i++;
	}
	for (i = 0; i < outer; i++)
		(*names)[own + i] = p->names[i];
	return 0;
}

/* " FROM (SELECT the row's columns, what is looked up as l, the variables)" */
static int
put_outer(struct pipe *p, const struct lookup *l, const char *alias)
{
	struct sql_from from = stage_document(p);
	struct expr *e;
	unsigned n = 0;
	const char *name;
	json_t *item;
	int r;

	buf_printf(&p->s->text, " FROM (SELECT s%u.*", p->last);
	if (l->by_fields) {
		sql_add(p->s, ", ");
		put_local(p, &l->local, &from);
		sql_add(p->s, " AS l");
	}
	json_object_foreach ((json_t *)(uintptr_t)l->let, name, item) {
		r = stage_expr(p, item, &e);
		if (r < 0)
			return r;
		sql_add(p->s, ", ");
		sql_expr(p->s, e, &from);
		buf_printf(&p->s->text, " AS v%u", n++);
	}
	stage_from(p);
	buf_printf(&p->s->text, " OFFSET 0) %s", alias);
	return 0;
}

/* The condition on a foreign document f for values l of the row. */
static void
put_hit(struct pipe *p, const struct lookup *l, const char *values,
	const char *alias)
{
	struct sql *s = p->s;

	if (l->by_id) {
		buf_printf(&s->text, "%s_id = ANY (mpcloud.lookup_ids(%s))",
			alias, values);
		return;
	}
	if (l->index) {
		buf_printf(&s->text,
			"(%.*s(%sdoc) = ANY (mpcloud.lookup_keys("
			"%s)) OR (%.*s(%sdoc) >= '[200, "
			"null]'::jsonb AND %.*s(%sdoc) && "
			"mpcloud.lookup_keys(%s))) AND ",
			SLICE_ARG(l->index->key), alias, values,
			SLICE_ARG(l->index->key), alias,
			SLICE_ARG(l->index->keys), alias, values);
	}
	buf_printf(&s->text, "mpcloud.lookup_hit(%sdoc, ", alias);
	sql_param_path(s, &l->foreign);
	buf_printf(&s->text, ", %s)", values);
}

void
stage_put_hit(struct pipe *p, const struct coll_info *info,
	const struct path *path, const char *values, const char *alias)
{
	const struct lookup l = {
		.info = info,
		.foreign = *path,
		.by_id = path->count == 1 && path_starts(path, "_id"),
		.index = stage_index(info, path),
	};

	put_hit(p, &l, values, alias);
}

/* (SELECT list of what fits x.l) by a look at an index. */
static int
put_direct(struct pipe *p, const struct lookup *l, const char *values)
{
	int r;

	sql_add(p->s, "(SELECT coalesce(jsonb_agg(");
	stage_put_whole(p, l->info, "f");
	sql_add(p->s, " ORDER BY f._id), '[]') FROM (");
	r = stage_put_table(p, l->info);
	sql_add(p->s, " AND ");
	put_hit(p, l, values, "");
	sql_add(p->s, ") f)");
	return r;
}

/* The same with a pipeline after it, or with nothing but a pipeline. */
static int
put_pipeline(struct pipe *p, const struct lookup *l, const char *values,
	const struct sql_var *vars, const char *const *names)
{
	struct pipe inner;
	int r;

	if (l->by_fields)
		p->hit = (struct stage_hit){
			.path = &l->foreign, .values = values};
	r = stage_put_part(p, &inner, l->pipeline, l->info, vars, names,
		"coalesce(jsonb_agg(y.doc), '[]')");
	p->hit = (struct stage_hit){0};
	return r;
}

static int
put_correlated(struct pipe *p, const struct lookup *l)
{
	unsigned n = stage_open(p);
	const char *alias = arena_printf(p->arena, "x%u", stage_number(p));
	const char *values = arena_printf(p->arena, "%s.l", alias);
	struct sql_var *vars = NULL;
	const char **names = NULL;
	int r = bind_let(p, l, alias, &vars, &names);

	if (r < 0)
		return r;
	sql_add(p->s, "SELECT ");
	stage_put_id(p, alias);
	stage_open_member(p, arena_printf(p->arena, "%s.doc", alias), &l->as);
	if (l->pipeline)
		r = put_pipeline(p, l, values,
			json_object_size(l->let) ? vars : p->vars, names);
	else
		r = put_direct(p, l, values);
	sql_add(p->s, ") AS doc");
	if (r == 0)
		r = put_outer(p, l, alias);
	sql_add(p->s, " OFFSET 0");
	stage_close(p, n);
	return r;
}

/* One pass over each collection: rows with a number and their values; foreign
 * documents once for each of their values; what fits each row. */
static int
put_joined(struct pipe *p, const struct lookup *l)
{
	struct sql_from from = stage_document(p);
	struct sql *s = p->s;
	unsigned rows = stage_open(p), foreign, fit, n;
	int r;

	buf_printf(
		&s->text, "SELECT s%u.*, row_number() OVER () AS n, ", p->last);
	put_local(p, &l->local, &from);
	sql_add(s, " AS l");
	stage_from(p);
	stage_close(p, rows);

	foreign = stage_open(p);
	sql_add(s, "SELECT f._id, f.doc, k.k FROM (");
	r = stage_put_table(p, l->info);
	sql_add(s, ") f, unnest(mpcloud.lookup_all(f.doc, ");
	sql_param_path(s, &l->foreign);
	sql_add(s, ")) k(k)");
	stage_close(p, foreign);

	fit = stage_open(p);
	sql_add(s, "SELECT f.n, jsonb_agg(");
	stage_put_whole(p, l->info, "f");
	buf_printf(&s->text,
		" ORDER BY f._id) AS list FROM (SELECT DISTINCT ON (a.n, "
		"f._id) a.n, f._id, f.doc FROM s%u a CROSS JOIN LATERAL "
		"jsonb_array_elements(a.l) e(k) JOIN s%u f ON f.k = e.k ORDER "
		"BY a.n, f._id) f GROUP BY f.n",
		rows, foreign);
	stage_close(p, fit);

	n = stage_open(p);
	sql_add(s, "SELECT ");
	stage_put_id(p, "a");
	stage_open_member(p, "a.doc", &l->as);
	buf_printf(&s->text,
		"coalesce(b.list, '[]')) AS doc FROM s%u a LEFT JOIN s%u b ON "
		"b.n = a.n ORDER BY a.n OFFSET 0",
		rows, fit);
	stage_close(p, n);
	return r;
}

int
stage_put_lookup(struct pipe *p, const json_t *v)
{
	struct lookup l = {0};
	int r = read_lookup(p, v, &l);

	if (r < 0)
		return r;
	stage_settle(p);
	p->info = NULL;
	if (l.pipeline || l.by_id || l.index)
		return put_correlated(p, &l);
	return put_joined(p, &l);
}

/* "name" or {"coll": "name", "pipeline": […]} */
int
stage_put_union(struct pipe *p, const json_t *v)
{
	const json_t *name = json_is_string(v) ? v : json_object_get(v, "coll");
	const json_t *pipeline = json_object_get(v, "pipeline");
	_json_ json_t *none = json_array();
	const struct coll_info *info;
	struct pipe inner;
	unsigned n;
	int r = find_info(p, name, "$unionWith", &info);

	if (r < 0)
		return r;
	stage_make_whole(p);
	n = stage_open(p);
	p->scored = false;
	sql_add(p->s, "SELECT doc");
	stage_from(p);
	sql_add(p->s, " UNION ALL ");
	r = stage_put_part(p, &inner, pipeline ? pipeline : none, info, p->vars,
		p->names, "y.doc");
	stage_close(p, n);
	p->sorted = false;
	return r;
}
