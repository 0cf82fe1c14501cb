/*
 * What the operators of a field take, one function each; the table at the end
 * names them.
 */
#include "documents/query_parse.h"

#include "base/buf.h"
#include "documents/regex.h"

#include <math.h>
#include <string.h>

/* The key of an _id that is asked for; a value that cannot be one has none.
 * Any text may be compared with, also the empty one. */
static int
read_key(struct query_parse *p, const json_t *v, struct query *q)
{
	if (json_is_array(v) || q->kind == VALUE_REGEX)
		return 0;
	if (json_is_string(v) && json_string_value(v)[0] != '\1')
		return query_copy(p, &q->text,
			slice_of(json_string_value(v), json_string_length(v)));
	return value_key(&q->text, v, p->arena, p->now_ms, p->why);
}

int
query_read(struct query_parse *p, const json_t *v, struct query *q)
{
	size_t head = strlen("{\"$oid\":\"");
	int r = value_get(&q->value, v, p->arena, p->now_ms, p->why);

	if (r < 0)
		return r;
	q->kind = value_kind(q->value);
	if (query_is_id(&q->path))
		return read_key(p, v, q);
	if (q->kind == VALUE_STRING)
		return query_copy(p, &q->text,
			slice_of(json_string_value(v), json_string_length(v)));
	if (q->kind == VALUE_OID)
		q->text = slice_of(q->value.ptr + head, 24);
	return 0;
}

int
query_put_eq(
	struct query_parse *p, const struct query_arg *a, struct query *all)
{
	struct query *q;
	int r = query_add_leaf(p, all, QUERY_EQ, a->path, &q);

	return r < 0 ? r : query_read(p, a->v, q);
}

/* Null is the least and the greatest of its type: >= and <= mean equal, > and
 * < nothing. */
int
query_put_compare(
	struct query_parse *p, const struct query_arg *a, struct query *all)
{
	struct query *q;
	int r = query_add_leaf(p, all, a->op, a->path, &q);

	if (r == 0)
		r = query_read(p, a->v, q);
	if (r < 0)
		return r;
	if (q->kind == VALUE_REGEX)
		return fault_set(p->why, ERR_DB_PARAM,
			"%s cannot compare with a regular expression", a->name);
	if (q->kind == VALUE_NULL)
		q->op = a->op == QUERY_GTE || a->op == QUERY_LTE ? QUERY_EQ
								 : QUERY_NONE;
	return 0;
}

int
query_put_exists(
	struct query_parse *p, const struct query_arg *a, struct query *all)
{
	struct query *q;
	int r;

	if (value_is_true(a->v))
		return query_add_leaf(p, all, QUERY_EXISTS, a->path, &q);
	r = query_add(p, all, QUERY_NOT, &q);
	return r < 0 ? r : query_add_leaf(p, q, QUERY_EXISTS, a->path, &q);
}

int
query_put_not(
	struct query_parse *p, const struct query_arg *a, struct query *all)
{
	if (value_is_regex(a->v))
		return query_put_value(p, a->v, a->path, all);
	if (!query_has_ops(a->v))
		return fault_set(p->why, ERR_DB_PARAM,
			"$not takes operators or a regular expression");
	return query_put_ops(p, a->v, a->path, all);
}

int
query_put_size(
	struct query_parse *p, const struct query_arg *a, struct query *all)
{
	struct query *q;
	int r = query_add_leaf(p, all, QUERY_SIZE, a->path, &q);

	if (r == 0 && value_int(a->v, 0, INT32_MAX, &q->number, NULL) < 0)
		return fault_set(p->why, ERR_DB_PARAM,
			"$size takes a whole number, 0 or more");
	return r;
}

/* What stands behind the point is cut off. */
static int
read_whole(const json_t *v, int64_t *ret)
{
	double d;

	if (value_int(v, INT64_MIN, INT64_MAX, ret, NULL) == 0)
		return 0;
	if (value_double(v, &d, NULL) < 0 || fabs(d) > 9e18)
		return ERR_DB_PARAM;
	*ret = (int64_t)d;
	return 0;
}

