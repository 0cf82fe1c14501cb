/*
 * Operators that take several: $in sorts its values by how they are compared,
 * so that thousands of them are one condition with one parameter.
 */
#include "documents/query_parse.h"

#include "base/buf.h"

#include <string.h>

enum set { SET_PLAIN, SET_DATE, SET_OID, SETS };

struct sets {
	struct buf list[SETS];
	struct query *any;
	const struct path *path;
};

/* Of an _id the plain ones are texts only: others are asked for by key. */
static int
set_of(const struct query *item, const struct path *path)
{
	switch (item->kind) {
	case VALUE_STRING:
		return SET_PLAIN;
	case VALUE_NUMBER:
	case VALUE_BOOL:
		return query_is_id(path) ? -1 : SET_PLAIN;
	case VALUE_DATE:
		return query_is_id(path) ? -1 : SET_DATE;
	case VALUE_OID:
		return SET_OID;
	default:
		return -1;
	}
}

static int
put_item(struct query_parse *p, const json_t *v, struct sets *s)
{
	struct query item = {.path = *s->path}, *q;
	struct buf *list;
	int r, set;

	if (value_is_regex(v))
		return query_put_value(p, v, s->path, s->any);
	if (query_has_ops(v))
		return fault_set(p->why, ERR_DB_PARAM,
			"a list of values may not hold the operator %.60s",
			json_object_iter_key(
				json_object_iter((json_t *)(uintptr_t)v)));
	r = query_read(p, v, &item);
	if (r < 0)
		return r;
	set = set_of(&item, s->path);
	if (set >= 0) {
		list = &s->list[set];
		buf_char(list, list->len ? ',' : '[');
		buf_slice(list, item.value);
		return 0;
	}
	r = query_add_leaf(p, s->any, QUERY_EQ, s->path, &q);
	if (r < 0)
		return r;
	q->kind = item.kind;
	q->value = item.value;
	q->text = item.text;
	return 0;
}

static int
put_list(struct query_parse *p, struct sets *s, enum set set)
{
	static const enum value_kind kinds[] = {
		[SET_PLAIN] = VALUE_STRING,
		[SET_DATE] = VALUE_DATE,
		[SET_OID] = VALUE_OID,
	};
	struct query *q;
	int r;

	if (s->list[set].len == 0)
		return 0;
	buf_char(&s->list[set], ']');
	r = query_add_leaf(p, s->any, QUERY_IN, s->path, &q);
	if (r < 0)
		return r;
	q->kind = kinds[set];
	return query_keep(p, &q->value, &s->list[set]);
}

static int
put_items(struct query_parse *p, const json_t *v, struct sets *s)
{
	json_t *item;
	size_t i;
	int r = 0;

	json_array_foreach (v, i, item) {
		r = put_item(p, item, s);
		if (r < 0)
			return r;
	}
	for (int set = 0; set < SETS && r == 0; set++)
		r = put_list(p, s, set);
	return r;
}

int
query_put_in(
	struct query_parse *p, const struct query_arg *a, struct query *all)
{
	struct sets s = {.path = a->path};
	int r;

	if (!json_is_array(a->v))
		return fault_set(
			p->why, ERR_DB_PARAM, "%s takes a list", a->name);
	r = query_add(p, all, QUERY_OR, &s.any);
	if (r < 0)
		return r;
	for (int set = 0; set < SETS; set++)
		buf_init(&s.list[set], VALUE_SIZE_TOP);
	r = put_items(p, a->v, &s);
	for (int set = 0; set < SETS; set++)
		buf_done(&s.list[set]);
	return r;
}

/* Each of them: a value, a regular expression or {"$elemMatch": …}. */
int
query_put_all(
	struct query_parse *p, const struct query_arg *a, struct query *all)
{
	struct query *none;
	json_t *item;
	size_t i;
	int r = 0;

	if (!json_is_array(a->v))
		return fault_set(p->why, ERR_DB_PARAM, "$all takes a list");
	if (json_array_size(a->v) == 0)
		return query_add(p, all, QUERY_NONE, &none);
	json_array_foreach (a->v, i, item) {
		if (json_object_get(item, "$elemMatch"))
			r = query_put_ops(p, item, a->path, all);
		else if (query_has_ops(item))
			r = fault_set(p->why, ERR_DB_PARAM,
				"$all takes values or $elemMatch");
		else
			r = query_put_value(p, item, a->path, all);
		if (r < 0)
			return r;
	}
	return 0;
}

/* {"$gte": 5} speaks of the elements, {"a": 1} and {"$or": […]} of their
 * members. */
static bool
is_about_members(const json_t *v)
{
	const char *first = json_object_size(v)
				    ? json_object_iter_key(json_object_iter(
					      (json_t *)(uintptr_t)v))
				    : "";

	return first[0] != '$' || strcmp(first, "$and") == 0 ||
	       strcmp(first, "$or") == 0 || strcmp(first, "$nor") == 0;
}

/* A member may be missing, but only of what has members. */
static int
put_members(struct query_parse *p, const json_t *v, struct query *elem)
{
	static const struct path here = {0};
	struct query *q;
	int r = query_add_leaf(p, elem, QUERY_TYPE, &here, &q);

	if (r < 0)
		return r;
	q->value = SLICE("[\"object\",\"array\"]");
	return query_put_top(p, v, elem);
}

int
query_put_elem(
	struct query_parse *p, const struct query_arg *a, struct query *all)
{
	static const struct path here = {0};
	bool was_inside = p->inside;
	struct query *q;
	int r;

	if (!json_is_object(a->v))
		return fault_set(p->why, ERR_DB_PARAM,
			"%s takes an object of conditions", a->name);
	r = query_add_leaf(p, all, QUERY_ELEM, a->path, &q);
	if (r < 0)
		return r;
	p->inside = true;
	r = is_about_members(a->v) ? put_members(p, a->v, q)
				   : query_put_ops(p, a->v, &here, q);
	p->inside = was_inside;
	return r;
}
