/*
 * The grammar of MongoDB's find:
 *
 *   top    = { "$and" | "$or" | "$nor": [top …], "$expr": …, path: field }
 *   field  = value | { "$eq": value, "$gt": value, "$not": field … }
 *
 * $ne, $nin and $nor are a NOT around their positive form, so that everything
 * below this file has half as many cases.
 */
#include "documents/query.h"

#include "base/buf.h"
#include "documents/expr.h"
#include "documents/query_parse.h"

#include <string.h>

/* Written so that gcc's analyzer sees that these are errors. */
int
query_too_big(struct query_parse *p)
{
	(void)fault_set(p->why, ERR_TOO_BIG, "the request is too large");
	return ERR_TOO_BIG;
}

static int
too_many(struct query_parse *p)
{
	(void)fault_set(p->why, ERR_DB_PARAM, "a query may have %d conditions",
		QUERY_CONDITIONS);
	return ERR_DB_PARAM;
}

int
query_unknown(struct query_parse *p, const char *name)
{
	if (strcmp(name, "$where") == 0)
		return fault_set(p->why, ERR_DB_OPERATOR,
			"operator $where: the database runs no JavaScript; "
			"say it with $expr");
	return fault_set(p->why, ERR_DB_OPERATOR,
		"operator %.60s is not known here", name);
}

int
query_add(struct query_parse *p, struct query *parent, enum query_op op,
	struct query **ret)
{
	struct query *q, **at = &parent->parts;

	if (++p->conditions > QUERY_CONDITIONS)
		return too_many(p);
	q = arena_try(p->arena, sizeof(*q));
	if (!q)
		return query_too_big(p);
	q->op = op;
	while (*at)
		at = &(*at)->next;
	*at = q;
	*ret = q;
	return 0;
}

int
query_add_leaf(struct query_parse *p, struct query *parent, enum query_op op,
	const struct path *path, struct query **ret)
{
	int r = query_add(p, parent, op, ret);

	if (r == 0)
		(*ret)->path = *path;
	return r;
}

int
query_enter(struct query_parse *p)
{
	if (++p->depth > QUERY_NESTING)
		return fault_set(p->why, ERR_DB_PARAM,
			"a query may be nested %d deep", QUERY_NESTING);
	return 0;
}

void
query_leave(struct query_parse *p)
{
	p->depth--;
}

int
query_copy(struct query_parse *p, struct slice *ret, struct slice text)
{
	char *copy = arena_try(p->arena, text.len + 1);

	if (!copy)
		return query_too_big(p);
	if (text.len)
		memcpy(copy, text.ptr, text.len);
	*ret = slice_of(copy, text.len);
	return 0;
}

int
query_keep(struct query_parse *p, struct slice *ret, const struct buf *text)
{
	if (buf_check(text) < 0)
		return query_too_big(p);
	return query_copy(p, ret, buf_all(text));
}

bool
query_has_ops(const json_t *v)
{
	void *at = json_object_iter((json_t *)(uintptr_t)v);

	return at && json_object_iter_key(at)[0] == '$' &&
	       !value_is_tagged(v) && !value_is_regex(v);
}

int
query_put_ops(struct query_parse *p, const json_t *v, const struct path *path,
	struct query *all)
{
	const char *name;
	json_t *arg;
	int r = query_enter(p);

	if (r < 0)
		return r;
	json_object_foreach ((json_t *)(uintptr_t)v, name, arg) {
		struct query_arg a = {
			.name = name, .v = arg, .about = v, .path = path};

		r = query_put_op(p, &a, all);
		if (r < 0)
			return r;
	}
	query_leave(p);
	return 0;
}

int
query_put_value(struct query_parse *p, const json_t *v, const struct path *path,
	struct query *all)
{
	const struct query_arg a = {
		.name = value_is_regex(v) ? "$regex" : "$eq",
		.v = v,
		.path = path,
		.op = QUERY_EQ};

	return value_is_regex(v) ? query_put_regex(p, &a, all)
				 : query_put_eq(p, &a, all);
}

static int
put_field(struct query_parse *p, const char *name, const json_t *v,
	struct query *all)
{
	struct slice text;
	struct path path;
	int r = query_copy(p, &text, slice_str(name));

	if (r == 0)
		r = path_parse(&path, text, p->arena, p->why);
	if (r < 0)
		return r;
	return query_has_ops(v) ? query_put_ops(p, v, &path, all)
				: query_put_value(p, v, &path, all);
}

/* [top, …] into one part per element. */
static int
put_list(struct query_parse *p, const char *name, const json_t *v,
	struct query *into)
{
	struct query *part;
	json_t *item;
	size_t i;
	int r = 0;

