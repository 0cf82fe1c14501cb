/*
 * What each update operator takes, checked as MongoDB checks it, in its words
 * where they help.
 */
#include "base/buf.h"
#include "documents/query.h"
#include "documents/update_parse.h"

#include <inttypes.h>
#include <string.h>

enum { POSITION_TOP = 1 << 30, SORT_TOP = 32 };

static int
refuse_type(struct update_parse *p, const struct update_item *item,
	const char *what)
{
	return fault_set(p->why, ERR_DB_PARAM, "%s {%.*s: …}", what,
		(int)min(item->name.len, (size_t)80), item->name.ptr);
}

static int
read_value(struct update_parse *p, const json_t *v, struct update_item *item)
{
	return value_get(&item->value, v, p->arena, p->now_ms, p->why);
}

static int
read_nothing(struct update_parse *p, const json_t *v, struct update_item *item)
{
	(void)p;
	(void)v;
	(void)item;
	return 0;
}

static bool
is_number(struct slice stored)
{
	return value_kind(stored) == VALUE_NUMBER ||
	       slice_starts(stored, "{\"$numberDouble\":") ||
	       slice_starts(stored, "{\"$numberDecimal\":");
}

static int
read_inc(struct update_parse *p, const json_t *v, struct update_item *item)
{
	int r = read_value(p, v, item);

	return r < 0 || is_number(item->value)
		       ? r
		       : refuse_type(p, item,
				 "Cannot increment with non-numeric argument:");
}

static int
read_mul(struct update_parse *p, const json_t *v, struct update_item *item)
{
	int r = read_value(p, v, item);

	return r < 0 || is_number(item->value)
		       ? r
		       : refuse_type(p, item,
				 "Cannot multiply with non-numeric argument:");
}

static int
read_bit(struct update_parse *p, const json_t *v, struct update_item *item)
{
	static const char *const names[UPDATE_BITS] = {"and", "or", "xor"};
	const char *name;
	unsigned n = 0;
	json_t *mask;

	if (!json_is_object(v) || json_object_size(v) == 0)
		return refuse_type(p, item,
			"The $bit modifier takes {and: n}, {or: n} or {xor: "
			"n}:");
	json_object_foreach ((json_t *)(uintptr_t)v, name, mask) {
		for (unsigned i = 0; i < UPDATE_BITS; i++)
			if (strcmp(name, names[i]) == 0)
				item->bit[n].how = names[i];
		if (!item->bit[n].how)
			return refuse_type(p, item,
				"The $bit modifier only knows 'and', 'or' and "
				"'xor':");
		if (value_int(mask, INT64_MIN, INT64_MAX, &item->bit[n].mask,
			    NULL) < 0)
			return refuse_type(p, item,
				"The $bit modifier takes whole numbers:");
		n++;
	}
	return 0;
}

static int
read_pop(struct update_parse *p, const json_t *v, struct update_item *item)
{
	int64_t n;
	int r = value_int(v, -1, 1, &n, NULL);

	if (r < 0 || n == 0)
		return refuse_type(p, item, "$pop expects 1 or -1:");
	item->position = n < 0 ? 0 : -1;
	return 0;
}

static int
read_current_date(
	struct update_parse *p, const json_t *v, struct update_item *item)
{
	const json_t *type = json_object_get(v, "$type");
	const char *name = type ? json_string_value(type) : "date";
	char *text;

	if (!json_is_boolean(v) && (!type || json_object_size(v) != 1))
		name = NULL;
	if (name && strcmp(name, "date") == 0)
		text = arena_printf(
			p->arena, "{\"$date\":%" PRId64 "}", p->now_ms);
	else if (name && strcmp(name, "timestamp") == 0)
		text = arena_printf(p->arena,
			"{\"$timestamp\":{\"t\":%" PRId64 ",\"i\":1}}",
			p->now_ms / 1000);
	else
		return refuse_type(p, item,
			"$currentDate takes true, {$type: 'date'} or {$type: "
			"'timestamp'}:");
	item->value = slice_str(text);
	return 0;
}

/* A list of one. */
static int
wrap(struct update_parse *p, const json_t *v, struct update_item *item)
{
	_json_ json_t *list = json_array();

	if (json_array_append(list, (json_t *)(uintptr_t)v) < 0)
		return update_too_big(p);
	return read_value(p, list, item);
}

static int
read_each(struct update_parse *p, const json_t *v, struct update_item *item)
{
	if (!json_is_array(v))
		return refuse_type(
			p, item, "The argument to $each must be an array:");
	return read_value(p, v, item);
}

static int
read_pull_all(struct update_parse *p, const json_t *v, struct update_item *item)
{
	if (!json_is_array(v))
		return refuse_type(
			p, item, "$pullAll requires an array argument:");
	return read_value(p, v, item);
}

static int
add_sort(struct update_parse *p, struct update_sort ***end, const char *name,
	const json_t *v, struct update_item *item)
{
	struct update_sort *sort = arena_try(p->arena, sizeof(*sort));
	int64_t way;
	int r = 0;

	if (!sort)
		return update_too_big(p);
	if (value_int(v, -1, 1, &way, NULL) < 0 || way == 0)
		return refuse_type(p, item, "$sort takes 1 or -1:");
	if (name)
		r = path_parse(&sort->by, slice_str(name), p->arena, p->why);
	sort->descends = way < 0;
	**end = sort;
	*end = &sort->next;
	return r;
}

