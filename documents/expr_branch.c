/*
 * Operators that choose: only the argument that is chosen is computed.  SQL
 * promises that of CASE and coalesce, not of AND and OR.
 */
#include "documents/expr_tree.h"

int
expr_read_literal(struct expr_parser *p, const json_t *v, struct expr *e)
{
	e->kind = EXPR_LITERAL;
	return value_get(&e->value, v, p->arena, p->now_ms, p->why);
}

/* [if, then, else] or {"if": …, "then": …, "else": …} */
int
expr_read_cond(struct expr_parser *p, const json_t *v, struct expr *e)
{
	static const char *const names[] = {"if", "then", "else"};
	int r;

	if (json_is_array(v)) {
		if (json_array_size(v) != 3)
			return expr_count_wrong(
				p, "$cond", 3, 3, json_array_size(v));
		return expr_read_list(p, v, e);
	}
	if (!json_is_object(v))
		return expr_count_wrong(p, "$cond", 3, 3, 1);
	r = expr_check_names(p, v, "$cond", "if then else");
	for (size_t i = 0; i < array_size(names) && r == 0; i++) {
		const json_t *arg = json_object_get(v, names[i]);

		r = arg ? expr_read_arg(p, arg, e, names[i])
			: fault_set(p->why, ERR_DB_PARAM,
				  "Missing '%s' parameter to $cond", names[i]);
	}
	return r;
}

static int
read_branch(struct expr_parser *p, const json_t *v, struct expr *e)
{
	const json_t *when = json_object_get(v, "case");
	const json_t *then = json_object_get(v, "then");
	int r;

	if (!when || !then || json_object_size(v) != 2)
		return fault_set(p->why, ERR_DB_PARAM,
			"$switch requires each branch to be an object with "
			"'case' and 'then'");
	r = expr_read_arg(p, when, e, "case");
	return r < 0 ? r : expr_read_arg(p, then, e, "then");
}

int
expr_read_switch(struct expr_parser *p, const json_t *v, struct expr *e)
{
	const json_t *list = json_object_get(v, "branches");
	const json_t *other = json_object_get(v, "default");
	json_t *item;
	size_t i;
	int r;

	if (!json_is_object(v))
		return fault_set(p->why, ERR_DB_PARAM,
			"$switch requires an object as an argument");
	r = expr_check_names(p, v, "$switch", "branches default");
	if (r == 0 && (!json_is_array(list) || json_array_size(list) == 0))
		return fault_set(p->why, ERR_DB_PARAM,
			"$switch requires at least one branch, in an array");
	json_array_foreach (list, i, item) {
		if (r == 0)
			r = read_branch(p, item, e);
	}
	return r == 0 && other ? expr_read_arg(p, other, e, "default") : r;
}

void
expr_put_switch(
	struct sql *s, const struct expr *e, const struct sql_from *from)
{
	const struct expr *at = e->args;

	sql_add(s, "(CASE");
	for (; at && at->next && slice_is(at->key, "case");
		at = at->next->next) {
		sql_add(s, " WHEN ");
		sql_expr_truth(s, at, from);
		sql_add(s, " THEN ");
		sql_expr(s, at->next, from);
	}
	sql_add(s, " ELSE ");
	if (at)
		sql_expr(s, at, from);
	else
		sql_add(s, "mpcloud.refuse('$switch could not find a matching "
			   "branch for an input, and no default was "
			   "specified')");
	sql_add(s, " END)");
}

/* The last one's truth, unless one before it decides. */
static void
put_logic(struct sql *s, const struct expr *e, const struct sql_from *from,
	bool is_or)
{
	const struct expr *at = e->args;

	if (!at) {
		sql_add(s, is_or ? "FALSE" : "TRUE");
		return;
	}
	sql_add(s, at->next ? "(CASE" : "(");
	for (; at->next; at = at->next) {
		sql_add(s, is_or ? " WHEN " : " WHEN NOT ");
		sql_expr_truth(s, at, from);
		sql_add(s, is_or ? " THEN TRUE" : " THEN FALSE");
	}
	sql_add(s, at == e->args ? "" : " ELSE ");
	sql_expr_truth(s, at, from);
	sql_add(s, at == e->args ? ")" : " END)");
}

void
expr_put_and(struct sql *s, const struct expr *e, const struct sql_from *from)
{
	put_logic(s, e, from, false);
}

void
expr_put_or(struct sql *s, const struct expr *e, const struct sql_from *from)
{
	put_logic(s, e, from, true);
}

void
expr_put_if_null(
	struct sql *s, const struct expr *e, const struct sql_from *from)
{
	sql_add(s, "coalesce(");
	for (const struct expr *at = e->args; at; at = at->next) {
		sql_add(s, at->next ? "nullif(" : "");
		sql_expr(s, at, from);
		sql_add(s, at->next ? ", 'null'), " : ")");
	}
}

/* The sign between two values whose order is asked for. */
static const char *
sign_of(const char *name)
{
	static const char *const signs[][2] = {
		{"$eq", " IS NOT DISTINCT FROM "},
		{"$ne", " IS DISTINCT FROM "},
		{"$neq", " IS DISTINCT FROM "},
		{"$lt", " < "},
		{"$lte", " <= "},
		{"$gt", " > "},
		{"$gte", " >= "},
	};

	for (size_t i = 0; i < array_size(signs); i++)
		if (strcmp(signs[i][0], name) == 0)
			return signs[i][1];
	return " = ";
}

