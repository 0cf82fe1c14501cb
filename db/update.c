/*
 * The grammar of MongoDB's update, as far as it goes yet:
 *
 *   update = { "$op": { path: argument … } … } | { path: value … }, a $set
 *
 * Two operations on one place would make the result depend on their order, so
 * they are refused, as MongoDB does.
 */
#include "db/update.h"

#include "base/buf.h"

#include <string.h>

enum { ITEMS_TOP = 128, PLACE_TOP = 1 << 30 };

struct parse {
	struct arena *arena;
	int64_t now_ms;
	struct fault *why;
	struct update *update;
	struct update_item **end;
	unsigned count;
};

static int
too_big(struct parse *p)
{
	return fault_set(p->why, ERR_TOO_BIG, "the request is too large");
}

static int
read_value(struct parse *p, const json_t *v, struct update_item *item)
{
	return value_get(&item->value, v, p->arena, p->now_ms, p->why);
}

static int
arg_none(struct parse *p, const json_t *v, struct update_item *item)
{
	(void)p;
	(void)v;
	(void)item;
	return 0;
}

static int
arg_number(struct parse *p, const json_t *v, struct update_item *item)
{
	int r = read_value(p, v, item);

	if (r == 0 && value_kind(item->value) != VALUE_NUMBER)
		return fault_set(
			p->why, ERR_DB_PARAM, "$inc and $mul take a number");
	return r;
}

static int
arg_pop(struct parse *p, const json_t *v, struct update_item *item)
{
	int64_t n;
	int r = value_int(v, -1, 1, &n, p->why);

	if (r < 0 || n == 0)
		return fault_set(p->why, ERR_DB_PARAM, "$pop takes 1 or -1");
	item->place = n < 0 ? 0 : -1;
	return 0;
}

/* A list of one. */
static int
wrap(struct parse *p, const json_t *v, struct update_item *item)
{
	_json_ json_t *list = json_array();

	if (json_array_append(list, (json_t *)(uintptr_t)v) < 0)
		return too_big(p);
	return read_value(p, list, item);
}

static int
read_list(struct parse *p, const json_t *v, struct update_item *item)
{
	if (!json_is_array(v))
		return fault_set(
			p->why, ERR_DB_PARAM, "$each and $pullAll take a list");
	return read_value(p, v, item);
}

static int
read_sort(struct parse *p, const json_t *v, struct update_item *item)
{
	void *at = json_object_iter((json_t *)(uintptr_t)v);
	int64_t way;
	int r;

	if (at && !value_is_tagged(v)) {
		if (json_object_size(v) != 1)
			return fault_set(p->why, ERR_DB_PARAM,
				"$sort by several fields is not supported yet");
		r = path_parse(&item->by, slice_str(json_object_iter_key(at)),
			p->arena, p->why);
		if (r < 0)
			return r;
		v = json_object_iter_value(at);
	}
	r = value_int(v, -1, 1, &way, p->why);
	item->has_sort = true;
	item->descends = way < 0;
	return r;
}

static int
read_modifier(struct parse *p, const char *name, const json_t *v,
	struct update_item *item)
{
	if (strcmp(name, "$each") == 0)
		return read_list(p, v, item);
	if (strcmp(name, "$position") == 0) {
		item->has_place = true;
		return value_int(
			v, -PLACE_TOP, PLACE_TOP, &item->place, p->why);
	}
	if (strcmp(name, "$slice") == 0) {
		item->has_top = true;
		return value_int(v, -PLACE_TOP, PLACE_TOP, &item->top, p->why);
	}
	if (strcmp(name, "$sort") == 0)
		return read_sort(p, v, item);
	return fault_set(p->why, ERR_DB_PARAM,
		"operator %.60s is not supported yet", name);
}

/* value, or {"$each": list, modifiers …} */
static int
arg_list(struct parse *p, const json_t *v, struct update_item *item)
{
	const char *name;
	json_t *arg;
	int r = 0;

	if (!json_object_get(v, "$each"))
		return wrap(p, v, item);
	json_object_foreach ((json_t *)(uintptr_t)v, name, arg) {
		r = read_modifier(p, name, arg, item);
		if (r < 0)
			return r;
	}
	return 0;
}

static bool
has_operator(const json_t *v)
{
	const char *name;
	json_t *inner;

	if (!json_is_object(v) || value_is_tagged(v))
		return false;
	json_object_foreach ((json_t *)(uintptr_t)v, name, inner)
		if (name[0] == '$' || has_operator(inner))
			return true;
	return false;
}

static int
arg_pull(struct parse *p, const json_t *v, struct update_item *item)
{
	if (has_operator(v))
		return fault_set(p->why, ERR_DB_PARAM,
			"$pull with a condition is not supported yet");
	return wrap(p, v, item);
}

static int
arg_path(struct parse *p, const json_t *v, struct update_item *item)
{
	if (!json_is_string(v))
		return fault_set(
			p->why, ERR_DB_PARAM, "$rename takes a field's name");
	return path_parse(&item->to,
		slice_of(json_string_value(v), json_string_length(v)), p->arena,
		p->why);
}

