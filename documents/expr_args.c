/*
 * Arguments of operators: as many as the operator takes, in a list or by name.
 */
#include "documents/expr_tree.h"

int
expr_read_list(struct expr_parser *p, const json_t *v, struct expr *e)
{
	json_t *item;
	size_t i;
	int r = 0;

	json_array_foreach (v, i, item) {
		r = expr_read_arg(p, item, e, NULL);
		if (r < 0)
			return r;
	}
	return 0;
}

const struct expr *
expr_arg(const struct expr *e, const char *name)
{
	for (const struct expr *at = e->args; at; at = at->next)
		if (slice_is(at->key, name))
			return at;
	return NULL;
}

int
expr_count_wrong(struct expr_parser *p, const char *name, int least, int most,
	size_t given)
{
	if (least == most)
		return fault_set(p->why, ERR_DB_PARAM,
			"Expression %.60s takes exactly %d arguments. %zu "
			"were passed in.",
			name, least, given);
	return fault_set(p->why, ERR_DB_PARAM,
		"Expression %.60s takes at least %d arguments, and at most %d, "
		"but %zu were passed in.",
		name, least, most, given);
}

static int
read_positional(struct expr_parser *p, const json_t *v, struct expr *e)
{
	size_t given = json_is_array(v) ? json_array_size(v) : 1;

	if ((int)given < e->op->least || (int)given > e->op->most)
		return expr_count_wrong(
			p, e->op->name, e->op->least, e->op->most, given);
	return json_is_array(v) ? expr_read_list(p, v, e)
				: expr_read_arg(p, v, e, NULL);
}

/* The next of "input! chars". */
static bool
next_name(struct slice *rest, struct slice *name, bool *needed)
{
	if (!slice_split(rest, ' ', name))
		return false;
	*needed = name->len && name->ptr[name->len - 1] == '!';
	name->len -= *needed;
	return true;
}

int
expr_check_names(struct expr_parser *p, const json_t *v, const char *operator,
	const char * names)
{
	const char *key;
	json_t *item;

	json_object_foreach ((json_t *)(uintptr_t)v, key, item) {
		struct slice rest = slice_str(names), name;
		bool needed, found = false;

		while (!found && next_name(&rest, &name, &needed))
			found = slice_is(name, key);
		if (!found)
			return fault_set(p->why, ERR_DB_PARAM,
				"%s found an unknown argument: %.60s", operator,
				key);
	}
	return 0;
}

int
expr_read_named(struct expr_parser *p, const json_t *v, struct expr *e)
{
	struct slice rest = slice_str(e->op->names), name;
	bool needed;
	int r = expr_check_names(p, v, e->op->name, e->op->names);

	while (r == 0 && next_name(&rest, &name, &needed)) {
		const json_t *arg = json_object_getn(v, name.ptr, name.len);

		if (arg)
			r = expr_read_arg(p, arg, e, arena_str(p->arena, name));
		else if (needed)
			r = fault_set(p->why, ERR_DB_PARAM,
				"Missing '%.*s' parameter to %s",
				SLICE_ARG(name), e->op->name);
	}
	return r;
}

/* An object of named arguments, not of an operator: {"date": …}. */
static bool
has_names(const struct expr_op *op, const json_t *v)
{
	void *at = json_object_iter((json_t *)(uintptr_t)v);
	struct slice rest = slice_str(op->names), first;
	bool needed;

	if (!at || json_object_iter_key(at)[0] == '$')
		return false;
	(void)next_name(&rest, &first, &needed);
	return json_object_getn(v, first.ptr, first.len) ||
	       !(op->flags & EXPR_ONE_FIRST);
}

/* {"$year": "$d"} is {"$year": {"date": "$d"}}. */
static int
read_first(struct expr_parser *p, const json_t *v, struct expr *e)
{
	struct slice rest = slice_str(e->op->names), first;
	bool needed;

	if (json_is_array(v)) {
		if (json_array_size(v) != 1)
			return expr_count_wrong(
				p, e->op->name, 1, 1, json_array_size(v));
		v = json_array_get(v, 0);
	}
	(void)next_name(&rest, &first, &needed);
	return expr_read_arg(p, v, e, arena_str(p->arena, first));
}

int
expr_read_args(struct expr_parser *p, const json_t *v, struct expr *e)
{
	const struct expr_op *op = e->op;

	if (!op->names)
		return read_positional(p, v, e);
	if (json_is_object(v) && has_names(op, v))
		return expr_read_named(p, v, e);
	if (op->flags & EXPR_ONE_FIRST)
		return read_first(p, v, e);
	return fault_set(p->why, ERR_DB_PARAM,
		"%s takes an object of named arguments: %s", op->name,
		op->names);
}