/* 1, -1 or {"a.b": 1, "c": -1} */
static int
read_sort(struct update_parse *p, const json_t *v, struct update_item *item)
{
	struct update_sort **end = &item->sort;
	const char *name;
	json_t *way;

	if (!json_is_object(v) || value_is_tagged(v))
		return add_sort(p, &end, NULL, v, item);
	if (json_object_size(v) == 0 || json_object_size(v) > SORT_TOP)
		return refuse_type(p, item, "$sort takes 1 to 32 fields:");
	json_object_foreach ((json_t *)(uintptr_t)v, name, way) {
		int r = add_sort(p, &end, name, way, item);

		if (r < 0)
			return r;
	}
	return 0;
}

static int
read_whole(struct update_parse *p, const json_t *v, const char *name,
	struct update_item *item, int64_t *ret)
{
	if (value_int(v, -POSITION_TOP, POSITION_TOP, ret, NULL) == 0)
		return 0;
	return fault_set(p->why, ERR_DB_PARAM,
		"The value for %s must be a whole number: {%.*s: …}", name,
		(int)min(item->name.len, (size_t)80), item->name.ptr);
}

static int
read_modifier(struct update_parse *p, const char *name, const json_t *v,
	struct update_item *item)
{
	if (strcmp(name, "$each") == 0)
		return read_each(p, v, item);
	if (item->op == UPDATE_PUSH && strcmp(name, "$position") == 0) {
		item->has_position = true;
		return read_whole(p, v, name, item, &item->position);
	}
	if (item->op == UPDATE_PUSH && strcmp(name, "$slice") == 0) {
		item->has_top = true;
		return read_whole(p, v, name, item, &item->top);
	}
	if (item->op == UPDATE_PUSH && strcmp(name, "$sort") == 0)
		return read_sort(p, v, item);
	return fault_set(p->why, ERR_DB_OPERATOR,
		"Unrecognized clause in %s: %.60s",
		item->op == UPDATE_PUSH ? "$push" : "$addToSet", name);
}

/* value, or {"$each": list, modifiers …} */
static int
read_list(struct update_parse *p, const json_t *v, struct update_item *item)
{
	const char *name;
	json_t *arg;

	if (!json_object_get(v, "$each"))
		return wrap(p, v, item);
	json_object_foreach ((json_t *)(uintptr_t)v, name, arg) {
		int r = read_modifier(p, name, arg, item);

		if (r < 0)
			return r;
	}
	return 0;
}

bool
update_is_operators(const json_t *v)
{
	void *at = json_object_iter((json_t *)(uintptr_t)v);
	const char *name = at ? json_object_iter_key(at) : "";

	return name[0] == '$' && !value_is_tagged(v) &&
	       strcmp(name, "$and") != 0 && strcmp(name, "$or") != 0 &&
	       strcmp(name, "$nor") != 0;
}

/* A value; {$gt: 1}, about the elements; {a: 1, b: {$gt: 1}}, about elements
 * that are objects. */
static int
read_pull(struct update_parse *p, const json_t *v, struct update_item *item)
{
	json_t *arg = (json_t *)(uintptr_t)v;

	if (!json_is_object(v) || (value_is_tagged(v) && !value_is_regex(v)))
		return wrap(p, v, item);
	item->is_object = !update_is_operators(v) && !value_is_regex(v);
	return update_keep(p, &item->where,
		item->is_object ? json_incref(arg)
				: json_pack("{s:O}", "e", arg));
}

static int
read_new_name(struct update_parse *p, const json_t *v, struct update_item *item)
{
	if (!json_is_string(v))
		return refuse_type(p, item,
			"The 'to' field for $rename must be a string:");
	item->moved = item->path;
	return path_parse(&item->path,
		slice_of(json_string_value(v), json_string_length(v)), p->arena,
		p->why);
}

static const struct update_operator operators[] = {
	{"$set", UPDATE_SET, read_value, false},
	{"$setOnInsert", UPDATE_SET, read_value, true},
	{"$unset", UPDATE_UNSET, read_nothing, false},
	{"$inc", UPDATE_INC, read_inc, false},
	{"$mul", UPDATE_MUL, read_mul, false},
	{"$min", UPDATE_MIN, read_value, false},
	{"$max", UPDATE_MAX, read_value, false},
	{"$bit", UPDATE_BIT, read_bit, false},
	{"$currentDate", UPDATE_SET, read_current_date, false},
	{"$push", UPDATE_PUSH, read_list, false},
	{"$pop", UPDATE_POP, read_pop, false},
	{"$pull", UPDATE_PULL, read_pull, false},
	{"$pullAll", UPDATE_PULL, read_pull_all, false},
	{"$addToSet", UPDATE_ADD_TO_SET, read_list, false},
	{"$rename", UPDATE_MOVE, read_new_name, false},
};

const struct update_operator *
update_operator_find(const char *name)
{
	for (size_t i = 0; i < array_size(operators); i++)
		if (strcmp(name, operators[i].name) == 0)
			return &operators[i];
	return NULL;
}
