/*
 * The grammar of MongoDB's find, as far as it goes yet:
 *
 *   top    = { "$and" | "$or" | "$nor": [top …], path: field }
 *   field  = value | { "$eq": value, "$gt": value, "$not": field … }
 *
 * $ne, $nin and $nor are a NOT around their positive form, so that everything
 * below this file has half as many cases.
 */
#include "db/query.h"

#include "base/buf.h"

#include <string.h>

enum { CONDITIONS_TOP = 256, NESTING_TOP = 20 };

struct parse {
	struct arena *arena;
	int64_t now_ms;
	struct fault *why;
	unsigned conditions, depth;
};

static int parse_top(struct parse *p, const json_t *v, struct query *all);
static int parse_ops(struct parse *p, const json_t *v, const struct path *path,
	struct query *all);

/* Written so that gcc's analyzer sees that these are errors. */
static int
too_big(struct parse *p)
{
	(void)fault_set(p->why, ERR_TOO_BIG, "the request is too large");
	return ERR_TOO_BIG;
}

static int
too_many(struct parse *p)
{
	(void)fault_set(p->why, ERR_DB_PARAM, "a query may have %d conditions",
		CONDITIONS_TOP);
	return ERR_DB_PARAM;
}

/* A new last part of `parent`. */
static int
add(struct parse *p, struct query *parent, enum query_op op, struct query **ret)
{
	struct query *q, **at = &parent->parts;

	if (++p->conditions > CONDITIONS_TOP)
		return too_many(p);
	q = arena_try(p->arena, sizeof(*q));
	if (!q)
		return too_big(p);
	q->op = op;
	while (*at)
		at = &(*at)->next;
	*at = q;
	*ret = q;
	return 0;
}

static int
add_leaf(struct parse *p, struct query *parent, enum query_op op,
	const struct path *path, struct query **ret)
{
	int r = add(p, parent, op, ret);

	if (r == 0)
		(*ret)->path = *path;
	return r;
}

static int
not_supported(struct parse *p, const char *name)
{
	return fault_set(p->why, ERR_DB_PARAM,
		"operator %.60s is not supported yet", name);
}

static bool
is_regex(const json_t *v)
{
	return json_object_get(v, "$regularExpression") ||
	       json_object_get(v, "$regex");
}

static int
read_value(struct parse *p, const json_t *v, struct query *q)
{
	int r;

	if (is_regex(v))
		return not_supported(p, "$regularExpression");
	r = value_get(&q->value, v, p->arena, p->now_ms, p->why);
	if (r < 0)
		return r;
	q->kind = value_kind(q->value);
	if (q->kind == VALUE_STRING) {
		if (json_is_object(v))
			v = json_object_get(v, "$oid");
		q->text = slice_of(json_string_value(v), json_string_length(v));
	}
	return 0;
}

static int
op_eq(struct parse *p, const json_t *v, const struct path *path,
	enum query_op op, struct query *all)
{
	struct query *q;
	int r = add_leaf(p, all, op, path, &q);

	return r < 0 ? r : read_value(p, v, q);
}

/* Null is the least and the greatest of its type: >= and <= mean equal, > and
 * < nothing. */
static int
op_compare(struct parse *p, const json_t *v, const struct path *path,
	enum query_op op, struct query *all)
{
	struct query *q;
	int r = add_leaf(p, all, op, path, &q);

	if (r == 0)
		r = read_value(p, v, q);
	if (r < 0)
		return r;
	if (q->kind == VALUE_OTHER)
		return fault_set(p->why, ERR_DB_PARAM,
			"$gt, $gte, $lt, $lte compare numbers, texts, "
			"booleans and dates");
	if (q->kind == VALUE_NULL)
		q->op = op == QUERY_GTE || op == QUERY_LTE ? QUERY_EQ
							   : QUERY_NONE;
	return 0;
}

/* Lists of an $in by how they are compared. */
struct lists {
	struct buf plain, dates;
	struct query *any;
};

static void
put_item(struct buf *to, struct slice s)
{
	buf_char(to, to->len ? ',' : '[');
	buf_slice(to, s);
}

static int
sort_item(struct parse *p, const json_t *v, const struct path *path,
	struct lists *l)
{
	struct query item = {0}, *q;
	int r = read_value(p, v, &item);

	if (r < 0)
		return r;
	if (item.kind == VALUE_DATE) {
		size_t head = strlen("{\"$date\":");

		put_item(&l->dates, slice_of(item.value.ptr + head,
					    item.value.len - head - 1));
		return 0;
	}
	if (item.kind != VALUE_NULL && item.kind != VALUE_OTHER) {
		put_item(&l->plain, item.value);
		return 0;
	}
	r = add_leaf(p, l->any, QUERY_EQ, path, &q);
	if (r == 0) {
		q->value = item.value;
		q->kind = item.kind;
	}
	return r;
}