static const struct op {
	const char *name;
	enum update_op op;
	int (*read)(struct parse *p, const json_t *v, struct update_item *item);
} ops[] = {
	{"$set", UPDATE_SET, read_value},
	{"$unset", UPDATE_UNSET, arg_none},
	{"$inc", UPDATE_INC, arg_number},
	{"$mul", UPDATE_MUL, arg_number},
	{"$min", UPDATE_MIN, read_value},
	{"$max", UPDATE_MAX, read_value},
	{"$push", UPDATE_PUSH, arg_list},
	{"$pop", UPDATE_POP, arg_pop},
	{"$pull", UPDATE_PULL, arg_pull},
	{"$pullAll", UPDATE_PULL, read_list},
	{"$addToSet", UPDATE_ADD_TO_SET, arg_list},
	{"$rename", UPDATE_RENAME, arg_path},
};

static int
check_one(struct parse *p, const struct path *path)
{
	for (unsigned i = 0; i < path->count; i++)
		if (path->step[i].len > 1 && path->step[i].ptr[0] == '-' &&
			path->step[i].ptr[1] >= '0' &&
			path->step[i].ptr[1] <= '9')
			return fault_set(p->why, ERR_DB_PARAM,
				"a field that is changed may not be named "
				"like a negative number");
	if (path_starts(path, "_id"))
		return fault_set(p->why, ERR_DB_PARAM, "_id cannot be changed");
	return 0;
}

static bool
touches(const struct update_item *item, const struct path *path)
{
	return path_covers(&item->path, path) ||
	       path_covers(path, &item->path) ||
	       (item->to.count && (path_covers(&item->to, path) ||
					  path_covers(path, &item->to)));
}

static int
check_place(struct parse *p, const struct path *path)
{
	int r = check_one(p, path);

	if (r < 0)
		return r;
	for (const struct update_item *i = p->update->items; i; i = i->next)
		if (touches(i, path))
			return fault_set(p->why, ERR_DB_PARAM,
				"two changes conflict at %.*s",
				(int)min(path->text.len, (size_t)80),
				path->text.ptr);
	return 0;
}

static int
parse_item(
	struct parse *p, const struct op *op, const char *name, const json_t *v)
{
	struct update_item *item = arena_try(p->arena, sizeof(*item));
	int r;

	if (!item)
		return too_big(p);
	if (++p->count > ITEMS_TOP)
		return fault_set(p->why, ERR_DB_PARAM,
			"an update may have %d changes", ITEMS_TOP);
	item->op = op->op;
	r = path_parse(&item->path, slice_str(name), p->arena, p->why);
	if (r == 0)
		r = check_place(p, &item->path);
	if (r == 0)
		r = op->read(p, v, item);
	if (r == 0 && item->op == UPDATE_RENAME)
		r = path_covers(&item->path, &item->to) ||
				    path_covers(&item->to, &item->path)
			    ? fault_set(p->why, ERR_DB_PARAM,
				      "$rename onto itself")
			    : check_place(p, &item->to);
	if (r < 0)
		return r;
	*p->end = item;
	p->end = &item->next;
	return 0;
}

static int
parse_items(struct parse *p, const struct op *op, const json_t *v)
{
	const char *name;
	json_t *arg;
	int r = 0;

	if (!json_is_object(v))
		return fault_set(p->why, ERR_DB_PARAM,
			"%s takes an object of fields", op->name);
	json_object_foreach ((json_t *)(uintptr_t)v, name, arg) {
		r = parse_item(p, op, name, arg);
		if (r < 0)
			return r;
	}
	return 0;
}

static int
parse_op(struct parse *p, const char *name, const json_t *v)
{
	for (size_t i = 0; i < array_size(ops); i++)
		if (strcmp(name, ops[i].name) == 0)
			return parse_items(p, &ops[i], v);
	if (name[0] == '$')
		return fault_set(p->why, ERR_DB_PARAM,
			"operator %.60s is not supported yet", name);
	return parse_item(p, &ops[0], name, v);
}

int
update_parse(struct update **ret, const json_t *v, struct arena *arena,
	int64_t now_ms, struct fault *why)
{
	struct parse p = {.arena = arena, .now_ms = now_ms, .why = why};
	const char *name;
	json_t *arg;
	int r;

	p.update = arena_try(arena, sizeof(*p.update));
	if (!p.update)
		return too_big(&p);
	p.end = &p.update->items;
	if (!json_is_object(v) || json_object_size(v) == 0)
		return fault_set(why, ERR_DB_PARAM,
			"an update must be an object that is not empty");
	json_object_foreach ((json_t *)(uintptr_t)v, name, arg) {
		r = parse_op(&p, name, arg);
		if (r < 0)
			return r;
	}
	*ret = p.update;
	return 0;
}

int
update_guard(const struct update *u, struct fault *why)
{
	for (const struct update_item *i = u->items; i; i = i->next)
		if (path_starts(&i->path, "_openid") ||
			(i->to.count && path_starts(&i->to, "_openid")))
			return fault_set(why, ERR_DB_DENIED,
				"_openid belongs to the server: it cannot be "
				"changed");
	return 0;
}