int
query_put_mod(
	struct query_parse *p, const struct query_arg *a, struct query *all)
{
	struct query *q;
	int r = query_add_leaf(p, all, QUERY_MOD, a->path, &q);

	if (r < 0)
		return r;
	if (json_array_size(a->v) != 2 ||
		read_whole(json_array_get(a->v, 0), &q->divisor) < 0 ||
		read_whole(json_array_get(a->v, 1), &q->number) < 0)
		return fault_set(p->why, ERR_DB_PARAM,
			"$mod takes a list of two numbers: divisor and "
			"remainder");
	if (q->divisor == 0)
		return fault_set(
			p->why, ERR_DB_PARAM, "$mod cannot divide by 0");
	return 0;
}

/* BSON's numbers and names of types. */
static const struct type {
	int number;
	const char *name;
} types[] = {
	{1, "double"},
	{2, "string"},
	{3, "object"},
	{4, "array"},
	{5, "binData"},
	{6, "undefined"},
	{7, "objectId"},
	{8, "bool"},
	{9, "date"},
	{10, "null"},
	{11, "regex"},
	{12, "dbPointer"},
	{13, "javascript"},
	{14, "symbol"},
	{16, "int"},
	{17, "timestamp"},
	{18, "long"},
	{19, "decimal"},
	{-1, "minKey"},
	{127, "maxKey"},
};

static const char *
find_type(const json_t *v)
{
	const char *name = json_string_value(v);
	int64_t number = 0;

	if (!name && value_int(v, -1, 127, &number, NULL) < 0)
		return NULL;
	for (size_t i = 0; i < array_size(types); i++)
		if (name ? strcmp(name, types[i].name) == 0
			 : number == types[i].number)
			return types[i].name;
	return NULL;
}

static int
put_type(struct query_parse *p, struct buf *to, const json_t *v)
{
	const char *name = find_type(v);

	if (to->len > 1)
		buf_char(to, ',');
	if (name)
		buf_printf(to, "\"%s\"", name);
	else if (json_is_string(v) &&
		 strcmp(json_string_value(v), "number") == 0)
		buf_str(to, "\"int\",\"long\",\"double\",\"decimal\"");
	else
		return fault_set(p->why, ERR_DB_PARAM,
			"$type: %.40s is no type of BSON; known are "
			"\"string\", "
			"\"number\", \"object\" and so on, or their numbers",
			json_is_string(v) ? json_string_value(v) : "that");
	return 0;
}

int
query_put_type(
	struct query_parse *p, const struct query_arg *a, struct query *all)
{
	_buf_ struct buf text;
	struct query *q;
	json_t *item;
	size_t i;
	int r = query_add_leaf(p, all, QUERY_TYPE, a->path, &q);

	buf_init(&text, 4096);
	buf_char(&text, '[');
	if (r == 0 && !json_is_array(a->v))
		r = put_type(p, &text, a->v);
	json_array_foreach (a->v, i, item)
		if (r == 0)
			r = put_type(p, &text, item);
	buf_char(&text, ']');
	return r < 0 ? r : query_keep(p, &q->value, &text);
}

/* Pattern and options of any of the forms. */
static int
read_regex(struct query_parse *p, const struct query_arg *a,
	struct slice *pattern, struct slice *options)
{
	const json_t *v = a->v, *inner, *o = NULL;

	inner = json_object_get(v, "$regularExpression");
	if (json_object_get(v, "$regex")) {
		o = json_object_get(v, "$options");
		v = json_object_get(v, "$regex");
	} else if (inner) {
		o = json_object_get(inner, "options");
		v = json_object_get(inner, "pattern");
	}
	if (json_object_get(a->about, "$options"))
		o = json_object_get(a->about, "$options");
	if (!json_is_string(v) || (o && !json_is_string(o)))
		return fault_set(p->why, ERR_DB_PARAM,
			"$regex takes a pattern, $options its letters");
	*pattern = slice_of(json_string_value(v), json_string_length(v));
	*options = o ? slice_of(json_string_value(o), json_string_length(o))
		     : SLICE("");
	return 0;
}