static int
add_list(struct parse *p, struct buf *list, enum value_kind kind,
	const struct path *path, struct query *any)
{
	struct query *q;
	char *copy;
	int r;

	if (list->len == 0)
		return 0;
	buf_char(list, ']');
	copy = arena_try(p->arena, list->len);
	if (buf_check(list) < 0 || !copy)
		return too_big(p);
	r = add_leaf(p, any, QUERY_IN, path, &q);
	if (r < 0)
		return r;
	memcpy(copy, list->ptr, list->len);
	q->value = slice_of(copy, list->len);
	q->kind = kind;
	return 0;
}

static int
sort_items(struct parse *p, const json_t *v, const struct path *path,
	struct lists *l)
{
	json_t *item;
	size_t i;
	int r = 0;

	json_array_foreach (v, i, item) {
		r = sort_item(p, item, path, l);
		if (r < 0)
			return r;
	}
	r = add_list(p, &l->plain, VALUE_STRING, path, l->any);
	return r < 0 ? r : add_list(p, &l->dates, VALUE_DATE, path, l->any);
}

static int
op_in(struct parse *p, const json_t *v, const struct path *path,
	enum query_op op, struct query *all)
{
	struct lists l = {0};
	int r;

	(void)op;
	if (!json_is_array(v))
		return fault_set(
			p->why, ERR_DB_PARAM, "$in and $nin take a list");
	r = add(p, all, QUERY_OR, &l.any);
	if (r < 0)
		return r;
	buf_init(&l.plain, VALUE_SIZE_TOP);
	buf_init(&l.dates, VALUE_SIZE_TOP);
	r = sort_items(p, v, path, &l);
	buf_done(&l.plain);
	buf_done(&l.dates);
	return r;
}

static int
op_exists(struct parse *p, const json_t *v, const struct path *path,
	enum query_op op, struct query *all)
{
	struct query *none, *q;
	int r;

	(void)op;
	if (value_is_true(v))
		return add_leaf(p, all, QUERY_EXISTS, path, &q);
	r = add(p, all, QUERY_NOT, &none);
	return r < 0 ? r : add_leaf(p, none, QUERY_EXISTS, path, &q);
}

static int
op_not(struct parse *p, const json_t *v, const struct path *path,
	enum query_op op, struct query *all)
{
	(void)op;
	if (!json_is_object(v) || is_regex(v))
		return not_supported(p, "$not with a regular expression");
	return parse_ops(p, v, path, all);
}

static const struct op {
	const char *name;
	enum query_op op;
	bool negated; /* inside a NOT */
	int (*parse)(struct parse *p, const json_t *v, const struct path *path,
		enum query_op op, struct query *all);
} ops[] = {
	{"$eq", QUERY_EQ, false, op_eq},
	{"$ne", QUERY_EQ, true, op_eq},
	{"$neq", QUERY_EQ, true, op_eq},
	{"$gt", QUERY_GT, false, op_compare},
	{"$gte", QUERY_GTE, false, op_compare},
	{"$lt", QUERY_LT, false, op_compare},
	{"$lte", QUERY_LTE, false, op_compare},
	{"$in", QUERY_IN, false, op_in},
	{"$nin", QUERY_IN, true, op_in},
	{"$exists", QUERY_EXISTS, false, op_exists},
	{"$not", QUERY_NOT, true, op_not},
};

static const struct op *
find_op(const char *name)
{
	for (size_t i = 0; i < array_size(ops); i++)
		if (strcmp(name, ops[i].name) == 0)
			return &ops[i];
	return NULL;
}

static int
parse_op(struct parse *p, const char *name, const json_t *v,
	const struct path *path, struct query *all)
{
	const struct op *op = find_op(name);
	struct query *inner;
	int r;

	if (!op)
		return not_supported(p, name);
	if (!op->negated)
		return op->parse(p, v, path, op->op, all);
	r = add(p, all, QUERY_NOT, &inner);
	if (r == 0)
		r = add(p, inner, QUERY_AND, &inner);
	return r < 0 ? r : op->parse(p, v, path, op->op, inner);
}

static int
enter(struct parse *p)
{
	if (++p->depth > NESTING_TOP)
		return fault_set(p->why, ERR_DB_PARAM,
			"a query may be nested %d deep", NESTING_TOP);
	return 0;
}

static int
parse_ops(struct parse *p, const json_t *v, const struct path *path,
	struct query *all)
{
	const char *name;
	json_t *arg;
	int r = enter(p);