	if (!json_is_array(v) || json_array_size(v) == 0)
		return fault_set(p->why, ERR_DB_PARAM,
			"%s takes a list of conditions that is not empty",
			name);
	json_array_foreach (v, i, item) {
		r = query_add(p, into, QUERY_AND, &part);
		if (r == 0)
			r = query_put_top(p, item, part);
		if (r < 0)
			return r;
	}
	return 0;
}

static int
put_and(struct query_parse *p, const json_t *v, struct query *all)
{
	return put_list(p, "$and", v, all);
}

static int
put_or(struct query_parse *p, const json_t *v, struct query *all)
{
	struct query *q;
	int r = query_add(p, all, QUERY_OR, &q);

	return r < 0 ? r : put_list(p, "$or", v, q);
}

static int
put_nor(struct query_parse *p, const json_t *v, struct query *all)
{
	struct query *q;
	int r = query_add(p, all, QUERY_NOT, &q);

	if (r == 0)
		r = query_add(p, q, QUERY_OR, &q);
	return r < 0 ? r : put_list(p, "$nor", v, q);
}

static int
put_expr(struct query_parse *p, const json_t *v, struct query *all)
{
	struct query *q;
	struct expr *e;
	int r = query_add(p, all, QUERY_EXPR, &q);

	if (r == 0)
		r = expr_parse(&e, v, p->vars, p->arena, p->now_ms, p->why);
	if (r == 0)
		q->expr = e;
	return r;
}

static int
put_comment(struct query_parse *p, const json_t *v, struct query *all)
{
	(void)p;
	(void)v;
	(void)all;
	return 0;
}

static const struct logic {
	const char *name;
	int (*put)(struct query_parse *p, const json_t *v, struct query *all);
	bool outside; /* of whole documents only */
} logics[] = {
	{"$and", put_and, false},
	{"$or", put_or, false},
	{"$nor", put_nor, false},
	{"$comment", put_comment, false},
	{"$expr", put_expr, true},
	{"$jsonSchema", query_put_schema, true},
	{"$text", query_put_text, true},
};

static const struct logic *
find_logic(const char *name)
{
	for (size_t i = 0; i < array_size(logics); i++)
		if (strcmp(name, logics[i].name) == 0)
			return &logics[i];
	return NULL;
}

static int
put_logic(struct query_parse *p, const char *name, const json_t *v,
	struct query *all)
{
	const struct logic *logic = find_logic(name);

	if (!logic)
		return query_unknown(p, name);
	if (logic->outside && p->inside)
		return fault_set(p->why, ERR_DB_OPERATOR,
			"operator %s cannot stand in a condition on elements",
			name);
	return logic->put(p, v, all);
}

int
query_put_top(struct query_parse *p, const json_t *v, struct query *all)
{
	const char *name;
	json_t *arg;
	int r = query_enter(p);

	if (r < 0)
		return r;
	if (!json_is_object(v))
		return fault_set(
			p->why, ERR_DB_PARAM, "a query must be an object");
	json_object_foreach ((json_t *)(uintptr_t)v, name, arg) {
		r = name[0] == '$' ? put_logic(p, name, arg, all)
				   : put_field(p, name, arg, all);
		if (r < 0)
			return r;
	}
	query_leave(p);
	return 0;
}

int
query_parse_vars(struct query **ret, const json_t *v, const char *const *vars,
	struct arena *arena, int64_t now_ms, struct fault *why)
{
	struct query_parse p = {
		.arena = arena, .now_ms = now_ms, .why = why, .vars = vars};
	struct query *q = arena_try(arena, sizeof(*q));
	int r = 0;

	if (!q)
		return query_too_big(&p);
	q->op = QUERY_AND;
	if (v && !json_is_null(v))
		r = query_put_top(&p, v, q);
	if (r < 0)
		return r;
	*ret = q;
	return 0;
}

int
query_parse(struct query **ret, const json_t *v, struct arena *arena,
	int64_t now_ms, struct fault *why)
{
	static const char *const none[] = {NULL};

	return query_parse_vars(ret, v, none, arena, now_ms, why);
}

int
query_parse_elem(struct query **ret, const json_t *v, struct arena *arena,
	int64_t now_ms, struct fault *why)
{
	static const struct path here = {0};
	struct query_parse p = {.arena = arena, .now_ms = now_ms, .why = why};
	struct query *q = arena_try(arena, sizeof(*q));
	const struct query_arg a = {
		.name = "$elemMatch", .v = v, .path = &here};
	int r;

	if (!q)
		return query_too_big(&p);
	r = query_put_elem(&p, &a, q);
	if (r < 0)
		return r;
	q->op = QUERY_AND;
	q->parts = q->parts->parts; /* of the QUERY_ELEM */
	*ret = q;
	return 0;
}