static void
put_stored(struct buf *to, struct slice pattern, struct slice options)
{
	buf_str(to, "{\"$regularExpression\":{\"pattern\":");
	buf_json(to, pattern);
	buf_str(to, ",\"options\":");
	buf_json(to, options);
	buf_str(to, "}}");
}

int
query_put_regex(
	struct query_parse *p, const struct query_arg *a, struct query *all)
{
	_buf_ struct buf text, stored;
	struct slice pattern, options;
	struct query *q;
	int r = query_add_leaf(p, all, QUERY_REGEX, a->path, &q);

	buf_init(&text, 32 * REGEX_TOP);
	buf_init(&stored, 8 * REGEX_TOP);
	if (r == 0)
		r = read_regex(p, a, &pattern, &options);
	if (r == 0)
		r = regex_translate(
			&text, pattern, options, REGEX_TEST, p->why);
	if (r < 0)
		return r;
	put_stored(&stored, pattern, options);
	q->kind = VALUE_REGEX;
	r = query_keep(p, &q->text, &text);
	return r < 0 ? r : query_keep(p, &q->value, &stored);
}

/* Read by the operator it belongs to. */
int
query_put_aside(
	struct query_parse *p, const struct query_arg *a, struct query *all)
{
	(void)all;
	if (strcmp(a->name, "$options") == 0
			? json_object_get(a->about, "$regex") != NULL
			: json_object_get(a->about, "$near") ||
				  json_object_get(a->about, "$nearSphere"))
		return 0;
	return fault_set(p->why, ERR_DB_PARAM,
		"%s stands alone: it belongs to %s", a->name,
		strcmp(a->name, "$options") == 0 ? "$regex" : "$near");
}

static const struct op {
	const char *name;
	enum query_op op;
	bool negated; /* inside a NOT */
	query_put *put;
} ops[] = {
	{"$eq", QUERY_EQ, false, query_put_eq},
	{"$ne", QUERY_EQ, true, query_put_eq},
	{"$neq", QUERY_EQ, true, query_put_eq},
	{"$gt", QUERY_GT, false, query_put_compare},
	{"$gte", QUERY_GTE, false, query_put_compare},
	{"$lt", QUERY_LT, false, query_put_compare},
	{"$lte", QUERY_LTE, false, query_put_compare},
	{"$in", QUERY_IN, false, query_put_in},
	{"$nin", QUERY_IN, true, query_put_in},
	{"$exists", QUERY_EXISTS, false, query_put_exists},
	{"$not", QUERY_NOT, true, query_put_not},
	{"$all", QUERY_AND, false, query_put_all},
	{"$elemMatch", QUERY_ELEM, false, query_put_elem},
	{"$size", QUERY_SIZE, false, query_put_size},
	{"$mod", QUERY_MOD, false, query_put_mod},
	{"$type", QUERY_TYPE, false, query_put_type},
	{"$regex", QUERY_REGEX, false, query_put_regex},
	{"$options", QUERY_REGEX, false, query_put_aside},
	{"$near", QUERY_NEAR, false, query_put_near},
	{"$nearSphere", QUERY_NEAR, false, query_put_near},
	{"$geoNear", QUERY_NEAR, false, query_put_near},
	{"$maxDistance", QUERY_NEAR, false, query_put_aside},
	{"$minDistance", QUERY_NEAR, false, query_put_aside},
	{"$geoWithin", QUERY_WITHIN, false, query_put_within},
	{"$geoIntersects", QUERY_INTERSECTS, false, query_put_intersects},
};

static const struct op *
find_op(const char *name)
{
	for (size_t i = 0; i < array_size(ops); i++)
		if (strcmp(name, ops[i].name) == 0)
			return &ops[i];
	return NULL;
}

int
query_put_op(struct query_parse *p, struct query_arg *a, struct query *all)
{
	const struct op *op = find_op(a->name);
	struct query *inner;
	int r;

	if (!op)
		return query_unknown(p, a->name);
	a->op = op->op;
	if (!op->negated)
		return op->put(p, a, all);
	r = query_add(p, all, QUERY_NOT, &inner);
	if (r == 0)
		r = query_add(p, inner, QUERY_AND, &inner);
	return r < 0 ? r : op->put(p, a, inner);
}
