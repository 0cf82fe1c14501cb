/*
 * $sortArray: its order is known when it is parsed, so it is an ORDER BY.
 */
#include "documents/expr_tree.h"

enum { FIELDS_TOP = 32 };

/* One field: an argument without SQL of its own, whose value is "1" or "-1". */
static int
add_field(struct expr_parser *p, struct slice name, const json_t *v,
	struct expr *e)
{
	struct expr *key = arena_try(p->arena, sizeof(*key)), **at = &e->args;
	int64_t way;
	int r = value_int(v, -1, 1, &way, NULL);

	if (!key)
		return ERR_TOO_BIG;
	if (r < 0 || way == 0)
		return fault_set(p->why, ERR_DB_PARAM,
			"The $sort element value must be set to either 1 or "
			"-1");
	key->kind = EXPR_MISSING;
	key->value = slice_str(way < 0 ? "-1" : "1");
	while (*at)
		at = &(*at)->next;
	*at = key;
	return name.len ? path_parse(&key->path, name, p->arena, p->why) : 0;
}

int
expr_read_sort(struct expr_parser *p, const json_t *v, struct expr *e)
{
	const json_t *input = json_object_get(v, "input");
	const json_t *by = json_object_get(v, "sortBy");
	const char *name;
	json_t *way;
	int r;

	if (!input || !by || json_object_size(v) != 2)
		return fault_set(p->why, ERR_DB_PARAM,
			"$sortArray takes an object of 'input' and 'sortBy'");
	r = expr_read_arg(p, input, e, "input");
	if (r < 0)
		return r;
	if (!json_is_object(by) || value_is_tagged(by))
		return add_field(p, slice_str(""), by, e);
	if (json_object_size(by) == 0 || json_object_size(by) > FIELDS_TOP)
		return fault_set(p->why, ERR_DB_PARAM,
			"$sortArray's sortBy has 1 to %d fields", FIELDS_TOP);
	json_object_foreach ((json_t *)(uintptr_t)by, name, way) {
		r = add_field(p, slice_str(name), way, e);
		if (r < 0)
			return r;
	}
	return 0;
}

static void
put_key(struct sql *s, const struct expr *key, const char *element)
{
	bool descends = key->value.ptr[0] == '-';

	if (key->path.count) {
		sql_add(s, "mpcloud.key_at(");
		sql_add(s, element);
		sql_add(s, ", ");
		sql_param_path(s, &key->path);
		sql_add(s, descends ? ", TRUE) DESC, " : ", FALSE), ");
	} else {
		sql_add(s, "mpcloud.key(");
		sql_add(s, element);
		sql_add(s, descends ? ") DESC, " : "), ");
	}
}

void
expr_put_sort(struct sql *s, const struct expr *e, const struct sql_from *from)
{
	unsigned depth = expr_depth(from);
	const char *element = arena_printf(s->arena, "xe%u.v", depth);

	buf_printf(&s->text,
		"(SELECT CASE WHEN xm%u.a IS NULL THEN 'null'::jsonb ELSE "
		"(SELECT coalesce(jsonb_agg(%s ORDER BY ",
		depth, element);
	for (const struct expr *at = e->args->next; at; at = at->next)
		put_key(s, at, element);
	buf_printf(&s->text,
		"xe%u.i), '[]') FROM jsonb_array_elements(xm%u.a) WITH "
		"ORDINALITY xe%u(v, i)) END FROM (SELECT "
		"mpcloud.op_list('$sortArray', ",
		depth, depth, depth);
	sql_expr(s, e->args, from);
	buf_printf(&s->text, ") AS a OFFSET 0) xm%u)", depth);
}