	if (r < 0)
		return r;
	json_object_foreach ((json_t *)(uintptr_t)v, name, arg) {
		r = parse_op(p, name, arg, path, all);
		if (r < 0)
			return r;
	}
	p->depth--;
	return 0;
}

/* An object of operators; a tagged value and a plain object are values. */
static bool
has_ops(const json_t *v)
{
	void *at = json_object_iter((json_t *)(uintptr_t)v);

	return at && json_object_iter_key(at)[0] == '$' && !value_is_tagged(v);
}

static int
parse_field(
	struct parse *p, const char *name, const json_t *v, struct query *all)
{
	struct path path;
	int r = path_parse(&path, slice_str(name), p->arena, p->why);

	if (r < 0)
		return r;
	if (is_regex(v))
		return not_supported(p, "$regularExpression");
	return has_ops(v) ? parse_ops(p, v, &path, all)
			  : op_eq(p, v, &path, QUERY_EQ, all);
}

/* [top, …] into one part per element. */
static int
parse_list(
	struct parse *p, const char *name, const json_t *v, struct query *into)
{
	struct query *part;
	json_t *item;
	size_t i;
	int r = 0;

	if (!json_is_array(v) || json_array_size(v) == 0)
		return fault_set(p->why, ERR_DB_PARAM,
			"%s takes a list of conditions", name);
	json_array_foreach (v, i, item) {
		r = add(p, into, QUERY_AND, &part);
		if (r == 0)
			r = parse_top(p, item, part);
		if (r < 0)
			return r;
	}
	return 0;
}

static int
parse_logic(
	struct parse *p, const char *name, const json_t *v, struct query *all)
{
	struct query *q = all;
	int r = 0;

	if (strcmp(name, "$and") == 0)
		return parse_list(p, name, v, all);
	if (strcmp(name, "$nor") == 0)
		r = add(p, all, QUERY_NOT, &q);
	else if (strcmp(name, "$or") != 0)
		return not_supported(p, name);
	if (r == 0)
		r = add(p, q, QUERY_OR, &q);
	return r < 0 ? r : parse_list(p, name, v, q);
}

static int
parse_top(struct parse *p, const json_t *v, struct query *all)
{
	const char *name;
	json_t *arg;
	int r = enter(p);

	if (r < 0)
		return r;
	if (!json_is_object(v))
		return fault_set(
			p->why, ERR_DB_PARAM, "a query must be an object");
	json_object_foreach ((json_t *)(uintptr_t)v, name, arg) {
		r = name[0] == '$' ? parse_logic(p, name, arg, all)
				   : parse_field(p, name, arg, all);
		if (r < 0)
			return r;
	}
	p->depth--;
	return 0;
}

int
query_parse(struct query **ret, const json_t *v, struct arena *arena,
	int64_t now_ms, struct fault *why)
{
	struct parse p = {.arena = arena, .now_ms = now_ms, .why = why};
	struct query *q = arena_try(arena, sizeof(*q));
	int r = 0;

	if (!q)
		return too_big(&p);
	q->op = QUERY_AND;
	if (v && !json_is_null(v))
		r = parse_top(&p, v, q);
	if (r < 0)
		return r;
	*ret = q;
	return 0;
}

bool
query_id(const struct query *q, struct slice *ret)
{
	if (q->op == QUERY_EQ && q->kind == VALUE_STRING &&
		q->path.count == 1 && path_starts(&q->path, "_id")) {
		*ret = q->text;
		return true;
	}
	if (q->op != QUERY_AND)
		return false;
	for (const struct query *at = q->parts; at; at = at->next)
		if (query_id(at, ret))
			return true;
	return false;
}

static int
guard_leaf(struct query *q, const char *openid, struct arena *arena,
	struct fault *why)
{
	_buf_ struct buf stored = {0};

	if (!path_starts(&q->path, "_openid"))
		return 0;
	if (q->op != QUERY_EQ || q->path.count != 1 ||
		q->kind != VALUE_STRING ||
		!(slice_is(q->text, "{openid}") || slice_is(q->text, openid)))
		return fault_set(why, ERR_DB_DENIED,
			"_openid may only be compared with the caller's own");
	if (!openid[0])
		q->op = QUERY_NONE;
	q->text = slice_str(openid);
	buf_init(&stored, 1024);
	buf_json(&stored, q->text);
	q->value = slice_of(arena_str(arena, buf_all(&stored)), stored.len);
	return 0;
}

int
query_guard(struct query *q, const char *openid, struct arena *arena,
	struct fault *why)
{
	int r = 0;

	if (q->op >= QUERY_EQ)
		return guard_leaf(q, openid, arena, why);
	for (struct query *at = q->parts; at && r == 0; at = at->next)
		r = query_guard(at, openid, arena, why);
	return r;
}