static bool
is_number(const struct expr *e)
{
	return e->kind == EXPR_LITERAL && e->value.len &&
	       strchr("-0123456789", e->value.ptr[0]);
}

static void
put_pair(struct sql *s, const struct expr *a, const char *sign,
	const struct expr *b, const struct sql_from *from)
{
	sql_expr(s, a, from);
	sql_add(s, sign);
	sql_expr(s, b, from);
}

/* A field beside a number: two numbers are in jsonb's own order. */
static void
put_with_number(struct sql *s, const struct expr *a, const char *sign,
	const struct expr *b, const struct sql_from *from)
{
	sql_add(s, "(CASE WHEN jsonb_typeof(");
	sql_expr(s, is_number(a) ? b : a, from);
	sql_add(s, ") = 'number' THEN ");
	put_pair(s, a, sign, b, from);
	sql_add(s, " ELSE mpcloud.value_cmp(");
	put_pair(s, a, ", ", b, from);
	sql_add(s, ")");
	sql_add(s, sign);
	sql_add(s, "0 END)");
}

static bool
is_short(const struct expr *e)
{
	return e->kind == EXPR_VAR ||
	       (e->kind == EXPR_FIELD && e->path.count == 1);
}

void
expr_put_compare(
	struct sql *s, const struct expr *e, const struct sql_from *from)
{
	const struct expr *a = e->args, *b = a->next;
	const char *sign = sign_of(e->op->name);

	if (sign[1] == 'I') {
		sql_add(s, "(");
		put_pair(s, a, sign, b, from);
		sql_add(s, ")");
	} else if ((is_short(a) && is_number(b)) ||
		   (is_number(a) && is_short(b))) {
		put_with_number(s, a, sign, b, from);
	} else {
		sql_add(s, "(mpcloud.value_cmp(");
		put_pair(s, a, ", ", b, from);
		sql_add(s, ")");
		sql_add(s, sign);
		sql_add(s, "0)");
	}
}

/* f(f(a, b), c).  The template: what it is of nothing, then the function. */
void
expr_put_fold(struct sql *s, const struct expr *e, const struct sql_from *from)
{
	const char nothing[] = {'\'', e->op->sql[0], '\'', '\0'};
	const char *function = e->op->sql + 1;

	for (const struct expr *at = e->args; at; at = at->next)
		sql_add(s, function);
	sql_add(s, nothing);
	sql_add(s, "::jsonb");
	for (const struct expr *at = e->args; at; at = at->next) {
		sql_add(s, ", ");
		sql_expr(s, at, from);
		sql_add(s, ")");
	}
}

/* "name" or {"field": "name", "input": …} */
int
expr_read_get(struct expr_parser *p, const json_t *v, struct expr *e)
{
	const json_t *field =
		json_is_object(v) ? json_object_get(v, "field") : v;
	const json_t *input = json_object_get(v, "input");
	const json_t *value = json_object_get(v, "value");
	_json_ json_t *current = json_string("$$CURRENT");
	bool bare = json_is_object(v) && json_object_get(v, "$literal");
	int r;

	if (bare)
		field = v;
	if (!field || (!json_is_string(field) && !json_is_object(field)))
		return fault_set(p->why, ERR_DB_PARAM,
			"%s requires 'field' to evaluate to a constant string",
			e->op->name);
	r = expr_read_arg(p, field, e, "field");
	if (r == 0 && !expr_value(e->args))
		return fault_set(p->why, ERR_DB_PARAM,
			"%s requires 'field' to evaluate to a constant string",
			e->op->name);
	if (r == 0)
		r = expr_read_arg(p, input ? input : current, e, "input");
	return r == 0 && value ? expr_read_arg(p, value, e, "value") : r;
}

/* One argument that is an array is the list itself. */
void
expr_put_over(struct sql *s, const struct expr *e, const struct sql_from *from)
{
	bool one = e->args && !e->args->next;

	sql_add(s, "mpcloud.op_over('");
	sql_add(s, e->op->name);
	sql_add(s, one ? "', mpcloud.op_spread(" : "', ARRAY[");
	for (const struct expr *at = e->args; at; at = at->next) {
		sql_add(s, at == e->args ? "" : ", ");
		sql_expr(s, at, from);
	}
	sql_add(s, one ? "))" : "]::jsonb[])");
}

int
expr_read_rand(struct expr_parser *p, const json_t *v, struct expr *e)
{
	(void)e;
	if (json_object_size(v) + json_array_size(v) == 0 &&
		(json_is_object(v) || json_is_array(v)))
		return 0;
	return fault_set(p->why, ERR_DB_PARAM, "$rand takes no arguments");
}

int
expr_read_meta(struct expr_parser *p, const json_t *v, struct expr *e)
{
	if (!json_is_string(v) ||
		strcmp(json_string_value(v), "textScore") != 0)
		return fault_set(p->why, ERR_DB_PARAM,
			"Unsupported argument to $meta: only \"textScore\" is "
			"known");
	e->kind = EXPR_VAR;
	e->name = "$meta";
	return 0;
}
